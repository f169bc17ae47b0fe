"""After the commit: sending, waiting, and giving up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.actions.channel import ActionChannel
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
    SettingsError,
    StoreUnavailableError,
)
from functions.runtime.acting import FIRST_RETRY
from functions.runtime.engine import Runtime
from functions.spec.plan import ChannelPlan
from functions.testing.acts import (
    LEASE,
    PATIENT,
    FailingStore,
    acting_world,
    contacts_of,
    entry_of,
    redriven,
    run,
)
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, an_event, put_customer


def test_what_is_sent_is_settled_and_counts_as_a_contact() -> None:
    world = acting_world()
    receipt = run(world)
    (delivery,) = world.channel.deliveries
    assert receipt.action is not None
    assert receipt.action.as_document() == {
        "name": "offer-20",
        "channel": "offers",
        "delivery": "sent",
        "idempotency_key": receipt.decision_id,
        "note": None,
    }
    message = delivery.message
    assert (message.idempotency_key, message.profile_id, message.event_id) == (
        receipt.decision_id,
        CUSTOMER,
        "event-1",
    )
    assert (message.payload, delivery.now) == ({"percent": 20, "risk": 0.83}, NOW)
    assert (entry_of(world).status, contacts_of(world)) == ("sent", ["sent"])


def test_nothing_is_sent_before_the_commit() -> None:
    world = acting_world()
    run(world)
    assert world.stages == [
        "loaded",
        "prepared",
        "invoked",
        "decided",
        "committed",
        "leased",
        "sent",
        "settled",
    ]


@pytest.mark.parametrize("error", [ActionUnavailableError, ActionThrottledError, ActionAmbiguousError])
def test_what_can_succeed_later_waits_in_the_outbox_and_still_counts_as_a_contact(
    error: type[ActionError],
) -> None:
    world = acting_world()
    world.channel.fail(error("the receiver is busy"))
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "queued", error.code)
    entry = entry_of(world)
    assert (entry.status, entry.note, entry.due_at) == ("reserved", error.code, NOW + FIRST_RETRY)
    assert (entry.lease_owner, contacts_of(world)) == (None, ["reserved"])


@pytest.mark.parametrize("error", [ActionRejectedError, ActionDeniedError])
def test_what_can_never_succeed_is_released_and_frees_its_place(error: type[ActionError]) -> None:
    world = acting_world()
    world.channel.fail(error("the receiver refused"))
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "none", error.code)
    assert (entry_of(world).status, contacts_of(world)) == ("released", ["released"])
    assert world.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83
    assert redriven(world, timedelta(hours=1)) == []


def test_an_action_that_may_have_arrived_is_sent_again_under_the_same_key() -> None:
    world = acting_world()
    world.channel.fail(ActionAmbiguousError("no answer came"), taken=True)
    run(world)
    world.wait(FIRST_RETRY)
    assert redriven(world) == [("sent", None)]
    assert len(world.channel.deliveries) == 2
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1


def test_an_inline_act_that_finds_its_entry_taken_says_queued() -> None:
    world = acting_world()
    other = acting_world(world.store, "other")

    def overtake(stage: str) -> None:
        if stage == "committed":
            other.runtime.redrive(PATIENT.policy, now=NOW)

    world.on_stage = overtake
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "queued", None)
    assert (len(other.channel.deliveries), len(world.channel.deliveries)) == (1, 0)


def _with_channel(world: Rehearsal, channel: Callable[[ChannelPlan], ActionChannel]) -> Runtime:
    return Runtime(replace(world.ports, channel=channel))


def _no_secret(_: ChannelPlan) -> ActionChannel:
    raise SettingsError("there is no secret 'key'", hint="set the variable FUNCTIONS_SECRET_KEY")


def test_a_channel_that_can_not_be_opened_leaves_the_decision_standing_and_the_action_waiting() -> None:
    world = acting_world()
    receipt = _with_channel(world, _no_secret).handle(PATIENT, an_event(), now=NOW)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == (
        "acted",
        "queued",
        "settings.invalid",
    )
    assert (receipt.exit_code, receipt.dead_letter) == (0, False)
    world.wait(FIRST_RETRY)
    assert redriven(world) == [("sent", None)]


def test_a_store_that_fails_after_the_act_does_not_unmake_the_decision() -> None:
    store = FailingStore(StoreUnavailableError("the store is locked"))
    store.unsettled = 1
    world = acting_world(store)
    put_customer(store)
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == (
        "acted",
        "queued",
        "store.unavailable",
    )
    world.wait(LEASE)
    assert redriven(world) == [("sent", None)]
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1
