"""Leases and settlements whose answers are lost, and writes that somebody else is in the way of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.feedback import VOID
from functions.testing.store_checks.responding import a_trial
from functions.testing.store_checks.samples import (
    DAY,
    HOUR,
    NOW,
    a_decision,
    acted,
    read,
    taken,
    with_action,
)
from tests.adapters.disturbance import LOST, DisturbedClient, cancelled


def test_settlement_whose_answer_is_lost_is_ours_when_the_entry_says_so(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    entry = taken(store, acted(store, "profile-1"))
    client.plan("transact_write_items", LOST)
    assert store.settle(entry, status="sent") is True
    client.plans.clear()
    assert store.settle(entry, status="sent") is False
    waiting = taken(store, acted(store, "profile-1"))
    client.plan("update_item", LOST)
    assert store.settle(waiting, status="reserved", due_at=NOW + DAY) is True
    client.plans.clear()
    again = taken(store, replace(a_decision("profile-1"), id=waiting.decision_id))
    client.plan("update_item", LOST)
    assert store.settle(replace(again, attempts=1), status="reserved") is False


def test_settlement_waits_for_the_transaction_in_its_way(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    entry = taken(store, acted(store, "profile-1"))
    client.plan("transact_write_items", *[cancelled("None", "TransactionConflict")] * 2)
    assert store.settle(entry, status="sent") is True
    assert read(store, "profile-1").state.contacts[0].status == "sent"


def test_release_marks_a_trial_that_somebody_counts_in_between(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    feedback = DynamoFeedbackStore(table, client=dynamodb)
    decision = a_decision("profile-1")
    trial = replace(a_trial("profile-1", due_at=NOW), name=decision.id)
    store.commit(replace(with_action(decision), trial=trial))
    entry = taken(store, decision)

    def count() -> None:
        (known,) = feedback.read_feedback([trial.key])
        assert feedback.write_feedback([replace(known, body={**known.body, "counted": {"kept": 1}})])

    client.plan("transact_write_items", count)
    assert store.settle(entry, status="released") is True
    (kept,) = feedback.read_feedback([trial.key])
    assert (kept.version, kept.body[VOID], kept.body["counted"]) == (3, True, {"kept": 1})
    assert read(store, "profile-1").state.contacts[0].status == "released"


def test_lease_whose_answer_is_lost_is_left_to_run_out(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    decision = acted(store, "profile-1")
    client.plan("update_item", LOST)
    assert store.lease("profile-1", decision.id, owner="w", now=NOW, until=NOW + HOUR) is None
    assert taken(store, decision, now=NOW + HOUR).attempts == 2
