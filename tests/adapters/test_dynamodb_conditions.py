"""What a refused condition teaches the next attempt: how consent was spelled, what to prune, whose score is newer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_keys import CONSENT, STATE, key
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.operator_documents import MARK
from functions.profiles.store import MAX_CONTACTS, CommitRequest, CommitResult, StateUpdate
from functions.testing.store_checks.samples import (
    DAY,
    HOUR,
    NOW,
    a_consent,
    a_contact,
    a_decision,
    a_score,
    acted,
    on_consent,
    on_marks,
    read,
    scores_alone,
    with_action,
)
from tests.adapters.disturbance import DisturbedClient, cancelled


def commits(client: DisturbedClient) -> int:
    return client.calls.count("transact_write_items")


def test_consent_that_somebody_else_spelled_is_compared_by_its_meaning(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    record = {
        "status": {"S": "granted"},
        "at": {"S": "2026-11-02T10:00:00+01:00"},
        "expires_at": {"NULL": True},
        "source": {"S": "preference centre"},
    }
    item = {"pk": {"S": "profile-1"}, "sk": {"S": "CONSENT"}, "purpose#marketing": {"M": record}}
    dynamodb.put_item(TableName=table, Item=item)
    read_record = store.load("profile-1").consent["marketing"]
    assert read_record.at == NOW
    request = on_consent(CommitRequest(a_decision("profile-1")), "marketing", read_record)
    assert store.commit(request) == CommitResult("committed")
    assert commits(client) == 2
    other = on_consent(CommitRequest(a_decision("profile-1")), "marketing", replace(read_record, source=None))
    assert store.commit(other).status == "consent_changed"


def test_pruning_and_an_older_score_take_a_second_attempt(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    old = acted(store, "profile-1", at=NOW - DAY)
    client.calls.clear()
    decision = a_decision("profile-1")
    state = StateUpdate(
        scores={"churn": a_score(0.1, at=NOW - 2 * DAY)},
        contact=a_contact(decision),
        expected_version=1,
        prune_before=NOW - HOUR,
    )
    assert store.commit(CommitRequest(decision, state=state)) == CommitResult("committed")
    assert client.calls == ["transact_write_items"] * 2
    kept = read(store, "profile-1").state
    assert kept.contacts == (a_contact(decision),)
    assert kept.scores["churn"].decision_id == old.id


def test_older_score_alone_leaves_the_decision_alone_to_write(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    store.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.9)))
    late = scores_alone(a_decision("profile-1"), churn=a_score(0.1, at=NOW - HOUR))
    assert store.commit(late) == CommitResult("committed")
    assert [next(iter(one)) for one in client.requests[-1]["TransactItems"]] == ["Put"]
    assert read(store, "profile-1").state.scores["churn"].value == 0.9


def test_score_that_somebody_writes_in_between_is_looked_at_again(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    def overtake() -> None:
        other.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.9, at=NOW)))

    client.plan("transact_write_items", overtake)
    assert store.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.1, at=NOW - HOUR))).status == (
        "committed"
    )
    assert read(store, "profile-1").state.scores["churn"].value == 0.9


def test_full_contact_log_is_pruned_in_one_expression(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    """As many names as there are contacts still fit into what DynamoDB reads."""
    text = '{"action":"a","tags":"[]","channel":"c","at":"2026-01-01T00:00:00.000Z","version_before":0}'
    contact = {"M": {"contact": {"S": text}, "status": {"S": "sent"}}}
    item = {f"contact#{number}": contact for number in range(MAX_CONTACTS)}
    counts = {"version": {"N": "500"}, "contact_count": {"N": "500"}}
    oldest = {"oldest_contact_at": {"S": "2026-01-01T00:00:00.000Z"}}
    dynamodb.put_item(TableName=table, Item=key("profile-1", STATE) | item | counts | oldest)
    request = with_action(a_decision("profile-1"), version=500)
    assert store.commit(request) == CommitResult("contacts_full")
    assert request.state is not None
    pruning = replace(request, state=replace(request.state, prune_before=NOW - HOUR))
    assert store.commit(pruning) == CommitResult("committed")
    assert read(store, "profile-1").state.contacts == (a_contact(request.decision),)


def test_several_consents_are_one_check_of_one_item(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    """One of them as somebody else spelled it, which takes a second attempt."""
    record = {"status": {"S": "granted"}, "at": {"S": "2026-11-02T10:00:00+01:00"}}
    item = key("profile-1", CONSENT) | {"purpose#calls": {"M": record}}
    dynamodb.put_item(TableName=table, Item=item)
    store.put_consent("profile-1", a_consent(), now=NOW)
    found = store.load("profile-1").consent
    request = CommitRequest(a_decision("profile-1"))
    for purpose in ("marketing", "calls", "ads"):
        request = on_consent(request, purpose, found.get(purpose))
    client.requests.clear()
    assert store.commit(request) == CommitResult("committed")
    assert [len(sent["TransactItems"]) for sent in client.requests] == [2, 2]
    check = client.requests[-1]["TransactItems"][1]["ConditionCheck"]
    assert set(check["ExpressionAttributeNames"].values()) == {
        "purpose#marketing",
        "purpose#calls",
        "purpose#ads",
    }
    other = on_consent(replace(request, decision=a_decision("profile-1")), "calls", None)
    assert store.commit(other).status == "consent_changed"


def test_a_mark_is_one_check_of_an_item_with_a_partition_of_its_own(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    documents = DynamoOperatorStore(table, client=dynamodb)
    assert documents.put_document(MARK + "0a", {}, replaces=0)
    request = on_marks(CommitRequest(a_decision("profile-1")), **{MARK + "0a": 1, MARK + "0b": 0})
    assert store.commit(request) == CommitResult("committed")
    _, *checks = client.requests[-1]["TransactItems"]
    assert [next(iter(one)) for one in checks] == ["ConditionCheck", "ConditionCheck"]
    partitions = [one["ConditionCheck"]["Key"]["pk"]["S"] for one in checks]
    assert partitions == ["FUNCTIONS#MARK#0a", "FUNCTIONS#MARK#0b"]


@pytest.mark.parametrize("reasons", [(), ("None", "ConditionalCheckFailed", "TransactionConflict")])
def test_a_mark_that_changed_is_told_although_the_refusal_brings_no_item(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str, reasons: tuple[str, ...]
) -> None:
    assert DynamoOperatorStore(table, client=dynamodb).put_document(MARK + "0a", {}, replaces=0)
    request = on_marks(scores_alone(a_decision("profile-1"), churn=a_score()), **{MARK + "0a": 0})
    client.plan("transact_write_items", cancelled(*reasons))
    assert store.commit(request) == CommitResult("lists_changed")
    client.plan("transact_write_items", cancelled(*reasons))
    right = on_marks(request, **{MARK + "0a": 1})
    assert store.commit(right).status == "conflict"
    assert store.commit(right).status == "committed"
