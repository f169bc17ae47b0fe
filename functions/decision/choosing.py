"""Choose the first eligible action of a spec, or do-nothing. Pure: the same values give the same decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from functions.decision.reasons import Reason, reason
from functions.documents import Json
from functions.expressions import Expression
from functions.spec.plan import ActionPlan, Plan

DO_NOTHING = "do-nothing"

Outcome = Literal["acted", "no_action", "suppressed"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one action.

    Attributes:
        action: Its name, or `do-nothing`.
        verdict: Whether it was chosen, removed, or not reached.
        by: Code of what removed or outranked it; None for the chosen one.
        value: Expected value, where the ranking gives one.
    """

    action: str
    verdict: Literal["chosen", "vetoed", "outranked"]
    by: str | None = None
    value: float | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"action": self.action, "verdict": self.verdict, "by": self.by, "value": self.value}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one event.

    Attributes:
        outcome: `acted` with an action, `suppressed` when something removed every action, else `no_action`.
        reason: Why.
        action: The chosen action; None for do-nothing.
        candidates: Every action of the spec and do-nothing, in order.
    """

    outcome: Outcome
    reason: Reason
    action: ActionPlan | None
    candidates: tuple[Candidate, ...]


def suppressed(plan: Plan, why: Reason) -> Decision:
    """Return the decision in which one reason removed every action."""
    vetoed = tuple(Candidate(action.name, "vetoed", why.code) for action in plan.actions)
    return Decision("suppressed", why, None, (*vetoed, Candidate(DO_NOTHING, "chosen")))


def choose(plan: Plan, document: Mapping[str, Json], removed: Mapping[str, Reason] | None = None) -> Decision:
    """Choose among the actions of a plan.

    Args:
        plan: The function.
        document: The root: `event`, `profile`, `features`, the outputs and `now`.
        removed: Actions that may not be chosen, with why; what the commit has refused.
    """
    condition = _condition(plan.when, document)
    if condition is not None:
        outranked = tuple(Candidate(action.name, "outranked", condition.code) for action in plan.actions)
        return Decision("no_action", condition, None, (*outranked, Candidate(DO_NOTHING, "chosen")))
    if not plan.actions:
        return Decision("no_action", reason("actions.none"), None, (Candidate(DO_NOTHING, "chosen"),))
    vetoes = {action.name: _veto(action, document, removed or {}) for action in plan.actions}
    chosen = next((action for action in plan.actions if vetoes[action.name] is None), None)
    if chosen is None:
        # When all fell for one reason, that reason is the answer; it says more than "not eligible".
        causes = set(vetoes.values())
        only = causes.pop() if len(causes) == 1 else None
        why = only or reason("actions.not_eligible")
        fallen = tuple(_candidate(action, vetoes[action.name], None) for action in plan.actions)
        return Decision("suppressed", why, None, (*fallen, Candidate(DO_NOTHING, "chosen")))
    ranked = tuple(_candidate(action, vetoes[action.name], chosen) for action in plan.actions)
    because = f"the condition {_quoted(plan.when)} holds" if plan.when else "the function has no condition"
    why = reason("action.chosen", action=chosen.name, because=because)
    return Decision("acted", why, chosen, (*ranked, Candidate(DO_NOTHING, "outranked", chosen.name)))


def never_eligible(plan: Plan, document: Mapping[str, Json]) -> bool:
    """Say whether no action can be chosen whatever the model answers.

    Only eligibility that reads no output of the model is asked; the others may still pass.
    """
    return all(
        action.eligible is not None
        and not _reads_outputs(plan, action.eligible)
        and _veto(action, document, {}) is not None
        for action in plan.actions
    )


def _reads_outputs(plan: Plan, expression: Expression) -> bool:
    outputs = plan.model.response if plan.model else {}
    return any(read.split(".", 1)[0].split("[", 1)[0].strip('"') in outputs for read in expression.reads)


def _condition(when: Expression | None, document: Mapping[str, Json]) -> Reason | None:
    """Return why the condition keeps every action back, None when it holds."""
    if when is None:
        return None
    try:
        holds = when.evaluate(document)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return reason("condition.failed", condition=_quoted(when))
    return None if holds is True else reason("condition.false", condition=_quoted(when))


def _veto(action: ActionPlan, document: Mapping[str, Json], removed: Mapping[str, Reason]) -> Reason | None:
    if action.name in removed:
        return removed[action.name]
    if action.eligible is None:
        return None
    try:
        allowed = action.eligible.evaluate(document) is True
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        allowed = False
    return None if allowed else reason("actions.not_eligible")


def _candidate(action: ActionPlan, veto: Reason | None, chosen: ActionPlan | None) -> Candidate:
    if veto is not None:
        return Candidate(action.name, "vetoed", veto.code)
    if action is chosen:
        return Candidate(action.name, "chosen")
    return Candidate(action.name, "outranked", chosen.name if chosen else None)


def _quoted(expression: Expression | None) -> str:
    return expression.source if expression else ""
