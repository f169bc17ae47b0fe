"""The table of the library's functions: how each is called, what it does, and one worked example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from functions.documents import Json
from functions.expressions.library import arithmetic, encodings, instants, texts, windows

EXAMPLE_NOW = "2026-11-02T09:00:00.000Z"
"""The `now` at which the examples hold."""


@dataclass(frozen=True, slots=True)
class LibraryFunction:
    """One function that expressions can call.

    Attributes:
        signature: As it is written, optional arguments in brackets.
        summary: One sentence.
        example: An expression over a document that holds `now` only.
        result: What the example gives.
        implementation: The Python function; takes `now` first when `needs_now`.
        least: Fewest arguments.
        most: Most arguments; None without a limit.
        needs_now: Whether it reads the time of the event.
    """

    signature: str
    summary: str
    example: str
    result: Json
    implementation: Callable[..., Any]
    least: int
    most: int | None
    needs_now: bool = False

    @property
    def name(self) -> str:
        """The name by which it is called."""
        return self.signature.partition("(")[0]


def _now(
    signature: str, summary: str, example: str, result: Json, implementation: Callable[..., Any]
) -> LibraryFunction:
    arguments = signature.count(",") + 1
    return LibraryFunction(signature, summary, example, result, implementation, arguments, arguments, True)


def _plain(
    signature: str,
    summary: str,
    example: str,
    result: Json,
    implementation: Callable[..., Any],
    *,
    optional: int = 0,
) -> LibraryFunction:
    arguments = signature.count(",") + 1
    return LibraryFunction(
        signature, summary, example, result, implementation, arguments - optional, arguments
    )


def _variadic(
    signature: str,
    summary: str,
    example: str,
    result: Json,
    implementation: Callable[..., Any],
    *,
    least: int,
) -> LibraryFunction:
    return LibraryFunction(signature, summary, example, result, implementation, least, None)


_ORDERS = (
    '`[{"at": "2026-11-01T09:00:00Z", "total": 20}, {"at": "2026-10-30T09:00:00Z", "total": 30.5},'
    ' {"at": "2026-01-01T09:00:00Z", "total": 99}]`'
)

_FUNCTIONS = (
    # Time
    _now(
        "days_since(ts)",
        "Days from an instant to the event's time, with fractions.",
        "days_since('2026-10-30T21:00:00Z')",
        2.5,
        instants.days_since,
    ),
    _now(
        "hours_since(ts)",
        "Hours from an instant to the event's time, with fractions.",
        "hours_since('2026-11-02T07:30:00Z')",
        1.5,
        instants.hours_since,
    ),
    _now(
        "minutes_since(ts)",
        "Minutes from an instant to the event's time, with fractions.",
        "minutes_since('2026-11-02T08:59:30Z')",
        0.5,
        instants.minutes_since,
    ),
    _plain(
        "days_between(a, b)",
        "Days from instant a to instant b, with fractions; negative when b is earlier.",
        "days_between('2026-11-01', '2026-11-02T12:00:00Z')",
        1.5,
        instants.days_between,
    ),
    _plain(
        "hours_between(a, b)",
        "Hours from instant a to instant b, with fractions.",
        "hours_between('2026-11-02T06:00:00Z', '2026-11-02T09:00:00Z')",
        3.0,
        instants.hours_between,
    ),
    _plain(
        "day_of_week(ts[, zone])",
        "The day of the week in an IANA zone (UTC when none is given): 1 is Monday.",
        "day_of_week('2026-11-02T23:30:00Z', 'Europe/Berlin')",
        2,
        instants.day_of_week,
        optional=1,
    ),
    _plain(
        "hour_of_day(ts[, zone])",
        "The hour in an IANA zone (UTC when none is given), 0 to 23.",
        "hour_of_day('2026-11-02T23:30:00Z', 'Europe/Berlin')",
        0,
        instants.hour_of_day,
        optional=1,
    ),
    _plain(
        "timestamp(ts)",
        "Seconds since 1970-01-01T00:00:00Z.",
        "timestamp('2026-11-02T09:00:00Z')",
        1793610000.0,
        instants.timestamp,
    ),
    # Arithmetic
    _variadic(
        "add(a, b, ...)", "The sum of its arguments.", "add(`1`, `2`, `3`)", 6, arithmetic.add, least=2
    ),
    _plain("subtract(a, b)", "a minus b.", "subtract(`5`, `2`)", 3, arithmetic.subtract),
    _variadic(
        "multiply(a, b, ...)",
        "The product of its arguments.",
        "multiply(`2`, `0.25`)",
        0.5,
        arithmetic.multiply,
        least=2,
    ),
    _plain("divide(a, b)", "a divided by b; null when b is 0.", "divide(`1`, `4`)", 0.25, arithmetic.divide),
    _plain(
        "modulo(a, b)",
        "The remainder of a divided by b, with the sign of b; null when b is 0.",
        "modulo(`-1`, `7`)",
        6,
        arithmetic.modulo,
    ),
    _plain(
        "power(base, exponent)",
        "base to the power of exponent, as a float.",
        "power(`2`, `10`)",
        1024.0,
        arithmetic.power,
    ),
    _plain(
        "round(x[, digits])",
        "x rounded to an integer or to digits decimals; halves go to the even neighbour.",
        "round(`2.675`, `1`)",
        2.7,
        arithmetic.round_to,
        optional=1,
    ),
    _plain("log(x)", "The natural logarithm; null for 0 and below.", "log(`1`)", 0.0, arithmetic.log),
    _plain(
        "log1p(x)",
        "The natural logarithm of 1 + x; null for -1 and below.",
        "log1p(`0`)",
        0.0,
        arithmetic.log1p,
    ),
    _plain("exp(x)", "e to the power of x.", "exp(`0`)", 1.0, arithmetic.exp),
    _plain("sqrt(x)", "The square root; null below 0.", "sqrt(`9`)", 3.0, arithmetic.sqrt),
    _plain(
        "clip(x, low, high)",
        "x limited to low..high; null when low is above high.",
        "clip(`12`, `0`, `10`)",
        10,
        arithmetic.clip,
    ),
    _variadic(
        "min_of(a, ...)",
        "The smallest of its arguments.",
        "min_of(`3`, `1`, `2`)",
        1,
        arithmetic.min_of,
        least=1,
    ),
    _variadic(
        "max_of(a, ...)",
        "The largest of its arguments.",
        "max_of(`3`, `1`, `2`)",
        3,
        arithmetic.max_of,
        least=1,
    ),
    # Encodings and choices
    _plain(
        "bucketize(x, boundaries)",
        "The index of the bucket that holds x: how many of the ascending boundaries are at or below it.",
        "bucketize(`30`, `[18, 30, 65]`)",
        2,
        encodings.bucketize,
    ),
    _plain(
        "one_hot(value, categories)",
        "An array with 1 where the category equals the value and 0 elsewhere.",
        """one_hot('b', `["a", "b", "c"]`)""",
        [0, 1, 0],
        encodings.one_hot,
    ),
    _plain(
        "hash_bucket(value, buckets[, salt])",
        "A stable number from 0 to buckets - 1 for text, a number or a boolean (SHA-256).",
        "hash_bucket('blue', `100`)",
        16,
        encodings.hash_bucket,
        optional=1,
    ),
    _variadic(
        "coalesce(a, ...)",
        "The first argument that is not null.",
        "coalesce(`null`, `0`, `1`)",
        0,
        encodings.coalesce,
        least=1,
    ),
    _plain(
        "if_else(condition, then, otherwise)",
        "One of two values; null, false and what is empty count as false.",
        "if_else(`3` > `2`, 'yes', 'no')",
        "yes",
        encodings.if_else,
    ),
    # Windows
    _now(
        "count_within(items, time_field, duration)",
        "How many items lie in the window (now - duration, now].",
        f"count_within({_ORDERS}, 'at', '7d')",
        2,
        windows.count_within,
    ),
    _now(
        "sum_within(items, time_field, value_field, duration)",
        "The sum of a field over the window; 0 when nothing lies in it.",
        f"sum_within({_ORDERS}, 'at', 'total', '7d')",
        50.5,
        windows.sum_within,
    ),
    _now(
        "avg_within(items, time_field, value_field, duration)",
        "The mean of a field over the window; null when nothing lies in it.",
        f"avg_within({_ORDERS}, 'at', 'total', '7d')",
        25.25,
        windows.avg_within,
    ),
    _now(
        "max_within(items, time_field, value_field, duration)",
        "The largest value of a field over the window; null when nothing lies in it.",
        f"max_within({_ORDERS}, 'at', 'total', '7d')",
        30.5,
        windows.max_within,
    ),
    # Text
    _plain("lower(text)", "The text in lower case.", "lower('Ab')", "ab", texts.lower),
    _plain("upper(text)", "The text in upper case.", "upper('Ab')", "AB", texts.upper),
    _plain("trim(text)", "The text without white space at its ends.", "trim(' a b ')", "a b", texts.trim),
    _plain(
        "normalize(text)",
        "The text in Unicode form NFKC, case folded, each run of white space as one space; null "
        "for a text with more than 100 combining marks in a row.",
        "normalize('  Straße   12 ')",
        "strasse 12",
        texts.normalize,
    ),
    _plain(
        "split(text, separator)",
        "The parts of the text between separators.",
        "split('a,b', ',')",
        ["a", "b"],
        texts.split,
    ),
    _plain(
        "replace(text, old, new)",
        "The text with every old replaced by new; null for a result of over a million characters, or of 16 times "
        "as many as the three texts have.",
        "replace('a-b', '-', '_')",
        "a_b",
        texts.replace,
    ),
    _plain(
        "substring(text, start[, length])",
        "length characters from the 0-based start, or all that follow.",
        "substring('abcdef', `1`, `3`)",
        "bcd",
        texts.substring,
        optional=1,
    ),
)

FUNCTION_REFERENCE: Mapping[str, LibraryFunction] = MappingProxyType(
    {function.name: function for function in _FUNCTIONS}
)
"""Every function of the library by name, in the order of its documentation."""
