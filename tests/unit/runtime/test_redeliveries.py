"""An event that comes again: decided once, acted on once, and finished where it was not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.errors import (
    ActionUnavailableError,
    StoreUnavailableError,
)
from functions.runtime.acting import FIRST_RETRY
from functions.testing.acts import (
    PATIENT,
    FailingStore,
    acting_world,
    killed_at,
    run,
)
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, consent, put_customer

PLAN = a_plan()


@pytest.mark.parametrize("times", [1, 5])
def test_the_same_event_acts_once_however_often_it_comes(times: int) -> None:
    world = acting_world()
    first = run(world)
    again = [run(world) for _ in range(times)]
    assert {(one.outcome, one.original_outcome, one.decision_id) for one in again} == {
        ("duplicate", "acted", first.decision_id)
    }
    assert all(one.action == first.action for one in again)
    assert all((one.reason, one.scores) == (first.reason, first.scores) for one in again)
    assert (len(world.channel.deliveries), len(world.model.calls)) == (1, 1)
    assert (len(world.store.decisions(CUSTOMER)), len(world.store.load(CUSTOMER).state.contacts)) == (1, 1)


def test_a_duplicate_of_a_decision_without_an_action_has_none() -> None:
    world = acting_world()
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    run(world)
    again = run(world)
    assert (again.outcome, again.original_outcome, again.action) == ("duplicate", "suppressed", None)
    assert again.reason.code == "consent.revoked"


def test_a_duplicate_comes_before_the_age_of_the_event() -> None:
    world = acting_world()
    world.runtime.handle(PLAN, an_event(), now=NOW)
    late = world.runtime.handle(PLAN, an_event(), now=NOW + timedelta(days=3))
    assert (late.outcome, late.original_outcome) == ("duplicate", "acted")


def test_a_redelivery_sends_what_was_decided_and_not_sent_under_the_same_key() -> None:
    world = killed_at("committed")
    receipt = run(world)
    (delivery,) = world.channel.deliveries
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery) == ("duplicate", "sent")
    assert delivery.message.idempotency_key == receipt.decision_id


def test_a_redelivery_checks_age_first() -> None:
    world = killed_at("committed")
    receipt = world.runtime.handle(PATIENT, an_event(), now=NOW + timedelta(days=7))
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("none", "action.expired")
    assert world.channel.deliveries == []


def test_a_redelivery_checks_consent_first() -> None:
    world = killed_at("committed")
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("none", "consent.revoked")
    assert world.channel.deliveries == []


def test_a_redelivery_leaves_what_is_held_or_not_due() -> None:
    held = killed_at("leased")
    receipt = run(held)
    assert receipt.action is not None
    assert (receipt.action.delivery, held.channel.deliveries) == ("queued", [])
    waiting = acting_world()
    waiting.channel.fail(ActionUnavailableError("the receiver is down"))
    run(waiting)
    receipt = run(waiting)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("queued", "action.unavailable")


def test_a_redelivery_whose_store_fails_at_the_act_is_still_a_duplicate() -> None:
    store = FailingStore(StoreUnavailableError("the store is locked"))
    world = acting_world(store)
    put_customer(store)
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    run(world)
    world.wait(FIRST_RETRY)
    store.unsettled = 1
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.note) == ("duplicate", "store.unavailable")


def test_an_event_id_that_two_customers_share_is_two_events() -> None:
    world = acting_world()
    put_customer(world.store, customer="customer-2")
    first = run(world)
    second = world.runtime.handle(PATIENT, an_event(user_id="customer-2"), now=NOW)
    assert (second.outcome, second.profile_id) == ("acted", "customer-2")
    assert first.decision_id != second.decision_id
    assert {delivery.message.profile_id for delivery in world.channel.deliveries} == {CUSTOMER, "customer-2"}


def test_two_functions_decide_about_one_event_apart() -> None:
    world = acting_world()
    first = run(world)
    second = world.runtime.handle(a_plan(name="winback"), an_event(), now=NOW)
    assert (second.outcome, first.decision_id == second.decision_id) == ("acted", False)
