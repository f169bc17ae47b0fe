"""Windows and quiet hours by the wall clock of a zone, right on both daylight-saving days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

from functions.spec.rails import Calendar, Rolling, Unit, Window
from functions.times import find_zone

DAY_MINUTES = 1440

_LONGEST = {"day": timedelta(days=2), "week": timedelta(days=9), "month": timedelta(days=33)}
"""More than any two instants of one calendar window lie apart, whatever a zone does to its clock."""

Inside = Callable[[datetime], Callable[[datetime], bool]]
"""Takes an instant and returns the test whether another one lies in its window."""


def inside(window: Window) -> Inside:
    """Return what tests a window. A rolling one has no end: what is planned ahead counts too.

    Raises:
        ValueError: The zone of a calendar is not known on this machine.
    """
    if isinstance(window, Rolling):
        length = window.length
        return lambda at: (at - length).__lt__
    zone, unit, longest = _zone_of(window), window.unit, _LONGEST[window.unit]

    def window_of(at: datetime) -> Callable[[datetime], bool]:
        first, last, day = at - longest, at + longest, _first_day(at, zone, unit)
        return lambda instant: first < instant < last and _first_day(instant, zone, unit) == day

    return window_of


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


def quiet_end(local: datetime, start: int, end: int) -> datetime:
    """Return the instant at which a wall clock that is quiet is quiet no more, whatever the zone does to it.

    It is looked for step by step, so that no rule of any zone has to be known. Open time that is shorter than a
    quarter of an hour, on a day when clocks change, may be passed over: then the end is a later one.

    Args:
        local: The wall clock, in its zone.
        start: Minutes after midnight.
        end: Minutes after midnight.

    Returns:
        An instant in UTC; one three days ahead, still quiet, where no open time was found.
    """
    zone, at = local.tzinfo or UTC, local.astimezone(UTC).replace(second=0, microsecond=0)
    # Equal times are quiet all day: without an open minute there is no end within the days that are looked at.
    step, last = timedelta(minutes=min(15, (start - end) % DAY_MINUTES or 15)), at + timedelta(days=3)
    while at < last and is_quiet((at + step).astimezone(zone), start, end):
        at += step
    while at < last and is_quiet(at.astimezone(zone), start, end):
        at += timedelta(minutes=1)
    return at
