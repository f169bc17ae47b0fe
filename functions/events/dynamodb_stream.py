"""A record of a DynamoDB stream as the canonical event `profile_changed`.

The event says which attributes changed, not what they hold: what a profile holds is read from the
profile store, under the data contract.

Source: DynamoDB API reference, "Record", "StreamRecord" and "AttributeValue".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

from functions.documents import Json, canonical_json
from functions.errors import EventMalformedError

PARTITION_KEY: Final = "pk"
"""The attribute whose value is the profile's id."""

_CHANGES = ("INSERT", "MODIFY", "REMOVE")
_MAX_MAGNITUDE = 126  # DynamoDB numbers reach 9.99e125; a larger exponent would be a bomb, not a number
_MAX_DEPTH = 32  # DynamoDB's own limit for nested attributes


def profile_changed(record: dict[str, Json], position: str) -> dict[str, Json]:
    """Return the canonical form of one stream record.

    `changed` lists the top-level attributes that differ, without the item's keys; it is None where
    the stream does not carry the images that would tell.

    Raises:
        EventMalformedError: The record is not what a stream delivers.
    """
    change = record.get("eventName")
    stream = record.get("dynamodb")
    if change not in _CHANGES or not isinstance(stream, dict):
        raise EventMalformedError(f"{position}: no eventName INSERT, MODIFY or REMOVE with its dynamodb part")
    keys = _image(stream, "Keys", position) or {}
    event_id = record.get("eventID")
    return {
        "id": f"dynamodb:{event_id}" if isinstance(event_id, str) and event_id else None,
        "name": "profile_changed",
        "type": "change",
        "source": "aws.dynamodb",
        "time": stream.get("ApproximateCreationDateTime"),
        "user_id": keys.get(PARTITION_KEY),
        "properties": {"change": change, "changed": _changed(stream, change, set(keys), position)},
    }


def plain_value(typed: Json, position: str, depth: int = 0) -> Json:
    """Turn one typed attribute value (`{"N": "42"}`) into plain JSON.

    Whole numbers become ints of any size, other numbers floats; sets become sorted lists; binary
    stays the base64 text it is delivered as.

    Raises:
        EventMalformedError: No attribute value.
    """
    if not isinstance(typed, dict) or len(typed) != 1 or depth > _MAX_DEPTH:
        raise EventMalformedError(f"{position}: no DynamoDB attribute value")
    ((kind, value),) = typed.items()
    if kind == "M" and isinstance(value, dict):
        return {name: plain_value(member, position, depth + 1) for name, member in value.items()}
    if kind == "L" and isinstance(value, list):
        return [plain_value(member, position, depth + 1) for member in value]
    if kind in ("SS", "NS", "BS") and isinstance(value, list):
        return sorted(_scalar(kind[0], member, position) for member in value)
    return _scalar(kind, value, position)


def _scalar(kind: str, value: Json, position: str) -> Json:
    expected, read = _SCALARS.get(kind, (None, None))
    if expected is None or read is None or not isinstance(value, expected):
        raise EventMalformedError(f"{position}: no DynamoDB attribute value")
    try:
        return read(value)
    except (InvalidOperation, ValueError):
        raise EventMalformedError(f"{position}: a DynamoDB number that is none") from None


def _number(digits: str) -> int | float:
    number = Decimal(digits)
    if not number.is_finite() or abs(number.adjusted()) > _MAX_MAGNITUDE + 40:
        raise ValueError("no number of DynamoDB's range")
    return int(number) if number == number.to_integral_value() else float(number)


_SCALARS: dict[str, tuple[type, Callable[[Json], Json]]] = {
    "S": (str, str),
    "N": (str, _number),
    "B": (str, str),
    "BOOL": (bool, bool),
    "NULL": (bool, lambda _: None),
}


def _image(stream: dict[str, Json], name: str, position: str) -> dict[str, Json] | None:
    image = stream.get(name)
    if image is None:
        return None
    if not isinstance(image, dict):
        raise EventMalformedError(f"{position}.dynamodb.{name}: no object")
    return {key: plain_value(value, f"{position}.dynamodb.{name}") for key, value in image.items()}


def _changed(stream: dict[str, Json], change: str, keys: set[str], position: str) -> list[str] | None:
    old = _image(stream, "OldImage", position)
    new = _image(stream, "NewImage", position)
    if change == "INSERT":
        old = {}
    if change == "REMOVE":
        new = {}
    if old is None or new is None:
        return None
    return sorted(name for name in (old.keys() | new.keys()) - keys if _differs(old, new, name))


def _differs(old: dict[str, Json], new: dict[str, Json], name: str) -> bool:
    if name not in old or name not in new:
        return True
    # Compared as text: Python holds True and 1 for equal, JSON does not.
    return canonical_json(old[name]) != canonical_json(new[name])
