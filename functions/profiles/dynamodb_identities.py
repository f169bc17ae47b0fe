"""Aliases of a profile, and the erasure of all that is kept about one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from functions.errors import StoreContendedError
from functions.profiles.access import Holdings, newest_first, oldest_first
from functions.profiles.dynamodb_calls import DynamoCalls, Patience
from functions.profiles.dynamodb_consents import consents_of
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item, decision_of, key_of, outbox_of
from functions.profiles.dynamodb_keys import (
    ALIAS,
    ALIAS_OF,
    ATTEMPTS,
    CONSENT,
    DECISION,
    OUTBOX,
    PROFILE,
    RESPONSES,
    STATE,
    TRIAL,
    key,
    partitions_of,
)
from functions.profiles.dynamodb_merging import MOST_AT_ONCE, joining_contacts, parted, take_contacts, unite
from functions.profiles.dynamodb_profiles import profile_json
from functions.profiles.dynamodb_state import state_of
from functions.profiles.store import Snapshot

TARGET: Final = "stands_for"
"""Attribute of an alias: the profile that it stands for."""

_OWNED: Final = frozenset({PROFILE, CONSENT, STATE, RESPONSES, ATTEMPTS})
_OWNED_PREFIXES: Final = (DECISION, OUTBOX, TRIAL, ALIAS_OF)
_ROUNDS: Final = 50


def read_alias(calls: DynamoCalls, alias: str) -> str | None:
    """Return the profile id behind an alias.

    Raises:
        ProfileStoreError: As its subclasses say; so for every function below.
    """
    response = calls.send(
        "get_item", TableName=calls.table, Key=key(alias, ALIAS), ConsistentRead=True
    ).response
    return target_of((response or {}).get("Item"))


def target_of(item: Item | None) -> str | None:
    """Return the profile id that an alias item stands for."""
    return str(item[TARGET]["S"]) if item else None


def write_alias(calls: DynamoCalls, alias: str, profile_id: str, *, move: bool = True) -> bool:
    """Let an alias stand for a profile, and unite their states; the profile keeps a note, so that erasure finds it.

    Returns:
        False when it stands for another profile and is not to be moved.
    """
    patience = calls.patience()
    while True:
        before = read_alias(calls, alias)
        if before == profile_id:
            return True
        if before is not None and not move:
            return False
        united = _united(calls, alias, before, profile_id, patience)
        answer = calls.write([*_moved(calls.table, alias, before, profile_id), *united], patience)
        if answer.response is not None:
            return True
        if not patience.wait():
            raise StoreContendedError(f"the profile store {calls.table}: others moved the alias each time")


def erase(calls: DynamoCalls, profile_id: str) -> bool:
    """Erase all that is kept about a profile; say whether there was anything.

    Looks again after it has deleted, until nothing is left: a commit that comes in between is then either
    erased whole, or comes after the erasure and is whole. Items of others in the partitions stay.
    """
    for done in range(_ROUNDS):
        items = _owned(calls, profile_id)
        if not items:
            return done > 0
        aliases = [item for item in items if item["sk"]["S"].startswith(ALIAS_OF)]
        for item in aliases:
            _forget_alias(calls, item["sk"]["S"].removeprefix(ALIAS_OF), profile_id)
        calls.delete([key_of(item) for item in items if item not in aliases])
    raise StoreContendedError(f"the profile store {calls.table}: others wrote while a profile was erased")


def holdings(calls: DynamoCalls, profile_id: str) -> Holdings:
    """Read everything that is kept under an id: what `erase` erases, and what the id stands for."""
    items = _owned(calls, profile_id, whole=True)
    by_sort = {item["sk"]["S"]: item for item in items}
    return Holdings(
        snapshot=Snapshot(
            profile_id=profile_id,
            profile_json=profile_json(by_sort[PROFILE]) if PROFILE in by_sort else None,
            consent=consents_of(by_sort.get(CONSENT)),
            state=state_of(by_sort.get(STATE)),
            decision=None,
            stands_for=read_alias(calls, profile_id),
        ),
        aliases=tuple(sort.removeprefix(ALIAS_OF) for sort in by_sort if sort.startswith(ALIAS_OF)),
        decisions=newest_first(decision_of(item) for item in items if _is(item, DECISION)),
        outbox=oldest_first(outbox_of(item) for item in items if _is(item, OUTBOX)),
    )


def _is(item: Item, kind: str) -> bool:
    sort: str = item["sk"]["S"]
    return sort.startswith(kind)


def _owned(calls: DynamoCalls, profile_id: str, *, whole: bool = False) -> Sequence[Item]:
    items = chain.from_iterable(_items(calls, one, whole) for one in partitions_of(profile_id))
    return [
        item for item in items if item["sk"]["S"] in _OWNED or item["sk"]["S"].startswith(_OWNED_PREFIXES)
    ]


def _items(calls: DynamoCalls, partition: str, whole: bool) -> Iterator[Item]:
    expression = Expression()
    condition = f"{expression.name('pk')}={expression.value({'S': partition})}"
    keys = {} if whole else {"ProjectionExpression": f"{expression.name('pk')},{expression.name('sk')}"}
    return calls.query(
        ConsistentRead=True, KeyConditionExpression=condition, **keys, **expression.parameters()
    )


def _united(
    calls: DynamoCalls, alias: str, before: str | None, profile_id: str, patience: Patience
) -> list[dict[str, Any]]:
    """Return the writes that unite the states; many contacts are taken over on the way there.

    Those count for the profile from then on, whatever becomes of the alias: that only tightens.
    """
    if alias == profile_id:
        return []
    while True:
        own, other, last = _states(calls, profile_id, alias, before)
        contacts = joining_contacts(own, other)
        if len(contacts) <= MOST_AT_ONCE:
            break
        first = dict(islice(contacts.items(), MOST_AT_ONCE))
        answer = calls.insist("update_item", patience, **take_contacts(calls.table, profile_id, own, first))
        if answer.response is None and not patience.wait():
            raise StoreContendedError(
                f"the profile store {calls.table}: others changed the contacts each time"
            )
    forgotten = parted(calls.table, alias, before, last, other) if before not in (None, alias) else []
    return [*unite(calls.table, alias, profile_id, own, other), *forgotten]


def _states(calls: DynamoCalls, *ids: str | None) -> tuple[Item, ...]:
    """Read the states of some ids; empty for one that has none."""
    keys = {one: key(one, STATE) for one in ids if one is not None}
    found = {item["pk"]["S"]: item for item in calls.read(list(keys.values()))}
    return tuple(found.get(keys[one]["pk"]["S"], {}) if one is not None else {} for one in ids)


def _moved(table: str, alias: str, before: str | None, profile_id: str) -> list[dict[str, Any]]:
    target = Expression()
    if before is None:
        target.when("attribute_not_exists(pk)")
    else:
        target.when(f"{target.name(TARGET)}={target.value({'S': before})}")
    put = {
        "TableName": table,
        "Item": key(alias, ALIAS) | {TARGET: {"S": profile_id}},
        **target.parameters(),
    }
    note = {"TableName": table, "Item": key(profile_id, ALIAS_OF + alias)}
    forget = {"TableName": table, "Key": key(before or "", ALIAS_OF + alias)}
    return [{"Put": put}, {"Put": note}, *([{"Delete": forget}] if before is not None else [])]


def _forget_alias(calls: DynamoCalls, alias: str, profile_id: str) -> None:
    """Delete an alias with its note; when it points elsewhere meanwhile, its mover took the note away."""
    target = Expression()
    still = f"{target.name(TARGET)}={target.value({'S': profile_id})}"
    target.when(f"attribute_not_exists(pk) OR {still}")
    forget = {"TableName": calls.table, "Key": key(alias, ALIAS), **target.parameters()}
    note = {"TableName": calls.table, "Key": key(profile_id, ALIAS_OF + alias)}
    calls.write([{"Delete": forget}, {"Delete": note}])
