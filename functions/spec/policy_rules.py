"""Rules of `policy.yaml` become rails; what is wrong with one is collected where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from functions.expressions import Expression
from functions.governance.contract import DataContract
from functions.spec import policy as written
from functions.spec.collecting import Collector
from functions.spec.money import minor_units
from functions.spec.policy import NamedActions, PolicyFile, Rule
from functions.spec.problems import closest
from functions.spec.rails import (
    CONTACT_LOG,
    BudgetRail,
    Calendar,
    CapRail,
    ConsentRail,
    CooldownRail,
    EligibilityRail,
    ExclusionRail,
    ListRail,
    QuietRail,
    Rail,
    RiskRail,
    Rolling,
    Selection,
    SuppressRail,
    ValidityRail,
    Window,
)
from functions.spec.registry import Registry
from functions.spec.source import Path, Source
from functions.times import find_zone, format_duration, parse_duration, parse_instant

_UNKNOWN: Final = {
    "tag": ("no action has the tag", "policy.unknown_tag"),
    "action": ("the registry has no action", "policy.unknown_action"),
}
_PROFILE_ROOTS: Final = ("profile", "event")
_INSTANT_ROOTS: Final = ("profile", "event", "now")
_ELIGIBILITY_ROOTS: Final = ("profile", "event", "features", "now")


class RailCompiler:
    """Compiles the rules of a policy.

    Args:
        source: The document of the policy.
        registry: What its tags, actions and currency are of.
        contract: What its consents are of; None where it could not be read.

    Attributes:
        collector: Holds what is wrong.
    """

    def __init__(self, source: Source, registry: Registry, contract: DataContract | None) -> None:
        self.collector = Collector(source)
        self._registry = registry
        self._tags = {tag for action in registry.actions.values() for tag in action.tags}
        self._consents = (
            {purpose.consent for purpose in contract.purposes.values()} if contract is not None else None
        )

    def compile(self, policy: PolicyFile) -> tuple[Rail, ...]:
        """Return the rules without errors, in their order."""
        found: list[Rail] = []
        names: dict[str, int] = {}
        for index, rule in enumerate(policy.rails):
            path: Path = ("rails", index)
            if names.setdefault(rule.name, index) != index:
                message = f"rule {names[rule.name] + 1} has the name {rule.name!r} too"
                self.collector.add((*path, "name"), "policy.duplicate_name", message)
            before = self.collector.errors
            rail = _BUILDERS[type(rule)](self, path, rule)
            if rail is not None and self.collector.errors == before:
                found.append(rail)
        return tuple(found)

    def consent(self, path: Path, rule: written.ConsentRule) -> Rail | None:
        """Compile a consent rule."""
        if self._consents is not None and rule.unless_consent not in self._consents:
            message = f"no purpose of the data contract needs a consent {rule.unless_consent!r}"
            hint = closest(rule.unless_consent, self._consents)
            self.collector.add((*path, "unless_consent"), "policy.unknown_consent", message, hint)
        selection = self._selection((*path, "forbid"), rule.forbid)
        return ConsentRail(rule.name, rule.because, selection, rule.unless_consent)

    def cap(self, path: Path, rule: written.CapRule) -> Rail | None:
        """Compile a frequency cap."""
        window = self._window(path, rule.per, rule.timezone)
        selection = self._selection((*path, "cap"), rule.cap)
        return CapRail(rule.name, rule.because, selection, rule.at_most, window) if window else None

    def cooldown(self, path: Path, rule: written.CooldownRule) -> Rail | None:
        """Compile a cooldown."""
        selection = self._selection((*path, "forbid"), rule.forbid)
        if (rule.after is None) == (rule.after_action is None):
            message = "a cooldown follows either `after_action` or `after`"
            self.collector.add(path, "policy.contradiction", message)
            return None
        after: Selection | Expression | None
        if rule.after_action is not None:
            self._check_length((*path, "for"), rule.for_)
            after = self._selection((*path, "after_action"), rule.after_action)
        else:
            after = self.collector.expression((*path, "after"), rule.after or "", _INSTANT_ROOTS)
        if after is None:
            return None
        never = rule.absent == "never"
        return CooldownRail(rule.name, rule.because, selection, rule.for_, after, never)

    def suppress(self, path: Path, rule: written.SuppressRule) -> Rail | None:
        """Compile a suppress-after rule."""
        self._check_length((*path, "for"), rule.within + rule.for_)
        selection = self._selection((*path, "suppress"), rule.suppress)
        return SuppressRail(rule.name, rule.because, selection, rule.after, rule.within, rule.for_)

    def quiet(self, path: Path, rule: written.QuietRule) -> Rail | None:
        """Compile quiet hours."""
        selection = self._selection((*path, "forbid"), rule.forbid)
        start, end = (_minutes(clock) for clock in rule.between)
        if start == end:
            message = "quiet hours that end when they begin are none"
            self.collector.add((*path, "between"), "policy.contradiction", message)
        if rule.otherwise is not None:
            self._check_zone((*path, "otherwise"), rule.otherwise)
        zone = self.collector.expression((*path, "timezone"), rule.timezone, _PROFILE_ROOTS)
        if zone is None:
            return None
        defer = parse_duration(rule.defer.strip().removeprefix("up to")) if rule.defer else None
        return QuietRail(rule.name, rule.because, selection, start, end, zone, rule.otherwise, defer)

    def budget(self, path: Path, rule: written.BudgetRule) -> Rail | None:
        """Compile a budget."""
        selection = self._selection((*path, "budget"), rule.budget)
        self._check_zone((*path, "timezone"), rule.timezone)
        amount, _, currency = rule.at_most.partition(" ")
        if currency != self._registry.currency:
            have = self._registry.currency
            message = (
                f"the budget is in {currency}, and the costs of the registry are in {have or 'no currency'}"
            )
            hint = f"write the budget in {have}" if have else f"add `currency: {currency}` to the registry"
            self.collector.add((*path, "at_most"), "policy.currency", message, hint)
            return None
        try:
            limit = minor_units(amount, currency)
        except ValueError as error:
            self.collector.add((*path, "at_most"), "spec.wrong_amount", f"the limit can't be kept: {error}")
            return None
        for name, action in self._registry.actions.items():
            if action.cost is None and selection.covers(name, action.tags):
                message = f"the action {name!r} declares no cost"
                hint = "give it a `cost` in the registry, which may be 0; without one it can never pass"
                self.collector.add((*path, "budget"), "policy.no_cost", message, hint)
        window = Calendar(rule.per, rule.timezone)
        return BudgetRail(rule.name, rule.because, selection, limit, currency, window, rule.shards)

    def exclusion(self, path: Path, rule: written.ExclusionRule) -> Rail | None:
        """Compile an exclusion group."""
        window = self._window(path, rule.per, rule.timezone)
        self._selection((*path, "only_one_of"), rule.only_one_of)
        return ExclusionRail(rule.name, rule.because, tuple(rule.only_one_of), window) if window else None

    def listed(self, path: Path, rule: written.ListRule) -> Rail | None:
        """Compile a suppression list."""
        selection = self._selection((*path, "forbid"), rule.forbid)
        return ListRail(rule.name, rule.because, selection, rule.listed)

    def eligibility(self, path: Path, rule: written.EligibilityRule) -> Rail | None:
        """Compile an eligibility."""
        selection = self._selection((*path, "forbid"), rule.forbid)
        unless = self.collector.expression((*path, "unless"), rule.unless, _ELIGIBILITY_ROOTS)
        return EligibilityRail(rule.name, rule.because, selection, unless) if unless else None

    def validity(self, path: Path, rule: written.ValidityRule) -> Rail | None:
        """Compile a validity period."""
        selection = self._selection((*path, "valid"), rule.valid)
        if rule.timezone is not None:
            self._check_zone((*path, "timezone"), rule.timezone)
        start = self._instant((*path, "from"), rule.from_, rule.timezone)
        end = self._instant((*path, "until"), rule.until, rule.timezone)
        if rule.from_ is None and rule.until is None:
            message = "a validity period has `from`, `until` or both"
            self.collector.add(path, "policy.contradiction", message)
        if start is not None and end is not None and start >= end:
            message = "the period ends before it begins"
            self.collector.add((*path, "until"), "policy.contradiction", message)
        return ValidityRail(rule.name, rule.because, selection, start, end)

    def risk(self, path: Path, rule: written.RiskRule) -> Rail | None:
        """Compile a risk ceiling."""
        selection = self._selection((*path, "forbid"), rule.forbid)
        for name, action in self._registry.actions.items():
            if action.risk is None and selection.covers(name, action.tags):
                message = f"the action {name!r} declares no risk"
                hint = "give it a `risk` in the registry; without one it can never pass"
                self.collector.add((*path, "forbid"), "policy.no_risk", message, hint)
        return RiskRail(rule.name, rule.because, selection, rule.risk_over)

    def _selection(self, path: Path, given: str | list[str] | NamedActions) -> Selection:
        if isinstance(given, NamedActions):
            for index, name in enumerate(given.actions):
                self._check_known((*path, "actions", index), "action", name, self._registry.actions)
            return Selection(actions=tuple(given.actions))
        if given == "all":
            return Selection(everything=True)
        tags = [given] if isinstance(given, str) else given
        for index, tag in enumerate(tags):
            self._check_known(path if isinstance(given, str) else (*path, index), "tag", tag, self._tags)
        return Selection(tags=tuple(tags))

    def _check_known(self, path: Path, what: str, name: str, known: Iterable[str]) -> None:
        known = tuple(known)
        if name not in known:
            message, code = _UNKNOWN[what]
            self.collector.add(path, code, f"{message} {name!r}", closest(name, known))

    def _window(self, path: Path, per: str, zone: str | None) -> Window | None:
        if per in ("day", "week", "month"):
            if zone is None:
                message = f"`per: {per}` needs a timezone: a {per} begins when it is midnight there"
                hint = "add `timezone: Europe/Berlin`, or write `per: 7d rolling`"
                self.collector.add((*path, "per"), "policy.no_zone", message, hint)
                return None
            self._check_zone((*path, "timezone"), zone)
            return Calendar(per, zone)  # type: ignore[arg-type]  # the text is one of the units
        if zone is not None:
            message = "a rolling window looks back from now, wherever that is"
            self.collector.add((*path, "timezone"), "policy.contradiction", message, "leave the timezone out")
        length = parse_duration(per.strip().removesuffix("rolling"))
        self._check_length((*path, "per"), length)
        return Rolling(length)

    def _check_length(self, path: Path, length: timedelta) -> None:
        if length > CONTACT_LOG:
            days = CONTACT_LOG.days
            message = f"the rule looks back {format_duration(length)}, and the contact log {days} days"
            self.collector.add(path, "policy.window_too_long", message)
        elif not length:
            self.collector.add(path, "policy.contradiction", "no time at all forbids nothing")

    def _check_zone(self, path: Path, name: str) -> None:
        if find_zone(name) is None:
            from zoneinfo import available_timezones

            hint = closest(name, available_timezones())
            self.collector.add(path, "policy.unknown_zone", f"there is no time zone {name!r}", hint)

    def _instant(self, path: Path, text: str | None, zone: str | None) -> datetime | None:
        if text is None:
            return None
        parsed = datetime.fromisoformat(text.strip())
        if parsed.tzinfo is not None:
            return parse_instant(text)
        found = find_zone(zone) if zone is not None else None
        if found is None:
            if zone is None:
                message = "a date or time without an offset needs the timezone of the rule"
                self.collector.add(path, "policy.no_zone", message, "add `timezone: Europe/Berlin`")
            return None
        return parsed.replace(tzinfo=found).astimezone(UTC)


_BUILDERS: Final[Mapping[type[Rule], Callable[[RailCompiler, Path, Any], Rail | None]]] = MappingProxyType(
    {
        written.ConsentRule: RailCompiler.consent,
        written.CapRule: RailCompiler.cap,
        written.CooldownRule: RailCompiler.cooldown,
        written.SuppressRule: RailCompiler.suppress,
        written.QuietRule: RailCompiler.quiet,
        written.BudgetRule: RailCompiler.budget,
        written.ExclusionRule: RailCompiler.exclusion,
        written.ListRule: RailCompiler.listed,
        written.EligibilityRule: RailCompiler.eligibility,
        written.ValidityRule: RailCompiler.validity,
        written.RiskRule: RailCompiler.risk,
    }
)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
