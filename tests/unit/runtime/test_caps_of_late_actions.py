"""An action that leaves late counts towards caps from when it left, not from when it was reserved."""

from __future__ import annotations

from datetime import timedelta

from functions.errors import ActionUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, put_customer

HOUR = timedelta(hours=1)
PLAN = a_plan(
    trigger={"event_pattern": SPEC["trigger"]["event_pattern"]},
    rails=[{"name": "cap", "cap": "discount", "at_most": 1, "per": "24h rolling"}],
)


def _world() -> Rehearsal:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.9", "text/csv")))
    put_customer(world.store)
    return world


def test_what_was_sent_late_keeps_the_next_back_for_the_whole_window() -> None:
    world = _world()
    world.channel.fail(ActionUnavailableError("down"))
    assert world.runtime.handle(PLAN, an_event("first"), now=NOW).outcome == "acted"
    late = NOW + 23 * HOUR
    world.wait(23 * HOUR)
    ((_, done),) = world.runtime.redrive(PLAN.policy, now=late)
    assert done is not None
    assert done.delivery == "sent"
    for hours, outcome in ((24, "suppressed"), (46, "suppressed"), (47, "acted")):
        at = NOW + hours * HOUR
        receipt = world.runtime.handle(PLAN, an_event(f"event-{hours}", time=at), now=at)
        assert (hours, receipt.outcome) == (hours, outcome)


def test_what_left_at_once_counts_from_the_decision_and_moves_no_version() -> None:
    world = _world()
    world.runtime.handle(PLAN, an_event("first"), now=NOW)
    state = world.store.load(CUSTOMER).state
    assert (state.version, [one.at for one in state.contacts]) == (1, [NOW])
