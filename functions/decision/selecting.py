"""Layer two of a decision: the best of what the rails leave. It sees the survivors and can name nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from functions.decision.evaluating import evaluate
from functions.decision.experiments import OPTIMISED, Assignment
from functions.decision.posteriors import EMPTY, Beliefs, Posterior, posterior
from functions.decision.probabilities import chances_of_being_best, draw, floored
from functions.decision.ranking import DO_NOTHING, Estimate, Valued, Worth, rank, value_of
from functions.documents import Json
from functions.spec.plan import ActionPlan
from functions.spec.ranking_plan import Amount, LearningPlan, ObjectivePlan, RankingPlan

_LARGEST: Final = 1e15
"""No value, chance or risk is larger: beyond it floats miss whole cents, and squares of products leave their range."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a selection stands on, besides the survivors.

    Attributes:
        ranking: What the marketer wants; None for the order of the spec.
        otherwise: By objective: the chance, or expected amount, with do-nothing.
        assignment: The customer's group.
        seed: From 0 to below 1; draws where something is drawn.
        beliefs: What responses have taught.
        leaf: Segment of the customer that they are of; None where nothing is learned.
    """

    ranking: RankingPlan | None = None
    otherwise: Mapping[str, Amount] = field(default_factory=dict)
    assignment: Assignment = OPTIMISED
    seed: float = 0.0
    beliefs: Beliefs = field(default_factory=dict)
    leaf: str | None = None


BY_ORDER: Final = Setting()
"""The first eligible action of the spec."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected, and why.

    Attributes:
        chosen: One of the survivors; None for do-nothing.
        code: Code of the reason.
        chances: With which probability each survivor, and do-nothing, would have been selected.
        valued: What each survivor is worth; empty where nothing was ranked.
        behind: Survivors that do-nothing outranks.
        drawn: Whether chance has selected.
    """

    chosen: ActionPlan | None
    code: str
    chances: Mapping[str, float]
    valued: Mapping[str, Valued] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()
    drawn: bool = False


def select(survivors: Sequence[ActionPlan], document: Mapping[str, Json], setting: Setting) -> Selection:
    """Select one of the actions that the rails leave, or do-nothing.

    Args:
        survivors: At least one, in the order of the spec.
        document: The root, for values, chances and risks.
        setting: Group, ranking, seed and beliefs.
    """
    if setting.assignment.group == "random":
        chances = {action.name: 1 / len(survivors) for action in survivors}
        chosen = _named(survivors, draw(chances, setting.seed))
        return Selection(chosen, "action.random", chances, drawn=True)
    if setting.assignment.group == "usual" or setting.ranking is None or not _is_ranked(survivors):
        return Selection(survivors[0], "action.chosen", {survivors[0].name: 1.0})
    return _ranked(survivors, document, setting.ranking, setting)


def _ranked(
    survivors: Sequence[ActionPlan], document: Mapping[str, Json], ranking: RankingPlan, setting: Setting
) -> Selection:
    judged = _Judged(document, ranking, setting)
    valued = {action.name: judged.valued(action) for action in survivors}
    better, behind = rank(valued, ranking)
    if ranking.learning is not None:
        chances = judged.chances(survivors, valued, ranking.learning)
        name = draw(chances, setting.seed)
        code = "nothing.drawn" if name == DO_NOTHING else "action.drawn"
    else:
        name = better[0] if better else DO_NOTHING
        chances = {name: 1.0}
        code = "action.ranked" if better else "actions.not_worth"
    drawn = ranking.learning is not None
    return Selection(_named(survivors, name), code, chances, valued, frozenset(behind), drawn)


class _Judged:
    """What the actions of one decision are worth, with the posterior of everything that was asked."""

    def __init__(self, document: Mapping[str, Json], ranking: RankingPlan, setting: Setting) -> None:
        self._document, self._ranking, self._beliefs = document, ranking, setting.beliefs
        self._otherwise = {
            objective.name: self._belief(DO_NOTHING, objective, setting.otherwise.get(objective.name))
            for objective in ranking.objectives
        }
        self._found: dict[tuple[str, str], Posterior] = {}

    def valued(self, action: ActionPlan) -> Valued:
        """Return the value of an action."""
        estimates = {}
        for objective in self._ranking.objectives:
            declared = action.value.get(objective.name)
            if declared is None and objective.name not in action.chance:
                continue
            belief = self._belief(action.name, objective, action.chance.get(objective.name))
            value = 1.0 if declared is None else _number(declared, self._document)
            estimates[objective.name] = Estimate(belief.mean if belief is not None else None, value)
            if belief is not None:
                self._found[action.name, objective.name] = belief
        # Without a declared cost nobody knows what an action is worth; without a risk it has none.
        risk = 0.0 if action.risk is None else _number(action.risk, self._document)
        worth = Worth(estimates, action.cost, risk)
        otherwise = {name: one.mean if one is not None else None for name, one in self._otherwise.items()}
        return value_of(action.name, worth, otherwise, self._ranking)

    def chances(
        self, survivors: Sequence[ActionPlan], valued: Mapping[str, Valued], learning: LearningPlan
    ) -> dict[str, float]:
        """Return with which probability each candidate is drawn; one without a value never is."""
        names = [action.name for action in survivors if valued[action.name].net is not None]
        arms = [self._net(name, valued[name]) for name in names]
        arms.append(Posterior(0.0, self._doubt_of_nothing([valued[name] for name in names])))
        found = floored(chances_of_being_best(arms), learning.floor)
        return dict(zip((*names, DO_NOTHING), found, strict=True))

    def _net(self, name: str, valued: Valued) -> Posterior:
        spread = sum(
            (term.weight * term.value * valued.lever) ** 2 * self._found[name, objective].variance
            for objective, term in valued.terms.items()
        )
        return Posterior(valued.net or 0.0, spread)

    def _doubt_of_nothing(self, valued: Sequence[Valued]) -> float:
        """Return the variance of do-nothing, in the value that the best paid action would give it."""
        total = 0.0
        for objective, belief in self._otherwise.items():
            terms = [one.terms[objective] for one in valued if objective in one.terms]
            if belief is not None and terms:
                total += max((term.weight * term.value) ** 2 for term in terms) * belief.variance
        return total

    def _belief(self, action: str, objective: ObjectivePlan, declared: Amount | None) -> Posterior | None:
        """Return what is believed of an objective; None where what is declared gives no usable number."""
        prior = _number(declared, self._document) if declared is not None else None
        if prior is None or (objective.kind == "rate" and not 0 <= prior <= 1):
            return None
        learning = self._ranking.learning
        if learning is None:
            return Posterior(prior, 0.0)
        counted = self._beliefs.get((action, objective.name), EMPTY)
        return posterior(objective.kind, prior, counted, learning)


def _is_ranked(survivors: Sequence[ActionPlan]) -> bool:
    """Say whether any survivor declares what it is worth; else there is nothing to rank by."""
    return any(action.value or action.chance for action in survivors)


def _named(survivors: Sequence[ActionPlan], name: str) -> ActionPlan | None:
    return next((action for action in survivors if action.name == name), None)


def _number(amount: Amount, document: Mapping[str, Json]) -> float | None:
    value = amount if isinstance(amount, int | float) else evaluate(amount, document)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # No comparison with NaN holds, and no float is made of an integer that none can be.
    return float(value) if -_LARGEST <= value <= _LARGEST else None
