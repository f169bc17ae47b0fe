"""How large items may be, when they may go, and what many open or read at once."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.errors import StoreRejectedError
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_items import decision_item
from functions.profiles.store import CommitRequest, CommitResult, DecisionRecord
from functions.testing.store_checks.samples import (
    NOW,
    a_consent,
    a_decision,
    acted,
    refuses,
    taken,
    with_action,
)
from tests.adapters.disturbance import DisturbedClient


def test_item_that_is_too_large_is_refused_before_the_call(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    decision = a_decision("profile-1")
    large = {"text": "é" * 205_000}
    request = with_action(decision)
    assert request.outbox is not None
    client.calls.clear()
    for refused in (
        CommitRequest(replace(decision, body=large)),
        replace(request, outbox=replace(request.outbox, message=large)),
    ):
        with pytest.raises(StoreRejectedError, match="bytes as an item; DynamoDB keeps 409,600"):
            store.commit(refused)
    noise = {"text": random.Random(7).randbytes(600_000).hex()}
    with pytest.raises(StoreRejectedError, match="the profile, compressed, takes"):
        store.put_profile("profile-1", noise, updated_at=NOW)
    assert client.calls == []


def test_largest_item_that_is_let_through_is_kept(store: DynamoProfileStore) -> None:
    decision = a_decision("profile-1")

    def of(length: int) -> DecisionRecord:
        return replace(decision, body={"text": "a" * length})

    def refused(length: int) -> bool:
        return refuses(decision_item, of(length), "0" * 16)

    first = bisect_left(range(409_600), True, key=refused)
    assert 408_000 < first < 409_600
    assert refuses(store.commit, CommitRequest(of(first)))
    assert store.commit(CommitRequest(of(first - 1))) == CommitResult("committed")


def test_budget_that_others_open_at_once_is_opened_once(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.open_budget("budget-1", "2026-11-02", [5]))
    store.open_budget("budget-1", "2026-11-02", [9, 9])
    assert store.budget_left("budget-1", "2026-11-02") == (5,)


def test_kept_items_say_when_they_may_go(store: DynamoProfileStore, dynamodb: Any, table: str) -> None:
    """Decisions, settled entries and budgets do, reserved entries and what is about the person never."""
    sent, waiting = acted(store, "profile-1"), acted(store, "profile-1")
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    store.put_consent("profile-1", a_consent(), now=NOW)
    store.settle(taken(store, sent), status="sent")
    store.open_budget("budget-1", "2026-11-02", [1], keep_until=NOW + timedelta(days=30))
    store.open_budget("budget-2", "2026-11-02", [1])
    found = dynamodb.scan(TableName=table)["Items"]
    ends = {item["sk"]["S"]: item["ttl"]["N"] for item in found if "ttl" in item}
    month = str(int((NOW + timedelta(days=30)).timestamp()))
    assert ends == dict.fromkeys(
        (f"DECISION#{sent.id}", f"DECISION#{waiting.id}", f"OUTBOX#{sent.id}", "BUDGET#2026-11-02"), month
    )
    assert {item["sk"]["S"] for item in found if "outbox_shard" in item} == {f"OUTBOX#{waiting.id}"}
