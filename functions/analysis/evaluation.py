"""What decisions have brought: groups compared, customer by customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.decision.estimators import (
    Estimated,
    Sample,
    difference_of_means,
    difference_of_rates,
    sample_ratio_p,
    wilson,
)
from functions.documents import Json
from functions.learning.trials import Outcome, Trial
from functions.spec.experiment_plan import ExperimentsPlan, Group, Range

_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Answered:
    """A decision with what became of it.

    Attributes:
        trial: Its group, action and outcomes.
        body: What the decision keeps; empty where it is no more.
    """

    trial: Trial
    body: Mapping[str, Json] = field(default_factory=dict)

    @property
    def conversion(self) -> Outcome | None:
        """The conversion that belongs to the decision, as groups are compared by."""
        return self.trial.answers(self.trial.outcomes).get("converted")


@dataclass(slots=True)
class _Customer:
    """What one customer did in one function."""

    groups: set[str] = field(default_factory=set)
    converted: bool = False
    amount: float = 0.0

    def add(self, one: Answered) -> None:
        self.groups.add(one.trial.group)
        conversion = one.conversion
        if conversion is not None:
            self.converted = True
            self.amount += conversion.amount or 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups of customers in one function.

    Attributes:
        group: The one.
        against: The other.
        rate: By how much more of its customers converted; None with too few.
        amount: By how much more each of its customers brought; None with too few, or where no conversion told.
    """

    group: str
    against: str
    rate: Estimated | None
    amount: Estimated | None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "group": self.group,
            "against": self.against,
            "rate": self.rate.as_document() if self.rate is not None else None,
            "amount": self.amount.as_document() if self.amount is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the decisions of one function have brought.

    Attributes:
        function: Its name.
        samples: By group.
        moved: Customers who were in more than one group, and are left out.
        sample_ratio_p: How likely the sizes of the groups are, if they were drawn as declared.
        comparisons: Every group against the holdout, or against the usual one where there is no holdout.
        conversions: Decisions that were answered by a conversion.
        untold: Those of them whose conversion told no amount; they bring 0 in money.
    """

    function: str
    samples: Mapping[str, Sample]
    moved: int
    sample_ratio_p: float
    comparisons: Sequence[Comparison]
    conversions: int = 0
    untold: int = 0

    @property
    def tells_amounts(self) -> bool:
        """Whether any conversion told an amount."""
        return self.untold < self.conversions

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "function": self.function,
            "groups": {
                group: _sample_document(sample, tells_amounts=self.tells_amounts)
                for group, sample in self.samples.items()
            },
            "conversions": self.conversions,
            "conversions_without_amount": self.untold,
            "moved": self.moved,
            "sample_ratio_p": self.sample_ratio_p,
            "comparisons": [one.as_document() for one in self.comparisons],
        }


def evaluate_groups(function: str, answered: Iterable[Answered], plan: ExperimentsPlan) -> Evaluated:
    """Compare the groups of a function, customer by customer, as they were assigned.

    Whoever converted once counts once, with all that came: an amount of 0 or a refund is a conversion as
    well. Who got no action because of a rail stays in the group: else the groups would no longer be alike.

    Args:
        function: Its name.
        answered: Its decisions.
        plan: Which groups there are; see `ExperimentsPlan.of`.
    """
    customers: dict[str, _Customer] = defaultdict(_Customer)
    told: list[bool] = []
    for one in answered:
        customers[one.trial.profile_id].add(one)
        if one.conversion is not None:
            told.append(one.conversion.amount is not None)
    members: dict[str, list[_Customer]] = defaultdict(list)
    for customer in customers.values():
        if len(customer.groups) == 1:
            members[next(iter(customer.groups))].append(customer)
    samples = {group: _sample(members[group]) for group in sorted(members)}
    against = "holdout" if "holdout" in samples else "usual"
    comparisons = [
        _compare(group, against, samples, tells_amounts=any(told))
        for group in samples
        if against in samples and group != against
    ]
    observed = {group: sample.size for group, sample in samples.items()}
    shares: Mapping[str, float] = {str(group): share for group, share in declared_shares(plan).items()}
    moved = sum(len(customer.groups) > 1 for customer in customers.values())
    ratio = sample_ratio_p(observed, shares)
    return Evaluated(function, samples, moved, ratio, comparisons, len(told), told.count(False))


def declared_shares(plan: ExperimentsPlan) -> dict[Group, float]:
    """Return which part of all customers each group has."""
    holdout = _width(plan.holdout.ranges) if plan.holdout is not None else 0.0
    shares: dict[Group, float] = {"holdout": holdout, "random": 0.0, "usual": 0.0}
    for experiment in plan.experiments:
        space = _width(experiment.namespace.ranges) if experiment.namespace is not None else 1.0
        for group, ranges in experiment.groups.items():
            shares[group] += (1 - holdout) * space * _width(ranges)
    shares["optimised"] = max(0.0, 1 - sum(shares.values()))
    return shares


def _sample(customers: Sequence[_Customer]) -> Sample:
    return Sample(
        size=len(customers),
        successes=sum(customer.converted for customer in customers),
        total=sum(customer.amount for customer in customers),
        squares=sum(customer.amount**2 for customer in customers),
    )


def _compare(group: str, against: str, samples: Mapping[str, Sample], *, tells_amounts: bool) -> Comparison:
    one, other = samples[group], samples[against]
    if min(one.size, other.size) < _ENOUGH:
        return Comparison(group, against, None, None)
    amount = difference_of_means(one, other) if tells_amounts else None
    return Comparison(group, against, difference_of_rates(one, other), amount)


def _sample_document(sample: Sample, *, tells_amounts: bool) -> dict[str, Json]:
    return {
        "customers": sample.size,
        "converted": sample.successes,
        "rate": wilson(sample.successes, sample.size).as_document(),
        "amount": sample.total if tells_amounts else None,
    }


def _width(ranges: Iterable[Range]) -> float:
    return sum(high - low for low, high in ranges)
