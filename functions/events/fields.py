"""How one field of a producer's payload is read: present or not, of the right type, within bounds."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventMalformedError, EventWithoutIdError
from functions.times import parse_instant

MAX_IDENTIFIER: Final = 256
"""The most characters of an id or a name."""

_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half surrogates, line and paragraph separators


def event_id(value: Json, position: str) -> str:
    """Read the producer's id.

    Raises:
        EventWithoutIdError: There is none.
        EventMalformedError: It is no text or int, too long, or holds control characters.
    """
    found = identifier(value, position)
    if found is None:
        raise EventWithoutIdError(
            f"{position}: the event has no id",
            hint="the producer must give every event an id of its own, the same in every redelivery",
        )
    return found


def identifier(value: Json, position: str) -> str | None:
    """Read an id of a person or an event: stripped text, or an int turned into text; None if empty.

    Raises:
        EventMalformedError: Another type, over `MAX_IDENTIFIER` characters, or control characters.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < MAX_IDENTIFIER:
        return str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise EventMalformedError(f"{position}: an id is text or a whole number")
    stripped = value.strip()
    if len(stripped) > MAX_IDENTIFIER:
        raise EventMalformedError(f"{position}: an id of over {MAX_IDENTIFIER} characters")
    if any(unicodedata.category(character) in _REFUSED for character in stripped):
        raise EventMalformedError(f"{position}: an id with control characters")
    return stripped or None


def label(value: Json, position: str) -> str:
    """Read a name, a type or a source: text of 1 to `MAX_IDENTIFIER` characters.

    Raises:
        EventMalformedError: Anything else.
    """
    if not isinstance(value, str) or not identifier(value, position):
        raise EventMalformedError(f"{position}: no text of 1 to {MAX_IDENTIFIER} characters")
    return value.strip()


def instant(value: Json, position: str) -> datetime:
    """Read an instant, cut to whole milliseconds as it is written everywhere else.

    Raises:
        EventMalformedError: Missing, or none.
    """
    try:
        return in_milliseconds(parse_instant(value))
    except ValueError as error:
        raise EventMalformedError(f"{position}: {error}") from None


def in_milliseconds(moment: datetime) -> datetime:
    """Cut an instant to whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


def members(value: Json, position: str) -> dict[str, Json]:
    """Read an object; none and null are the empty one.

    Raises:
        EventMalformedError: Another type.
    """
    return optional_members(value, position) or {}


def optional_members(value: Json, position: str) -> dict[str, Json] | None:
    """Read an object that may be missing or null.

    Raises:
        EventMalformedError: Another type.
    """
    if value is None or isinstance(value, dict):
        return value
    raise EventMalformedError(f"{position}: no object")
