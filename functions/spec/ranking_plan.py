"""What the marketer wants more of and how much it weighs, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from functions.expressions import Expression

Amount = float | Expression
"""A number, or what gives one from features and outputs."""

Kind = Literal["rate", "amount"]
"""`rate`: a success happens or not, and is worth a value. `amount`: the response itself is money."""


@dataclass(frozen=True, slots=True)
class ObjectivePlan:
    """One thing the marketer wants more of.

    Attributes:
        name: Its name.
        weight: What one unit of its value counts.
        tolerance: With objectives in order: how far below the best an action may be and still count as
            equal, in units of weighted value.
        kind: What is estimated of it.
        outcomes: Outcomes that count as a success, for learning.
    """

    name: str
    weight: float = 1.0
    tolerance: float = 0.0
    kind: Kind = "rate"
    outcomes: tuple[str, ...] = ("converted",)


@dataclass(frozen=True, slots=True)
class LearningPlan:
    """How estimates follow from responses.

    Attributes:
        prior_weight: For how many responses the declared estimate counts.
        prior_deviation: Standard deviation of one amount, as long as too few are known.
        half_life: After this long a response counts half; None for ever.
        floor: The least chance of being chosen that every candidate has.
        window: How long a response counts for the decision before it.
    """

    prior_weight: float = 20.0
    prior_deviation: float = 1.0
    half_life: timedelta | None = None
    floor: float = 0.01
    window: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RankingPlan:
    """How the best of the remaining actions is found.

    Attributes:
        objectives: In the order of importance.
        by: `weighted` adds the objectives up, `lexicographic` asks one after the other.
        risk_aversion: What one unit of risk costs.
        levers: Factor of an action's gain, by name, within its limits already.
        learning: None where the declared estimates stand as they are.
    """

    objectives: tuple[ObjectivePlan, ...]
    by: Literal["weighted", "lexicographic"] = "weighted"
    risk_aversion: float = 0.0
    levers: Mapping[str, float] | None = None
    learning: LearningPlan | None = None

    def lever(self, action: str) -> float:
        """Return the factor of an action's gain."""
        return (self.levers or {}).get(action, 1.0)


def clamped(lever: float, limits: tuple[float, float]) -> float:
    """Return a lever within its limits."""
    low, high = limits
    return min(max(lever, low), high)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a function expects without any action, and what it learns by.

    Attributes:
        otherwise: By objective: the chance of a success, or the expected amount, with do-nothing.
        segment: Gives the segment in which responses are counted; None for one for all.
    """

    otherwise: Mapping[str, Amount] = field(default_factory=dict)
    segment: Expression | None = None

    def expressions(self) -> Iterator[Expression]:
        """Yield every expression."""
        yield from (one for one in self.otherwise.values() if isinstance(one, Expression))
        if self.segment is not None:
            yield self.segment


NO_BASELINE: Final = Baseline()
"""Nothing is ranked."""
