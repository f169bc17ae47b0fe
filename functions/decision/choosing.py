"""Choose the first eligible action of a spec, or do-nothing. Pure: the same values give the same decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from functions.decision.evaluating import evaluate
from functions.decision.reasons import Reason, reason
from functions.documents import Json
from functions.expressions import EvaluationFailure, Expression
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


def withheld(decision: Decision, why: Reason) -> Decision:
    """Return a decision without its action, which stands among the candidates as vetoed for one reason.

    A decision that chose no action is returned as it is.
    """
    if decision.action is None:
        return decision
    *actions, _ = decision.candidates
    vetoed = tuple(
        replace(one, verdict="vetoed", by=why.code) if one.verdict == "chosen" else one for one in actions
    )
    return Decision("suppressed", why, None, (*vetoed, Candidate(DO_NOTHING, "chosen")))


def choose(plan: Plan, document: Mapping[str, Json], removed: Mapping[str, Reason] | None = None) -> Decision:
    """Choose among the actions of a plan.

    Args:
        plan: The function.
        document: The root: `event`, `profile`, `features`, the outputs and `now`.
        removed: Actions that may not be chosen, with why; what the commit has refused.
    """
    unmet = _unmet(plan.when, document)
    if unmet is not None or not plan.actions:
        return _nothing_to_do(plan, unmet or reason("actions.none"))
    vetoes = {action.name: _veto(action, document, removed or {}) for action in plan.actions}
    chosen = next((action for action in plan.actions if vetoes[action.name] is None), None)
    if chosen is None:
        return _vetoed(plan, {name: veto for name, veto in vetoes.items() if veto is not None})
    ranked = tuple(_candidate(action, vetoes[action.name], chosen) for action in plan.actions)
    because = f"the condition {plan.when.source} holds" if plan.when else "the function has no condition"
    why = reason("action.chosen", action=chosen.name, because=because)
    return Decision("acted", why, chosen, (*ranked, Candidate(DO_NOTHING, "outranked", chosen.name)))


def foreclosed(
    plan: Plan, document: Mapping[str, Json], removed: Mapping[str, Reason] | None = None
) -> Decision | None:
    """Return the decision that stands before the model was asked; None while an action may still follow.

    Only a condition and eligibilities that read no output of the model are asked; the others may still
    pass.

    Args:
        plan: The function.
        document: The root, without outputs.
        removed: Actions that may not be chosen, with why.
    """
    asked = plan.when if plan.when is not None and not reads_outputs(plan, plan.when) else None
    unmet = _unmet(asked, document)
    if unmet is not None or not plan.actions:
        return _nothing_to_do(plan, unmet or reason("actions.none"))
    gone = removed or {}
    if any(action.name not in gone and _may_pass(plan, action, document) for action in plan.actions):
        return None
    ineligible = reason("actions.not_eligible")
    return _vetoed(plan, {action.name: gone.get(action.name, ineligible) for action in plan.actions})


def _vetoed(plan: Plan, vetoes: Mapping[str, Reason]) -> Decision:
    """Return the decision in which every action was removed, each for a reason of its own."""
    # When all fell for one reason, that reason is the answer; it says more than "not eligible".
    causes = set(vetoes.values())
    why = causes.pop() if len(causes) == 1 else reason("actions.not_eligible")
    candidates = tuple(Candidate(action.name, "vetoed", vetoes[action.name].code) for action in plan.actions)
    return Decision("suppressed", why, None, (*candidates, Candidate(DO_NOTHING, "chosen")))


def _nothing_to_do(plan: Plan, why: Reason) -> Decision:
    outranked = tuple(Candidate(action.name, "outranked", why.code) for action in plan.actions)
    return Decision("no_action", why, None, (*outranked, Candidate(DO_NOTHING, "chosen")))


def _may_pass(plan: Plan, action: ActionPlan, document: Mapping[str, Json]) -> bool:
    open_still = action.eligible is None or reads_outputs(plan, action.eligible)
    return open_still or _veto(action, document, {}) is None


def reads_outputs(plan: Plan, expression: Expression) -> bool:
    """Say whether an expression may read an output of the model; the whole document has them too."""
    outputs = {f".{name}" for name in plan.model.response} if plan.model else set()
    return any(not path or path[0] in outputs or path[0] == "*" for path in expression.lineage)


def _unmet(when: Expression | None, document: Mapping[str, Json]) -> Reason | None:
    """Return why the condition keeps every action back, None when it holds."""
    if when is None:
        return None
    holds = evaluate(when, document)
    if isinstance(holds, EvaluationFailure):
        return reason("condition.failed", condition=when.source)
    return None if holds is True else reason("condition.false", condition=when.source)


def _veto(action: ActionPlan, document: Mapping[str, Json], removed: Mapping[str, Reason]) -> Reason | None:
    if action.name in removed:
        return removed[action.name]
    if action.eligible is None or evaluate(action.eligible, document) is True:
        return None
    return reason("actions.not_eligible")


def _candidate(action: ActionPlan, veto: Reason | None, chosen: ActionPlan | None) -> Candidate:
    if veto is not None:
        return Candidate(action.name, "vetoed", veto.code)
    if action is chosen:
        return Candidate(action.name, "chosen")
    return Candidate(action.name, "outranked", chosen.name if chosen else None)
