"""After the commit: sending, waiting, giving up, and sending again under the same key."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

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
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import ContactStatus, OutboxEntry, ProfileStore
from functions.runtime.acting import FIRST_RETRY
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.spec.plan import ChannelPlan, Policy
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, consent, put_customer

PLAN = a_plan()
PATIENT = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"})
LEASE = timedelta(seconds=30)


class Killed(BaseException):
    """The process ends here."""


def _world(store: ProfileStore | None = None, owner: str = "first") -> Rehearsal:
    world = Rehearsal(
        now=NOW, store=store, owner=owner, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    )
    if store is None:
        put_customer(world.store)
    return world


def _run(world: Rehearsal, event_id: str = "event-1") -> Receipt:
    return world.runtime.handle(PATIENT, an_event(event_id), now=NOW)


def _killed_at(stage: str) -> Rehearsal:
    """Return the world after a process died at a stage of the first event."""
    world = _world()

    def die(passed: str) -> None:
        if passed == stage:
            raise Killed

    world.on_stage = die
    with pytest.raises(Killed):
        _run(world)
    world.on_stage = lambda _: None
    return world


def _redrive(world: Rehearsal, after: timedelta = timedelta(0)) -> list[tuple[str, str | None] | None]:
    """Redrive, and say how far each entry got."""
    done = world.runtime.redrive(PATIENT.policy, now=NOW + after)
    return [(performed.delivery, performed.note) if performed else None for _, performed in done]


def _entry(world: Rehearsal, event_id: str = "event-1") -> OutboxEntry:
    decision = next(one for one in world.store.decisions(CUSTOMER) if one.event_id == event_id)
    entry = world.store.outbox_entry(CUSTOMER, decision.id)
    assert entry is not None
    return entry


def _contacts(world: Rehearsal) -> list[ContactStatus]:
    return [contact.status for contact in world.store.load(CUSTOMER).state.contacts]


def test_what_is_sent_is_settled_and_counts_as_a_contact() -> None:
    world = _world()
    receipt = _run(world)
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
    assert (_entry(world).status, _contacts(world)) == ("sent", ["sent"])


def test_nothing_is_sent_before_the_commit() -> None:
    world = _world()
    _run(world)
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
    world = _world()
    world.channel.fail(error("the receiver is busy"))
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "queued", error.code)
    entry = _entry(world)
    assert (entry.status, entry.note, entry.due_at) == ("reserved", error.code, NOW + FIRST_RETRY)
    assert (entry.lease_owner, _contacts(world)) == (None, ["reserved"])


@pytest.mark.parametrize("error", [ActionRejectedError, ActionDeniedError])
def test_what_can_never_succeed_is_released_and_frees_its_place(error: type[ActionError]) -> None:
    world = _world()
    world.channel.fail(error("the receiver refused"))
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "none", error.code)
    assert (_entry(world).status, _contacts(world)) == ("released", ["released"])
    assert world.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83
    assert _redrive(world, timedelta(hours=1)) == []


def test_an_action_that_may_have_arrived_is_sent_again_under_the_same_key() -> None:
    world = _world()
    world.channel.fail(ActionAmbiguousError("no answer came"), taken=True)
    _run(world)
    world.wait(FIRST_RETRY)
    assert _redrive(world) == [("sent", None)]
    assert len(world.channel.deliveries) == 2
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1


def test_pauses_double_up_to_an_hour() -> None:
    world = _world()
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 12)
    _run(world)
    pauses = [FIRST_RETRY]
    for _ in range(11):
        world.wait(pauses[-1])
        before = _entry(world).due_at
        assert _redrive(world) == [("queued", "action.unavailable")]
        pauses.append(_entry(world).due_at - before)
    seconds = [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert [pause.total_seconds() for pause in pauses] == seconds


def test_what_is_not_yet_due_is_left_alone() -> None:
    world = _world()
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    _run(world)
    world.wait(FIRST_RETRY - timedelta(milliseconds=1))
    assert _redrive(world) == []


@pytest.mark.parametrize("stage", ["committed", "leased", "sent"])
def test_a_redrive_sends_what_a_process_that_died_had_decided(stage: str) -> None:
    world = _killed_at(stage)
    world.wait(LEASE)
    assert _redrive(world) == [("sent", None)]
    assert (_entry(world).status, _contacts(world)) == ("sent", ["sent"])
    assert len(world.channel.deliveries) == (2 if stage == "sent" else 1)
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1
    assert _redrive(world) == []


def test_an_entry_that_another_process_holds_is_left_to_it_until_its_lease_ends() -> None:
    world = _killed_at("leased")
    world.wait(LEASE - timedelta(milliseconds=1))
    assert _redrive(world) == [None]
    world.wait(timedelta(milliseconds=1))
    assert _redrive(world) == [("sent", None)]


def test_an_inline_act_that_finds_its_entry_taken_says_queued() -> None:
    world = _world()
    other = _world(world.store, "other")

    def overtake(stage: str) -> None:
        if stage == "committed":
            other.runtime.redrive(PATIENT.policy, now=NOW)

    world.on_stage = overtake
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == ("acted", "queued", None)
    assert (len(other.channel.deliveries), len(world.channel.deliveries)) == (1, 0)


def test_an_action_that_comes_too_late_is_released_and_says_so() -> None:
    world = _killed_at("committed")
    assert _redrive(world, timedelta(days=7)) == [("none", "action.expired")]
    assert (_entry(world).note, _contacts(world), world.channel.deliveries) == (
        "action.expired",
        ["released"],
        [],
    )
    assert _run(world).action is not None


def test_an_action_just_in_time_is_sent() -> None:
    world = _killed_at("committed")
    assert _redrive(world, timedelta(days=7) - timedelta(milliseconds=1)) == [("sent", None)]


@pytest.mark.parametrize("status", ["denied", "revoked", "conflict", "unknown"])
def test_consent_that_goes_between_commit_and_redrive_releases_the_action(status: Any) -> None:
    world = _killed_at("committed")
    world.store.put_consent(CUSTOMER, consent(status, at=NOW), now=NOW)
    assert _redrive(world) == [("none", f"consent.{status}")]
    assert (_contacts(world), world.channel.deliveries) == (["released"], [])


def test_consent_that_expires_before_the_act_releases_the_action() -> None:
    world = _killed_at("committed")
    world.store.put_consent(CUSTOMER, replace(consent(at=NOW), expires_at=NOW + timedelta(hours=1)), now=NOW)
    assert _redrive(world, timedelta(hours=1)) == [("none", "consent.expired")]


def test_a_lease_that_was_lost_during_the_check_is_not_released_by_its_loser() -> None:
    world = _killed_at("committed")
    other = _world(world.store, "other")

    def outlive(stage: str) -> None:
        if stage == "leased":
            other.wait(LEASE)
            other.runtime.redrive(PATIENT.policy, now=NOW)

    world.on_stage = outlive
    assert _redrive(world, timedelta(days=8)) == [None]
    assert (_entry(world).status, len(other.channel.deliveries)) == ("sent", 1)


def test_an_entry_whose_channel_is_gone_waits_for_an_operator() -> None:
    world = _killed_at("committed")
    ((_, performed),) = world.runtime.redrive(Policy("none", None, (), {}), now=NOW)
    assert performed is not None
    assert (performed.delivery, performed.note) == ("queued", "action.unknown_channel")
    assert (_entry(world).status, _contacts(world)) == ("reserved", ["reserved"])
    world.wait(FIRST_RETRY)
    assert _redrive(world) == [("sent", None)]


def _with_channel(world: Rehearsal, channel: Callable[[ChannelPlan], ActionChannel]) -> Runtime:
    return Runtime(replace(world.ports, channel=channel))


def _no_secret(_: ChannelPlan) -> ActionChannel:
    raise SettingsError("there is no secret 'key'", hint="set the variable FUNCTIONS_SECRET_KEY")


def test_a_channel_that_can_not_be_opened_leaves_the_decision_standing_and_the_action_waiting() -> None:
    world = _world()
    receipt = _with_channel(world, _no_secret).handle(PATIENT, an_event(), now=NOW)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == (
        "acted",
        "queued",
        "settings.invalid",
    )
    assert (receipt.exit_code, receipt.dead_letter) == (0, False)
    world.wait(FIRST_RETRY)
    assert _redrive(world) == [("sent", None)]


class _FailsToSettle(MemoryProfileStore):
    """Can't write for a while."""

    failures = 0

    def settle(self, entry: OutboxEntry, **how: Any) -> bool:
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailableError("the store is locked")
        return super().settle(entry, **how)


def test_a_store_that_fails_after_the_act_does_not_unmake_the_decision() -> None:
    store = _FailsToSettle()
    store.failures = 1
    world = _world(store)
    put_customer(store)
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery, receipt.action.note) == (
        "acted",
        "queued",
        "store.unavailable",
    )
    world.wait(LEASE)
    assert _redrive(world) == [("sent", None)]
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1


def test_one_entry_that_fails_does_not_keep_the_others_from_leaving() -> None:
    store = _FailsToSettle()
    world = _world(store)
    put_customer(store)
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 3)
    for number in range(3):
        _run(world, f"event-{number}")
    world.wait(FIRST_RETRY)
    store.failures = 1
    assert _redrive(world) == [("queued", "store.unavailable"), ("sent", None), ("sent", None)]


def test_a_redrive_takes_no_more_than_it_is_told() -> None:
    world = _world()
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 3)
    for number in range(3):
        _run(world, f"event-{number}")
    world.wait(FIRST_RETRY)
    assert len(world.runtime.redrive(PATIENT.policy, now=NOW, limit=2)) == 2
    assert _redrive(world) == [("sent", None)]


@pytest.mark.parametrize("times", [1, 5])
def test_the_same_event_acts_once_however_often_it_comes(times: int) -> None:
    world = _world()
    first = _run(world)
    again = [_run(world) for _ in range(times)]
    assert {(one.outcome, one.original_outcome, one.decision_id) for one in again} == {
        ("duplicate", "acted", first.decision_id)
    }
    assert all(one.action == first.action for one in again)
    assert all((one.reason, one.scores) == (first.reason, first.scores) for one in again)
    assert (len(world.channel.deliveries), len(world.model.calls)) == (1, 1)
    assert (len(world.store.decisions(CUSTOMER)), len(world.store.load(CUSTOMER).state.contacts)) == (1, 1)


def test_a_duplicate_of_a_decision_without_an_action_has_none() -> None:
    world = _world()
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    _run(world)
    again = _run(world)
    assert (again.outcome, again.original_outcome, again.action) == ("duplicate", "suppressed", None)
    assert again.reason.code == "consent.revoked"


def test_a_duplicate_comes_before_the_age_of_the_event() -> None:
    world = _world()
    world.runtime.handle(PLAN, an_event(), now=NOW)
    late = world.runtime.handle(PLAN, an_event(), now=NOW + timedelta(days=3))
    assert (late.outcome, late.original_outcome) == ("duplicate", "acted")


def test_a_redelivery_sends_what_was_decided_and_not_sent_under_the_same_key() -> None:
    world = _killed_at("committed")
    receipt = _run(world)
    (delivery,) = world.channel.deliveries
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery) == ("duplicate", "sent")
    assert delivery.message.idempotency_key == receipt.decision_id


def test_a_redelivery_checks_age_first() -> None:
    world = _killed_at("committed")
    receipt = world.runtime.handle(PATIENT, an_event(), now=NOW + timedelta(days=7))
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("none", "action.expired")
    assert world.channel.deliveries == []


def test_a_redelivery_checks_consent_first() -> None:
    world = _killed_at("committed")
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("none", "consent.revoked")
    assert world.channel.deliveries == []


def test_a_redelivery_leaves_what_is_held_or_not_due() -> None:
    held = _killed_at("leased")
    receipt = _run(held)
    assert receipt.action is not None
    assert (receipt.action.delivery, held.channel.deliveries) == ("queued", [])
    waiting = _world()
    waiting.channel.fail(ActionUnavailableError("the receiver is down"))
    _run(waiting)
    receipt = _run(waiting)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("queued", "action.unavailable")


def test_a_redelivery_whose_store_fails_at_the_act_is_still_a_duplicate() -> None:
    store = _FailsToSettle()
    world = _world(store)
    put_customer(store)
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    _run(world)
    world.wait(FIRST_RETRY)
    store.failures = 1
    receipt = _run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.note) == ("duplicate", "store.unavailable")


def test_an_event_id_that_two_customers_share_is_two_events() -> None:
    world = _world()
    put_customer(world.store, customer="customer-2")
    first = _run(world)
    second = world.runtime.handle(PATIENT, an_event(user_id="customer-2"), now=NOW)
    assert (second.outcome, second.profile_id) == ("acted", "customer-2")
    assert first.decision_id != second.decision_id
    assert {delivery.message.profile_id for delivery in world.channel.deliveries} == {CUSTOMER, "customer-2"}


def test_two_functions_decide_about_one_event_apart() -> None:
    world = _world()
    first = _run(world)
    second = world.runtime.handle(a_plan(name="winback"), an_event(), now=NOW)
    assert (second.outcome, first.decision_id == second.decision_id) == ("acted", False)
