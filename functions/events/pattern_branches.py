"""An event pattern without its `$or`: the alternatives, each a flat list of fields that must all match."""

from __future__ import annotations

from typing import Final

from functions.documents import MAX_DEPTH, Json
from functions.events.pattern_operators import OPERATORS, Test, absent, compile_entry
from functions.events.pattern_problems import Faults, Where

Branch = dict[tuple[str, ...], tuple[Test, ...]]
"""Field path -> the tests of which one must hold."""

MAX_BRANCHES: Final = 1_000
"""Combinations of all alternatives. Source: EventBridge user guide, "Complex example with $or"."""

_OR: Final = "$or"

# Not to be used as a field inside $or. Source: aws/event-ruler, RESERVED_FIELD_NAMES_IN_OR_RELATIONSHIP.
_RESERVED_IN_OR = frozenset(OPERATORS) | {"exactly", "regex", "=", "<", "<=", ">", ">="}


def branches_of(pattern: Json, faults: Faults) -> list[Branch]:
    """Return the alternatives of a pattern; what is wrong goes to `faults`."""
    return _object(pattern, (), (), faults)


def _object(pattern: Json, path: tuple[str, ...], where: Where, faults: Faults) -> list[Branch]:
    if not isinstance(pattern, dict):
        faults.add(where, "not_an_object", "a pattern is an object of fields")
        return []
    if not pattern:
        faults.add(where, "empty_object", "an empty object matches nothing")
        return []
    if len(where) > MAX_DEPTH:
        faults.add(where, "too_deep", f"more than {MAX_DEPTH} levels deep")
        return []
    branches: list[Branch] = [{}]
    for name, value in pattern.items():
        options = _field(name, value, path, where, faults)
        branches = _product(branches, options, where, faults)
    return branches


def _field(name: Json, value: Json, path: tuple[str, ...], where: Where, faults: Faults) -> list[Branch]:
    if not isinstance(name, str):
        faults.add(where, "bad_field", "a field's name is text", "quote it")
        return []
    at = (*where, name)
    if name == _OR:
        return _alternatives(value, path, at, faults)
    if isinstance(value, dict):
        return _object(value, (*path, name), at, faults)
    if isinstance(value, list):
        return _leaf(value, (*path, name), at, faults)
    faults.add(at, "not_a_list", "a field's values stand in a list", "write [value]")
    return []


def _leaf(entries: list[Json], path: tuple[str, ...], where: Where, faults: Faults) -> list[Branch]:
    if not entries:
        faults.add(where, "empty_list", "an empty list matches nothing")
        return []
    found = [compile_entry(entry, (*where, index), faults) for index, entry in enumerate(entries)]
    values = tuple(test for test in found if test is not None and test is not absent)
    options: list[Branch] = [{path: values}] if values else []
    return [*options, {path: (absent,)}] if absent in found else options


def _alternatives(value: Json, path: tuple[str, ...], where: Where, faults: Faults) -> list[Branch]:
    if not isinstance(value, list) or len(value) < 2:
        faults.add(where, "bad_or", "$or takes a list of two or more objects")
        return []
    options: list[Branch] = []
    for index, alternative in enumerate(value):
        at = (*where, index)
        if isinstance(alternative, dict):
            for name in alternative:
                if name in _RESERVED_IN_OR:
                    faults.add((*at, name), "reserved_in_or", "an operator's name can be no field inside $or")
        options.extend(_object(alternative, path, at, faults))
    return options


def _product(left: list[Branch], right: list[Branch], where: Where, faults: Faults) -> list[Branch]:
    if not left or not right:  # a fault was noted; the other fields are still worth checking
        return left or right
    if len(left) * len(right) > MAX_BRANCHES:
        faults.add(where, "too_complex", f"more than {MAX_BRANCHES:,} combinations of alternatives")
        return left
    return [_merged(one, other, where, faults) for one in left for other in right]


def _merged(one: Branch, other: Branch, where: Where, faults: Faults) -> Branch:
    for path in other:
        if any(path[: len(taken)] == taken or taken[: len(path)] == path for taken in one):
            faults.add(
                where,
                "field_twice",
                f"{'.'.join(path)} is asked for twice, outside $or and inside",
                "EventBridge would keep only one of the two",
            )
    return {**one, **other}
