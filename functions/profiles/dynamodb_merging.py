"""The states of an id and of the profile that it becomes an alias of, united in the transaction of the alias."""

from __future__ import annotations

from typing import Any, Final

from functions.profiles.codec import encode_document
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Attribute, Item, number
from functions.profiles.dynamodb_keys import STATE, key
from functions.profiles.dynamodb_state import (
    CONTACT_COUNT,
    KNOWN_AS,
    OLDEST_CONTACT,
    VERSION,
    contact_instants,
    known_as_of,
    version_of,
)
from functions.profiles.merging import remembered

MOST_AT_ONCE: Final = 200
"""Contacts that fit, with their names and values, into the 4 KB of one expression."""


def joining_contacts(own: Item, other: Item) -> Item:
    """Return the contacts of an id that its profile does not have yet or only as of earlier, the oldest first."""
    instants, known = contact_instants(other), contact_instants(own)
    ordered = sorted(instants, key=instants.__getitem__)
    return {name: other[name] for name in ordered if name not in known or known[name] < instants[name]}


def take_contacts(table: str, profile_id: str, own: Item, contacts: Item) -> dict[str, Any]:
    """Return the write that takes some contacts over, if nobody has changed the log meanwhile."""
    return _updated(own, contacts).request(table, key(profile_id, STATE))


def unite(table: str, alias: str, profile_id: str, own: Item, other: Item) -> list[dict[str, Any]]:
    """Return the writes that unite two states.

    Args:
        table: Where.
        alias: The id.
        profile_id: The profile.
        own: Its state as it was read; empty for none.
        other: That of the id.
    """
    profile = _updated(own, joining_contacts(own, other))
    _remember(profile, own, {*known_as_of(own), alias, *known_as_of(other)} - {profile_id})
    moved = Expression()
    _expect(moved, VERSION, other)
    moved.set(VERSION, moved.value(number(version_of(other) + 1)))
    return [
        {"Update": profile.request(table, key(profile_id, STATE))},
        {"Update": moved.request(table, key(alias, STATE))},
    ]


def parted(table: str, alias: str, before: str | None, own: Item, other: Item) -> list[dict[str, Any]]:
    """Return the write by which a profile forgets an alias that moves; contacts it has counted stay."""
    left = {*known_as_of(own)} - {alias, *known_as_of(other)}
    if not known_as_of(own):
        return []
    profile = Expression()
    _remember(profile, own, left)
    return [{"Update": profile.request(table, key(before or "", STATE))}]


def _updated(own: Item, contacts: Item) -> Expression:
    expression = Expression()
    _expect(expression, VERSION, own)
    if not contacts:
        return expression
    instants = {**contact_instants(own), **contact_instants(contacts)}
    for name, value in contacts.items():
        expression.set(name, expression.value(value))
    expression.set(CONTACT_COUNT, expression.value(number(len(instants))))
    expression.set(OLDEST_CONTACT, expression.value({"S": min(instants.values())}))
    expression.set(VERSION, expression.value(number(version_of(own) + 1)))
    return expression


def _remember(expression: Expression, own: Item, ids: set[str]) -> None:
    _expect(expression, KNOWN_AS, own)
    text: Attribute = {"S": encode_document(list(remembered(ids)), "the ids of a profile")}
    expression.set(KNOWN_AS, expression.value(text))


def _expect(expression: Expression, attribute: str, read: Item) -> None:
    name = expression.name(attribute)
    if attribute in read:
        expression.when(f"{name}={expression.value(read[attribute])}")
    else:
        expression.when(f"attribute_not_exists({name})")
