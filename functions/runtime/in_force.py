"""What of a plan is in force at a moment: its actions, and what operators have taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from functions.decision.reasons import Reason
from functions.spec.plan import Plan

UNKNOWN: Final = "policy.unavailable"
"""Code of what can't be known, and counts as no."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A plan as it is in force.

    Attributes:
        plan: With the actions of the policy in force, and its hash.
        removed: Actions that may not be chosen, with why.
        off: Why the function decides nothing; None while it decides.
    """

    plan: Plan
    removed: Mapping[str, Reason] = field(default_factory=dict)
    off: Reason | None = None


class PolicySource(Protocol):
    """Knows which policy is in force, and what is switched off.

    Raises no error of ours: where it can't be known, `UNKNOWN` takes every action away.
    """

    def look(self, plan: Plan) -> InForce:
        """Return what of a plan is in force now."""
        ...

    def hold(self, function: str, action: str) -> str | None:
        """Return the code of why a decided action may not leave now: a switch, or `UNKNOWN`; None when it may."""
        ...


class AsBuilt:
    """The policy that every plan was built with, and no switches: for tests, and stores that keep none."""

    def look(self, plan: Plan) -> InForce:
        """Return the plan as it is."""
        return InForce(plan)

    def hold(self, function: str, action: str) -> str | None:
        """Hold nothing."""
        del function, action
        return None
