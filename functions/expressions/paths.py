"""Paths of a document: how they are held, written and looked up, and what is needed of what they lead to.

A path is a tuple of steps. A step is `.key` for a key of an object, `[]` for the elements of an array, or
`*` for the values under all keys of an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import IntEnum

from functions.documents import Json

Path = tuple[str, ...]

ELEMENTS = "[]"
VALUES = "*"


class How(IntEnum):
    """What is needed of the value at a path; each needs all that those below it need.

    TYPE: Whether it exists, is null, text, number, boolean, array or object.
    NULLNESS: Also whether it is empty, which is how JMESPath decides what is true. Scalars in full.
    SIZE: Also how many elements, or which keys. Not what they hold.
    VALUE: All of it, with everything below.
    """

    TYPE = 1
    NULLNESS = 2
    SIZE = 3
    VALUE = 4


Reads = Mapping[Path, How]
"""Every path that may be read, with what is needed of it."""


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def key(name: str) -> str:
    """Return the step to one key."""
    return "." + name


def format_path(path: Path) -> str:
    """Write a path as expressions do: `profile.orders[].total`; the root is `*`, everything.

    >>> format_path((".profile", ".a b", "[]", "*"))
    'profile."a b"[].*'
    """
    text = ""
    for step in path:
        if step == ELEMENTS:
            text += step
        else:
            text += ("." if text else "") + (VALUES if step == VALUES else _format_key(step[1:]))
    return text or VALUES


def exists(path: Path, document: Json) -> bool:
    """Return whether the path leads somewhere, be it to null; up to its first array or wildcard."""
    value = document
    for step in path:
        if not step.startswith("."):
            return True
        if not isinstance(value, dict) or step[1:] not in value:
            return False
        value = value[step[1:]]
    return True


def merge_reads(several: Iterable[Reads]) -> dict[Path, How]:
    """Return what all of several expressions read together."""
    merged: dict[Path, How] = {}
    for reads in several:
        for path, how in reads.items():
            merged[path] = max(how, merged.get(path, how))
    return merged


def reads_below(reads: Reads, at: Path) -> dict[Path, How]:
    """Return what is read of what stands at a path, as paths from there.

    A step of a read matches the key that it names, and `*` matches every key. What is read in full above the
    path is read in full at it; less than that says nothing about what stands below.

    >>> reads_below({(".profile", ".tier"): How.VALUE, ("*", "[]"): How.TYPE}, (".profile",))
    {('.tier',): <How.VALUE: 4>, ('[]',): <How.TYPE: 1>}
    """
    found: dict[Path, How] = {}
    for path, how in reads.items():
        if not all(step in (given, VALUES) for step, given in zip(path, at, strict=False)):
            continue
        below = path[len(at) :]
        if len(path) >= len(at) or how is How.VALUE:
            found[below] = max(how, found.get(below, how))
    return found


def _format_key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
