"""How likely each candidate is to be the best, and the one that is drawn.

Drawing an action as often as it is the best (Thompson sampling) needs no simulation: with independent
Normal values the chance is an integral over one dimension, which Gauss-Hermite quadrature does in
some 200 evaluations a candidate. What is drawn from is what is logged, so propensities are exact
whatever the accuracy of the integral.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

from functions.decision.posteriors import Posterior

_HALF: Final = (
    (7.619048541679759, 1.2578006724379277e-13),
    (6.510590157013655, 2.4820623623151786e-10),
    (5.5787388058932015, 6.127490259982946e-08),
    (4.734581334046055, 4.402121090230855e-06),
    (3.9439673506573163, 0.0001288262799619287),
    (3.18901481655339, 0.0018301031310804879),
    (2.458663611172368, 0.013997837447101013),
    (1.745247320814127, 0.0615063720639769),
    (1.042945348802751, 0.1617393339839999),
    (0.3469641570813559, 0.2607930634495549),
)
_NODES: Final = tuple((sign * node, weight) for sign in (-1.0, 1.0) for node, weight in _HALF)
"""Twenty nodes and weights for the standard normal distribution; exact for polynomials of degree 39."""

_SHARPEST: Final = 1 / 30
"""No deviation is taken to be below this part of the largest one: the quadrature would miss the step."""

_ROOT_2: Final = math.sqrt(2.0)
_NEGLIGIBLE: Final = 1e-13


def chances_of_being_best(candidates: Sequence[Posterior]) -> list[float]:
    """Return how likely each candidate has the highest value; they sum to 1.

    Where nothing is uncertain, the first of the best has it all. The error is below 0.015; below 0.001
    where no deviation is less than a third of another.

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
    shifted = [(mean - means[0]) / widest for mean in means]
    scaled = [max(deviation / widest, _SHARPEST) for deviation in deviations]
    found = [_chance(index, shifted, scaled) for index in range(len(means))]
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


def _chance(index: int, means: Sequence[float], deviations: Sequence[float]) -> float:
    mean, deviation = means[index], deviations[index]
    others = [
        (means[other], 1 / (deviations[other] * _ROOT_2)) for other in range(len(means)) if other != index
    ]
    erfc, total = math.erfc, 0.0
    for node, weight in _NODES:
        at, product = mean + deviation * node, weight
        for centre, scale in others:
            product *= 0.5 * erfc((centre - at) * scale)
            if product < _NEGLIGIBLE:
                break
        total += product
    return total
