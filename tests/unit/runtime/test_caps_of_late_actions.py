"""An action that leaves late counts towards caps from when it left, not from when it was reserved."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


VISITOR = "visitor-1"


@pytest.mark.parametrize("united_after", [1 * HOUR, 22 * HOUR])
def test_what_was_sent_late_under_an_old_id_keeps_the_next_back_from_the_customer(
    united_after: timedelta,
) -> None:
    """One a day, whichever id it was decided under; the two become one customer while the action waits."""
    world = _world()
    put_customer(world.store, customer=VISITOR)
    world.channel.fail(ActionUnavailableError("down"))
    assert world.runtime.handle(PLAN, an_event("first", user_id=VISITOR), now=NOW).outcome == "acted"
    world.wait(united_after)
    world.store.put_alias(VISITOR, CUSTOMER)
    world.wait(23 * HOUR - united_after)
    ((_, done),) = world.runtime.redrive(PLAN.policy, now=NOW + 23 * HOUR)
    assert done is not None
    assert done.delivery == "sent"
    for hours, outcome in ((24, "suppressed"), (46, "suppressed"), (47, "acted")):
        at = NOW + hours * HOUR
        receipt = world.runtime.handle(PLAN, an_event(f"event-{hours}", time=at), now=at)
        assert (hours, receipt.profile_id, receipt.outcome) == (hours, CUSTOMER, outcome)


def test_of_two_that_wait_one_leaves_when_their_ids_become_one_customers() -> None:
    """The one that is refused frees its place for the other, under the id that both lead to."""
    world = _world()
    put_customer(world.store, customer=VISITOR)
    for user in (VISITOR, CUSTOMER):
        world.channel.fail(ActionUnavailableError("down"))
        assert world.runtime.handle(PLAN, an_event(user, user_id=user), now=NOW).outcome == "acted"
    world.store.put_alias(VISITOR, CUSTOMER)
    world.wait(HOUR)
    done = world.runtime.redrive(PLAN.policy, now=NOW + HOUR)
    assert sorted(one.delivery for _, one in done if one is not None) == ["none", "sent"]
    assert len(world.channel.deliveries) == 1


@pytest.mark.parametrize("microseconds", [0, 999])
def test_what_left_at_once_counts_from_the_decision_and_moves_no_version(microseconds: int) -> None:
    """Whatever the clock says below the milliseconds that are kept."""
    world = _world()
    world.runtime.handle(PLAN, an_event("first"), now=NOW + timedelta(microseconds=microseconds))
    state = world.store.load(CUSTOMER).state
    assert (state.version, [one.at for one in state.contacts]) == (1, [NOW])
