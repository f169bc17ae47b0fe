"""What the platform writes, aliases, traits and consent, while others write the same."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from functions.errors import StoreContendedError
from functions.governance.consent import ConsentRecord
from functions.profiles.dynamodb import DynamoProfileStore
from functions.testing.store_checks.samples import (
    DAY,
    NOW,
    a_consent,
    document_of,
    read,
    refuses,
)
from tests.adapters.disturbance import LOST, UNSENT, DisturbedClient

MINUTE = timedelta(minutes=1)


def test_alias_that_others_move_at_once_ends_at_one_profile(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.put_alias("alias-1", "profile-2"))
    store.put_alias("alias-1", "profile-1")
    assert store.resolve_alias("alias-1") == "profile-1"
    assert store.holdings("profile-2").aliases == ()
    assert store.delete_profile("profile-1") is True
    assert store.resolve_alias("alias-1") is None


def test_alias_that_moves_during_an_erasure_stays_with_its_new_profile(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    store.put_alias("alias-1", "profile-1")
    client.plan("transact_write_items", lambda: other.put_alias("alias-1", "profile-2"))
    assert store.delete_profile("profile-1") is True
    assert store.resolve_alias("alias-1") == "profile-2"
    assert store.delete_profile("profile-2") is True


def test_traits_that_others_write_in_between_are_kept(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    client.plan(
        "put_item",
        lambda: other.patch_profile("profile-1", {"a": 1}, at=NOW),
        lambda: other.put_profile("profile-1", {"n": 2}, updated_at=NOW),
    )
    assert store.patch_profile("profile-1", {"b": 2}, at=NOW) is True
    document = document_of(store, "profile-1")
    assert (document["n"], document["traits"]) == (2, {"a": 1, "b": 2})


@pytest.mark.parametrize("answer", [LOST, UNSENT])
def test_traits_whose_answer_was_lost_are_written_once(
    client: DisturbedClient, store: DynamoProfileStore, answer: str
) -> None:
    client.plan("put_item", answer)
    assert store.patch_profile("profile-1", {"a": 1}, at=NOW) is True
    assert document_of(store, "profile-1")["traits"] == {"a": 1}
    assert client.calls[:3] == ["batch_get_item", "put_item", "put_item"]


def test_traits_are_not_put_into_a_profile_that_somebody_else_writes(
    store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    item = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}, "orders": {"N": "5"}}
    dynamodb.put_item(TableName=table, Item=item)
    assert refuses(store.patch_profile, "profile-1", {"a": 1}, at=NOW)
    assert document_of(store, "profile-1") == {"orders": 5}


def test_alias_that_another_takes_first_is_not_taken_from_it(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.add_alias("alias-1", "profile-2"))
    assert store.add_alias("alias-1", "profile-1") is False
    assert store.resolve_alias("alias-1") == "profile-2"


@pytest.mark.parametrize("answer", [LOST, UNSENT])
def test_consent_whose_answer_was_lost_is_written_once(
    client: DisturbedClient, store: DynamoProfileStore, answer: str
) -> None:
    client.plan("update_item", answer)
    assert store.put_consent("profile-1", a_consent(), now=NOW) is True
    assert read(store, "profile-1").consent == {"marketing": a_consent()}


def test_consent_that_another_writes_in_between_is_judged_again(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    refused = ConsentRecord("marketing", "revoked", NOW)

    def overtake() -> None:
        assert other.put_consent("profile-1", refused, now=NOW)

    client.plan("update_item", overtake)
    assert store.put_consent("profile-1", a_consent(), now=NOW) is False
    assert read(store, "profile-1").consent == {"marketing": refused}


def test_consent_that_others_write_at_every_attempt_is_given_up(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    """Each of them is older, and none the same as the one before."""

    def overtake(minutes: int) -> None:
        assert other.put_consent("profile-1", a_consent(at=NOW + minutes * MINUTE), now=NOW + DAY)

    client.plan("update_item", *[partial(overtake, number) for number in range(50)])
    with pytest.raises(StoreContendedError):
        store.put_consent("profile-1", a_consent(at=NOW + DAY), now=NOW + DAY)
