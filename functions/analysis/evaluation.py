"""What decisions have brought: groups compared, and another ranking judged by what was logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.decision.estimators import (
    Estimated,
    Logged,
    Sample,
    difference_of_means,
    difference_of_rates,
    doubly_robust,
    effective_size,
    inverse_propensity,
    sample_ratio_p,
    self_normalised,
    wilson,
)
from functions.decision.selecting import Setting, select
from functions.documents import Json
from functions.learning.trials import Trial
from functions.spec.experiment_plan import ExperimentsPlan, Group, Range
from functions.spec.plan import Plan

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
    def amount(self) -> float:
        """Money of the conversion; 1 where none was told, 0 without a conversion."""
        outcome = self.trial.outcomes.get("converted")
        if outcome is None or not self.trial.decided_at <= outcome.at <= self.trial.closes_at:
            return 0.0
        return outcome.amount or 1.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups of customers in one function.

    Attributes:
        group: The one.
        against: The other.
        rate: By how much more of its customers converted; None with too few.
        amount: By how much more each of its customers brought; None with too few.
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
    """

    function: str
    samples: Mapping[str, Sample]
    moved: int
    sample_ratio_p: float
    comparisons: Sequence[Comparison]

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "function": self.function,
            "groups": {group: _sample_document(sample) for group, sample in self.samples.items()},
            "moved": self.moved,
            "sample_ratio_p": self.sample_ratio_p,
            "comparisons": [one.as_document() for one in self.comparisons],
        }


def evaluate_groups(function: str, answered: Iterable[Answered], plan: ExperimentsPlan) -> Evaluated:
    """Compare the groups of a function, customer by customer, as they were assigned.

    Whoever converted once counts once, with all that came. Who got no action because of a rail stays
    in the group: else the groups would no longer be alike.

    Args:
        function: Its name.
        answered: Its decisions.
        plan: Which groups there are; see `ExperimentsPlan.of`.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    brought: dict[str, float] = defaultdict(float)
    for one in answered:
        groups[one.trial.profile_id].add(one.trial.group)
        brought[one.trial.profile_id] += one.amount
    amounts: dict[str, list[float]] = defaultdict(list)
    for profile_id, found in groups.items():
        if len(found) == 1:
            amounts[next(iter(found))].append(brought[profile_id])
    samples = {group: _sample(amounts[group]) for group in sorted(amounts)}
    against = "holdout" if "holdout" in samples else "usual"
    comparisons = [
        _compare(group, against, samples) for group in samples if against in samples and group != against
    ]
    observed = {group: sample.size for group, sample in samples.items()}
    shares: Mapping[str, float] = {str(group): share for group, share in declared_shares(plan).items()}
    moved = sum(len(found) > 1 for found in groups.values())
    return Evaluated(function, samples, moved, sample_ratio_p(observed, shares), comparisons)


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


@dataclass(frozen=True, slots=True)
class Judged:
    """What another ranking would bring a decision, by three estimators.

    Attributes:
        decisions: How many could be used.
        effective: How many decisions of the other ranking they are worth.
        logged: What the decisions have brought.
        ips: Inverse propensity.
        snips: Self-normalised.
        dr: Doubly robust, with the mean reward of each action as the model.
    """

    decisions: int
    effective: float
    logged: float
    ips: Estimated
    snips: Estimated
    dr: Estimated

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "decisions": self.decisions,
            "effective": self.effective,
            "logged": self.logged,
            "ips": self.ips.as_document(),
            "snips": self.snips.as_document(),
            "dr": self.dr.as_document(),
        }


def judge_draft(answered: Iterable[Answered], draft: Plan) -> Judged:
    """Estimate what another ranking would have brought on logged decisions.

    What was allowed stays as it was logged: a draft is judged by how it chooses, not by its rails. A
    decision that had nothing to choose from, or no logged chance, is left out.

    Args:
        answered: Decisions of one function, with their bodies.
        draft: The function under the other policy.

    Raises:
        ValueError: There is nothing to judge by.
    """
    usable = [one for one in answered if _chance_of_taken(one) and _survivors(one, draft)]
    means = _means(usable)
    logged = [_logged(one, draft, means) for one in usable]
    return Judged(
        decisions=len(logged),
        effective=effective_size(logged),
        logged=sum(one.reward for one in logged) / len(logged) if logged else 0.0,
        ips=inverse_propensity(logged),
        snips=self_normalised(logged),
        dr=doubly_robust(logged),
    )


def draft_chances(one: Answered, draft: Plan) -> Mapping[str, float]:
    """Return with which probability a draft would have chosen each action of a logged decision."""
    document = {"features": one.body.get("features") or {}, **(one.body.get("scores") or {})}
    setting = Setting(draft.policy.ranking, draft.baseline.otherwise)
    survivors = [action for action in draft.actions if action.name in _survivors(one, draft)]
    return select(survivors, document, setting).chances


def _logged(one: Answered, draft: Plan, means: Mapping[str, float]) -> Logged:
    target = draft_chances(one, draft)
    action = one.trial.action
    return Logged(
        reward=one.amount,
        propensity=_chance_of_taken(one),
        target=target.get(action, 0.0),
        predicted=means.get(action, 0.0),
        expected=sum(chance * means.get(name, 0.0) for name, chance in target.items()),
    )


def _survivors(one: Answered, draft: Plan) -> set[str]:
    known = {action.name for action in draft.actions}
    candidates = one.body.get("candidates") or []
    return {each["action"] for each in candidates if each["verdict"] != "vetoed"} & known


def _chance_of_taken(one: Answered) -> float:
    for candidate in one.body.get("candidates") or []:
        if candidate["action"] == one.trial.action:
            return float(candidate.get("chance") or 0.0)
    return 0.0


def _means(answered: Iterable[Answered]) -> dict[str, float]:
    rewards: dict[str, list[float]] = defaultdict(list)
    for one in answered:
        rewards[one.trial.action].append(one.amount)
    return {action: sum(found) / len(found) for action, found in rewards.items()}


def _sample(amounts: Sequence[float]) -> Sample:
    return Sample(
        size=len(amounts),
        successes=sum(amount > 0 for amount in amounts),
        total=sum(amounts),
        squares=sum(amount * amount for amount in amounts),
    )


def _compare(group: str, against: str, samples: Mapping[str, Sample]) -> Comparison:
    one, other = samples[group], samples[against]
    if min(one.size, other.size) < _ENOUGH:
        return Comparison(group, against, None, None)
    return Comparison(group, against, difference_of_rates(one, other), difference_of_means(one, other))


def _sample_document(sample: Sample) -> dict[str, Json]:
    return {
        "customers": sample.size,
        "converted": sample.successes,
        "rate": wilson(sample.successes, sample.size).as_document(),
        "amount": sample.total,
    }


def _width(ranges: Iterable[Range]) -> float:
    return sum(high - low for low, high in ranges)
