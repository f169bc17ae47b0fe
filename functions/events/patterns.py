"""EventBridge event patterns, matched locally as the deployed rule matches them.

A pattern names fields and, for each, a list of which one entry must hold. Arrays in the event are
looked through: a field matches if any element does, and two fields below one array must match in the
same element.

Two things differ from the deployed rule: a key with a dot is that key here, never a path; and an IP
address given as plain text matches that spelling only.

Sources: Amazon EventBridge user guide, "Event patterns"; README of aws/event-ruler, "JSON Array
Matching" ("will refuse to recognize any match in which any two fields are within JSON objects that are
in different elements of the same array") and "Exists matching" (leaf nodes only).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from functions.documents import Json
from functions.events.event import Event
from functions.events.pattern_branches import Branch, branches_of
from functions.events.pattern_operators import Test, absent
from functions.events.pattern_problems import Faults, PatternError, PatternProblem

__all__ = [
    "MAX_PATTERN_CHARACTERS",
    "EventPattern",
    "PatternError",
    "PatternProblem",
    "as_envelope",
    "compile_pattern",
]

MAX_PATTERN_CHARACTERS: Final = 2_048
"""A rule's pattern, as compact JSON. Source: EventBridge quotas, "Event pattern size"."""

_MISSING: Final[Json] = object()


@dataclass(frozen=True, slots=True)
class _Node:
    """One level of a pattern: a leaf holds tests, any other node children.

    Attributes:
        children: By field name.
        tests: For a leaf: one of them must hold for one value. Only `absent` means: no value at all.
        absent_in_all: Paths below that must be absent from every element of an array that stands
            here, because no field decides on one element before them. EventBridge looks at fields in
            the order of their names.
    """

    children: dict[str, _Node]
    tests: tuple[Test, ...]
    absent_in_all: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class EventPattern:
    """A compiled pattern.

    Attributes:
        source: The pattern as it was written; JSON, so that it can be kept and compiled again.
    """

    source: Json
    _alternatives: tuple[_Node, ...]

    def matches(self, document: Json) -> bool:
        """Say whether a document in EventBridge form matches; see `as_envelope`."""
        return any(_matches(node, document) for node in self._alternatives)


def compile_pattern(pattern: Json, *, max_characters: int = MAX_PATTERN_CHARACTERS) -> EventPattern:
    """Compile a pattern and find everything that is wrong with it.

    Args:
        pattern: What stands under `event_pattern`.
        max_characters: The most it may hold as compact JSON; accounts can have the quota raised.

    Raises:
        PatternError: With all problems at once.

    >>> compile_pattern({"detail": {"state": [{"anything-but": "running"}]}}).matches(
    ...     {"detail": {"state": "stopped"}}
    ... )
    True
    """
    faults = Faults()
    _check_size(pattern, max_characters, faults)
    faults.raise_if_any()
    branches = branches_of(pattern, faults)
    faults.raise_if_any()
    return EventPattern(pattern, tuple(_node(branch) for branch in branches))


def as_envelope(event: Event) -> dict[str, Json]:
    """Return the form that patterns are matched against: the canonical event as an EventBridge one."""
    detail = event.as_document()
    return {
        "version": "0",
        "id": event.id,
        "detail-type": event.name,
        "source": event.source,
        "account": "",
        "time": detail["time"],
        "region": "",
        "resources": [],
        "detail": detail,
    }


def _check_size(pattern: Json, max_characters: int, faults: Faults) -> None:
    """Measure first: what follows compares fields with one another."""
    try:
        text = json.dumps(pattern, separators=(",", ":"), ensure_ascii=False, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        faults.add((), "too_deep", "nested without end")
        return
    if len(text) > max_characters:
        faults.add((), "too_large", f"{len(text):,} characters, EventBridge takes {max_characters:,}")


def _node(branch: Branch) -> _Node:
    if () in branch:
        return _Node({}, branch[()], ())
    below: dict[str, Branch] = {}
    for path, tests in branch.items():
        below.setdefault(path[0], {})[path[1:]] = tests
    children = {name: _node(part) for name, part in below.items()}
    return _Node(children, (), tuple(_absent_in_all(branch)))


def _absent_in_all(branch: Branch) -> Iterator[tuple[str, ...]]:
    for path in sorted(branch, key=".".join):
        if branch[path] != (absent,):
            return
        yield path


def _matches(node: _Node, value: Json) -> bool:
    if node.tests:
        return _leaf_matches(node.tests, value)
    if isinstance(value, list):
        if any(next(_values(value, path), _MISSING) is not _MISSING for path in node.absent_in_all):
            return False
        elements = [element for element in value if isinstance(element, dict | list)]
        return any(_matches(node, element) for element in elements or [_MISSING])
    fields = value if isinstance(value, dict) else {}
    return all(_matches(child, fields.get(name, _MISSING)) for name, child in node.children.items())


def _leaf_matches(tests: tuple[Test, ...], value: Json) -> bool:
    found = _values(value, ())
    if tests == (absent,):
        return next(found, _MISSING) is _MISSING
    return any(test(scalar) for scalar in found for test in tests)


def _values(value: Json, path: tuple[str, ...]) -> Iterator[Json]:
    """Yield every scalar at a path, arrays looked through on the way and at the end."""
    pending: list[tuple[Json, int]] = [(value, 0)]
    while pending:
        here, step = pending.pop()
        if isinstance(here, list):
            pending.extend((element, step) for element in reversed(here))
        elif step < len(path):
            if isinstance(here, dict) and path[step] in here:
                pending.append((here[path[step]], step + 1))
        elif here is not _MISSING and not isinstance(here, dict):
            yield here
