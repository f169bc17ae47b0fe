"""Rank actions by what they bring, against do-nothing. Pure arithmetic, every term kept apart.

`net(a) = Σ_objective weight·value·[P(a) − P(do-nothing)]·lever − cost(a) − λ·risk(a)`
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from functions.documents import Json
from functions.spec.ranking_plan import ObjectivePlan, RankingPlan


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of one objective.

    Attributes:
        chance: Probability of a success, or the expected amount. None or not finite: not known.
        value: What one success is worth; 1 for an amount.
    """

    chance: float | None
    value: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Worth:
    """What is known of an action before it is ranked; None where an expression gave no number."""

    estimates: Mapping[str, Estimate]
    cost: float | None = 0.0
    risk: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Term:
    """What one objective contributes.

    Attributes:
        value: What one success is worth.
        chance: Probability of a success with the action, or the expected amount.
        otherwise: The same with do-nothing.
        weight: Of the objective.
        gain: `weight · value · (chance − otherwise) · lever`.
    """

    value: float
    chance: float
    otherwise: float
    weight: float
    gain: float

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "value": self.value,
            "chance": self.chance,
            "otherwise": self.otherwise,
            "weight": self.weight,
            "gain": self.gain,
        }


@dataclass(frozen=True, slots=True)
class Valued:
    """The value of one action over do-nothing, and what it is made of.

    Attributes:
        net: None when a term is missing or no finite number.
        terms: By objective.
        cost: Of doing it once.
        risk: What its risk costs: risk aversion times risk.
        lever: Factor of every gain.
        lacking: Names of the terms that could not be computed.
    """

    net: float | None
    terms: Mapping[str, Term] = field(default_factory=dict)
    cost: float = 0.0
    risk: float = 0.0
    lever: float = 1.0
    lacking: tuple[str, ...] = ()

    def gain(self, objective: str) -> float:
        """Return what one objective contributes; nothing where the action declares none."""
        term = self.terms.get(objective)
        return term.gain if term is not None else 0.0

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form of the terms."""
        return {
            "objectives": {name: term.as_document() for name, term in self.terms.items()},
            "cost": self.cost,
            "risk": self.risk,
            "lever": self.lever,
            "lacking": list(self.lacking),
        }


DO_NOTHING: Final = "do-nothing"
"""What every action is measured against, and what always may be chosen."""

NOTHING = Valued(0.0)
"""Do-nothing: it costs nothing, risks nothing, and is what every gain is measured against."""


def value_of(action: str, worth: Worth, otherwise: Mapping[str, float | None], plan: RankingPlan) -> Valued:
    """Return the value of an action.

    Args:
        action: Its name.
        worth: What is known of it.
        otherwise: By objective: the chance, or expected amount, with do-nothing.
        plan: Weights, risk aversion and levers.
    """
    lever, terms, lacking = plan.lever(action), {}, []
    for objective in plan.objectives:
        estimate = worth.estimates.get(objective.name)
        if estimate is None:
            continue
        term = _term(objective, estimate, otherwise.get(objective.name), lever)
        if term is None:
            lacking.append(objective.name)
        else:
            terms[objective.name] = term
    cost, risk = _amount(worth.cost), _amount(worth.risk)
    lacking += [name for name, number in (("cost", cost), ("risk", risk)) if number is None]
    paid, feared = cost or 0.0, plan.risk_aversion * (risk or 0.0)
    net = sum(term.gain for term in terms.values()) - paid - feared
    if not math.isfinite(net):
        lacking.append("net")
    return Valued(None if lacking else net, terms, paid, feared, lever, tuple(lacking))


def rank(valued: Mapping[str, Valued], plan: RankingPlan) -> tuple[Sequence[str], Sequence[str]]:
    """Order actions, the best first.

    Do-nothing stands among them: whoever does not beat it is not to be chosen. Equal actions keep
    their order in `valued`, which is that of the spec; an action that equals do-nothing stands behind it.

    Args:
        valued: By name, in the order of the spec.
        plan: How they are compared.

    Returns:
        The actions before do-nothing, and those behind it: what brings less, then what has no value.
    """
    pool = [name for name, one in valued.items() if one.net is not None]
    better: list[str] = []
    worse: list[str] = []
    before_nothing = True
    while pool:
        best = _best(pool, valued, plan, with_nothing=before_nothing)
        if best is None:
            before_nothing = False
            continue
        pool.remove(best)
        (better if before_nothing else worse).append(best)
    return better, [*worse, *(name for name, one in valued.items() if one.net is None)]


def _best(
    pool: Sequence[str], valued: Mapping[str, Valued], plan: RankingPlan, *, with_nothing: bool
) -> str | None:
    """Return the best of some actions; None when do-nothing is at least as good."""
    contenders: list[str | None] = [None, *pool] if with_nothing else list(pool)
    if plan.by == "lexicographic":
        for objective in plan.objectives:
            gains = [_of(name, valued).gain(objective.name) for name in contenders]
            least = max(gains) - objective.tolerance
            contenders = [name for name, gain in zip(contenders, gains, strict=True) if gain >= least]
    nets = [_of(name, valued).net or 0.0 for name in contenders]
    return contenders[nets.index(max(nets))]


def _of(name: str | None, valued: Mapping[str, Valued]) -> Valued:
    return NOTHING if name is None else valued[name]


def _term(objective: ObjectivePlan, estimate: Estimate, otherwise: float | None, lever: float) -> Term | None:
    chance, value, without = _number(estimate.chance), _number(estimate.value), _number(otherwise)
    if chance is None or value is None or without is None:
        return None
    if objective.kind == "rate" and not (0 <= chance <= 1 and 0 <= without <= 1):
        return None
    gain = objective.weight * value * (chance - without) * lever
    return Term(value, chance, without, objective.weight, gain) if math.isfinite(gain) else None


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _amount(value: float | None) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None
