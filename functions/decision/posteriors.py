"""What responses have taught: counters, their decay, and the posterior that they lead to.

A rate has a Beta posterior, an amount a Normal one with unknown variance. The prior is what the spec
declares, so that nothing has to be learned before the first decision.
Source of both updates: Murphy, Conjugate Bayesian analysis of the Gaussian distribution (2007), section 3,
and Gelman et al., Bayesian Data Analysis, section 2.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.documents import Json
from functions.spec.ranking_plan import Kind, LearningPlan


@dataclass(frozen=True, slots=True)
class Counter:
    """Responses to one action in one segment, for one objective.

    Attributes:
        trials: How many decisions were answered, or closed without an answer.
        total: Sum of the responses: successes of a rate, or money.
        squares: Sum of their squares.
    """

    trials: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, other: Counter, factor: float = 1.0) -> Counter:
        """Return the sum with another counter times a factor."""
        return Counter(
            self.trials + factor * other.trials,
            self.total + factor * other.total,
            self.squares + factor * other.squares,
        )

    def times(self, factor: float) -> Counter:
        """Return the counter with everything multiplied."""
        return Counter(self.trials * factor, self.total * factor, self.squares * factor)


EMPTY = Counter()

Beliefs = Mapping[tuple[str, str], Counter]
"""What was counted in one segment, by action and objective; do-nothing is an action here."""


def beliefs_document(beliefs: Beliefs) -> dict[str, Json]:
    """Return beliefs as a decision keeps them: by action and objective trials, total and squares."""
    found: dict[str, Json] = {}
    for (action, objective), one in sorted(beliefs.items()):
        found.setdefault(action, {})[objective] = [one.trials, one.total, one.squares]
    return found


def beliefs_from(document: Mapping[str, Json]) -> Beliefs:
    """Read what `beliefs_document` wrote.

    Raises:
        ValueError: It did not; so do `TypeError` and `AttributeError` of other shapes.
    """
    return {
        (action, objective): Counter(*map(float, numbers))
        for action, found in document.items()
        for objective, numbers in found.items()
    }


def one_response(amount: float) -> Counter:
    """Return the counter of one trial with a response; 0 for none.

    >>> one_response(3.0)
    Counter(trials=1.0, total=3.0, squares=9.0)
    """
    return Counter(1.0, amount, amount * amount)


def decay(since: datetime, until: datetime, half_life: timedelta | None) -> float:
    """Return what is left of the weight of a response after some time, from 1 down to 0."""
    if half_life is None or until <= since:
        return 1.0
    weight: float = 0.5 ** ((until - since) / half_life)
    return weight


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of a rate or of an expected amount."""

    mean: float
    variance: float


def posterior(kind: Kind, prior: float, counter: Counter, plan: LearningPlan) -> Posterior:
    """Return the posterior.

    Args:
        kind: Of the objective.
        prior: The declared chance or expected amount.
        counter: What was counted, decayed to now.
        plan: How much the prior counts.
    """
    if kind == "rate":
        return _beta(prior, counter, plan.prior_weight)
    return _normal(prior, counter, plan.prior_weight, plan.prior_deviation)


def _beta(prior: float, counter: Counter, weight: float) -> Posterior:
    # Corrections of late outcomes may leave a counter a hair below nothing.
    successes = weight * prior + max(counter.total, 0.0)
    failures = weight * (1 - prior) + max(counter.trials - counter.total, 0.0)
    size = successes + failures
    mean = successes / size
    return Posterior(mean, mean * (1 - mean) / (size + 1))


def _normal(prior: float, counter: Counter, weight: float, deviation: float) -> Posterior:
    trials = max(counter.trials, 0.0)
    size = weight + trials
    mean = (weight * prior + counter.total) / size if trials else prior
    scatter = weight * deviation**2
    if trials:
        average = counter.total / trials
        within = max(counter.squares - trials * average**2, 0.0)
        scatter += within + weight * trials * (average - prior) ** 2 / size
    return Posterior(mean, scatter / size / size)
