"""What decisions have brought, and what another policy would have: estimates with their intervals.

Sources: Newcombe, Interval estimation for the difference between independent proportions (1998), method 10;
Dudík, Langford and Li, Doubly robust policy evaluation and learning (2011); Swaminathan and Joachims,
The self-normalized estimator for counterfactual learning (2015).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.documents import Json

Z_95: Final = 1.959963984540054
"""Half of the width of a 95 % interval, in standard errors."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Sample:
    """Responses of one group of customers.

    Attributes:
        size: Customers.
        successes: Customers who responded.
        total: Sum of what they brought.
        squares: Sum of the squares of what each brought.
    """

    size: int
    successes: int
    total: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Logged:
    """One recorded decision, seen by another policy.

    Attributes:
        reward: What it brought.
        propensity: With which probability its action was chosen; above 0.
        target: With which probability the other policy chooses the same action.
        predicted: What a reward model expects of this action; 0 without a model.
        expected: What a reward model expects of the other policy's choice.
        customer: Whose; decisions of one customer are not independent. Empty for one that is alone.
    """

    reward: float
    propensity: float
    target: float
    predicted: float = 0.0
    expected: float = 0.0
    customer: str = ""

    @property
    def weight(self) -> float:
        """How much more often the other policy would have done the same."""
        return self.target / self.propensity


def wilson(successes: int, size: int) -> Estimated:
    """Return a share with Wilson's interval.

    Raises:
        ValueError: Nobody was observed.
    """
    if size <= 0:
        raise ValueError("a share needs at least one observation")
    share, z2 = successes / size, Z_95**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = Z_95 * math.sqrt(share * (1 - share) / size + z2 / (4 * size**2)) / (1 + z2 / size)
    return Estimated(share, max(0.0, centre - half), min(1.0, centre + half))


def difference_of_rates(treated: Sample, held_out: Sample) -> Estimated:
    """Return by how much more customers responded, with Newcombe's interval.

    Raises:
        ValueError: One of the groups is empty.
    """
    first = wilson(treated.successes, treated.size)
    second = wilson(held_out.successes, held_out.size)
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimated(value, low, high)


def difference_of_means(treated: Sample, held_out: Sample) -> Estimated:
    """Return by how much more a customer brought, with Welch's interval for large groups.

    Raises:
        ValueError: One of the groups has fewer than two customers.
    """
    first, second = _mean_and_error(treated), _mean_and_error(held_out)
    return _interval(first[0] - second[0], math.hypot(first[1], second[1]))


def inverse_propensity(logged: Sequence[Logged]) -> Estimated:
    """Return what another policy would bring a decision (IPS): unbiased, wide when it differs much.

    Raises:
        ValueError: Decisions of fewer than two customers were logged, or a propensity is not above 0; so for the
            estimators below.
    """
    return _mean([one.weight * one.reward for one in _checked(logged)], logged)


def self_normalised(logged: Sequence[Logged]) -> Estimated:
    """Return the same with weights that sum to 1 (SNIPS): a little biased, much narrower."""
    weights = [one.weight for one in _checked(logged)]
    total = sum(weights)
    if total == 0:
        raise ValueError("the other policy never does what was done; nothing can be said of it")
    value = sum(one.weight * one.reward for one in logged) / total
    error = _clustered([one.weight * (one.reward - value) for one in logged], logged) / total
    return _interval(value, error)


def doubly_robust(logged: Sequence[Logged]) -> Estimated:
    """Return the same with a reward model (DR): right when either the model or the propensities are."""
    values = [one.expected + one.weight * (one.reward - one.predicted) for one in _checked(logged)]
    return _mean(values, logged)


def effective_size(logged: Sequence[Logged]) -> float:
    """Return how many decisions of the other policy the log is worth (Kish)."""
    weights = [one.weight for one in _checked(logged)]
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0


def sample_ratio_p(observed: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return how likely group sizes differ at least this much from their shares by chance alone.

    Pearson's chi-square test. Below 0.001 the groups were not drawn as declared, and lift means nothing.

    Args:
        observed: Customers by group.
        shares: Declared share by group; groups without a share are left out.
    """
    groups = [group for group, share in shares.items() if share > 0]
    size, declared = sum(observed.get(group, 0) for group in groups), sum(shares[group] for group in groups)
    if size == 0 or len(groups) < 2:
        return 1.0
    expected = {group: size * shares[group] / declared for group in groups}
    statistic = sum((observed.get(group, 0) - expected[group]) ** 2 / expected[group] for group in groups)
    return chi_square_tail(statistic, len(groups) - 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Return the probability that a chi-square variable is above a value.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.4.4 and 26.4.5.
    """
    half = statistic / 2
    if degrees % 2:
        tail, order = math.erfc(math.sqrt(half)), 0.5
    else:
        tail, order = math.exp(-half), 1.0
    while order < degrees / 2:
        tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1)) if half else 0.0
        order += 1
    return min(tail, 1.0)


def _checked(logged: Sequence[Logged]) -> Sequence[Logged]:
    customers = {one.customer or place for place, one in enumerate(logged)}
    if len(customers) < 2 or any(one.propensity <= 0 for one in logged):
        raise ValueError("an estimate needs decisions of at least two customers, with propensities above 0")
    return logged


def _mean(values: Sequence[float], logged: Sequence[Logged]) -> Estimated:
    size, value = len(values), sum(values) / len(values)
    return _interval(value, _clustered([one - value for one in values], logged) / size)


def _clustered(residuals: Sequence[float], logged: Sequence[Logged]) -> float:
    """Return the standard error of a sum over customers, each of whom brings all of his decisions.

    Source: Cameron and Miller, A practitioner's guide to cluster-robust inference (2015), section II.
    """
    sums: dict[str | int, float] = {}
    for place, (residual, one) in enumerate(zip(residuals, logged, strict=True)):
        whose = one.customer or place
        sums[whose] = sums.get(whose, 0.0) + residual
    return math.sqrt(len(sums) / (len(sums) - 1) * sum(each * each for each in sums.values()))


def _mean_and_error(sample: Sample) -> tuple[float, float]:
    if sample.size < 2:
        raise ValueError("a mean with an interval needs at least two customers")
    mean = sample.total / sample.size
    variance = max(sample.squares - sample.size * mean**2, 0.0) / (sample.size - 1)
    return mean, math.sqrt(variance / sample.size)


def _interval(value: float, error: float) -> Estimated:
    return Estimated(value, value - Z_95 * error, value + Z_95 * error)
