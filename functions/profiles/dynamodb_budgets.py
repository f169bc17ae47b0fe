"""Budgets in DynamoDB: each shard an item of its own, taken from alone, and divided anew together.

It goes long after its period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from functions.errors import StoreContendedError
from functions.profiles.budgets import BudgetShard, changes_of
from functions.profiles.conditions import MAX_SHARDS
from functions.profiles.dynamodb_calls import DynamoCalls
from functions.profiles.dynamodb_commit import AMOUNT_LEFT, AMOUNT_LIMIT
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Item, epoch_seconds, number
from functions.profiles.dynamodb_keys import shard_key
from functions.profiles.dynamodb_table import TTL_ATTRIBUTE

_FIRST_LOOK: Final = 16
"""Shards that are asked for at first; a read of one that does not exist costs as much as of one that does."""

_MAX_OPERATIONS: Final = 100

AMOUNT_SHARE: Final = "amount_share"
"""What a shard was given, in minor units."""


def open_shards(
    calls: DynamoCalls, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None
) -> None:
    """Create the shards of a period; no effect when there are any.

    Up to a hundred come at once or not at all: shards of two limits beside each other would add up to neither.

    Raises:
        StoreContendedError: Others changed the same items at every attempt.
        ProfileStoreError: As its subclasses say.
    """
    patience, limit = calls.patience(), sum(shards)
    for first in range(0, len(shards), _MAX_OPERATIONS):
        part = shards[first : first + _MAX_OPERATIONS]
        puts = [
            _put(calls.table, shard_key(budget, period, first + at) | _body(share, limit, keep_until))
            for at, share in enumerate(part)
        ]
        wanted = range(first, first + len(part))
        while not dict(_shards(calls, budget, period, wanted)):
            if calls.write(puts, patience).response is not None:
                break
            # Refused: somebody else opens the same budget, and whether there are shards is looked up again.
            if not patience.wait():
                raise StoreContendedError(
                    f"the profile store {calls.table}: others opened the budget each time"
                )
        else:
            return


def shards_of(calls: DynamoCalls, budget: str, period: str) -> tuple[BudgetShard, ...]:
    """Return the shards of a period, in order, up to the first that does not exist.

    Raises:
        ProfileStoreError: As its subclasses say.
    """
    found: list[BudgetShard] = []
    while len(found) < MAX_SHARDS:
        wanted = range(len(found), max(_FIRST_LOOK, len(found) + _MAX_OPERATIONS if found else 0))
        known = dict(_shards(calls, budget, period, wanted))
        for shard in wanted:
            if shard not in known:
                return tuple(found)
            found.append(known[shard])
    return tuple(found)


def divide_shards(
    calls: DynamoCalls, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
) -> bool:
    """Give every shard of a period another share, in one transaction.

    What was spent meanwhile stays spent: the change is added to what is left, whatever that is by then.

    Raises:
        ProfileStoreError: As its subclasses say.
    """
    changes = changes_of(before, shares)
    if changes is None:
        return False
    updates = []
    for shard, (one, share, change) in enumerate(zip(before, shares, changes, strict=True)):
        expression = Expression()
        left, least = expression.name(AMOUNT_LEFT), expression.value(number(-change))
        expression.set(AMOUNT_LEFT, f"{left}-{least}")
        expression.set(AMOUNT_SHARE, expression.value(number(share)))
        expression.set(AMOUNT_LIMIT, expression.value(number(sum(shares))))
        expression.when(f"{expression.name(AMOUNT_SHARE)}={expression.value(number(one.share or 0))}")
        expression.when(f"{expression.name(AMOUNT_LIMIT)}={expression.value(number(one.limit or 0))}")
        expression.when(f"{left}>={least}")
        updates.append({"Update": expression.request(calls.table, shard_key(budget, period, shard))})
    return calls.write(updates, calls.patience()).response is not None


def _shards(calls: DynamoCalls, budget: str, period: str, shards: range) -> Iterator[tuple[int, BudgetShard]]:
    for item in calls.read([shard_key(budget, period, shard) for shard in shards]):
        share, limit = (
            int(item[name]["N"]) if name in item else None for name in (AMOUNT_SHARE, AMOUNT_LIMIT)
        )
        left = int(item[AMOUNT_LEFT]["N"])
        yield int(item["pk"]["S"].rpartition("#")[2]), BudgetShard(left, share, limit)


def _body(share: int, limit: int, keep_until: datetime | None) -> Item:
    ends: Item = {TTL_ATTRIBUTE: epoch_seconds(keep_until)} if keep_until is not None else {}
    return {AMOUNT_LEFT: number(share), AMOUNT_SHARE: number(share), AMOUNT_LIMIT: number(limit), **ends}


def _put(table: str, item: Item) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
