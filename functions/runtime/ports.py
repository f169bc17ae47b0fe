"""What a runtime is given: every way to the outside, time and chance included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from functions.actions.channel import ActionChannel
from functions.models.model import Model
from functions.profiles.feedback import FeedbackStore
from functions.profiles.store import ProfileStore
from functions.runtime.haste import Haste
from functions.runtime.in_force import PolicySource
from functions.runtime.suppression import Suppressions
from functions.spec.plan import ChannelPlan, ModelPlan
from functions.times import Clock


def _ignore(_: str) -> None:
    """Do nothing at a stage."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The surroundings of a runtime.

    Attributes:
        store: Profiles, decisions, outbox.
        model: Opens the model of a plan; called for every event, so it keeps what it opened.
        channel: Opens a channel; as `model`.
        wall: The wall clock, for leases; decision time is passed with each event.
        monotonic: Seconds that never go back, for deadlines and timings.
        sleep: Waits for that many seconds.
        jitter: Gives a number from 0 to below 1.
        policy: Knows which policy is in force, and what is switched off.
        owner: Names this process in leases; unique.
        lease: How long an outbox entry is held; None for what its channel may take, and a reserve.
        event_skew: How far an event's time may be ahead of decision time.
        caller: Whether somebody waits for the answer. Actions of a `response` channel leave only then; scores are
            told by the next redrive then, so that nobody waits for them.
        haste: Says whether an act right after its commit still fits into the time that is left.
        feedback: Trials, responses and counters; None where the store keeps none: then nothing is learned.
        suppressions: Who is on which suppression list; None where the store keeps no marks: then its own word counts.
        at_stage: Told the name of every stage that was passed, for progress and fault tests.
    """

    store: ProfileStore
    model: Callable[[ModelPlan], Model]
    channel: Callable[[ChannelPlan], ActionChannel]
    wall: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    policy: PolicySource
    owner: str
    lease: timedelta | None = None
    event_skew: timedelta = timedelta(minutes=5)
    caller: bool = False
    haste: Haste = field(default_factory=Haste)
    at_stage: Callable[[str], None] = _ignore
    feedback: FeedbackStore | None = None
    suppressions: Suppressions | None = None
