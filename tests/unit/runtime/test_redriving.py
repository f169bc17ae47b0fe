"""Sending again what waits: under a lease, with one key, after everything was asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.errors import ActionUnavailableError, StoreUnavailableError
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.outbox import OutboxEntry
from functions.runtime.acting import FIRST_RETRY, LEASE_RESERVE
from functions.runtime.engine import Runtime
from functions.spec.plan import ChannelPlan, Policy
from functions.testing.acts import (
    LEASE,
    PATIENT,
    FailingStore,
    acting_world,
    contacts_of,
    entry_of,
    killed_at,
    redriven,
    run,
)
from functions.testing.sample_function import CUSTOMER, NOW, an_event, consent, put_customer


def test_pauses_double_up_to_an_hour() -> None:
    world = acting_world()
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 12)
    run(world)
    pauses = [FIRST_RETRY]
    for _ in range(11):
        world.wait(pauses[-1])
        before = entry_of(world).due_at
        assert redriven(world) == [("queued", "action.unavailable")]
        pauses.append(entry_of(world).due_at - before)
    seconds = [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert [pause.total_seconds() for pause in pauses] == seconds


def test_what_is_not_yet_due_is_left_alone() -> None:
    world = acting_world()
    world.channel.fail(ActionUnavailableError("the receiver is down"))
    run(world)
    world.wait(FIRST_RETRY - timedelta(milliseconds=1))
    assert redriven(world) == []


@pytest.mark.parametrize("stage", ["committed", "leased", "sent"])
def test_a_redrive_sends_what_a_process_that_died_had_decided(stage: str) -> None:
    world = killed_at(stage)
    world.wait(LEASE)
    assert redriven(world) == [("sent", None)]
    assert (entry_of(world).status, contacts_of(world)) == ("sent", ["sent"])
    assert len(world.channel.deliveries) == (2 if stage == "sent" else 1)
    assert len({delivery.message.idempotency_key for delivery in world.channel.deliveries}) == 1
    assert redriven(world) == []


def test_an_entry_that_another_process_holds_is_left_to_it_until_its_lease_ends() -> None:
    world = killed_at("leased")
    world.wait(LEASE - timedelta(milliseconds=1))
    assert redriven(world) == [None]
    world.wait(timedelta(milliseconds=1))
    assert redriven(world) == [("sent", None)]


def test_an_action_that_comes_too_late_is_released_and_says_so() -> None:
    world = killed_at("committed")
    assert redriven(world, timedelta(days=7)) == [("none", "action.expired")]
    assert (entry_of(world).note, contacts_of(world), world.channel.deliveries) == (
        "action.expired",
        ["released"],
        [],
    )
    assert run(world).action is not None


def test_an_action_just_in_time_is_sent() -> None:
    world = killed_at("committed")
    assert redriven(world, timedelta(days=7) - timedelta(milliseconds=1)) == [("sent", None)]


@pytest.mark.parametrize("status", ["denied", "revoked", "conflict", "unknown"])
def test_consent_that_goes_between_commit_and_redrive_releases_the_action(status: Any) -> None:
    world = killed_at("committed")
    world.store.put_consent(CUSTOMER, consent(status, at=NOW), now=NOW)
    assert redriven(world) == [("none", f"consent.{status}")]
    assert (contacts_of(world), world.channel.deliveries) == (["released"], [])


def test_consent_that_expires_before_the_act_releases_the_action() -> None:
    world = killed_at("committed")
    world.store.put_consent(CUSTOMER, replace(consent(at=NOW), expires_at=NOW + timedelta(hours=1)), now=NOW)
    assert redriven(world, timedelta(hours=1)) == [("none", "consent.expired")]


def test_a_lease_that_was_lost_during_the_check_is_not_released_by_its_loser() -> None:
    world = killed_at("committed")
    other = acting_world(world.store, "other")

    def outlive(stage: str) -> None:
        if stage == "leased":
            other.wait(LEASE)
            other.runtime.redrive(PATIENT.policy, now=NOW)

    world.on_stage = outlive
    assert redriven(world, timedelta(days=8)) == [None]
    assert (entry_of(world).status, len(other.channel.deliveries)) == ("sent", 1)


def test_an_entry_whose_channel_is_gone_waits_for_an_operator() -> None:
    world = killed_at("committed")
    ((_, performed),) = world.runtime.redrive(Policy("none", None, (), {}), now=NOW)
    assert performed is not None
    assert (performed.delivery, performed.note) == ("queued", "action.unknown_channel")
    assert (entry_of(world).status, contacts_of(world)) == ("reserved", ["reserved"])
    world.wait(FIRST_RETRY)
    assert redriven(world) == [("sent", None)]


def test_one_entry_that_fails_does_not_keep_the_others_from_leaving() -> None:
    store = FailingStore(StoreUnavailableError("the store is locked"))
    world = acting_world(store)
    put_customer(store)
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 3)
    for number in range(3):
        run(world, f"event-{number}")
    world.wait(FIRST_RETRY)
    store.unsettled = 1
    assert redriven(world) == [("queued", "store.unavailable"), ("sent", None), ("sent", None)]


def test_a_redrive_takes_no_more_than_it_is_told() -> None:
    world = acting_world()
    world.channel.fail(*[ActionUnavailableError("the receiver is down")] * 3)
    for number in range(3):
        run(world, f"event-{number}")
    world.wait(FIRST_RETRY)
    assert len(world.runtime.redrive(PATIENT.policy, now=NOW, limit=2)) == 2
    assert redriven(world) == [("sent", None)]


@pytest.mark.parametrize(
    ("timeout", "lease", "seconds"), [("12s", None, 17), (None, None, 10), ("12s", timedelta(seconds=3), 3)]
)
def test_an_entry_is_held_for_as_long_as_its_channel_may_take(
    timeout: str | None, lease: timedelta | None, seconds: int
) -> None:
    options = {"timeout": timeout} if timeout else {}
    policy = replace(PATIENT.policy, channels={"offers": ChannelPlan("offers", "sqs", options)})
    world = acting_world()
    held: list[OutboxEntry] = []
    world.on_stage = lambda stage: held.append(entry_of(world)) if stage == "leased" else None
    runtime = Runtime(replace(world.ports, lease=lease))
    runtime.handle(replace(PATIENT, policy=policy), an_event(), now=NOW)
    assert [entry.lease_until for entry in held] == [NOW + timedelta(seconds=seconds)]


def test_an_offer_whose_process_died_is_taken_over_within_half_a_minute() -> None:
    """The examples give an offer 30 seconds; a channel that does not say takes 5 at the most."""
    assert timedelta(seconds=DEFAULT_TIMEOUT_S) + LEASE_RESERVE < timedelta(seconds=30) / 2


def test_a_message_that_is_damaged_waits_as_after_any_failure() -> None:
    world = killed_at("committed")
    entry = entry_of(world)
    assert isinstance(world.store, MemoryProfileStore)
    row = world.store._kept[CUSTOMER].outbox[entry.decision_id]
    row["message"] = "{}"  # type: ignore[index]
    assert redriven(world) == [("queued", "store.rejected")]
    assert entry_of(world).due_at == NOW + FIRST_RETRY
