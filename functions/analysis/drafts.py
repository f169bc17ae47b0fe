"""Another ranking, judged by what chance has tried: off-policy estimates from logged decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.analysis.evaluation import Answered
from functions.decision.choosing import Drawn
from functions.decision.estimators import (
    Estimated,
    Logged,
    doubly_robust,
    effective_size,
    inverse_propensity,
    self_normalised,
)
from functions.decision.ranking import DO_NOTHING
from functions.decision.selecting import Setting, select
from functions.documents import Json
from functions.learning.trials import Outcome
from functions.spec.plan import ActionPlan, Plan

_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """What another ranking would bring a decision, by three estimators.

    Attributes:
        decisions: How many could be used.
        customers: Of how many customers; the intervals count each once, since their decisions are alike.
        undrawn: Decisions that are left out because chance had no say, or nothing to choose between.
        untried: Decisions that are left out because the draft would do what chance never tried.
        by_priors: Whether the draft learns: then it is judged by what it declares, not by what it would learn.
        unit: What a decision brings: an `amount`, or a `conversion` where no conversion told one.
        effective: How many decisions of the other ranking they are worth.
        logged: What the decisions have brought.
        ips: Inverse propensity.
        snips: Self-normalised.
        dr: Doubly robust, with the mean reward of each action as the model.
    """

    decisions: int
    customers: int
    undrawn: int
    untried: int
    by_priors: bool
    unit: str
    effective: float
    logged: float
    ips: Estimated
    snips: Estimated
    dr: Estimated

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "decisions": self.decisions,
            "customers": self.customers,
            "left_out": {"undrawn": self.undrawn, "untried": self.untried},
            "by_priors": self.by_priors,
            "unit": self.unit,
            "effective": self.effective,
            "logged": self.logged,
            "ips": self.ips.as_document(),
            "snips": self.snips.as_document(),
            "dr": self.dr.as_document(),
        }


@dataclass(frozen=True, slots=True)
class _Tried:
    """A decision that chance has made, beside what the draft would make of it."""

    one: Answered
    drawn: Drawn
    target: Mapping[str, float]

    @property
    def is_covered(self) -> bool:
        """Whether chance could have done everything that the draft might do."""
        return all(
            self.drawn.chances.get(name, 0.0) > 0 for name, chance in self.target.items() if chance > 0
        )

    @property
    def conversion(self) -> Outcome | None:
        """What is credited to the draw; what belongs to the decision, where the commit refused the draw."""
        trial = self.one.trial
        return trial.answers(trial.credits if trial.drawn else trial.outcomes).get("converted")


def judge_draft(answered: Iterable[Answered], draft: Plan) -> Judged:
    """Estimate what another ranking would have brought on logged decisions.

    What was allowed stays as it was logged: a draft is judged by how it chooses, not by its rails. Only
    decisions in which chance could have chosen something else say anything of another choice, and only of
    what it could have chosen.

    Args:
        answered: Decisions of one function, with their bodies.
        draft: The function under the other policy.

    Raises:
        ValueError: There is nothing to judge by.
    """
    every = list(answered)
    tried = [
        _Tried(one, drawn, draft_chances(one, drawn, draft)) for one in every if (drawn := drawn_of(one))
    ]
    usable = [one for one in tried if one.is_covered]
    undrawn, untried = len(every) - len(tried), len(tried) - len(usable)
    customers = len({one.one.trial.profile_id for one in usable})
    if customers < _ENOUGH:
        raise ValueError(
            f"it needs drawn decisions of two customers at least; in {undrawn:,} decisions chance had no say, and "
            f"in {untried:,} the draft would do what chance never tried"
        )
    rewards = _rewards(usable)
    means = _means(usable, rewards)
    logged = [_logged(one, reward, means) for one, reward in zip(usable, rewards, strict=True)]
    ranking = draft.policy.ranking
    return Judged(
        decisions=len(logged),
        customers=customers,
        undrawn=undrawn,
        untried=untried,
        by_priors=ranking is not None and ranking.learning is not None,
        unit="amount" if _tell_amounts(usable) else "conversion",
        effective=effective_size(logged),
        logged=sum(rewards) / len(rewards),
        ips=inverse_propensity(logged),
        snips=self_normalised(logged),
        dr=doubly_robust(logged),
    )


def drawn_of(one: Answered) -> Drawn | None:
    """Return what chance has chosen in a decision; None where it had no choice.

    Where the commit refused what was drawn, the first draw counts, with all that followed: what a draft would
    draw could be refused as well.
    """
    first = (one.body.get("experiment") or {}).get("first_draw")
    if first is not None:
        drawn = Drawn(
            str(first["action"]), {name: float(chance) for name, chance in first["chances"].items()}
        )
    elif one.trial.drawn:
        chances = {each["action"]: each.get("chance") for each in _candidates(one)}
        drawn = Drawn(one.trial.action, {name: float(chance) for name, chance in chances.items() if chance})
    else:
        return None
    possible = sum(chance > 0 for chance in drawn.chances.values())
    return drawn if possible >= _ENOUGH and drawn.chances.get(drawn.action, 0.0) > 0 else None


def draft_chances(one: Answered, drawn: Drawn, draft: Plan) -> Mapping[str, float]:
    """Return with which probability a draft would have chosen each action of a logged decision."""
    document = {"features": one.body.get("features") or {}, **(one.body.get("scores") or {})}
    setting = Setting(draft.policy.ranking, draft.baseline.otherwise)
    survivors = _survivors(one, drawn, draft)
    return select(survivors, document, setting).chances if survivors else {DO_NOTHING: 1.0}


def _survivors(one: Answered, drawn: Drawn, draft: Plan) -> list[ActionPlan]:
    left = {each["action"] for each in _candidates(one) if each["verdict"] != "vetoed"} | drawn.chances.keys()
    return [action for action in draft.actions if action.name in left]


def _candidates(one: Answered) -> Sequence[Mapping[str, Any]]:
    return one.body.get("candidates") or ()


def _rewards(tried: Sequence[_Tried]) -> list[float]:
    told = _tell_amounts(tried)
    return [_reward(one.conversion, told=told) for one in tried]


def _tell_amounts(tried: Iterable[_Tried]) -> bool:
    return any(one.conversion is not None and one.conversion.amount is not None for one in tried)


def _reward(conversion: Outcome | None, *, told: bool) -> float:
    if conversion is None:
        return 0.0
    return (conversion.amount or 0.0) if told else 1.0


def _logged(one: _Tried, reward: float, means: Mapping[str, float]) -> Logged:
    return Logged(
        reward=reward,
        propensity=one.drawn.chances[one.drawn.action],
        target=one.target.get(one.drawn.action, 0.0),
        predicted=means[one.drawn.action],
        expected=sum(chance * means.get(name, 0.0) for name, chance in one.target.items()),
        customer=one.one.trial.profile_id,
    )


def _means(tried: Sequence[_Tried], rewards: Sequence[float]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for one, reward in zip(tried, rewards, strict=True):
        found[one.drawn.action].append(reward)
    return {action: sum(each) / len(each) for action, each in found.items()}
