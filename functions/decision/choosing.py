"""Choose an action of a spec that nothing removed, or do-nothing. Pure: the same values, the same decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from functions.decision.evaluating import evaluate
from functions.decision.rails import Ruling
from functions.decision.ranking import DO_NOTHING, Valued
from functions.decision.reasons import ELIGIBILITY, Reason, reason
from functions.decision.selecting import BY_ORDER, Selection, Setting, select
from functions.documents import Json
from functions.expressions import EvaluationFailure, Expression
from functions.spec.plan import ActionPlan, Plan
from functions.times import format_instant

Outcome = Literal["acted", "no_action", "suppressed"]

Against = Callable[[ActionPlan], tuple[Reason, ...]]
"""Gives every reason against an action; none when it may happen."""


def nothing_against(_: ActionPlan) -> tuple[Reason, ...]:
    """Return no reason: there are no rails."""
    return ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one action.

    Attributes:
        action: Its name, or `do-nothing`.
        verdict: Whether it was chosen, removed, or not reached.
        by: Code of what removed it first, or what outranked it (`value.unknown` when it could not be valued);
            None for the chosen one.
        value: Expected value, where the ranking gives one.
        reasons: Everything that removed it.
        terms: What its value is made of, where it was ranked.
        chance: With which probability it would have been chosen, among what was left.
    """

    action: str
    verdict: Literal["chosen", "vetoed", "outranked"]
    by: str | None = None
    value: float | None = None
    reasons: tuple[Reason, ...] = ()
    terms: Valued | None = None
    chance: float | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "action": self.action,
            "verdict": self.verdict,
            "by": self.by,
            "value": self.value,
            "reasons": [one.as_document() for one in self.reasons],
            "terms": self.terms.as_document() if self.terms is not None else None,
            "chance": self.chance,
        }


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance has chosen.

    Attributes:
        action: Its name, or `do-nothing`.
        chances: With which probability each candidate would have been chosen.
    """

    action: str
    chances: Mapping[str, float]

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"action": self.action, "chances": dict(self.chances)}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one event.

    Attributes:
        outcome: `acted` with an action, `suppressed` when something removed every action, else `no_action`.
        reason: Why.
        action: The chosen action; None for do-nothing.
        candidates: Every action of the spec and do-nothing, in order.
        due: Until when the action waits; None when it may leave at once.
        drawn: Whether chance has chosen it among what was left.
    """

    outcome: Outcome
    reason: Reason
    action: ActionPlan | None
    candidates: tuple[Candidate, ...]
    due: datetime | None = None
    drawn: bool = False

    @property
    def draw(self) -> Drawn | None:
        """What chance has chosen; None where it had no say."""
        if not self.drawn:
            return None
        chances = {one.action: one.chance for one in self.candidates if one.chance is not None}
        return Drawn(self.action.name if self.action is not None else DO_NOTHING, chances)


def suppressed(plan: Plan, why: Reason) -> Decision:
    """Return the decision in which one reason removed every action."""
    vetoed = tuple(Candidate(action.name, "vetoed", why.code, reasons=(why,)) for action in plan.actions)
    return Decision("suppressed", why, None, (*vetoed, Candidate(DO_NOTHING, "chosen")))


def withheld(decision: Decision, why: Reason) -> Decision:
    """Return a decision without its action, which stands among the candidates as vetoed for one reason.

    A decision that chose no action is returned as it is.
    """
    if decision.action is None:
        return decision
    *actions, _ = decision.candidates
    vetoed = tuple(
        replace(one, verdict="vetoed", by=why.code, reasons=(why,)) if one.verdict == "chosen" else one
        for one in actions
    )
    return Decision("suppressed", why, None, (*vetoed, Candidate(DO_NOTHING, "chosen")))


def choose(
    plan: Plan,
    document: Mapping[str, Json],
    against: Against = nothing_against,
    removed: Mapping[str, Reason] | None = None,
    setting: Setting = BY_ORDER,
) -> Decision:
    """Choose among the actions of a plan that nothing removed.

    Args:
        plan: The function.
        document: The root: `event`, `profile`, `features`, the outputs and `now`.
        against: Gives every reason of the rails against an action.
        removed: Actions that may not be chosen, with why; what the commit has refused.
        setting: How the best of the rest is found.
    """
    unmet = unmet_condition(plan.when, document)
    if unmet is not None or not plan.actions:
        return _nothing_to_do(plan, unmet or reason("actions.none"))
    vetoes = {action.name: _vetoes(action, document, against, removed or {}) for action in plan.actions}
    survivors = [action for action in plan.actions if not vetoes[action.name]]
    if not survivors:
        return _all_vetoed(plan, vetoes)
    return _selected(plan, vetoes, select(survivors, document, setting))


def deferred(decision: Decision, ruling: Ruling | None) -> Decision:
    """Return a decision whose action waits, where the rails say so, and until when."""
    action = decision.action
    due = ruling.due(action) if ruling is not None and action is not None else None
    if due is None or action is None or ruling is None:
        return decision
    rule = ruling.waiting(action)
    sentence = rule.text if rule is not None else ""
    why = reason("action.deferred", action=action.name, due=format_instant(due), sentence=sentence)
    return replace(decision, reason=why, due=due)


def _selected(plan: Plan, vetoes: Mapping[str, tuple[Reason, ...]], selection: Selection) -> Decision:
    """Return the decision for what layer two has selected."""
    chosen = selection.chosen
    candidates = [_candidate(action, vetoes[action.name], selection) for action in plan.actions]
    nothing = Candidate(DO_NOTHING, "chosen" if chosen is None else "outranked")
    if chosen is not None:
        nothing = replace(nothing, by=chosen.name)
    candidates.append(replace(nothing, chance=selection.chances.get(DO_NOTHING)))
    because = f"the condition {plan.when.source} holds" if plan.when else "the function has no condition"
    why = reason(selection.code, action=chosen.name if chosen else DO_NOTHING, because=because)
    outcome: Outcome = "acted" if chosen else "no_action"
    return Decision(outcome, why, chosen, tuple(candidates), drawn=selection.drawn)


def foreclosed(
    plan: Plan,
    document: Mapping[str, Json],
    against: Against = nothing_against,
    removed: Mapping[str, Reason] | None = None,
) -> Decision | None:
    """Return the decision that stands before the model was asked; None while an action may still follow.

    Only a condition, eligibilities and rails that read no output of the model are asked; the others may
    still pass.

    Args:
        plan: The function.
        document: The root, without outputs.
        removed: Actions that may not be chosen, with why.
        against: Gives the reasons of the rails against an action that are known without outputs.
    """
    asked = plan.when if plan.when is not None and not reads_outputs(plan, plan.when) else None
    unmet = unmet_condition(asked, document)
    if unmet is not None or not plan.actions:
        return _nothing_to_do(plan, unmet or reason("actions.none"))
    vetoes = {
        action.name: _known_vetoes(plan, action, document, against, removed or {}) for action in plan.actions
    }
    return _all_vetoed(plan, vetoes) if all(vetoes.values()) else None


def _all_vetoed(plan: Plan, vetoes: Mapping[str, tuple[Reason, ...]]) -> Decision:
    """Return the decision in which every action fell; what removed all of them says more than the rest."""
    candidates = tuple(_vetoed(action, vetoes[action.name]) for action in plan.actions)
    why = _common(list(vetoes.values())) or reason("actions.ruled_out", because=_told(vetoes))
    return Decision("suppressed", why, None, (*candidates, Candidate(DO_NOTHING, "chosen")))


def _common(vetoes: Sequence[tuple[Reason, ...]]) -> Reason | None:
    """Return the first reason that removed every action; each has a condition of its own, which counts as one."""
    for why in vetoes[0]:
        if why.code in ELIGIBILITY:
            if all(any(one.code in ELIGIBILITY for one in reasons) for reasons in vetoes):
                return reason("actions.not_eligible")
        elif all(why in reasons for reasons in vetoes):
            return why
    return None


def _told(vetoes: Mapping[str, tuple[Reason, ...]]) -> str:
    """Say in a sentence for each action what removed it: the rules by name, all else in its own words."""
    sentences = []
    for name, reasons in vetoes.items():
        rules = [f"the rule {one.rule}" for one in reasons if one.rule is not None]
        own = ["its condition" for one in reasons if one.code in ELIGIBILITY]
        rest = [one.code for one in reasons if one.rule is None and one.code not in ELIGIBILITY]
        sentences.append(f"{name} fell by {' and '.join((*rules, *own, *rest))}.")
    return " ".join(sentences)


def _nothing_to_do(plan: Plan, why: Reason) -> Decision:
    outranked = tuple(Candidate(action.name, "outranked", why.code) for action in plan.actions)
    return Decision("no_action", why, None, (*outranked, Candidate(DO_NOTHING, "chosen")))


def _known_vetoes(
    plan: Plan,
    action: ActionPlan,
    document: Mapping[str, Json],
    against: Against,
    removed: Mapping[str, Reason],
) -> tuple[Reason, ...]:
    if action.eligible is not None and reads_outputs(plan, action.eligible):
        action = replace(action, eligible=None)
    return _vetoes(action, document, against, removed)


def reads_outputs(plan: Plan, expression: Expression) -> bool:
    """Say whether an expression may read an output of the model; the whole document has them too."""
    outputs = {f".{name}" for name in plan.model.response} if plan.model else set()
    return any(not path or path[0] in outputs or path[0] == "*" for path in expression.lineage)


def unmet_condition(when: Expression | None, document: Mapping[str, Json]) -> Reason | None:
    """Return why the condition keeps every action back, None when it holds."""
    if when is None:
        return None
    holds = evaluate(when, document)
    if isinstance(holds, EvaluationFailure):
        return reason("condition.failed", condition=when.source)
    return None if holds is True else reason("condition.false", condition=when.source)


def _vetoes(
    action: ActionPlan, document: Mapping[str, Json], against: Against, removed: Mapping[str, Reason]
) -> tuple[Reason, ...]:
    """Return everything that removes an action, what the commit refused first."""
    refused = (removed[action.name],) if action.name in removed else ()
    return (*refused, *unfit(action, document), *against(action))


def unfit(action: ActionPlan, document: Mapping[str, Json]) -> tuple[Reason, ...]:
    """Return why the condition of an action keeps it from a customer; none when it holds, or there is none.

    Null, a failure and whatever is neither true nor false is unknown, and unknown is no.
    """
    if action.eligible is None:
        return ()
    holds = evaluate(action.eligible, document)
    if holds is True:
        return ()
    code = "eligibility.false" if holds is False else "eligibility.unknown"
    return (reason(code, condition=action.eligible.source),)


def _candidate(action: ActionPlan, vetoes: tuple[Reason, ...], selection: Selection) -> Candidate:
    if vetoes:
        return _vetoed(action, vetoes)
    valued = selection.valued.get(action.name)
    found = Candidate(
        action.name,
        "chosen" if action is selection.chosen else "outranked",
        value=valued.net if valued is not None else None,
        terms=valued,
        chance=selection.chances.get(action.name),
    )
    return found if action is selection.chosen else replace(found, by=_outranked_by(action, selection))


def _outranked_by(action: ActionPlan, selection: Selection) -> str:
    valued = selection.valued.get(action.name)
    if valued is not None and valued.net is None:
        return "value.unknown"
    if selection.chosen is None or action.name in selection.behind:
        return DO_NOTHING
    return selection.chosen.name


def _vetoed(action: ActionPlan, vetoes: tuple[Reason, ...]) -> Candidate:
    return Candidate(action.name, "vetoed", vetoes[0].code, reasons=vetoes)
