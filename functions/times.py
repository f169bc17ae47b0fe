"""Instants and durations: how they are read, written and compared.

Every instant inside the house is an aware `datetime` in UTC; every duration a `timedelta`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

Clock = Callable[[], datetime]
"""Gives the present instant in UTC. Always passed in, so that tests and replays own time."""

_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(?P<unit>ms|s|m|h|d|w)")
MAX_DURATION = timedelta(days=36_525)
"""The longest duration that is read, a century: added to any instant of now it is still a date."""

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Epoch numbers are read by magnitude, as the sources of events send them: seconds, milliseconds
# (Tealium, mParticle) or microseconds (GA4). The bounds leave the years 1973 to 5138 unambiguous.
_EPOCH_MS_FROM = 1e11
_EPOCH_US_FROM = 1e14


FIRST_TIME: Final = _EPOCH
LAST_TIME: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Times outside are no times of events or decisions, and too near the ends of the calendar to reckon with."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")


_NO_ZONES = ("localtime", "posix", "right/", "Factory", "posixrules")
"""What some machines keep beside the zones: their own zone, and zones that count leap seconds."""


def find_zone(name: object) -> tzinfo | None:
    """Return the IANA time zone of a name, None when there is none; anything may be asked for.

    A name comes from a customer's profile: only what has the form of one is looked up, never a path.
    """
    if not isinstance(name, str) or _ZONE.fullmatch(name) is None or name.startswith(_NO_ZONES):
        return None
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # most functions never ask for a zone

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def utc_now() -> datetime:
    """Return the wall clock; named only where a program is composed."""
    return datetime.now(UTC)


def parse_duration(text: str) -> timedelta:
    """Read `150ms`, `30s`, `15m`, `12h`, `7d` or `2w`.

    Raises:
        ValueError: Anything else, and what is longer than `MAX_DURATION`.

    >>> parse_duration("1.5h")
    datetime.timedelta(seconds=5400)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("a duration is a number and a unit: 150ms, 30s, 15m, 12h, 7d or 2w")
    milliseconds = float(match["number"]) * _UNIT_MS[match["unit"]]
    if milliseconds > MAX_DURATION / timedelta(milliseconds=1):
        raise ValueError("a duration is at most 100 years")
    return timedelta(milliseconds=milliseconds)


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that divides it.

    >>> format_duration(timedelta(seconds=5400))
    '90m'
    """
    total_ms = round(duration / timedelta(milliseconds=1))
    for unit in ("w", "d", "h", "m", "s"):
        if total_ms and total_ms % _UNIT_MS[unit] == 0:
            return f"{total_ms // _UNIT_MS[unit]}{unit}"
    return f"{total_ms}ms"


def parse_instant(value: object) -> datetime:
    """Read an instant: ISO 8601 / RFC 3339 text, or epoch seconds, milliseconds or microseconds.

    Text without an offset is UTC, as event sources mean it. A bare date is midnight UTC.

    Raises:
        ValueError: No instant, or one outside the years 1 to 9999. The value is not repeated.

    >>> parse_instant("2026-11-02T10:00:00+01:00").isoformat()
    '2026-11-02T09:00:00+00:00'
    >>> parse_instant(1_762_074_000_000).isoformat()
    '2025-11-02T09:00:00+00:00'
    """
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value.strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _EPOCH + timedelta(**{_epoch_unit(abs(value)): value})
    except (ValueError, OverflowError):
        raise ValueError("no instant: give ISO 8601 text or an epoch number") from None
    raise ValueError("no instant: give ISO 8601 text or an epoch number")


def is_of_our_time(instant: datetime) -> bool:
    """Say whether something can have happened, or be decided, at an instant: from 1970 until before 9000."""
    return FIRST_TIME <= instant < LAST_TIME


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC with milliseconds, so that text order is time order.

    >>> format_instant(datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    '2026-11-02T09:00:00.000Z'
    """
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch_unit(magnitude: float) -> str:
    if magnitude >= _EPOCH_US_FROM:
        return "microseconds"
    return "milliseconds" if magnitude >= _EPOCH_MS_FROM else "seconds"
