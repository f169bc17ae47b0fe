"""Whether an act right after its commit still fits: what does not is left to the schedule, in the outbox."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from functions.actions.timeouts import send_timeout_s
from functions.spec.plan import ChannelPlan

SETTLE_S: Final = 1.0
"""For the lease before a send and the settlement after it, in seconds."""

SLOW_S: Final = 1.0
"""A channel that took longer once takes nobody's time again in the same batch."""


class Haste:
    """The time of one invocation, as far as acts are concerned.

    An event that is not decided is worse off than an action that waits a minute: the outbox has the action, and
    nobody has the decision. So an act begins only if its timeout fits, from the second one on with time for one
    more decision after it, and by no channel that was slow before.

    Args:
        time_left: Seconds until the process is stopped.
        decision_s: What one more event of the same batch needs, in seconds.
    """

    def __init__(self, time_left: Callable[[], float] = lambda: math.inf, decision_s: float = 0.0) -> None:
        self._time_left: Final = time_left
        self._decision_s: Final = decision_s
        self._slow: Final[set[str]] = set()
        self._acted = False

    def allows(self, plan: ChannelPlan | None) -> bool:
        """Say whether a send by a channel fits."""
        if plan is not None and plan.name in self._slow:
            return False
        rest_s = self._decision_s if self._acted else 0.0
        return self._time_left() >= send_timeout_s(plan) + SETTLE_S + rest_s

    def note(self, plan: ChannelPlan | None, seconds: float) -> None:
        """Remember how long an act by a channel took, however it ended."""
        self._acted = True
        # Without an end to come, there is no hurry: a process of its own may wait for a slow receiver.
        if plan is not None and seconds > SLOW_S and not math.isinf(self._time_left()):
            self._slow.add(plan.name)
