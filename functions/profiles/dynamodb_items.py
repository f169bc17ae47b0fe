"""Items of the table: their attributes and their sizes; their keys are those of `dynamodb_keys`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from zlib import crc32

from functions.errors import StoreRejectedError
from functions.profiles.dynamodb_keys import DECISION, OUTBOX, key
from functions.profiles.dynamodb_table import (
    OUTBOX_INDEX_PARTITION_KEY,
    PARTITION_KEY,
    SORT_KEY,
    TTL_ATTRIBUTE,
)
from functions.profiles.outbox import OutboxEntry
from functions.profiles.rows import Row, decision_from, decision_row, outbox_from, outbox_row
from functions.profiles.store import DecisionRecord

Attribute = dict[str, Any]
"""A value in DynamoDB's own form, such as `{"S": "text"}`."""

Item = dict[str, Attribute]
"""Attributes by name."""

OUTBOX_SHARDS: Final = 8
"""Partitions of the outbox index; each takes some 400 actions a second (1,000 write units, KEYS_ONLY)."""

COMMIT: Final = "commit"
"""Says which commit wrote a decision, for a commit whose answer was lost."""

MAX_ITEM_BYTES: Final = 409_600
"""What DynamoDB keeps in one item.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html.
"""

_OPTIONAL: Final = frozenset({"lease_owner", "lease_until", "note"})
_SINCE: Final[Row] = {"paid": "[]", "zones": "{}", "undelivered": 0, "known_as": "[]"}
"""Fields that items of an earlier version lack, with what they hold then."""


def key_of(item: Item) -> Item:
    """Return the key of an item that was read."""
    return {PARTITION_KEY: item[PARTITION_KEY], SORT_KEY: item[SORT_KEY]}


def number(value: int) -> Attribute:
    """Return an integer as an attribute."""
    return {"N": str(value)}


def epoch_seconds(instant: datetime) -> Attribute:
    """Return an instant as the time-to-live wants it."""
    return number(int(instant.timestamp()))


def attributes(row: Row, *, without: Collection[str] = ()) -> Item:
    """Return a row as attributes; what is None is left out."""
    return {
        name: {"S": value} if isinstance(value, str) else number(value)
        for name, value in row.items()
        if value is not None and name not in without
    }


def row_from(item: Mapping[str, Attribute], columns: Collection[str], optional: Collection[str] = ()) -> Row:
    """Return attributes as a row.

    Args:
        item: The attributes.
        columns: Those to take.
        optional: Those that may be absent, and are None then.

    Raises:
        StoreRejectedError: One is absent or neither text nor an integer.
    """
    return {name: _plain(item.get(name), name in optional) for name in columns}


def decision_item(record: DecisionRecord, token: str) -> Item:
    """Return a decision as an item.

    Raises:
        StoreRejectedError: It holds what can't be kept, or is too large; so for every function below.
    """
    item = key(record.profile_id, DECISION + record.id) | attributes(decision_row(record))
    return checked(
        item | {TTL_ATTRIBUTE: epoch_seconds(record.expires_at), COMMIT: {"S": token}}, "the decision"
    )


def decision_of(item: Item) -> DecisionRecord:
    """Read a decision from its item."""
    return decision_from(row_from(item, _columns(DecisionRecord)))


def outbox_item(entry: OutboxEntry) -> Item:
    """Return an outbox entry as an item."""
    item = key(entry.profile_id, OUTBOX + entry.decision_id) | attributes(outbox_row(entry))
    if entry.status == "reserved":
        item[OUTBOX_INDEX_PARTITION_KEY] = {"S": str(crc32(entry.decision_id.encode()) % OUTBOX_SHARDS)}
    else:
        item[TTL_ATTRIBUTE] = epoch_seconds(entry.keep_until)
    return checked(item, "the outbox entry")


def outbox_of(item: Item) -> OutboxEntry:
    """Read an outbox entry from its item."""
    row = row_from(item, _columns(OutboxEntry), _OPTIONAL | {"expires_at", *_SINCE})
    return outbox_from(row | {name: value for name, value in _SINCE.items() if row[name] is None})


def checked(item: Item, what: str) -> Item:
    """Return an item that DynamoDB can keep.

    Raises:
        StoreRejectedError: It is over `MAX_ITEM_BYTES`.
    """
    size = sum(len(name.encode()) + value_bytes(value) for name, value in item.items())
    if size > MAX_ITEM_BYTES:
        raise StoreRejectedError(f"{what} takes {size:,} bytes as an item; DynamoDB keeps {MAX_ITEM_BYTES:,}")
    return item


def value_bytes(attribute: Attribute) -> int:
    """Return what an attribute's value counts towards the size of its item, rounded up.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.
    """
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "B":
        return len(value)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_bytes(inner) for name, inner in value.items())
    return len(value) + 2 if kind == "N" else 1


def _columns(kind: type[DecisionRecord | OutboxEntry]) -> tuple[str, ...]:
    return tuple(kind.__dataclass_fields__)


def _plain(attribute: Attribute | None, optional: bool) -> str | int | None:
    if attribute is None and optional:
        return None
    text = (attribute or {}).get("S")
    if isinstance(text, str):
        return text
    try:
        return int((attribute or {})["N"])
    except (KeyError, ValueError):
        raise StoreRejectedError("the store holds an item that lacks a field or can't be read") from None
