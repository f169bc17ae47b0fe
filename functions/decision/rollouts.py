"""A part of the customers for whom something new is tried, before it counts for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.decision.experiments import is_in
from functions.decision.reasons import Reason, reason
from functions.spec.experiment_plan import ExperimentsPlan, Mode, Slice


@dataclass(frozen=True, slots=True)
class Rollout:
    """A version of the policy that is tried.

    Attributes:
        hash: Of the version.
        mode: With `canary` the version decides for the part; with `shadow` it is recorded what it would choose.
        part: For whom.
        at: Since when.
        note: Why, in the words of whoever began it; None when nothing was said.
    """

    hash: str
    mode: Mode
    part: Slice
    at: datetime
    note: str | None = None

    def includes(self, profile_id: str) -> bool:
        """Say whether a customer is in the part."""
        return is_in(self.part, (profile_id,))

    @property
    def share(self) -> float:
        """The share of all customers that the part has."""
        return sum(high - low for low, high in self.part.ranges)


def stands_aside(plan: ExperimentsPlan, function: str, profile_id: str) -> Reason | None:
    """Return why a function leaves a customer to another one; None when it decides itself.

    Args:
        plan: What concerns the function.
        function: Its name.
        profile_id: The customer.
    """
    for one in plan.rollouts:
        inside = is_in(one.part, (profile_id,))
        if function == one.candidate and not inside:
            return reason("rollout.elsewhere", function=one.of)
        if function == one.of and one.mode == "canary" and inside:
            return reason("rollout.elsewhere", function=one.candidate)
    return None


def shadow_reason(plan: ExperimentsPlan, function: str) -> Reason | None:
    """Return why nothing is done of what a function decides, where it runs as a shadow; None where it does not."""
    tried = plan.tried(function)
    if tried is None or tried.mode != "shadow":
        return None
    return reason("rollout.shadow", function=tried.of)
