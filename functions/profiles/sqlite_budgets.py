"""Budgets in SQLite, inside a transaction that whoever calls has begun."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.profiles.budgets import BudgetShard, BudgetTake, changes_of
from functions.times import format_instant

_OPEN: Final = """
    INSERT INTO budget (budget, period, shard, amount_left, amount_share, amount_limit, keep_until)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_READ: Final = """
    SELECT amount_left, amount_share, amount_limit FROM budget WHERE budget = ? AND period = ?
"""

_DIVIDE: Final = """
    UPDATE budget SET amount_left = ?, amount_share = ?, amount_limit = ?
    WHERE budget = ? AND period = ? AND shard = ?
"""

_ADD: Final = """
    UPDATE budget SET amount_left = amount_left + ? WHERE budget = ? AND period = ? AND shard = ?
"""


def open_shards(
    connection: sqlite3.Connection,
    budget: str,
    period: str,
    shards: Sequence[int],
    keep_until: datetime | None,
) -> None:
    """Create the shards of a period; no effect when there are any."""
    if not read_shards(connection, budget, period):
        until, limit = format_instant(keep_until) if keep_until else None, sum(shards)
        rows = [(budget, period, shard, share, share, limit, until) for shard, share in enumerate(shards)]
        connection.executemany(_OPEN, rows)


def read_shards(connection: sqlite3.Connection, budget: str, period: str) -> tuple[BudgetShard, ...]:
    """Return the shards of a period, in order."""
    rows = connection.execute(f"{_READ} ORDER BY shard", (budget, period)).fetchall()
    return tuple(BudgetShard(row["amount_left"], row["amount_share"], row["amount_limit"]) for row in rows)


def divide_shards(
    connection: sqlite3.Connection,
    budget: str,
    period: str,
    before: Sequence[BudgetShard],
    shares: Sequence[int],
) -> bool:
    """Give every shard of a period another share; False when they are not as they were read, or too little."""
    changes, found = changes_of(before, shares), read_shards(connection, budget, period)
    known = [(one.share, one.limit) for one in found]
    if changes is None or known != [(one.share, one.limit) for one in before]:
        return False
    left = [one.left + change for one, change in zip(found, changes, strict=True)]
    if min(left) < 0:
        return False
    rows = [
        (rest, share, sum(shares), budget, period, shard)
        for shard, (rest, share) in enumerate(zip(left, shares, strict=True))
    ]
    connection.executemany(_DIVIDE, rows)
    return True


def left_for(connection: sqlite3.Connection, take: BudgetTake) -> int | None:
    """Return what a shard has for a payment; None when it was not opened."""
    row = connection.execute(f"{_READ} AND shard = ?", (take.budget, take.period, take.shard)).fetchone()
    return take.found(row["amount_left"], row["amount_limit"]) if row else None


def add_to_shard(connection: sqlite3.Connection, take: BudgetTake, amount: int) -> None:
    """Change what is left in the shard of a payment."""
    connection.execute(_ADD, (amount, take.budget, take.period, take.shard))
