"""Ids that are none: what trackers send in the place of an id would join strangers into one profile."""

from __future__ import annotations

from typing import Final

from functions.documents import Json
from functions.errors import EventBlockedIdError
from functions.events.fields import identifier

_BLOCKED: Final = frozenset(
    {
        "null", "none", "nil", "nan", "n/a", "na", "undefined", "unknown", "anonymous", "guest", "void",
        "true", "false", "[object object]", "test", "-1", "(not set)", "not set", "unset", "user", "id",
    }
)  # fmt: skip
"""In lower case. Zeros, with or without dashes, are refused besides."""


def usable_id(value: Json, position: str) -> str | None:
    """Read an id of a person; None where there is none.

    Raises:
        EventBlockedIdError: It is a word that stands for no id, or nothing but zeros.
        EventMalformedError: As `identifier`.
    """
    found = identifier(value, position)
    if found is None:
        return None
    word = found.casefold()
    if word in _BLOCKED or not word.strip("0-_.{}\"'") or not any(sign.isalnum() for sign in word):
        raise EventBlockedIdError(
            f"{position}: this is no id of a person",
            hint="let the producer leave the id out where it knows none",
        )
    return found
