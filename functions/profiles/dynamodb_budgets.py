"""Budgets in DynamoDB: each shard an item of its own, created once; it goes long after its period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from functions.errors import StoreContendedError
from functions.profiles.conditions import MAX_SHARDS
from functions.profiles.dynamodb_calls import DynamoCalls
from functions.profiles.dynamodb_commit import AMOUNT_LEFT
from functions.profiles.dynamodb_items import Item, epoch_seconds, number
from functions.profiles.dynamodb_keys import shard_key
from functions.profiles.dynamodb_table import TTL_ATTRIBUTE

_FIRST_LOOK: Final = 16
"""Shards that are asked for at first; a read of one that does not exist costs as much as of one that does."""

_MAX_OPERATIONS: Final = 100


def open_shards(
    calls: DynamoCalls, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None
) -> None:
    """Create the shards of a period that do not exist.

    Raises:
        StoreContendedError: Others opened the same budget at every attempt.
        ProfileStoreError: As its subclasses say.
    """
    patience = calls.patience()
    while True:
        known = dict(_left(calls, budget, period, range(len(shards))))
        missing = [shard for shard in range(len(shards)) if shard not in known][:_MAX_OPERATIONS]
        if not missing:
            return
        items = [shard_key(budget, period, shard) | _body(shards[shard], keep_until) for shard in missing]
        puts = [_put(calls.table, item) for item in items]
        answer = calls.write(puts, patience)
        # Refused: somebody else opens the same budget, and what is missing is looked up again.
        if answer.response is None and not patience.wait():
            raise StoreContendedError(f"the profile store {calls.table}: others opened the budget each time")


def amounts_left(calls: DynamoCalls, budget: str, period: str) -> tuple[int, ...]:
    """Return what is left in each shard, in order, up to the first that does not exist.

    Raises:
        ProfileStoreError: As its subclasses say.
    """
    found: list[int] = []
    while len(found) < MAX_SHARDS:
        wanted = range(len(found), max(_FIRST_LOOK, len(found) + _MAX_OPERATIONS if found else 0))
        left = dict(_left(calls, budget, period, wanted))
        for shard in wanted:
            if shard not in left:
                return tuple(found)
            found.append(left[shard])
    return tuple(found)


def _left(calls: DynamoCalls, budget: str, period: str, shards: range) -> Iterator[tuple[int, int]]:
    for item in calls.read([shard_key(budget, period, shard) for shard in shards]):
        yield int(item["pk"]["S"].rpartition("#")[2]), int(item[AMOUNT_LEFT]["N"])


def _body(limit: int, keep_until: datetime | None) -> Item:
    ends: Item = {TTL_ATTRIBUTE: epoch_seconds(keep_until)} if keep_until is not None else {}
    return {AMOUNT_LEFT: number(limit), **ends}


def _put(table: str, item: Item) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
