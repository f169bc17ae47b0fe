"""How far a recorded decision can be judged again: what its record says, what is read today, what nobody knows.

An event and a profile are not kept with a decision. What a rule says of them is taken from the record where the
same rule was asked then; else from features and outputs, which are kept; else from the profile as it is today, and
that is said; else it is not known, and that is said too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from functions.analysis.recorded import Recorded
from functions.decision.choosing import reads_outputs
from functions.decision.reasons import ELIGIBILITY, Reason
from functions.expressions import Expression
from functions.spec.plan import ActionPlan, Plan
from functions.spec.rails import (
    BudgetRail,
    ConsentRail,
    CooldownRail,
    EligibilityRail,
    ListRail,
    QuietRail,
    Rail,
    RiskRail,
    rail_applies,
    rail_expressions,
)

Source = Literal["asked", "present", "recorded", "unknown"]
"""`asked` again on what is recorded or simulated, or on the `present` profile; as `recorded`; or not known."""

_ABOUT_THE_CUSTOMER: Final = (ConsentRail, CooldownRail, EligibilityRail, ListRail, QuietRail, RiskRail)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is about one rule and one action.

    Attributes:
        source: Where its verdict comes from.
        against: With `recorded`: what it said; None when it let the action pass.
    """

    source: Source
    against: Reason | None = None


ASKED: Final = Evidence("asked")
UNKNOWN: Final = Evidence("unknown")


class Witness:
    """Knows what decisions of one function have recorded.

    Args:
        past: The function with the policy that decisions were made by.
        has_profiles: Whether profiles of today are at hand.
    """

    def __init__(self, past: Plan, *, has_profiles: bool) -> None:
        self._past: Final = past
        self._present: Final = Evidence("present") if has_profiles else UNKNOWN
        self._rails: Final = {rail.name: rail for rail in past.policy.rails}

    def of_rail(self, rail: Rail, action: ActionPlan, one: Recorded) -> Evidence:
        """Return what there is about a rule and an action."""
        if isinstance(rail, CooldownRail) and not isinstance(rail.after, Expression):
            return ASKED
        if not isinstance(rail, _ABOUT_THE_CUSTOMER):
            return ASKED
        if self._was_asked(rail, action, one):
            known = (
                self._of_quiet(rail, action, one)
                if isinstance(rail, QuietRail)
                else self._said(rail, action, one)
            )
            if known is not None:
                return known
        if isinstance(rail, ConsentRail):
            # Without this consent the decision had ended before the rules.
            return Evidence("recorded") if rail.consent == self._past.consent else self._present
        if isinstance(rail, ListRail):
            return self._present
        expressions = [*rail_expressions(rail)]
        if isinstance(rail, RiskRail) and isinstance(action.risk, Expression):
            expressions.append(action.risk)
        return self.of_expressions(expressions, one)

    def of_eligibility(self, action: ActionPlan, one: Recorded) -> Evidence:
        """Return what there is about the condition of an action itself."""
        if action.eligible is None:
            return ASKED
        past = self._past.policy.action(action.name)
        same = past is not None and past.eligible == action.eligible and self._is_comparable(one)
        late = reads_outputs(self._past, action.eligible) and not one.asked_model
        candidate = one.candidates.get(action.name)
        if same and candidate is not None and not late:
            said = (why for why in candidate.reasons if why.code in ELIGIBILITY)
            return Evidence("recorded", next(said, None))
        return self.of_expressions([action.eligible], one)

    def of_expressions(self, expressions: Iterable[Expression], one: Recorded) -> Evidence:
        """Return by what expressions can be evaluated again."""
        found = [self._of_path(path, one) for each in expressions for path in each.lineage]
        if any(evidence.source == "unknown" for evidence in found):
            return UNKNOWN
        return next((evidence for evidence in found if evidence.source == "present"), ASKED)

    def _of_path(self, path: tuple[str, ...], one: Recorded) -> Evidence:
        head, name = path[:1], path[1][1:] if len(path) > 1 else None
        if head == (".now",):
            return ASKED
        if head == (".features",):
            known = bool(one.features) if name is None else name in one.features
            return ASKED if known else UNKNOWN
        if head == (".profile",):
            # Responses are kept elsewhere, and only as they are now.
            return UNKNOWN if name in (None, "responses") else self._present
        return ASKED if head and head[0][1:] in one.scores else UNKNOWN

    def _is_comparable(self, one: Recorded) -> bool:
        return one.policy == self._past.bundle.policy and one.spec == self._past.bundle.spec

    def _was_asked(self, rail: Rail, action: ActionPlan, one: Recorded) -> bool:
        past = self._past.policy.action(action.name)
        if past is None or self._rails.get(rail.name) != rail or not self._is_comparable(one):
            return False
        if isinstance(rail, RiskRail):
            late = isinstance(action.risk, Expression) and reads_outputs(self._past, action.risk)
            if past.risk != action.risk or (late and not one.asked_model):
                return False
        return action.name in one.candidates and rail_applies(rail, past)

    def _said(self, rail: Rail, action: ActionPlan, one: Recorded) -> Evidence:
        reasons = one.candidates[action.name].reasons
        return Evidence("recorded", next((why for why in reasons if why.rule == rail.name), None))

    def _of_quiet(self, rail: QuietRail, action: ActionPlan, one: Recorded) -> Evidence | None:
        """Return what is known of quiet hours; None where an action may have waited for their end."""
        said = self._said(rail, action, one)
        if said.against is not None:
            return said if rail.defer is None or not action.defer else None
        candidate = one.candidates[action.name]
        others = any(why.rule in self._rails and not self._is_budget(why.rule) for why in candidate.reasons)
        left_at_once = candidate.verdict == "chosen" and one.code != "action.deferred"
        return said if others or left_at_once or rail.defer is None or not action.defer else None

    def _is_budget(self, rule: str | None) -> bool:
        return rule is not None and isinstance(self._rails.get(rule), BudgetRail)
