"""Rows of the store in memory: contacts by time, the newest scores, and what may be dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.profiles.outbox import ContactStatus
from functions.profiles.rows import Row, StoredRow
from functions.times import format_instant


def at(row: Row) -> str:
    """Return the instant of a row, as sortable text."""
    return str(row["at"])


def pruned(contacts: Sequence[Row], before: datetime | None) -> list[Row]:
    """Return the contacts that are not older than an instant."""
    first = format_instant(before) if before else ""
    return [row for row in contacts if at(row) >= first]


def ended(contacts: list[Row], decision_id: str, status: ContactStatus, moved: datetime | None) -> bool:
    """Write what became of an action to its contact; False when there is none."""
    found = [row for row in contacts if row["decision_id"] == decision_id]
    for row in found:
        row.update({"status": status} if moved is None else {"status": status, "at": format_instant(moved)})
    contacts.sort(key=at)
    return bool(found)


def put_scores(kept: dict[str, StoredRow], scores: Sequence[Row]) -> None:
    """Put scores, each unless one of a newer event is kept."""
    for row in scores:
        name = str(row["name"])
        before = kept.get(name)
        if before is None or before["at"] <= at(row):
            kept[name] = row


def dropped(rows: dict[str, StoredRow], column: str, by: str) -> int:
    """Drop rows whose time is over; return how many there were."""
    over = [key for key, row in rows.items() if row[column] is not None and row[column] <= by]
    for key in over:
        del rows[key]
    return len(over)
