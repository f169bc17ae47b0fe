"""Rules as small functions over facts: each says allowed, blocked or unknown, and nothing else.

What a rule can't read is unknown, and unknown is no. Nothing here raises for what a profile holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from functions.decision.evaluating import evaluate
from functions.decision.facts import ContactEntry, Facts
from functions.decision.windows import inside, is_quiet
from functions.documents import Json
from functions.expressions import Expression
from functions.governance.consent import verdict_at
from functions.spec.plan import ActionPlan
from functions.spec.rails import (
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
    Selection,
    SuppressRail,
    ValidityRail,
)
from functions.times import find_zone, format_instant, parse_instant

Verdict = Literal["allow", "block", "unknown"]
Check = Callable[[Facts], Verdict]
ActionCheck = Callable[[Facts, ActionPlan], Verdict]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule, ready to be asked.

    Attributes:
        rail: What it says.
        check: Asked once for a customer, where the answer is the same for every action.
        action_check: Asked for each action, where it is not.
        path: What is unknown when it is unknown.
    """

    rail: Rail
    check: Check | None
    action_check: ActionCheck | None
    path: str


def compile_rail(rail: Rail) -> Compiled | None:
    """Make a rule ready; None for a budget, which only the commit can judge.

    A calendar whose zone this machine does not know can't be read: the rule is unknown, and forbids.
    """
    if not has_zone(rail):
        return Compiled(rail, lambda _: "unknown", None, "its time zone on this machine")
    shared, own = _SHARED.get(type(rail)), _OWN.get(type(rail))
    if shared is None and own is None:
        return None
    return Compiled(rail, shared(rail) if shared else None, own(rail) if own else None, _path(rail))


def has_zone(rail: Rail) -> bool:
    """Say whether this machine knows the zone of a rule's calendar, if the rule has one."""
    window = rail.window if isinstance(rail, CapRail | ExclusionRail | BudgetRail) else None
    return not isinstance(window, Calendar) or find_zone(window.zone) is not None


def _path(rail: Rail) -> str:
    match rail:
        case QuietRail():
            return ", ".join(rail.zone.reads) or rail.zone.source
        case EligibilityRail():
            return ", ".join(rail.unless.reads) or rail.unless.source
        case CooldownRail(after=Expression() as after):
            return ", ".join(after.reads) or after.source
        case ConsentRail():
            return f"consent to {rail.consent}"
        case ListRail():
            return f"the list {rail.listed}"
        case RiskRail():
            return "the risk of the action"
    return "the contact log"


def value_of(expression: Expression, facts: Facts) -> Json:
    """Evaluate an expression of a rule; it sees the time of the decision as `now`, not that of the event."""
    document = facts.document
    if (".now",) in expression.lineage or () in expression.lineage:
        document = {**document, "now": format_instant(facts.at)}
    return evaluate(expression, document)


def _consent(rail: ConsentRail) -> Check:
    name = rail.consent

    def check(facts: Facts) -> Verdict:
        verdict = verdict_at(facts.consent.get(name), facts.at)
        if verdict == "granted":
            return "allow"
        return "unknown" if verdict == "unknown" else "block"

    return check


def _chosen(selection: Selection) -> Callable[[ContactEntry], bool]:
    """Return the test whether a contact is one of the selected actions, by its tags of then."""
    if selection.everything:
        return lambda _: True
    if len(selection.tags) == 1:
        (tag,) = selection.tags
        return lambda entry: tag in entry.tags
    return lambda entry: selection.covers(entry.action, entry.tags)


def _cap(rail: CapRail) -> Check:
    chosen, in_window, most = _chosen(rail.selection), inside(rail.window), rail.at_most

    def check(facts: Facts) -> Verdict:
        is_inside, found = in_window(facts.at), 0
        for entry in facts.contacts:
            if entry.counts and chosen(entry) and is_inside(entry.at):
                found += 1
        return "allow" if found < most else "block"

    return check


def _cooldown(rail: CooldownRail) -> Check:
    length = rail.length
    if isinstance(rail.after, Selection):
        chosen = _chosen(rail.after)

        def after_action(facts: Facts) -> Verdict:
            first = facts.at - length
            recent = any(entry.at > first and chosen(entry) for entry in facts.contacts)
            return "block" if recent else "allow"

        return after_action
    after, absent = rail.after, _ABSENT[rail.absent_is_never]

    def after_instant(facts: Facts) -> Verdict:
        value = value_of(after, facts)
        if value is None:
            return absent
        instant = _instant(value)
        if instant is None:
            return "unknown"
        return "block" if instant > facts.at - length else "allow"

    return after_instant


_ABSENT: Final[dict[bool, Verdict]] = {True: "allow", False: "unknown"}


def _instant(value: Json) -> datetime | None:
    try:
        return parse_instant(value)
    except ValueError:
        return None


def _suppress(rail: SuppressRail) -> Check:
    chosen, count, within, length = _chosen(rail.selection), rail.count, rail.within, rail.length

    def check(facts: Facts) -> Verdict:
        first = facts.at - length - within
        times = sorted(
            entry.at for entry in facts.contacts if entry.counts and entry.at > first and chosen(entry)
        )
        for earliest, latest in zip(times, times[count - 1 :], strict=False):
            if latest - earliest < within and latest > facts.at - length:
                return "block"
        return "allow"

    return check


def zone_of(rail: QuietRail, facts: Facts) -> str | None:
    """Return the zone by which quiet hours go; None when there is none that is known."""
    found = facts.zones.get(rail.name)
    if found is None:
        value = value_of(rail.zone, facts)
        found = value if isinstance(value, str) and facts.clock(value) is not None else rail.otherwise
    return found if found is not None and facts.clock(found) is not None else None


def _quiet(rail: QuietRail) -> Check:
    start, end = rail.start, rail.end

    def check(facts: Facts) -> Verdict:
        zone = zone_of(rail, facts)
        local = facts.clock(zone) if zone is not None else None
        if local is None:
            return "unknown"
        return "block" if is_quiet(local, start, end) else "allow"

    return check


def _listed(rail: ListRail) -> Check:
    name = rail.listed

    def check(facts: Facts) -> Verdict:
        if facts.lists is None:
            return "unknown"
        return "block" if name in facts.lists else "allow"

    return check


def _eligibility(rail: EligibilityRail) -> Check:
    unless = rail.unless

    def check(facts: Facts) -> Verdict:
        value = value_of(unless, facts)
        if value is True:
            return "allow"
        return "block" if value is False else "unknown"

    return check


def _validity(rail: ValidityRail) -> Check:
    start, end = rail.start, rail.end

    def check(facts: Facts) -> Verdict:
        begun = start is None or facts.at >= start
        return "allow" if begun and (end is None or facts.at < end) else "block"

    return check


def _exclusion(rail: ExclusionRail) -> ActionCheck:
    kinds, in_window = frozenset(rail.kinds), inside(rail.window)

    def check(facts: Facts, action: ActionPlan) -> Verdict:
        own = kinds.intersection(action.tags)
        others = kinds - own if len(own) == 1 else kinds
        is_inside = in_window(facts.at)
        for entry in facts.contacts:
            if entry.counts and not others.isdisjoint(entry.tags) and is_inside(entry.at):
                return "block"
        return "allow" if len(own) == 1 else "block"

    return check


def _risk(rail: RiskRail) -> ActionCheck:
    ceiling = rail.ceiling

    def check(facts: Facts, action: ActionPlan) -> Verdict:
        risk = action.risk
        value = value_of(risk, facts) if isinstance(risk, Expression) else risk
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return "unknown"
        return "block" if value > ceiling else "allow"

    return check


_SHARED: Final[Mapping[type[Rail], Callable[[Any], Check]]] = MappingProxyType(
    {
        ConsentRail: _consent,
        CapRail: _cap,
        CooldownRail: _cooldown,
        SuppressRail: _suppress,
        QuietRail: _quiet,
        ListRail: _listed,
        EligibilityRail: _eligibility,
        ValidityRail: _validity,
    }
)
_OWN: Final[Mapping[type[Rail], Callable[[Any], ActionCheck]]] = MappingProxyType(
    {ExclusionRail: _exclusion, RiskRail: _risk}
)
