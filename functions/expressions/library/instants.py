"""Time. An instant is ISO 8601 text or an epoch number; anything else makes the result null.

`now` is the event's time, taken from the root document of the evaluation: a replay gives the same answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from functions.times import find_zone, parse_duration, parse_instant

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


def read_instant(value: Any) -> datetime | None:
    """Return the instant in UTC, or None when the value is none."""
    if value is None:
        return None
    try:
        return parse_instant(value)
    except ValueError:
        return None


def read_duration(value: Any) -> timedelta | None:
    """Return the duration of a text such as `30d`, or None when the value is none."""
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def days_since(now: datetime | None, ts: Any) -> float | None:
    """Return days from `ts` to `now`, with fractions; negative for the future."""
    return _between(read_instant(ts), now, _DAY)


def hours_since(now: datetime | None, ts: Any) -> float | None:
    """Return hours from `ts` to `now`, with fractions."""
    return _between(read_instant(ts), now, _HOUR)


def minutes_since(now: datetime | None, ts: Any) -> float | None:
    """Return minutes from `ts` to `now`, with fractions."""
    return _between(read_instant(ts), now, _MINUTE)


def days_between(a: Any, b: Any) -> float | None:
    """Return days from `a` to `b`, with fractions; negative when `b` is earlier."""
    return _between(read_instant(a), read_instant(b), _DAY)


def hours_between(a: Any, b: Any) -> float | None:
    """Return hours from `a` to `b`, with fractions."""
    return _between(read_instant(a), read_instant(b), _HOUR)


def day_of_week(ts: Any, zone: Any = "UTC") -> int | None:
    """Return the day of the week in an IANA zone: 1 is Monday, 7 is Sunday."""
    local = _in_zone(ts, zone)
    return None if local is None else local.isoweekday()


def hour_of_day(ts: Any, zone: Any = "UTC") -> int | None:
    """Return the hour in an IANA zone, 0 to 23."""
    local = _in_zone(ts, zone)
    return None if local is None else local.hour


def timestamp(ts: Any) -> float | None:
    """Return seconds since 1970-01-01T00:00:00Z."""
    instant = read_instant(ts)
    return None if instant is None else instant.timestamp()


def _between(start: datetime | None, end: datetime | None, unit: timedelta) -> float | None:
    return None if start is None or end is None else (end - start) / unit


def _in_zone(ts: Any, name: Any) -> datetime | None:
    instant, zone = read_instant(ts), find_zone(name)
    if instant is None or zone is None:
        return None
    try:
        return instant.astimezone(zone)
    except (ValueError, OverflowError):
        return None
