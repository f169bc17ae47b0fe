"""How likely each candidate is to be the best, and the one that is drawn.

Drawing an action as often as it is the best (Thompson sampling) needs no simulation: with independent
Normal values the chance is an integral over one dimension, of the density of one times the chance that all
others are below. It is zero where any candidate is almost surely above, and changes nowhere faster than the
narrowest candidate that is still in play; so a walk upwards, in steps as wide as that one allows, meets every
step of every candidate, however unequal they are. What is drawn from is what is logged, so propensities are
exact whatever the accuracy of the integral.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.decision.posteriors import Posterior

_NODES: Final = (
    (0.04691007703066802, 0.11846344252809454),
    (0.23076534494715845, 0.23931433524968324),
    (0.5, 0.28444444444444444),
    (0.7692346550528415, 0.23931433524968324),
    (0.9530899229693319, 0.11846344252809454),
)
"""Nodes and weights of Gauss and Legendre on the line from 0 to 1; exact for polynomials of degree 9."""

_REACH: Final = 4.5
"""A candidate is taken to be within so many deviations of its mean: outside are 7 of a million cases."""

_STEP: Final = 2.0
"""Width of a step, in deviations of the narrowest candidate in play."""

_CERTAIN: Final = 1e-9
"""A deviation below this part of the widest one counts as none."""

_ROOT_2: Final = math.sqrt(2.0)
_ROOT_2_PI: Final = math.sqrt(2.0 * math.pi)


def chances_of_being_best(candidates: Sequence[Posterior]) -> list[float]:
    """Return how likely each candidate has the highest value; they sum to 1.

    Where nothing is uncertain, the first of the best has it all. The error is below 0.0001, also where one
    deviation is a thousandth of another.

    Raises:
        ValueError: There is no candidate, or a mean or variance is no finite number.
    """
    means = [one.mean for one in candidates]
    deviations = [math.sqrt(one.variance) for one in candidates]
    if not candidates or not all(map(math.isfinite, (*means, *deviations))):
        raise ValueError("chances need candidates with finite means and variances")
    widest = max(deviations)
    if widest == 0:
        best = means.index(max(means))
        return [float(index == best) for index in range(len(means))]
    # In units of the widest deviation, so that no product under- or overflows.
    loose = [index for index, deviation in enumerate(deviations) if deviation > _CERTAIN * widest]
    certain = [index for index in range(len(means)) if index not in loose]
    low = max(means[index] - _REACH * deviations[index] for index in loose)
    best = max(certain, key=means.__getitem__, default=-1)
    if certain:
        low = max(low, means[best])
    arms = [_Arm(index, (means[index] - low) / widest, deviations[index] / widest) for index in loose]
    found = [0.0] * len(means)
    if certain and means[best] == low:
        found[best] = math.prod(arm.below(0.0) for arm in arms)
    _walk(arms, found)
    total = sum(found)
    return [chance / total for chance in found]


def floored(chances: Sequence[float], floor: float) -> list[float]:
    """Return chances of which none is below a floor; they still sum to 1.

    A floor above an equal share for everybody is that share.
    """
    least = min(max(floor, 0.0), 1 / len(chances))
    left = 1 - least * len(chances)
    return [least + left * chance for chance in chances]


def seed_of(decision_id: str, refused: int = 0) -> float:
    """Return the number from 0 to below 1 that draws for a decision; the same at every replay.

    Args:
        decision_id: Which.
        refused: How many actions the commit has refused so far. Who draws again draws by another number: by
            the same, what is left would be drawn in the light of what was refused.
    """
    again = f":{refused}" if refused else ""
    digest = hashlib.sha256(f"draw:{decision_id}{again}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def draw(chances: Mapping[str, float], seed: float) -> str:
    """Return the candidate whose part of the line from 0 to 1 holds the seed."""
    passed, last = 0.0, ""
    for name, chance in chances.items():
        if chance > 0:
            last = name
        passed += chance
        if seed < passed:
            return name
    # The parts may sum to a hair below 1.
    return last


@dataclass(frozen=True, slots=True)
class _Arm:
    """A candidate whose value is not certain; the walk begins at 0."""

    index: int
    mean: float
    deviation: float

    @property
    def end(self) -> float:
        """From where on it is almost surely below."""
        return self.mean + _REACH * self.deviation

    def below(self, at: float) -> float:
        """Return the chance that it is below a value."""
        return 0.5 * math.erfc((self.mean - at) / self.deviation / _ROOT_2)


def _walk(arms: Sequence[_Arm], found: list[float]) -> None:
    """Add to each chance what lies above 0, step by step."""
    narrowest_first = sorted(arms, key=lambda arm: arm.deviation)
    at, top = 0.0, max(arm.end for arm in arms)
    while at < top:
        left = [arm for arm in narrowest_first if arm.end > at]
        width = min(_STEP * left[0].deviation, top - at)
        for node, weight in _NODES:
            _add(left, at + width * node, weight * width, found)
        at = top if width == top - at else at + width


def _add(arms: Sequence[_Arm], at: float, weight: float, found: list[float]) -> None:
    """Add to each chance that its candidate is at a value and all others are below."""
    erfc, exp, shares = math.erfc, math.exp, []
    for arm in arms:
        score = (at - arm.mean) / arm.deviation
        below = 0.5 * erfc(-score / _ROOT_2)
        weight *= below
        shares.append((arm.index, exp(-0.5 * score * score) / (below * arm.deviation)))
    weight /= _ROOT_2_PI
    for index, share in shares:
        found[index] += weight * share
