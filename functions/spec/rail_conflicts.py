"""Why an action can never pass, where no single limit says so: rules that leave nothing between them.

Only what is certain is found: nothing that depends on a customer. What a condition asks is compared as it is
written, so that two ways to write the same may hide a contradiction, and never make one up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from functions.expressions import Expression, ExpressionError
from functions.expressions.syntax import Node, parse
from functions.spec.rails import EligibilityRail, QuietRail, Rail, ValidityRail
from functions.times import find_zone

OWN: Final = "its own `eligible`"
"""The condition of the action itself, among the names of what forbids it."""

_DAY: Final = 24 * 60
_FLIPPED: Final = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte", "eq": "eq", "ne": "ne"}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why an action can never pass.

    Attributes:
        names: The rules, and `OWN` for the action's own condition.
        why: What they leave, as the rest of a sentence that begins with them.
    """

    names: tuple[str, ...]
    why: str


def conflicts(rails: Sequence[Rail], eligible: str | None) -> Iterator[Conflict]:
    """Yield why an action can never pass.

    Args:
        rails: The rules that concern it.
        eligible: Its own condition.
    """
    yield from _never_valid([one for one in rails if isinstance(one, ValidityRail)])
    yield from _always_quiet([one for one in rails if isinstance(one, QuietRail)])
    asked = [(one.name, one.unless.source) for one in rails if isinstance(one, EligibilityRail)]
    if eligible is not None:
        asked.append((OWN, eligible))
    yield from _never_true([_Asked(name, node) for name, text in asked for node in _parts(text)])


def _never_valid(rails: Sequence[ValidityRail]) -> Iterator[Conflict]:
    """Find two periods without a common moment: where no two have none, all have one."""
    for one, other in combinations(rails, 2):
        starts = [rail.start for rail in (one, other) if rail.start is not None]
        ends = [rail.end for rail in (one, other) if rail.end is not None]
        if starts and ends and max(starts) >= min(ends):
            yield Conflict((one.name, other.name), "are valid at no common time")


def _always_quiet(rails: Sequence[QuietRail]) -> Iterator[Conflict]:
    clocks: dict[str, list[QuietRail]] = {}
    for rail in rails:
        if _has_no_zone(rail):
            yield Conflict((rail.name,), "goes by a time zone that there never is")
        else:
            clocks.setdefault(rail.zone.source, []).append(rail)
    for same in clocks.values():
        fallbacks = {rail.otherwise for rail in same}
        # Where the zone is not known, each goes by its own fallback; one without any forbids.
        if (None in fallbacks or len(fallbacks) == 1) and _covers_the_day(same):
            yield Conflict(tuple(rail.name for rail in same), "leave no minute of the day between them")


def _has_no_zone(rail: QuietRail) -> bool:
    if rail.otherwise is not None or rail.zone.lineage:
        return False
    zone = _constant(rail.zone)
    return not isinstance(zone, str) or find_zone(zone) is None


def _constant(expression: Expression) -> Any:
    """Return what an expression that reads nothing gives; None where it fails."""
    try:
        return expression.evaluate({})
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return None


def _covers_the_day(rails: Sequence[QuietRail]) -> bool:
    quiet: set[int] = set()
    for rail in rails:
        end = rail.end if rail.start < rail.end else rail.end + _DAY
        quiet.update(minute % _DAY for minute in range(rail.start, end))
    return len(quiet) == _DAY


@dataclass(frozen=True, slots=True)
class _Asked:
    """One of the conditions that have to be true together."""

    name: str
    node: Node


def _parts(text: str) -> Iterator[Node]:
    """Yield the conditions that an expression joins with `&&`; none where it can't be parsed, which is reported."""
    try:
        waiting = [parse(text).root]
    except ExpressionError:
        return
    while waiting:
        node = waiting.pop()
        if node["type"] == "and_expression":
            waiting.extend(reversed(node["children"]))
        else:
            yield node


def _never_true(asked: Sequence[_Asked]) -> Iterator[Conflict]:
    for one in asked:
        if _is_false(one.node):
            yield Conflict((one.name,), "asks for what is never true")
    for one, other in combinations(asked, 2):
        if _exclude(one.node, other.node):
            names = tuple(dict.fromkeys((one.name, other.name)))
            why = (
                "ask for what can't be true together"
                if len(names) > 1
                else "asks for what can't be true together"
            )
            yield Conflict(names, why)


def _is_false(node: Node) -> bool:
    """Say whether a condition is a constant other than true: what is not true is unknown, and forbids."""
    if node["type"] == "literal":
        return node["value"] is not True
    if node["type"] == "comparator" and all(side["type"] == "literal" for side in node["children"]):
        left, right = (side["value"] for side in node["children"])
        return not _holds(node["value"], left, right)
    return False


def _exclude(one: Node, other: Node) -> bool:
    if _negation(one) == other or _negation(other) == one:
        return True
    first, second = _comparison(one), _comparison(other)
    if first is None or second is None or first.what != second.what:
        return False
    return first.excludes(second) or second.excludes(first)


def _negation(node: Node) -> Node:
    return {"type": "not_expression", "children": [node]}


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A comparison with a constant: what is compared, how, and with what."""

    what: str
    sign: str
    value: Any

    def excludes(self, other: _Comparison) -> bool:
        """Say whether no value fulfils both; asked in both directions."""
        if self.sign == "eq":
            return not _holds(other.sign, self.value, other.value)
        if self.sign in ("gt", "gte") and other.sign in ("lt", "lte"):
            if not _have_order(self.value, other.value):
                return True  # no value is above the one and below the other
            touches = self.sign == "gte" and other.sign == "lte"
            return bool(self.value > other.value or (self.value == other.value and not touches))
        return False


def _comparison(node: Node) -> _Comparison | None:
    if node["type"] != "comparator":
        return None
    left, right = node["children"]
    sign = str(node["value"])
    if left["type"] == "literal":
        left, right, sign = right, left, _FLIPPED[sign]
    if right["type"] != "literal" or left["type"] == "literal":
        return None
    return _Comparison(json.dumps(left, sort_keys=True), sign, right["value"])


def _holds(sign: str, left: Any, right: Any) -> bool:
    """Compare as expressions do: numbers with numbers and texts with texts, and true is no 1."""
    if sign in ("eq", "ne"):
        return (json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)) == (sign == "eq")
    if not _have_order(left, right):
        return False
    found = {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}
    return bool(found[sign])


def _have_order(left: Any, right: Any) -> bool:
    return (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
