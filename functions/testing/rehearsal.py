"""A runtime whose surroundings are all in memory, clocks included, for tests and rehearsals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from functions.actions.memory import MemoryChannel
from functions.models.memory import MemoryModel
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.profiles.store import CommitRequest, CommitResult, ProfileStore
from functions.runtime.engine import Runtime
from functions.runtime.in_force import AsBuilt, PolicySource
from functions.runtime.ports import Ports


class Rehearsal:
    """One runtime, and everything that it sees of the world.

    Args:
        now: What the wall clock says until `wait` moves it.
        store: Profiles; an empty store in memory when not given.
        model: Answers every model call; one that is down when not given.
        owner: Name of this process in leases.
        policy: Knows what is in force; by default plans are as built, and nothing is switched off.

    Attributes:
        store: Where profiles are.
        feedback: Where trials and responses are.
        model: Remembers every call.
        channel: Remembers every message, whatever channel it was for.
        stages: Every stage that was passed, in order.
        on_stage: Told every stage as it is passed; may raise, as a process may die there.
        ports: What the runtime was given; `dataclasses.replace` makes another world of it.
        runtime: The runtime.
    """

    def __init__(
        self,
        *,
        now: datetime,
        store: ProfileStore | None = None,
        model: MemoryModel | None = None,
        owner: str = "rehearsal",
        policy: PolicySource | None = None,
    ) -> None:
        self._wall = now
        self._seconds = 0.0
        self.store: ProfileStore = store or MemoryProfileStore()
        self.model = model or MemoryModel()
        own = self.store.feedback if isinstance(self.store, MemoryProfileStore) else MemoryFeedbackStore()
        self.feedback: MemoryFeedbackStore = own
        self.channel = MemoryChannel()
        self.stages: list[str] = []
        self.on_stage: Callable[[str], None] = _go_on
        self.ports = Ports(
            store=self.store,
            model=lambda _: self.model,
            channel=lambda _: self.channel,
            wall=lambda: self._wall,
            monotonic=lambda: self._seconds,
            sleep=self._sleep,
            jitter=lambda: 1.0,
            policy=policy or AsBuilt(),
            owner=owner,
            at_stage=self._pass,
            feedback=self.feedback,
        )
        self.runtime = Runtime(self.ports)

    def wait(self, duration: timedelta) -> None:
        """Let time pass on both clocks."""
        self._wall += duration
        self._seconds += duration.total_seconds()

    def jump(self, duration: timedelta) -> None:
        """Set the wall clock, forth or back; no time passes."""
        self._wall += duration

    def _sleep(self, seconds: float) -> None:
        self.wait(timedelta(seconds=seconds))

    def _pass(self, stage: str) -> None:
        self.stages.append(stage)
        self.on_stage(stage)


class InterruptedStore(MemoryProfileStore):
    """A store in memory in which something happens right before a commit.

    Args:
        happenings: One for each of the first commits, given the store; a result that one returns is the
            answer in place of the commit.
    """

    def __init__(self, *happenings: Callable[[MemoryProfileStore], object]) -> None:
        super().__init__()
        self._happenings = list(happenings)
        self.commits = 0

    def commit(self, request: CommitRequest) -> CommitResult:
        """Let the next thing happen, then commit."""
        self.commits += 1
        if self._happenings:
            answer = self._happenings.pop(0)(self)
            if isinstance(answer, CommitResult):
                return answer
        return super().commit(request)


def _go_on(_: str) -> None:
    """Do nothing at a stage."""
