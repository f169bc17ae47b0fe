"""Models behind plain HTTP: one JSON document in, one out, by arithmetic alone.

The request is `{"features": {name: number}}`, every feature of the model and no other; a ranking also takes
`exclude`, ids that are not to be ranked, and `limit`, the most items in the reply.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from functions.documents import Json
from functions.endpoint.scoring import LogisticScorer, ScoringError, sigmoid

MAX_EXCLUDED = 1_000
"""The most ids that a request to a ranking may exclude."""


@runtime_checkable
class JsonModel(Protocol):
    """A model that answers a JSON document with another."""

    @property
    def stands_in_for(self) -> str | None:
        """The URL of the service whose place this model takes on one's own machine; None for none."""

    def answer(self, request: Json) -> dict[str, Json]:
        """Return the reply to a request.

        Raises:
            ScoringError: The request is not what the model reads. The message holds no value of it.
        """


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be ranked.

    Attributes:
        id: Stable; what requests exclude and functions keep.
        title: For people.
        bias: The log-odds where every feature is zero.
        weights: By feature; a feature that is not named has no say.
    """

    id: str
    title: str
    bias: float
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """A fixed catalogue, ranked: sigmoid of the bias plus the weighted features, the highest first.

    Attributes:
        name: The model's name.
        version: Told apart from other versions.
        stands_in_for: As `JsonModel` says.
        ranges: Least and greatest value by feature; outside a request is refused.
        items: The catalogue. Equal scores keep its order.
        max_items: The most that a reply holds.
    """

    name: str
    version: str
    stands_in_for: str | None
    ranges: Mapping[str, tuple[float, float]]
    items: tuple[Item, ...]
    max_items: int

    def answer(self, request: Json) -> dict[str, Json]:
        """Return `{"model", "version", "ranked": [{"id", "title", "score"}]}`.

        Raises:
            ScoringError: As `JsonModel` says.
        """
        document = _document(request, {"features"}, {"exclude", "limit"})
        values = _features(document["features"], self.ranges)
        excluded = _excluded(document.get("exclude", []))
        limit = _limit(document.get("limit", self.max_items), self.max_items)
        left = [item for item in self.items if item.id not in excluded]
        scored = sorted(((_score(item, values), item) for item in left), key=lambda pair: -pair[0])
        ranked = [{"id": item.id, "title": item.title, "score": score} for score, item in scored[:limit]]
        return {"model": self.name, "version": self.version, "ranked": ranked}


@dataclass(frozen=True, slots=True)
class LogisticOutputs:
    """Several logistic regressions over the same features, and the best of them.

    Attributes:
        name: The model's name.
        version: Told apart from other trainings.
        stands_in_for: As `JsonModel` says.
        outputs: At least one, by name, all over the same features. Of equal scores the first is best.
    """

    name: str
    version: str
    stands_in_for: str | None
    outputs: Mapping[str, LogisticScorer]

    def answer(self, request: Json) -> dict[str, Json]:
        """Return `{"model", "version", "outputs": {name: score}, "best": {"name", "score"}}`.

        Raises:
            ScoringError: As `JsonModel` says.
        """
        features = next(iter(self.outputs.values())).features
        document = _document(request, {"features"}, frozenset())
        ranges = {feature.name: (feature.minimum, math.inf) for feature in features}
        values = _features(document["features"], ranges)
        row = [values[feature.name] for feature in features]
        scores = {name: scorer.score([row])[0] for name, scorer in self.outputs.items()}
        best = max(scores, key=lambda name: scores[name])
        return {
            "model": self.name,
            "version": self.version,
            "outputs": scores,
            "best": {"name": best, "score": scores[best]},
        }


def _score(item: Item, values: Mapping[str, float]) -> float:
    try:
        return sigmoid(
            math.fsum([item.bias, *(weight * values[name] for name, weight in item.weights.items())])
        )
    except (OverflowError, ValueError):
        raise ScoringError("the features are too large to be scored") from None


def _document(request: Json, needed: Collection[str], allowed: Collection[str]) -> dict[str, Json]:
    if not isinstance(request, dict):
        raise ScoringError("the body is no JSON object")
    for key in needed:
        if key not in request:
            raise ScoringError(f'the body has no "{key}"')
    known = {*needed, *allowed}
    strange = len(request.keys() - known)
    if strange:
        raise ScoringError(
            f"the body has {strange} keys that are not read; known: {', '.join(sorted(known))}"
        )
    return request


def _features(given: Json, ranges: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    if not isinstance(given, dict):
        raise ScoringError('"features" is no object')
    missing = [name for name in ranges if name not in given]
    if missing:
        raise ScoringError(f"features lack {', '.join(missing)}")
    if len(given) > len(ranges):
        # Dropping what the model does not know would hide a misspelt or stale payload.
        raise ScoringError(f"features have {len(given) - len(ranges)} names that this model does not read")
    return {name: _number(given[name], name, ranges[name]) for name in ranges}


def _number(value: Json, name: str, bounds: tuple[float, float]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScoringError(f"feature {name} is no number")
    try:
        number = float(value)
    except OverflowError:
        raise ScoringError(f"feature {name} is too large") from None
    if not (bounds[0] <= number <= bounds[1] and math.isfinite(number)):
        raise ScoringError(f"feature {name} is out of its range or not finite")
    return number


def _excluded(given: Json) -> frozenset[str]:
    fits = isinstance(given, list) and len(given) <= MAX_EXCLUDED
    if not fits or not all(isinstance(entry, str) for entry in given):
        raise ScoringError(f'"exclude" is no list of at most {MAX_EXCLUDED:,} ids')
    return frozenset(given)


def _limit(given: Json, most: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise ScoringError(f'"limit" is no whole number from 1 to {most}')
    return given
