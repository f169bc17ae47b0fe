"""What generated code calls: JMESPath's operations and functions for exact JSON types.

A value of another type (a subclass of dict, a Decimal, a tuple) raises `LeaveToInterpreterError`, upon which the
whole evaluation is left to JMESPath's interpreter. A function that JMESPath would refuse returns an
`EvaluationFailure` instead of raising: an exception costs several times as much as the feature itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from operator import itemgetter
from typing import Any, NoReturn

from functions.expressions.library.arithmetic import exact_mean, exact_sum
from functions.expressions.library.texts import TextTooLongError, joined
from functions.expressions.problems import EvaluationFailure

WRONG_TYPE = EvaluationFailure("JMESPathTypeError")
PYTHON_TYPE_ERROR = EvaluationFailure("TypeError")

_PLAIN = frozenset({type(None), bool, int, float, str, list, dict})
_NUMBERS = frozenset({int, float})
_TEXTS = frozenset({str})
_OBJECTS = frozenset({dict})
_NAMES = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array",
    dict: "object",
}  # fmt: skip


class LeaveToInterpreterError(Exception):
    """A value is of a type that JSON does not have, or a case is too rare to be repeated here."""


class FailedInLoopError(Exception):
    """An element made an expression fail inside a loop; the interpreter says how."""


def nothing(value: Any) -> None:
    """Answer for a JSON value that has no fields, elements or values: null."""
    if type(value) not in _PLAIN:
        raise LeaveToInterpreterError


def failure(error: Exception) -> EvaluationFailure:
    """Answer for an exception that JMESPath's interpreter would let through, without its text."""
    return EvaluationFailure(type(error).__name__)


def holds(value: Any) -> bool:
    """Return whether JMESPath takes for true what Python takes for false: zero is, what is empty is not."""
    nothing(value)
    return type(value) in _NUMBERS


def refused(value: Any) -> EvaluationFailure:
    """Answer for a JSON value that a function does not accept."""
    nothing(value)
    return WRONG_TYPE


def in_loop(value: Any) -> Any:
    """Pass a value on, unless it is a failure, which ends the loop."""
    if type(value) is EvaluationFailure:
        raise FailedInLoopError
    return value


def marked(failed: set[int], comparison: int, value: Any) -> Any:
    """Pass the result of a comparison on, unless it failed: then note which one, for those that asked for it."""
    if type(value) is EvaluationFailure:
        failed.add(comparison)
        return None
    return value


def ordered(operator: str, left: Any, right: Any) -> Any:
    """Compare two values that are not both plain numbers: text with text; others are null."""
    if not _comparable(left) or not _comparable(right):
        return None
    if (type(left) is str) is not (type(right) is str):
        return PYTHON_TYPE_ERROR
    if operator == "lt":
        return left < right
    if operator == "lte":
        return left <= right
    return left > right if operator == "gt" else left >= right


def _comparable(value: Any) -> bool:
    kind = type(value)
    if kind not in _PLAIN:
        raise LeaveToInterpreterError
    return kind is int or kind is float or kind is str


def flattened(value: list[Any]) -> list[Any]:
    """Return the elements, those of inner arrays in place of these. May return the array itself."""
    kinds = set(map(type, value))
    if list not in kinds:
        return value if kinds <= _PLAIN else _not_plain()
    merged: list[Any] = []
    for element in value:
        if type(element) is list:
            merged.extend(element)
        else:
            nothing(element)
            merged.append(element)
    return merged


def _not_plain() -> NoReturn:
    raise LeaveToInterpreterError


def column(items: list[Any], name: str) -> list[Any]:
    """Return what each item has under one key, null where it has nothing."""
    if set(map(type, items)) == _OBJECTS:
        with suppress(KeyError):  # not every object has that key
            return list(map(itemgetter(name), items))
    return [_field(item, name) for item in items]


def _field(item: Any, name: str) -> Any:
    if type(item) is dict:
        return item.get(name)
    nothing(item)
    return None


def collected(items: list[Any], name: str) -> list[Any]:
    """Return what is not null under one key of each item: the projection `items[*].name`."""
    return [value for value in column(items, name) if value is not None]


def grouped(items: list[Any], name: str, wanted: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the items by the text under one key, for the texts that are wanted."""
    groups: dict[str, list[Any]] = {text: [] for text in wanted}
    for key, item in zip(column(items, name), items, strict=True):
        if type(key) is str:
            if key in groups:
                groups[key].append(item)
        else:
            nothing(key)
    return groups


def jp_abs(value: Any) -> Any:
    """JMESPath's abs."""
    return abs(value) if type(value) in _NUMBERS else refused(value)


def jp_ceil(value: Any) -> Any:
    """JMESPath's ceil."""
    return _whole(math.ceil, value)


def jp_floor(value: Any) -> Any:
    """JMESPath's floor."""
    return _whole(math.floor, value)


def _whole(rounded: Callable[[float], int], value: Any) -> Any:
    if type(value) not in _NUMBERS:
        return refused(value)
    try:
        return rounded(value)
    except (ValueError, OverflowError) as error:  # NaN, an infinity
        return failure(error)


def jp_sum(value: Any) -> Any:
    """JMESPath's sum, exactly rounded."""
    return _of_numbers(exact_sum, value)


def jp_avg(value: Any) -> Any:
    """JMESPath's avg, of an exactly rounded sum."""
    return _of_numbers(exact_mean, value)


def _of_numbers(combine: Callable[[list[Any]], Any], value: Any) -> Any:
    if type(value) is not list:
        return refused(value)
    kinds = set(map(type, value))
    if not kinds <= _NUMBERS:
        return WRONG_TYPE if kinds <= _PLAIN else _not_plain()
    try:
        return combine(value)
    except OverflowError as error:
        return failure(error)


def jp_length(value: Any) -> Any:
    """JMESPath's length."""
    kind = type(value)
    return len(value) if kind is list or kind is str or kind is dict else refused(value)


def jp_contains(subject: Any, search: Any) -> Any:
    """JMESPath's contains; looking for anything but text in text is an error of Python's."""
    if type(subject) is str:
        if type(search) is str:
            return search in subject
        nothing(search)
        return PYTHON_TYPE_ERROR
    return search in subject if type(subject) is list else refused(subject)


def jp_starts_with(text: Any, start: Any) -> Any:
    """JMESPath's starts_with."""
    return text.startswith(start) if type(text) is str and type(start) is str else _refused(text, start)


def jp_ends_with(text: Any, end: Any) -> Any:
    """JMESPath's ends_with."""
    return text.endswith(end) if type(text) is str and type(end) is str else _refused(text, end)


def jp_join(separator: Any, texts: Any) -> Any:
    """JMESPath's join."""
    if type(separator) is not str:
        return refused(separator)
    if type(texts) is not list:
        return refused(texts)
    kinds = set(map(type, texts))
    if not kinds <= _PLAIN:
        raise LeaveToInterpreterError
    if not kinds <= _TEXTS:
        return WRONG_TYPE
    try:
        return joined(separator, texts)
    except TextTooLongError as error:
        return failure(error)


def jp_keys(value: Any) -> Any:
    """JMESPath's keys."""
    return list(value) if type(value) is dict else refused(value)


def jp_values(value: Any) -> Any:
    """JMESPath's values."""
    return list(value.values()) if type(value) is dict else refused(value)


def jp_merge(*objects: Any) -> Any:
    """JMESPath's merge. It checks the first argument only, and Python's dict.update takes more than objects."""
    if type(objects[0]) is not dict:
        return refused(objects[0])
    merged: dict[str, Any] = {}
    for value in objects:
        nothing(value)
        try:
            merged.update(value)
        except (TypeError, ValueError) as error:
            return failure(error)
    return merged


def jp_max(value: Any) -> Any:
    """JMESPath's max."""
    if type(value) is list and _of_one_order(value):
        return max(value) if value else None
    return refused(value)


def jp_min(value: Any) -> Any:
    """JMESPath's min."""
    if type(value) is list and _of_one_order(value):
        return min(value) if value else None
    return refused(value)


def jp_sort(value: Any) -> Any:
    """JMESPath's sort."""
    return sorted(value) if type(value) is list and _of_one_order(value) else refused(value)


def jp_reverse(value: Any) -> Any:
    """JMESPath's reverse."""
    return value[::-1] if type(value) is list or type(value) is str else refused(value)


def jp_not_null(*values: Any) -> Any:
    """JMESPath's not_null."""
    return next((value for value in values if value is not None), None)


def jp_type(value: Any) -> Any:
    """JMESPath's type."""
    return _NAMES[type(value)] if type(value) in _PLAIN else _not_plain()


def jp_to_array(value: Any) -> Any:
    """JMESPath's to_array."""
    if type(value) is list:
        return value
    nothing(value)
    return [value]


def jp_to_string(value: Any) -> Any:
    """JMESPath's to_string."""
    nothing(value)
    return value if type(value) is str else json.dumps(value, separators=(",", ":"), default=str)


def jp_to_number(value: Any) -> Any:
    """JMESPath's to_number: what Python reads as an integer or a float."""
    if type(value) in _NUMBERS:
        return value
    if type(value) is not str:
        return nothing(value)
    for reader in (int, float):
        try:
            return reader(value)
        except ValueError:
            continue
    return None


def sorted_by(items: list[Any], keys: list[Any]) -> Any:
    """JMESPath's sort_by, its keys computed."""
    if not items:
        return items
    if not _of_one_order(keys):
        return WRONG_TYPE
    return [items[position] for position in sorted(range(len(items)), key=keys.__getitem__)]


def least_by(items: list[Any], keys: list[Any]) -> Any:
    """JMESPath's min_by, its keys computed."""
    if not items:
        return None
    failure = _mixed(keys)
    return failure or items[min(range(len(items)), key=keys.__getitem__)]


def greatest_by(items: list[Any], keys: list[Any]) -> Any:
    """JMESPath's max_by, its keys computed."""
    if not items:
        return None
    failure = _mixed(keys)
    return failure or items[max(range(len(items)), key=keys.__getitem__)]


def _mixed(keys: list[Any]) -> EvaluationFailure | None:
    """Return how the comparison of keys one by one fails: at a key of no order, or at a mix."""
    if _of_one_order(keys):
        return None
    first = type(keys[0]) is str
    for key in keys:
        if not _comparable(key):
            return WRONG_TYPE
        if (type(key) is str) is not first:
            return PYTHON_TYPE_ERROR
    return None


def _of_one_order(values: list[Any]) -> bool:
    """Return whether the values are all numbers or all text."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS or kinds <= _TEXTS:
        return True
    if kinds <= _PLAIN:
        return False
    raise LeaveToInterpreterError


def _refused(*values: Any) -> EvaluationFailure:
    for value in values:
        nothing(value)
    return WRONG_TYPE
