"""Layer one of a decision: which actions the rails take away, with every rule that does.

Every rule is asked, so that a receipt can list all of them. A rule can only take away; what it can't judge it
takes away too. Budgets are left to the commit, which alone can count the money of all customers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.decision.facts import Facts
from functions.decision.rail_checks import Compiled, Verdict, compile_rail, has_zone, zone_of
from functions.decision.reasons import Reason, rail_reason
from functions.decision.sentences import sentence
from functions.decision.windows import period_key, quiet_end
from functions.expressions import Expression
from functions.spec.plan import ActionPlan, Policy
from functions.spec.rails import (
    BudgetRail,
    CooldownRail,
    EligibilityRail,
    QuietRail,
    Rail,
    RiskRail,
    rail_applies,
)


@dataclass(frozen=True, slots=True)
class Charge:
    """What an action takes from a budget.

    Attributes:
        budget: Name of the rule.
        period: Key of the window that pays.
        amount: In minor units; positive.
        limits: What each shard of a new period holds.
        spent: Why the action falls when the budget has not enough left.
    """

    budget: str
    period: str
    amount: int
    limits: tuple[int, ...]
    spent: Reason

    @property
    def limit(self) -> int:
        """The limit of the budget."""
        return sum(self.limits)


@dataclass(frozen=True, slots=True)
class _Rule:
    compiled: Compiled
    blocked: Reason
    unknown: Reason


@dataclass(frozen=True, slots=True)
class Findings:
    """What speaks against one action, and until when it may wait for that to end."""

    rules: tuple[tuple[int, Verdict], ...]
    due: datetime | None = None


class Rails:
    """The rules of a policy, ready to be asked. Safe to share between threads.

    Args:
        policy: Its actions and rules.
        reads_outputs: Says of an expression whether it reads what only the model gives.
        only: Says which rules are asked; all when not given.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        reads_outputs: Callable[[Expression], bool] = lambda _: False,
        only: Callable[[Rail], bool] = lambda _: True,
    ) -> None:
        self.policy: Final = policy
        self._reads_outputs: Final = reads_outputs
        asked = [rail for rail in policy.rails if only(rail)]
        self._rules: Final = [_rule(one) for rail in asked if (one := compile_rail(rail)) is not None]
        self._budgets: Final = [rail for rail in asked if isinstance(rail, BudgetRail) and has_zone(rail)]
        self.has_budgets: Final = any(isinstance(rail, BudgetRail) for rail in asked)
        self._of: Final = {action.name: self._indexes(action) for action in policy.actions}

    def judge(self, facts: Facts, *, expires_at: datetime | None = None) -> Ruling:
        """Return what the rules say at one moment.

        Args:
            facts: What they judge by.
            expires_at: When an action would come too late; none waits as long.
        """
        return Ruling(self, facts, expires_at)

    def rules(self, action: ActionPlan) -> tuple[tuple[int, _Rule], ...]:
        """Return the rules that may take an action away, by their numbers."""
        known = self._of.get(action.name)
        return self._indexes(action) if known is None else known

    def awaits_outputs(self, rule: _Rule, action: ActionPlan) -> bool:
        """Say whether a rule can be judged for an action only after the model has answered."""
        risk = action.risk
        is_late = isinstance(rule.compiled.rail, RiskRail) and isinstance(risk, Expression)
        return is_late and isinstance(risk, Expression) and self._reads_outputs(risk)

    def charges(self, action: ActionPlan, at: datetime) -> tuple[Charge, ...]:
        """Return what an action takes from which budgets; an action without a cost takes nothing."""
        if not action.cost_minor:
            return ()
        return tuple(
            Charge(
                budget=rail.name,
                period=period_key(rail.window, at),
                amount=action.cost_minor,
                limits=split(rail.limit, rail.shards),
                spent=rail_reason("budget.empty", rail.name, sentence(rail)),
            )
            for rail in self._budgets
            if rail_applies(rail, action)
        )

    def unpriced(self, action: ActionPlan) -> Iterator[Reason]:
        """Yield the budgets that can't judge an action, because it declares no cost."""
        if action.cost_minor is None:
            for rail in self._budgets:
                if rail_applies(rail, action):
                    yield rail_reason("rail.unknown", rail.name, sentence(rail), "the cost of the action")

    def _indexes(self, action: ActionPlan) -> tuple[tuple[int, _Rule], ...]:
        return tuple(
            (index, rule)
            for index, rule in enumerate(self._rules)
            if rail_applies(rule.compiled.rail, action)
        )


class Ruling:
    """What the rails say at one moment about one customer. What is the same for all actions is asked once."""

    def __init__(self, rails: Rails, facts: Facts, expires_at: datetime | None) -> None:
        self._rails = rails
        self._facts = facts
        self._expires_at = expires_at
        self._shared: dict[int, Verdict] = {}

    def against(self, action: ActionPlan, *, outputs: bool = True) -> tuple[Reason, ...]:
        """Return every reason against an action; none when it may happen, now or after quiet hours.

        Args:
            action: The action.
            outputs: Whether the document has the outputs of the model; what reads them is not asked without.
        """
        found = self.findings(action, outputs=outputs)
        reasons: tuple[Reason, ...] = ()
        if found.rules and found.due is None:
            rules = dict(self._rails.rules(action))
            reasons = tuple(_reason(rules[number], said) for number, said in found.rules)
        return (*reasons, *self._rails.unpriced(action)) if self._rails.has_budgets else reasons

    def due(self, action: ActionPlan) -> datetime | None:
        """Return until when an action has to wait; None when it may happen at once, or not at all."""
        return self.findings(action).due

    def waiting(self, action: ActionPlan) -> Reason | None:
        """Return the rule that makes an action wait."""
        found = self.findings(action)
        rules = dict(self._rails.rules(action))
        return _reason(rules[found.rules[0][0]], "block") if found.due is not None else None

    def zones(self, action: ActionPlan) -> Mapping[str, str]:
        """Return the zones that were found for an action, by the rule that asked: they count at the act too."""
        quiet = [rule.compiled.rail for _, rule in self._rails.rules(action)]
        found = {rail.name: zone_of(rail, self._facts) for rail in quiet if isinstance(rail, QuietRail)}
        return {name: zone for name, zone in found.items() if zone is not None}

    def charges(self, action: ActionPlan) -> tuple[Charge, ...]:
        """Return what an action takes from which budgets."""
        return self._rails.charges(action, self._facts.at)

    def findings(self, action: ActionPlan, *, outputs: bool = True) -> Findings:
        """Return what speaks against an action."""
        rules = self._rails.rules(action)
        shared, facts, failed = self._shared, self._facts, []
        for number, rule in rules:
            check = rule.compiled.check
            if check is not None:
                verdict = shared.get(number)
                if verdict is None:
                    verdict = shared[number] = check(facts)
            else:
                verdict = self._own(rule, action, outputs)
            if verdict != "allow":
                failed.append((number, verdict))
        if not failed:
            return _NOTHING
        against = Findings(tuple(failed))
        return replace(against, due=self._due(action, dict(rules), against, outputs))

    def _own(self, rule: _Rule, action: ActionPlan, outputs: bool) -> Verdict:
        if not outputs and self._rails.awaits_outputs(rule, action):
            return "allow"
        check = rule.compiled.action_check
        return check(self._facts, action) if check is not None else "unknown"

    def _due(
        self, action: ActionPlan, rules: Mapping[int, _Rule], against: Findings, outputs: bool
    ) -> datetime | None:
        """Return the end of the quiet hours, if nothing else is against an action, then either."""
        ends: list[datetime] = []
        for number, verdict in against.rules:
            rail = rules[number].compiled.rail
            zone = zone_of(rail, self._facts) if isinstance(rail, QuietRail) and verdict == "block" else None
            local = self._facts.clock(zone) if zone is not None else None
            if local is None or not isinstance(rail, QuietRail) or rail.defer is None or not action.defer:
                return None
            end = quiet_end(local, rail.start, rail.end)
            if end - self._facts.at > rail.defer:
                return None
            ends.append(end)
        due = max(ends)
        if self._expires_at is not None and due >= self._expires_at:
            return None
        then = Facts(
            at=due,
            document=self._facts.document,
            contacts=self._facts.contacts,
            consent=self._facts.consent,
            lists=self._facts.lists,
            zones={**self._facts.zones, **self.zones(action)},
        )
        return None if self._rails.judge(then).findings(action, outputs=outputs).rules else due


_NOTHING: Final = Findings(())


def can_recheck(rail: Rail) -> bool:
    """Say whether a rule can be asked again at the act, when the event is no longer at hand."""
    if isinstance(rail, CooldownRail | EligibilityRail):
        found = rail.after if isinstance(rail, CooldownRail) else rail.unless
        return not isinstance(found, Expression) or all(
            path[:1] in ((".profile",), (".now",)) for path in found.lineage
        )
    return not isinstance(rail, RiskRail | BudgetRail)


def split(limit: int, shards: int) -> tuple[int, ...]:
    """Split a limit over shards whose sum is the limit, as evenly as whole units allow.

    >>> split(100, 8)
    (13, 13, 13, 13, 12, 12, 12, 12)
    """
    whole, rest = divmod(limit, shards)
    return tuple(whole + (number < rest) for number in range(shards))


def _rule(compiled: Compiled) -> _Rule:
    name, said = compiled.rail.name, sentence(compiled.rail)
    return _Rule(
        compiled,
        blocked=rail_reason("rail.blocked", name, said),
        unknown=rail_reason("rail.unknown", name, said, compiled.path),
    )


def _reason(rule: _Rule, verdict: Verdict) -> Reason:
    return rule.blocked if verdict == "block" else rule.unknown
