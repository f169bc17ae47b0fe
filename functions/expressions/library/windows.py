"""Counts and sums over the part of an array that lies in a window of time before `now`.

A window is half-open: later than `now - duration`, up to and including `now`. An element without a usable
time, or (where a value is asked for) without a number, takes no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from functions.expressions.library.arithmetic import Number, exact_sum, finite, is_number
from functions.expressions.library.instants import read_duration, read_instant


def count_within(now: datetime | None, items: Any, time_field: Any, duration: Any) -> int | None:
    """Return how many items lie in the window."""
    found = _within(now, items, time_field, duration)
    return None if found is None else sum(1 for _ in found)


def sum_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the exactly rounded sum of a field over the window; 0 when nothing lies in it."""
    numbers = _numbers_within(now, items, time_field, value_field, duration)
    return None if numbers is None else finite(exact_sum(numbers))


def avg_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the mean of a field over the window; null when nothing lies in it."""
    numbers = _numbers_within(now, items, time_field, value_field, duration)
    if not numbers:
        return None
    total = finite(exact_sum(numbers))
    return None if total is None else total / len(numbers)


def max_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> Number | None:
    """Return the largest value of a field over the window; null when nothing lies in it."""
    numbers = _numbers_within(now, items, time_field, value_field, duration)
    return finite(max(numbers)) if numbers else None


def _numbers_within(
    now: datetime | None, items: Any, time_field: Any, value_field: Any, duration: Any
) -> list[Number] | None:
    found = _within(now, items, time_field, duration)
    if found is None or not isinstance(value_field, str):
        return None
    values: Iterator[Any] = (item.get(value_field) for item in found)
    return [value for value in values if is_number(value)]


def _within(
    now: datetime | None, items: Any, time_field: Any, duration: Any
) -> Iterator[dict[str, Any]] | None:
    length = read_duration(duration)
    if now is None or length is None or not isinstance(items, list) or not isinstance(time_field, str):
        return None
    return (
        item
        for item in items
        if isinstance(item, dict)
        and (at := read_instant(item.get(time_field))) is not None
        and at <= now
        and now - at < length
    )
