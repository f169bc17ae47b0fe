"""Event patterns of a spec: what would be a pattern, and still could match no event."""

from __future__ import annotations

from collections.abc import Iterator

from functions.documents import Json
from functions.spec.problems import closest
from functions.spec.source import Path

# Source: Amazon EventBridge user guide, "AWS service event metadata".
ENVELOPE_FIELDS = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
)
"""The fields of an event on a bus. EventBridge takes any other name as well, and never matches."""


def unknown_fields(pattern: Json, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield path, message and hint of every top-level field of a pattern that no event has."""
    if not isinstance(pattern, dict):
        return
    for name, value in pattern.items():
        if name == "$or":
            for index, alternative in enumerate(value if isinstance(value, list) else ()):
                yield from unknown_fields(alternative, (*path, name, index))
        elif name not in ENVELOPE_FIELDS:
            message = f"no event has the field {name!r}, so the pattern would never match"
            yield (*path, name), message, closest(name, ENVELOPE_FIELDS)


def asked_fields(
    pattern: Json, at: Path, names: tuple[str, ...] = (), *, inside: bool = False
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield each field of the event that a pattern asks for: its place in the pattern, and its path in the event.

    What stands outside `detail` tells which kind of event it is and nothing of a customer.
    """
    if not isinstance(pattern, dict):
        return
    for name, value in pattern.items():
        place = (*at, name)
        if name == "$or":
            for index, one in enumerate(value if isinstance(value, list) else ()):
                yield from asked_fields(one, (*place, index), names, inside=inside)
        elif inside or name == "detail":
            below = (*names, name) if inside else names
            if isinstance(value, dict):
                yield from asked_fields(value, place, below, inside=True)
            elif isinstance(value, list):
                yield place, below
