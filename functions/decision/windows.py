"""Windows and quiet hours by the wall clock of a zone, right on both daylight-saving days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

from functions.spec.rails import Calendar, Rolling, Unit, Window
from functions.times import find_zone

DAY_MINUTES = 1440

_LONGEST = {"day": timedelta(days=2), "week": timedelta(days=9), "month": timedelta(days=33)}
"""More than any two instants of one calendar window lie apart, whatever a zone does to its clock."""

Inside = Callable[[datetime, datetime], bool]
"""Says of an instant whether it lies in the window of another one."""


def inside(window: Window) -> Inside:
    """Return the test of a window. A rolling one has no end: what is planned ahead counts too.

    Raises:
        ValueError: The zone of a calendar is not known on this machine.
    """
    if isinstance(window, Rolling):
        length = window.length
        return lambda instant, at: instant > at - length
    zone, unit, longest = _zone_of(window), window.unit, _LONGEST[window.unit]

    def same_period(instant: datetime, at: datetime) -> bool:
        if not -longest < instant - at < longest:
            return False
        return _first_day(instant, zone, unit) == _first_day(at, zone, unit)

    return same_period


def period_key(calendar: Calendar, at: datetime) -> str:
    """Return the name of the window that an instant lies in: its unit and its first day.

    >>> period_key(Calendar("week", "Europe/Berlin"), datetime(2026, 11, 1, 23, 30, tzinfo=UTC))
    'week-2026-11-02'
    """
    return f"{calendar.unit}-{_first_day(at, _zone_of(calendar), calendar.unit).isoformat()}"


def _zone_of(calendar: Calendar) -> tzinfo:
    zone = find_zone(calendar.zone)
    if zone is None:
        raise ValueError(f"the time zone {calendar.zone} is not known on this machine")
    return zone


def _first_day(instant: datetime, zone: tzinfo, unit: Unit) -> date:
    day = instant.astimezone(zone).date()
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def is_quiet(local: datetime, start: int, end: int) -> bool:
    """Say whether a wall clock stands between two times: the first inside, the second outside.

    Args:
        local: The wall clock.
        start: Minutes after midnight.
        end: Minutes after midnight; before `start` when the time runs over midnight.
    """
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def quiet_end(local: datetime, end: int) -> datetime:
    """Return the first instant at which a wall clock that is quiet reaches the end of the quiet time.

    Where the clock is put forward over the end, that is the moment of the change.

    Args:
        local: The wall clock, in its zone.
        end: Minutes after midnight.
    """
    zone = local.tzinfo or UTC
    instant, wanted = local.astimezone(UTC), timedelta(minutes=end)
    for days in range(3):
        midnight = datetime.combine(local.date() + timedelta(days=days), datetime.min.time())
        for fold in (0, 1):
            at = (midnight + wanted).replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if at.astimezone(zone).replace(tzinfo=None) != midnight + wanted:
                at = _change_before(at, zone) if fold == 0 else at
            if at > instant and not _is_before(at.astimezone(zone), midnight + wanted):
                return at
    return instant + timedelta(days=1)


def _is_before(local: datetime, wall: datetime) -> bool:
    return local.replace(tzinfo=None) < wall


def _change_before(at: datetime, zone: tzinfo) -> datetime:
    """Return the moment at which a zone put its clock forward, at the most three hours before an instant."""
    low, high = at - timedelta(hours=3), at
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high.replace(microsecond=0)
