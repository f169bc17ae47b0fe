"""What of a plan is in force at a moment: its actions and rails, and what operators have taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from functions.decision.reasons import Reason
from functions.decision.rollouts import Rollout
from functions.spec.plan import Plan, Policy

UNKNOWN: Final = "policy.unavailable"
"""Code of what can't be known, and counts as no."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a decided action is asked by when it is about to leave.

    Attributes:
        policy: The rails, and where channels are found.
        hold: Given a function and an action, returns the code of why it may not leave, or `UNKNOWN`; None
            when it may.
        rollout: A version that decides for a part of the customers, with its rails, or None where they can't be
            read. Actions for those customers are asked by both: whatever either forbids is forbidden.
    """

    policy: Policy
    hold: Callable[[str, str], str | None]
    rollout: tuple[Rollout, Policy | None] | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """A plan as it is in force.

    Attributes:
        plan: With the actions and rails of the policy in force, and its hash.
        removed: Actions that may not be chosen, with why.
        off: Why the function decides nothing; None while it decides.
        rollout: What is tried for a part of the customers; None for nothing.
    """

    plan: Plan
    removed: Mapping[str, Reason] = field(default_factory=dict)
    off: Reason | None = None
    rollout: TriedPlan | None = None

    def of(self, profile_id: str) -> InForce:
        """Return what is in force for one customer.

        What is left of a rollout in it is a shadow: what decides for the customer has taken its place.
        """
        if self.rollout is None or not self.rollout.rollout.includes(profile_id):
            return replace(self, rollout=None) if self.rollout is not None else self
        if self.rollout.rollout.mode == "shadow":
            return self
        return InForce(self.rollout.plan, self.rollout.removed, self.off)

    def leaving(self) -> Leaving:
        """Return what actions of this function are asked by when they are about to leave."""
        return Leaving(self.plan.policy, self._hold)

    def _hold(self, _: str, action: str) -> str | None:
        why = self.off or self.removed.get(action)
        return why.code if why else None


@dataclass(frozen=True, slots=True)
class TriedPlan:
    """A plan with a policy that is tried.

    Attributes:
        rollout: Which, how and for whom.
        plan: With its actions and rails, and its hash.
        removed: Actions that may not be chosen, with why.
    """

    rollout: Rollout
    plan: Plan
    removed: Mapping[str, Reason] = field(default_factory=dict)


class PolicySource(Protocol):
    """Knows which policy is in force, and what is switched off.

    Raises no error of ours: where it can't be known, `UNKNOWN` takes every action away.
    """

    def look(self, plan: Plan) -> InForce:
        """Return what of a plan is in force now."""
        ...

    def leaving(self, policy: Policy) -> Leaving:
        """Return what the actions of every function are asked by when they are about to leave.

        Args:
            policy: What the process was built with.
        """
        ...


class AsBuilt:
    """The policy that every plan was built with, and no switches: for tests, and stores that keep none."""

    def look(self, plan: Plan) -> InForce:
        """Return the plan as it is."""
        return InForce(plan)

    def leaving(self, policy: Policy) -> Leaving:
        """Hold nothing."""
        return Leaving(policy, lambda _function, _action: None)
