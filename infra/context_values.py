"""A context value, and how its text or JSON is read: each reader says in a few words what it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.documents import Json


@dataclass(frozen=True, slots=True)
class Value:
    """One context value, as the reference shows it."""

    key: str
    default: Json
    description: str
    read: Callable[[Json], Any]


def text(value: Json) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def path(value: Json) -> Path:
    """Return a path."""
    return Path(text(value))


def words(value: Json) -> tuple[str, ...]:
    """Return words: a list, or text with spaces or commas between them."""
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise ValueError("must be a list, or words separated by spaces")
    return tuple(items)


def paths(value: Json) -> tuple[Path, ...]:
    """Return paths, as `words` does words."""
    return tuple(map(Path, words(value)))


def switch(value: Json) -> bool:
    """Return a switch."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return bool(value == "true")


def number(low: int, high: int) -> Callable[[Json], int]:
    """Return what reads a whole number within bounds."""

    def read(value: Json) -> int:
        found = int(value) if isinstance(value, str) and value.isdigit() else value
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return found

    return read


def optional(low: int, high: int) -> Callable[[Json], int | None]:
    """Return what reads a whole number within bounds, or None."""
    whole = number(low, high)
    return lambda value: None if value is None else whole(value)


def share(value: Json) -> float:
    """Return a share above 0 and up to 1."""
    try:
        part = float(value)
    except (TypeError, ValueError):
        part = -1.0
    if not 0 < part <= 1:
        raise ValueError("must be a share above 0 and up to 1")
    return part


def one_of(*choices: str) -> Callable[[Json], str]:
    """Return what reads one of some words."""

    def read(value: Json) -> str:
        if value not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return str(value)

    return read
