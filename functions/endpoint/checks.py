"""What can be wrong with a part of a `model.json`, as sentences that name the place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeGuard

from functions.documents import Json


def key_problems(
    where: str, entry: dict[str, Json], known: set[str], optional: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield keys that are missing and keys that the format does not have."""
    for key in sorted(known - entry.keys()):
        yield f"{where}{key} is missing"
    for key in sorted(entry.keys() - known - optional):
        yield f"{where}{key} is no key of this format"


def choice_problems(key: str, entry: dict[str, Json], known: set[str], where: str = "") -> Iterator[str]:
    """Yield what is wrong with a word that must be one of a few."""
    value = entry.get(key)
    if key in entry and not (isinstance(value, str) and value in known):
        yield f"{where}{key} must be {' or '.join(sorted(known))}"


def text_problems(where: str, entry: dict[str, Json], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield keys whose value is no text, or an empty one."""
    for key in keys:
        if key in entry and not (isinstance(entry[key], str) and entry[key]):
            yield f"{where}{key} is no text"


def number_problems(where: str, entry: dict[str, Json], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield keys whose value is no finite number."""
    for key in keys:
        if key in entry and not is_number(entry[key]):
            yield f"{where}{key} is no finite number"


def range_problems(where: str, value: Json) -> Iterator[str]:
    """Yield what is wrong with a pair of bounds; a missing one is reported as missing."""
    if value is None:
        return
    if not (
        isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] < value[1]
    ):
        yield f"{where} is no pair of finite numbers, the lesser first"


def is_number(value: Json) -> TypeGuard[float]:
    """Whether a JSON value is a finite number; `true` is none, nor is an integer beyond a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def name_problems(where: str, entries: list[Json], key: str = "name") -> Iterator[str]:
    """Yield that two entries of a list have the same name, or what `key` says."""
    names = [entry.get(key) for entry in entries if isinstance(entry, dict)]
    if any(names.count(name) > 1 for name in names):
        yield f"two {where} have the same {key}"
