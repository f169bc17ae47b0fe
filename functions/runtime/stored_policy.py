"""The switches, looked up in the store every few seconds.

What can't be known counts as no: without a successful look in the last minutes no action is chosen, while
scores go on. Ages are taken by the wall clock: a process that was frozen, or restored from a snapshot, finds
that time has passed and looks again before its next event. A clock that was set back makes it look again too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.decision.reasons import Reason, reason
from functions.errors import FunctionsError
from functions.profiles.operator_documents import OperatorStore
from functions.runtime.in_force import UNKNOWN, InForce
from functions.runtime.switches import NOTHING_OFF, SWITCHES, Switches, read_switches
from functions.spec.plan import Plan
from functions.times import Clock

LOOK_EVERY: Final = timedelta(seconds=10)
"""How long a look holds, where nothing else is said."""

GOOD_FOR: Final = timedelta(minutes=5)
"""How long after the last successful look actions are still chosen, where nothing else is said."""

_RETRY: Final = timedelta(seconds=1)
_NO_TIME: Final = timedelta(0)


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
class _Seen:
    """What is known since the last look.

    Attributes:
        looked_at: Of the last look, successful or not; None before the first.
        good_at: Of the last look in which everything could be read.
        switches: As last read, also when the policy could not be.
        base: The plan, once a look was successful.
        answer: The base without what is switched off.
    """

    looked_at: datetime | None = None
    good_at: datetime | None = None
    switches: Switches = NOTHING_OFF
    base: InForce | None = None
    answer: InForce | None = None


class StoredPolicy:
    """Looks at the switches; plans are as they were built.

    Args:
        store: Where operators switch.
        wall: The clock.
        pace: How often to look.
        notice: Told the code of why a look failed.
    """

    def __init__(
        self,
        store: OperatorStore,
        *,
        wall: Clock,
        pace: Pace | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store: Final = store
        self._wall: Final = wall
        self._pace: Final = pace or Pace()
        self._notice: Final = notice
        self._seen: Final[dict[str, _Seen]] = {}

    def look(self, plan: Plan) -> InForce:
        """Return what of a plan is in force now."""
        now = self._wall()
        seen = self._fresh(plan.name, plan, now)
        if seen.answer is not None and self._is_known(seen, now):
            return seen.answer
        known = (seen.base or InForce(plan)).plan
        unavailable = dict.fromkeys((action.name for action in known.actions), reason(UNKNOWN))
        return InForce(known, unavailable, _function_off(known, seen.switches))

    def hold(self, function: str, action: str) -> str | None:
        """Return the code of why a decided action may not leave now; None when it may."""
        now = self._wall()
        seen = self._fresh("", None, now)
        if seen.switches.is_off("function", function):
            return "switch.function_off"
        if seen.switches.is_off("action", action):
            return "switch.action_off"
        return None if self._is_known(seen, now) else UNKNOWN

    def _fresh(self, name: str, plan: Plan | None, now: datetime) -> _Seen:
        """Return what is known, after another look when the last one is over."""
        seen = self._seen.get(name, _Seen())
        holds = self._pace.every if seen.looked_at == seen.good_at else min(self._pace.every, _RETRY)
        if seen.looked_at is None or not _NO_TIME <= now - seen.looked_at < holds:
            seen = self._seen[name] = self._looked(replace(seen, looked_at=now), plan)
        return seen

    def _is_known(self, seen: _Seen, now: datetime) -> bool:
        return seen.good_at is not None and _NO_TIME <= now - seen.good_at <= self._pace.good_for

    def _looked(self, seen: _Seen, plan: Plan | None) -> _Seen:
        try:
            documents = self._store.read_documents(SWITCHES)
            base = InForce(plan) if plan is not None else None
            seen = _answered(replace(seen, switches=read_switches(documents.get(SWITCHES)), base=base))
        except FunctionsError as error:
            self._notice(error.code)
            return seen
        return replace(seen, good_at=seen.looked_at)


def _answered(seen: _Seen) -> _Seen:
    """Return what is known with the answer made anew: once for each look, not for each event."""
    if seen.base is None:
        return seen
    plan, switches = seen.base.plan, seen.switches
    off = reason("switch.action_off")
    switched = {action.name: off for action in plan.actions if switches.is_off("action", action.name)}
    answer = InForce(plan, {**seen.base.removed, **switched}, _function_off(plan, switches))
    return replace(seen, answer=answer)


def _function_off(plan: Plan, switches: Switches) -> Reason | None:
    if not switches.is_off("function", plan.name):
        return None
    return reason("switch.function_off", function=plan.name)
