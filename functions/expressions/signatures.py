"""JMESPath's own functions: how each is written, and what it gives. The library's are in `FUNCTION_REFERENCE`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from functions.expressions.library.reference import FUNCTION_REFERENCE

Kind = Literal["number", "text", "other"]
"""What has an order, and what has none."""

BUILTIN_SIGNATURES: Mapping[str, str] = {
    name.partition("(")[0]: name
    for name in (
        "abs(number)", "avg(numbers)", "ceil(number)", "contains(array_or_text, value)", "ends_with(text, end)",
        "floor(number)", "join(separator, texts)", "keys(object)", "length(value)", "map(&expression, array)",
        "max(array)", "max_by(array, &expression)", "merge(object, ...)", "min(array)", "min_by(array, &expression)",
        "not_null(a, ...)", "reverse(array_or_text)", "sort(array)", "sort_by(array, &expression)",
        "starts_with(text, start)", "sum(numbers)", "to_array(value)", "to_number(value)", "to_string(value)",
        "type(value)", "values(object)",
    )
}  # fmt: skip

_NUMBERS = frozenset({"abs", "avg", "ceil", "floor", "length", "sum", "to_number"})
_TEXTS = frozenset({"join", "to_string", "type"})
_UNKNOWN = frozenset({"coalesce", "if_else", "not_null", "max", "min", "max_by", "min_by", "reverse"})


def kind_of(value: Any) -> Kind:
    """Return what a JSON value is to an ordering comparison."""
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "other"


def kind_given(name: str) -> Kind | None:
    """Return what a function gives when it gives anything but null; None where that depends on its arguments."""
    if name in _UNKNOWN:
        return None
    if name in FUNCTION_REFERENCE:
        return kind_of(FUNCTION_REFERENCE[name].result)
    if name in _NUMBERS:
        return "number"
    return "text" if name in _TEXTS else "other"
