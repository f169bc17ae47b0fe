"""One feature as a plan holds it: its type, its bounds, and the answer to every state it can be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from functions.documents import Json
from functions.expressions import Expression

FeatureType = Literal["float", "int", "bool", "string", "category"]
FeatureState = Literal["missing", "null", "stale", "out_of_range", "wrong_type"]
"""Why a feature's own value was not used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The declared answer to one state: raise, clip into the range, or use `value` (None is null)."""

    kind: Literal["error", "clip", "value"]
    value: Json = None


ERROR = Answer("error")
CLIP = Answer("clip")


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One named, typed, bounded feature.

    Attributes:
        name: As the model knows it.
        type: Of the value that is sent.
        low: Smallest value allowed, None for no bound.
        high: Largest value allowed, None for no bound.
        categories: Allowed values of a category.
        as_of: Gives the instant of the value, where staleness is checked.
        stale_after: Age from which the value is stale, None for never.
        answers: By state; a state that is not declared is an error.
        unit: For people; not converted.
        labels: Of everything that its expression reads.
        purposes: That all of what it reads may serve.
    """

    name: str
    type: FeatureType
    low: float | None
    high: float | None
    categories: tuple[str, ...]
    as_of: Expression | None
    stale_after: timedelta | None
    answers: Mapping[FeatureState, Answer]
    unit: str | None = None
    labels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
