"""What a served model is: rows of numbers in, one score per row out, by arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class ScoringError(ValueError):
    """A row can't be scored. The message names rows and features, never a value."""


class Scorer(Protocol):
    """A model that can be served."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the numbers in a row, in their order."""

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return one score per row, in the order of the rows.

        Raises:
            ScoringError: A row has the wrong length, or a value the model is not defined for.
        """


TRANSFORMS: Mapping[str, Callable[[float], float]] = {"identity": float, "log1p": math.log1p}
"""What may be done to a feature before it is weighted; `log1p` is the natural log of 1 + x."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One number that the model reads.

    Attributes:
        name: As in a JSON object by name.
        unit: The unit that the model was trained with; a feature in another unit scores as nonsense.
        minimum: The least value that means anything; below it a row is refused.
        trained_range: Least and greatest value seen in training; outside it the model extrapolates.
        transform: A key of `TRANSFORMS`.
        weight: Added to the log-odds per unit of the transformed value.
    """

    name: str
    unit: str
    minimum: float
    trained_range: tuple[float, float]
    transform: str
    weight: float


@dataclass(frozen=True, slots=True)
class LogisticScorer:
    """Logistic regression: the sigmoid of the intercept plus the weighted, transformed features.

    Attributes:
        name: The model's name.
        version: Told apart from other trainings of the same model.
        features: In the order of a row.
        intercept: The log-odds where every transformed feature is zero.
        output_name: What the score is called; it is a probability, so its range is 0 to 1.
    """

    name: str
    version: str
    features: tuple[Feature, ...]
    intercept: float
    output_name: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of a row."""
        return tuple(feature.name for feature in self.features)

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return one probability per row.

        Raises:
            ScoringError: A row has the wrong length, or a value the model is not defined for.
        """
        return [self._score_row(number, row) for number, row in enumerate(rows, start=1)]

    def _score_row(self, number: int, row: Sequence[float]) -> float:
        if len(row) != len(self.features):
            raise ScoringError(f"row {number} has {len(row)} values; this model reads {len(self.features)}")
        terms = [self.intercept]
        for feature, value in zip(self.features, row, strict=True):
            # Written so that NaN fails too: every comparison with it is false.
            if not feature.minimum <= value < math.inf:
                raise ScoringError(f"row {number}: {feature.name} is below its minimum or not finite")
            terms.append(feature.weight * TRANSFORMS[feature.transform](value))
        return sigmoid(_sum(terms, number))


def sigmoid(log_odds: float) -> float:
    """Turn log-odds into a probability, without overflow at either end."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def _sum(terms: list[float], number: int) -> float:
    """Add by `math.fsum`, whose digits are the same on every Python version; those of `sum` are not."""
    try:
        total = math.fsum(terms)
    except (OverflowError, ValueError):
        total = math.inf
    if not math.isfinite(total):
        raise ScoringError(f"row {number} is too large to be scored")
    return total
