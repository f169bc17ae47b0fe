"""One customer, one function and its outbox, for tests of what happens after the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.outbox import ContactStatus, OutboxEntry
from functions.profiles.store import ProfileStore
from functions.runtime.acting import LEASE_RESERVE
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, put_customer

PATIENT: Final = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"})
"""The sample function, whose actions have a week to leave."""

LEASE: Final = LEASE_RESERVE
"""Of an entry whose channel is in memory."""


class Killed(BaseException):
    """The process ends here."""


def acting_world(store: ProfileStore | None = None, owner: str = "first") -> Rehearsal:
    """Return a world with a customer who is likely to leave; in a store of your own, put one."""
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    world = Rehearsal(now=NOW, store=store, owner=owner, model=model)
    if store is None:
        put_customer(world.store)
    return world


def run(world: Rehearsal, event_id: str = "event-1", plan: Plan = PATIENT) -> Receipt:
    """Decide about an event of the customer."""
    return world.runtime.handle(plan, an_event(event_id), now=NOW)


def at_stage(stage: str, happening: Callable[[], object]) -> Callable[[str], None]:
    """Return what lets something happen, once, when a stage is passed."""
    waiting = [happening]

    def passed(name: str) -> None:
        if name == stage and waiting:
            waiting.pop()()

    return passed


def kill() -> None:
    """End the process."""
    raise Killed


def killed_at(stage: str, world: Rehearsal | None = None) -> Rehearsal:
    """Return a world after a process died at a stage of the first event."""
    world = world or acting_world()
    world.on_stage = at_stage(stage, kill)
    try:
        run(world)
    except Killed:
        world.on_stage = lambda _: None
        return world
    raise AssertionError(f"the stage {stage} was not passed")


def redriven(world: Rehearsal, after: timedelta = timedelta(0)) -> list[tuple[str, str | None] | None]:
    """Redrive, and say how far each entry got."""
    done = world.runtime.redrive(PATIENT.policy, now=NOW + after)
    return [(performed.delivery, performed.note) if performed else None for _, performed in done]


def entry_of(world: Rehearsal, event_id: str = "event-1") -> OutboxEntry:
    """Return the outbox entry of the decision about an event."""
    decision = next(one for one in world.store.decisions(CUSTOMER) if one.event_id == event_id)
    entry = world.store.outbox_entry(CUSTOMER, decision.id)
    assert entry is not None
    return entry


def contacts_of(world: Rehearsal) -> Sequence[ContactStatus]:
    """Return how far the actions for the customer got."""
    return [contact.status for contact in world.store.load(CUSTOMER).state.contacts]


class FailingStore(MemoryProfileStore):
    """A store in memory that fails to do some things for a while.

    Attributes:
        unsettled: How many settlements fail from now on.
        unread: Profiles that can't be read.
        error: What is raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.unsettled = 0
        self.unread: set[str] = set()

    def settle(self, entry: OutboxEntry, **how: Any) -> bool:
        """Fail, or settle."""
        if self.unsettled > 0:
            self.unsettled -= 1
            raise self.error
        return super().settle(entry, **how)

    def load(self, profile_id: str, decision_id: str | None = None) -> Any:
        """Fail, or load."""
        if profile_id in self.unread:
            raise self.error
        return super().load(profile_id, decision_id)
