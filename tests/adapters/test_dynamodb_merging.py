"""Aliases in DynamoDB: states are united in the transaction of the alias, whatever happens beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings
from functions.profiles.dynamodb_keys import STATE, key
from functions.profiles.dynamodb_merging import MOST_AT_ONCE
from functions.profiles.store import MAX_CONTACTS
from functions.testing.store_checks.samples import HOUR, NOW, a_contact, acted, read, taken

ALIAS, PROFILE = "visitor-1", "customer-1"


class Rivalled:
    """A client beside which something happens, once, right before a transaction."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.rival: Callable[[], object] = lambda: None

    def transact_write_items(self, **parameters: Any) -> Any:
        rival, self.rival = self.rival, lambda: None
        rival()
        return self._client.transact_write_items(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def client(dynamodb: Any) -> Rivalled:
    return Rivalled(dynamodb)


@pytest.fixture
def table(new_table: Callable[[], str]) -> str:
    return new_table()


@pytest.fixture
def store(client: Rivalled, table: str) -> DynamoProfileStore:
    around = Surroundings(30.0, lambda: 0.0, lambda _: None, lambda: 1.0)
    return DynamoProfileStore(table, client=client, around=around)


@pytest.mark.parametrize("whose", [ALIAS, PROFILE])
def test_a_contact_that_is_added_in_between_is_united_too(
    client: Rivalled, store: DynamoProfileStore, table: str, dynamodb: Any, whose: str
) -> None:
    other = DynamoProfileStore(table, client=dynamodb)
    first, decisions = acted(store, ALIAS), []
    client.rival = lambda: decisions.append(acted(other, whose, at=NOW + HOUR))
    store.put_alias(ALIAS, PROFILE)
    assert read(store, PROFILE).state.contacts == (a_contact(first), *map(a_contact, decisions))
    assert len(decisions) == 1


def test_a_score_that_is_written_in_between_stays(
    client: Rivalled, store: DynamoProfileStore, table: str, dynamodb: Any
) -> None:
    other = DynamoProfileStore(table, client=dynamodb)
    acted(store, ALIAS)
    client.rival = lambda: acted(other, PROFILE)
    store.put_alias(ALIAS, PROFILE)
    state = read(store, PROFILE).state
    assert (len(state.contacts), set(state.scores)) == (2, {"churn"})


@pytest.mark.parametrize("how", [{"status": "released"}, {"status": "sent", "at": NOW + HOUR}])
def test_an_alias_that_is_added_while_an_action_ends_has_the_end(
    client: Rivalled, store: DynamoProfileStore, table: str, dynamodb: Any, how: dict[str, Any]
) -> None:
    """The settlement has looked for aliases and found none; then there is one that has united the old contact."""
    other = DynamoProfileStore(table, client=dynamodb)
    decision = acted(store, ALIAS)
    waiting = taken(store, decision)
    client.rival = lambda: other.put_alias(ALIAS, PROFILE)
    assert store.settle(waiting, **how) is True
    for one in (ALIAS, PROFILE):
        assert read(store, one).state.contacts == (replace(a_contact(decision), **how),)


def test_an_action_that_ends_while_an_alias_is_added_is_united_as_it_ended(
    client: Rivalled, store: DynamoProfileStore, table: str, dynamodb: Any
) -> None:
    other = DynamoProfileStore(table, client=dynamodb)
    decision = acted(store, ALIAS)
    waiting = taken(store, decision)
    client.rival = lambda: other.settle(waiting, status="sent", at=NOW + HOUR)
    store.put_alias(ALIAS, PROFILE)
    sent = replace(a_contact(decision), status="sent", at=NOW + HOUR)
    for one in (ALIAS, PROFILE):
        assert read(store, one).state.contacts == (sent,)


def test_an_alias_that_is_led_elsewhere_while_an_action_ends_has_the_end_there(
    client: Rivalled, store: DynamoProfileStore, table: str, dynamodb: Any
) -> None:
    other = DynamoProfileStore(table, client=dynamodb)
    decision = acted(store, ALIAS)
    store.put_alias(ALIAS, "customer-2")
    waiting = taken(store, decision)
    client.rival = lambda: other.put_alias(ALIAS, PROFILE)
    assert store.settle(waiting, status="sent", at=NOW + HOUR) is True
    sent = replace(a_contact(decision), status="sent", at=NOW + HOUR)
    assert read(store, PROFILE).state.contacts == (sent,)


def test_two_full_logs_are_united(store: DynamoProfileStore, table: str, dynamodb: Any) -> None:
    """In several writes, since one expression takes 4 KB; no contact is left out."""
    assert MAX_CONTACTS > 2 * MOST_AT_ONCE

    def put(profile_id: str) -> None:
        item: dict[str, Any] = {
            f"contact#{profile_id}-{number}": {
                "M": {
                    "contact": {
                        "S": f'{{"action":"a","tags":"[]","channel":"c","at":"2026-11-01T00:00:00.{number:03}Z",'
                        '"version_before":0}'
                    },
                    "status": {"S": "sent"},
                }
            }
            for number in range(MAX_CONTACTS)
        }
        known: dict[str, Any] = {
            "version": {"N": "500"},
            "contact_count": {"N": "500"},
            "oldest_contact_at": {"S": "2026-11-01T00:00:00.000Z"},
        }
        dynamodb.put_item(TableName=table, Item=key(profile_id, STATE) | item | known)

    for profile_id in (ALIAS, PROFILE):
        put(profile_id)
    store.put_alias(ALIAS, PROFILE)
    state = read(store, PROFILE).state
    assert (len(state.contacts), state.known_as) == (2 * MAX_CONTACTS, (ALIAS,))
    assert state.version > 500
