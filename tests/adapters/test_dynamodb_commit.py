"""Commits that are cancelled, disturbed or left without an answer: never twice, never taken for another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.errors import StoreThrottledError, StoreUnavailableError
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.store import CommitRequest, CommitResult, StateUpdate
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_consent,
    a_contact,
    a_decision,
    acted,
    on_consent,
    paid_from,
    read,
    with_action,
)
from tests.adapters.disturbance import LOST, UNSENT, DisturbedClient, Ticking, cancelled


@pytest.fixture
def everything(store: DynamoProfileStore) -> CommitRequest:
    """A commit with all five operations, that would pass."""
    store.open_budget("budget-1", "2026-11-02", [10])
    store.put_consent("profile-1", a_consent(), now=NOW)
    request = with_action(a_decision("profile-1", "decision-1"))
    return paid_from(on_consent(request, "marketing", a_consent()), "budget-1", 3)


def commits(client: DisturbedClient) -> int:
    return client.calls.count("transact_write_items")


def state_of(store: DynamoProfileStore) -> tuple[object, ...]:
    """Return what a commit to the first profile leaves: how often it was written."""
    snapshot = read(store, "profile-1", "decision-1")
    return (
        snapshot.decision is not None,
        snapshot.state.version,
        len(snapshot.state.contacts),
        len(store.outbox()),
        store.budget_left("budget-1", "2026-11-02"),
    )


WRITTEN = (True, 1, 1, 1, (7,))
NOTHING = (False, 0, 0, 0, (10,))


def test_load_and_commit_take_one_round_trip_each(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.calls.clear()
    store.load("profile-1", "decision-1")
    assert client.calls == ["batch_get_item"]
    assert store.commit(everything) == CommitResult("committed")
    assert client.calls == ["batch_get_item", "transact_write_items"]
    assert "ClientRequestToken" not in client.requests[-1]
    assert [next(iter(one)) for one in client.requests[-1]["TransactItems"]] == [
        "Put",
        "ConditionCheck",
        "Update",
        "Update",
        "Put",
    ]


def test_duplicate_is_answered_without_another_read(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    store.commit(everything)
    client.calls.clear()
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert client.calls == ["transact_write_items"]
    assert state_of(store) == WRITTEN


def test_answer_that_is_lost_is_learnt_from_the_decision(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", LOST)
    assert store.commit(everything) == CommitResult("committed")
    assert commits(client) == 3  # one opened the budget
    assert state_of(store) == WRITTEN


def test_commit_that_never_arrived_is_sent_again(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", UNSENT, UNSENT)
    assert store.commit(everything) == CommitResult("committed")
    assert state_of(store) == WRITTEN


def test_decision_of_another_that_came_first_is_not_taken_for_ours(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore, everything: CommitRequest
) -> None:
    def overtake() -> None:
        assert other.commit(everything).status == "committed"

    client.plan("transact_write_items", UNSENT, overtake)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert state_of(store) == WRITTEN


def test_our_own_commit_still_on_its_way_is_waited_for(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan(
        "transact_write_items", LOST, cancelled("TransactionConflict", "None", "None", "None", "None")
    )
    assert store.commit(everything) == CommitResult("committed")
    assert state_of(store) == WRITTEN


def test_last_look_finds_what_was_written_when_no_answer_comes(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", LOST, *[UNSENT] * 50)
    assert store.commit(everything) == CommitResult("committed")
    assert client.calls[-1] == "batch_get_item"
    client.plans.clear()
    assert state_of(store) == WRITTEN


def test_no_answer_at_all_is_said_and_a_redelivery_commits_once(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", *[UNSENT] * 50)
    with pytest.raises(StoreUnavailableError):
        store.commit(everything)
    client.plans.clear()
    assert state_of(store) == NOTHING
    client.plan("transact_write_items", LOST, *[UNSENT] * 50)
    client.plan("batch_get_item", *[UNSENT] * 50)
    with pytest.raises(StoreUnavailableError):
        store.commit(everything)
    client.plans.clear()
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert state_of(store) == WRITTEN


def test_conflict_that_lasts_after_a_lost_answer_leaves_a_doubt(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    conflict = cancelled("TransactionConflict", "None", "None", "None", "None")
    client.plan("transact_write_items", UNSENT, *[conflict] * 50)
    with pytest.raises(StoreUnavailableError, match="no answer whether a commit was written"):
        store.commit(everything)
    client.plan("transact_write_items", LOST, *[conflict] * 50)
    assert store.commit(everything) == CommitResult("committed")


def test_conflict_is_the_callers_to_repeat(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", cancelled("None", "None", "TransactionConflict", "None", "None"))
    assert store.commit(everything) == CommitResult("conflict")
    assert state_of(store) == NOTHING
    assert store.commit(everything) == CommitResult("committed")


def test_condition_that_failed_beside_a_conflict_is_judged_on_what_is_stored(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    beside = cancelled("TransactionConflict", "None", "ConditionalCheckFailed", "None", "None")
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("conflict")
    store.commit(everything)
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    other = replace(everything, decision=a_decision("profile-1"), outbox=None)
    moved = replace(
        other, state=StateUpdate(contact=a_contact(other.decision), expected_version=0), budgets=()
    )
    client.plan("transact_write_items", cancelled("TransactionConflict", "None", "ConditionalCheckFailed"))
    assert store.commit(moved) == CommitResult("version_moved")


@pytest.mark.parametrize("reasons", [(), ("ConditionalCheckFailed",)])
def test_refusal_without_its_reasons_is_judged_on_what_is_stored(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest, reasons: tuple[str, ...]
) -> None:
    store.commit(everything)
    client.plan("transact_write_items", cancelled(*reasons))
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)


@pytest.mark.parametrize(
    ("failed", "status"),
    [
        (
            ("None", "ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed"),
            "consent_changed",
        ),
        (("None", "None", "ConditionalCheckFailed", "ConditionalCheckFailed"), "version_moved"),
        (("None", "None", "None", "ConditionalCheckFailed"), "budget_empty"),
    ],
)
def test_first_reason_in_the_order_of_the_status_is_given(
    client: DisturbedClient,
    store: DynamoProfileStore,
    everything: CommitRequest,
    failed: tuple[str, ...],
    status: str,
) -> None:
    """The items of the reasons are read anew, since these bring none; each says no to what it is asked."""
    acted(store, "profile-1")
    store.put_consent("profile-1", replace(a_consent(), status="revoked", at=NOW + HOUR), now=NOW)
    client.plan("transact_write_items", cancelled(*failed, "None"))
    assert store.commit(paid_from(replace(everything, budgets=()), "budget-1", 11)).status == status


def test_throttled_commit_is_sent_again_and_then_given_up(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    throttled = cancelled("None", "None", "ThrottlingError", "None", "None")
    client.plan("transact_write_items", throttled, throttled)
    assert store.commit(everything) == CommitResult("committed")
    client.calls.clear()
    client.plan("transact_write_items", *[throttled] * 50)
    with pytest.raises(StoreThrottledError):
        store.commit(with_action(a_decision("profile-2")))
    assert set(client.calls) == {"transact_write_items"}


def test_throttling_beside_a_failed_condition_does_not_hide_it(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    store.commit(everything)
    beside = cancelled("ConditionalCheckFailed", "None", "ThrottlingError", "None", "None")
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)


def test_items_that_keep_changing_end_as_a_conflict(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest, clock: Ticking
) -> None:
    """Each look finds that nothing is in the way, each attempt that something was."""

    def tick() -> None:
        clock.sleep(0.2)
        raise cancelled("None", "None", "ConditionalCheckFailed", "None", "None")

    client.plan("transact_write_items", *[tick] * 50)
    assert store.commit(everything) == CommitResult("conflict")
    client.plans.clear()
    assert state_of(store) == NOTHING
