"""Counts and sums over the part of an array that lies in a window of time before `now`.

A window is half-open: later than `now - duration`, up to and including `now`. An element without a usable
time, or (where a value is asked for) without a number, takes no part.

The `..._within` functions are what expressions call. Generated code calls their second halves, so that the
times of an array are read once for all windows over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.expressions.library.arithmetic import Number, exact_mean, exact_sum, finite, is_number
from functions.expressions.library.instants import read_duration, read_instant

Instants = Sequence[datetime | None] | None
"""The time of each item, None where it has none; None as a whole when there is no array."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def count_within(now: datetime | None, items: Any, time_field: Any, duration: Any) -> int | None:
    """Return how many items lie in the window."""
    return count_in(instants_of(items, time_field), now, read_duration(duration))


def sum_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the exactly rounded sum of a field over the window; 0 when nothing lies in it."""
    return sum_in(instants_of(items, time_field), now, read_duration(duration), items, value_field)


def avg_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the mean of a field over the window; null when nothing lies in it."""
    return avg_in(instants_of(items, time_field), now, read_duration(duration), items, value_field)


def max_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the largest value of a field over the window; null when nothing lies in it."""
    return max_in(instants_of(items, time_field), now, read_duration(duration), items, value_field)


def instants_of(items: Any, time_field: Any) -> Instants:
    """Return the time of each item."""
    if not isinstance(items, list) or not isinstance(time_field, str):
        return None
    return [read_instant(item.get(time_field)) if isinstance(item, dict) else None for item in items]


def count_in(instants: Instants, now: datetime | None, length: timedelta | None) -> int | None:
    """Return how many instants lie in the window."""
    if instants is None or now is None or length is None:
        return None
    start = _start(now, length)
    return sum(1 for at in instants if at is not None and start < at <= now)


def sum_in(
    instants: Instants, now: datetime | None, length: timedelta | None, items: Any, value_field: Any
) -> Number | None:
    """Return the sum of a field of the items whose instants lie in the window."""
    numbers = _numbers_in(instants, now, length, items, value_field)
    return None if numbers is None else _within_range(exact_sum, numbers)


def avg_in(
    instants: Instants, now: datetime | None, length: timedelta | None, items: Any, value_field: Any
) -> Number | None:
    """Return the mean of a field of the items whose instants lie in the window."""
    numbers = _numbers_in(instants, now, length, items, value_field)
    return None if numbers is None else _within_range(exact_mean, numbers)


def max_in(
    instants: Instants, now: datetime | None, length: timedelta | None, items: Any, value_field: Any
) -> Number | None:
    """Return the largest value of a field of the items whose instants lie in the window."""
    numbers = _numbers_in(instants, now, length, items, value_field)
    return finite(max(numbers)) if numbers else None


def _numbers_in(
    instants: Instants, now: datetime | None, length: timedelta | None, items: Any, value_field: Any
) -> list[Any] | None:
    if instants is None or now is None or length is None or not isinstance(value_field, str):
        return None
    start = _start(now, length)
    pairs = zip(instants, items, strict=True)
    values = [item.get(value_field) for at, item in pairs if at is not None and start < at <= now]
    return [value for value in values if is_number(value)]


def _within_range(combine: Callable[[list[Number]], Number | None], numbers: list[Number]) -> Number | None:
    """Return what becomes of the numbers, null when that is beyond the range of a float."""
    try:
        return finite(combine(numbers))
    except OverflowError:
        return None


def _start(now: datetime, length: timedelta) -> datetime:
    try:
        return now - length
    except OverflowError:  # before the year 1
        return _BEGINNING
