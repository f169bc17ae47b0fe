"""The policy in force and the switches, looked up in the store every few seconds.

What can't be known counts as no: without a successful look in the last minutes no action is chosen, while
scores go on. Ages are taken by the wall clock: a process that was frozen, or restored from a snapshot, finds
that time has passed and looks again before its next event. A clock that was set back makes it look again too.

A version that is tried and can't be used here costs the customers it is tried for every action, and nobody else
anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from functions.build.published import apply_policy, policy_for_leaving
from functions.decision.reasons import Reason, reason
from functions.decision.rollouts import Rollout
from functions.errors import FunctionsError, PolicyNewerFormatError, PolicyUnusableError
from functions.profiles.operator_documents import OperatorStore
from functions.runtime.in_force import UNKNOWN, InForce, Leaving, TriedPlan
from functions.runtime.switches import NOTHING_OFF, SWITCHES, Switches, read_switches
from functions.runtime.versions import CURRENT, Pointer, read_pointer, stored_version
from functions.spec.plan import Plan, Policy
from functions.times import Clock

LOOK_EVERY: Final = timedelta(seconds=10)
"""How long a look holds, where nothing else is said."""

GOOD_FOR: Final = timedelta(minutes=5)
"""How long after the last successful look actions are still chosen, where nothing else is said."""

_RETRY: Final = timedelta(seconds=1)
_NO_TIME: Final = timedelta(0)

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look.

    Attributes:
        every: How long a look holds; at most a second after one that failed.
        good_for: How long after the last successful look actions are still chosen.
    """

    every: timedelta = LOOK_EVERY
    good_for: timedelta = GOOD_FOR


@dataclass(frozen=True, slots=True)
class _Seen(Generic[_Value]):
    """What is known since the last look.

    Attributes:
        looked_at: Of the last look, successful or not; None before the first.
        good_at: Of the last look in which everything could be read.
        switches: As last read, also when the policy could not be.
        value: What the last policy that could be read makes of the subject.
        version: The hash of that policy; None for the one that the process was built with.
        rollout: What is tried.
    """

    looked_at: datetime | None = None
    good_at: datetime | None = None
    switches: Switches = NOTHING_OFF
    value: _Value | None = None
    version: str | None = None
    rollout: Rollout | None = None


@dataclass(frozen=True, slots=True)
class _Rails:
    """The rails that actions are asked by when they leave."""

    policy: Policy
    rollout: tuple[Rollout, Policy | None] | None = None


class StoredPolicy:
    """Looks at the pointer and the switches in one read, and loads a version when the pointer names a new one.

    Args:
        store: Where operators publish and switch.
        wall: The clock.
        published: Whether published versions count; without, plans are as they were built.
        pace: How often to look.
        notice: Told the code of why a look failed.
    """

    def __init__(
        self,
        store: OperatorStore,
        *,
        wall: Clock,
        published: bool,
        pace: Pace | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store: Final = store
        self._wall: Final = wall
        self._published: Final = published
        self._pace: Final = pace or Pace()
        self._notice: Final = notice
        self._plans: Final[dict[str, tuple[Plan, _Seen[InForce]]]] = {}
        self._leaving: _Seen[_Rails] = _Seen()

    def look(self, plan: Plan) -> InForce:
        """Return what of a plan is in force now."""
        now = self._wall()
        asked, seen = self._plans.get(plan.name, (plan, _Seen()))
        if asked is not plan:
            seen = _Seen()
        if self._is_due(seen, now):
            seen = self._looked(seen, now, lambda pointer: self._in_force(plan, pointer))
            self._plans[plan.name] = plan, seen
        base = seen.value or InForce(plan)
        off = _function_off(base.plan, seen.switches)
        if seen.value is None or not self._is_known(seen, now):
            return InForce(base.plan, _all(base.plan, reason(UNKNOWN)), off)
        if not seen.switches.off:
            return base
        removed, trial = _switched(base.plan, seen.switches), base.rollout
        if trial is not None:
            trial = replace(trial, removed={**trial.removed, **removed})
        return InForce(base.plan, {**base.removed, **removed}, off, trial)

    def leaving(self, policy: Policy) -> Leaving:
        """Return what the actions of every function are asked by when they are about to leave."""
        now = self._wall()
        if self._is_due(self._leaving, now):
            self._leaving = self._looked(self._leaving, now, lambda pointer: self._asked(policy, pointer))
        seen = self._leaving
        known = seen.value is not None and self._is_known(seen, now)

        def hold(function: str, action: str) -> str | None:
            if seen.switches.is_off("function", function):
                return "switch.function_off"
            if seen.switches.is_off("action", action):
                return "switch.action_off"
            return None if known else UNKNOWN

        rails = seen.value or _Rails(policy)
        return Leaving(rails.policy, hold, rails.rollout)

    def _is_due(self, seen: _Seen[_Value], now: datetime) -> bool:
        holds = self._pace.every if seen.looked_at == seen.good_at else min(self._pace.every, _RETRY)
        return seen.looked_at is None or not _NO_TIME <= now - seen.looked_at < holds

    def _is_known(self, seen: _Seen[_Value], now: datetime) -> bool:
        return seen.good_at is not None and _NO_TIME <= now - seen.good_at <= self._pace.good_for

    def _looked(
        self, before: _Seen[_Value], now: datetime, make: Callable[[Pointer], _Value]
    ) -> _Seen[_Value]:
        seen = replace(before, looked_at=now)
        try:
            names = (CURRENT, SWITCHES) if self._published else (SWITCHES,)
            documents = self._store.read_documents(*names)
            # Before the policy: a switch counts also when the policy beside it can't be read.
            seen = replace(seen, switches=read_switches(documents.get(SWITCHES)))
            pointer = read_pointer(documents.get(CURRENT))
            if seen.value is None or (pointer.hash, pointer.rollout) != (seen.version, seen.rollout):
                value = make(pointer)
                seen = replace(seen, value=value, version=pointer.hash, rollout=pointer.rollout)
        except FunctionsError as error:
            self._notice(error.code)
            return seen
        return replace(seen, good_at=now)

    def _in_force(self, plan: Plan, pointer: Pointer) -> InForce:
        base, rollout = self._applied(plan, pointer.hash), pointer.rollout
        if rollout is None:
            return base
        try:
            tried = self._applied(plan, rollout.hash)
        except (PolicyUnusableError, PolicyNewerFormatError) as error:
            self._notice(error.code)
            return replace(base, rollout=TriedPlan(rollout, base.plan, _all(base.plan, reason(UNKNOWN))))
        return replace(base, rollout=TriedPlan(rollout, tried.plan, tried.removed))

    def _applied(self, plan: Plan, version: str | None) -> InForce:
        if version is None or version == plan.bundle.policy:
            return InForce(plan)
        applied = apply_policy(plan, stored_version(self._store, version))
        return InForce(applied.plan, {name: reason(code) for name, code in applied.removed.items()})

    def _asked(self, policy: Policy, pointer: Pointer) -> _Rails:
        rails, rollout = self._rails(policy, pointer.hash), pointer.rollout
        if rollout is None or rollout.mode == "shadow":
            return _Rails(rails)
        try:
            return _Rails(rails, (rollout, self._rails(policy, rollout.hash)))
        except (PolicyUnusableError, PolicyNewerFormatError) as error:
            self._notice(error.code)
            return _Rails(rails, (rollout, None))

    def _rails(self, policy: Policy, version: str | None) -> Policy:
        if version is None or version == policy.hash:
            return policy
        return policy_for_leaving(policy, stored_version(self._store, version))


def _all(plan: Plan, why: Reason) -> dict[str, Reason]:
    return dict.fromkeys((action.name for action in plan.actions), why)


def _switched(plan: Plan, switches: Switches) -> dict[str, Reason]:
    why = reason("switch.action_off")
    return {action.name: why for action in plan.actions if switches.is_off("action", action.name)}


def _function_off(plan: Plan, switches: Switches) -> Reason | None:
    if not switches.is_off("function", plan.name):
        return None
    return reason("switch.function_off", function=plan.name)
