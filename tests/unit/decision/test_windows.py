"""Windows and quiet hours equal a count by hand, on every day of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decision.windows import inside, is_quiet, period_key, quiet_end
from functions.spec.rails import Calendar, Rolling, Unit

ZONES: Final = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Asia/Beirut", "Pacific/Kiritimati",
)  # fmt: skip
zones = st.sampled_from(ZONES)
# 2011 has the day that Apia never had, and the last changes of Moscow; 2018 the last of São Paulo.
instants = st.integers(0, 17 * 366 * 24 * 60).map(
    lambda minutes: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
units: st.SearchStrategy[Unit] = st.sampled_from(["day", "week", "month"])


def _period(at: datetime, zone: str, unit: Unit) -> tuple[int, ...]:
    """Return the calendar period of an instant, worked out in another way than the code does."""
    local = at.astimezone(ZoneInfo(zone))
    if unit == "day":
        return local.timetuple()[:3]
    return tuple(local.isocalendar())[:2] if unit == "week" else local.timetuple()[:2]


@given(at=instants, away=st.timedeltas(timedelta(days=-40), timedelta(days=40)), zone=zones, unit=units)
def test_a_calendar_window_is_that_of_the_wall_clock(
    at: datetime, away: timedelta, zone: str, unit: Unit
) -> None:
    other = at + away
    same = _period(at, zone, unit) == _period(other, zone, unit)
    assert inside(Calendar(unit, zone))(at)(other) is same
    assert (period_key(Calendar(unit, zone), at) == period_key(Calendar(unit, zone), other)) is same


@given(at=instants, away=st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_a_rolling_window_is_open_at_its_far_end(at: datetime, away: timedelta) -> None:
    week = timedelta(days=7)
    assert inside(Rolling(week))(at)(at + away) is (away > -week)


def test_what_happened_exactly_a_window_ago_is_outside() -> None:
    at, week = datetime(2026, 11, 9, 9, tzinfo=UTC), timedelta(days=7)
    is_inside = inside(Rolling(week))(at)
    assert not is_inside(at - week)
    assert is_inside(at - week + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)]
)
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: date, hours: int) -> None:
    berlin, noon = ZoneInfo("Europe/Berlin"), datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    start = datetime(day.year, day.month, day.day, tzinfo=berlin).astimezone(UTC)
    is_inside = inside(Calendar("day", "Europe/Berlin"))(noon)
    assert [is_inside(start + timedelta(hours=hour)) for hour in (-1, 0, hours - 1, hours)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_an_unknown_zone_gives_no_window() -> None:
    with pytest.raises(ValueError, match="Mars/Olympus"):
        inside(Calendar("day", "Mars/Olympus"))


@given(minute=st.integers(0, 1439), start=st.integers(0, 1439), length=st.integers(1, 1439))
def test_quiet_hours_are_half_open_and_wrap_midnight(minute: int, start: int, length: int) -> None:
    end = (start + length) % 1440
    local = datetime(2026, 7, 1, minute // 60, minute % 60, 59, tzinfo=UTC)
    assert is_quiet(local, start, end) is ((minute - start) % 1440 < length)


quarters = st.integers(0, 95).map(lambda number: number * 15)
# Every change of these clocks in some years, where mistakes would be, and everything else.
_HOURS = [datetime(2011, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 365)]
CHANGES: Final = {
    zone: [
        at
        for at in _HOURS
        if at.astimezone(ZoneInfo(zone)).utcoffset()
        != (at + timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset()
    ]
    for zone in ZONES
}


@given(data=st.data(), zone=zones, start=quarters, length=quarters.filter(bool))
def test_quiet_hours_end_at_the_first_instant_that_is_not_quiet(
    data: st.DataObject, zone: str, start: int, length: int
) -> None:
    near = [at + timedelta(hours=hour) for at in CHANGES[zone] for hour in range(-20, 4)]
    at = data.draw(st.sampled_from(near) | instants if near else instants)
    at = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    place, end = ZoneInfo(zone), (start + length) % 1440
    local = at.astimezone(place)
    if not is_quiet(local, start, end):
        return
    by_hand = at
    while is_quiet(by_hand.astimezone(place), start, end):
        by_hand += timedelta(minutes=1)
    assert quiet_end(local, start, end) == by_hand


@pytest.mark.parametrize(
    ("zone", "at", "end", "expected"),
    [
        ("Europe/Berlin", "2026-11-02T22:30:00Z", 480, "2026-11-03T07:00:00Z"),
        ("Europe/Berlin", "2026-03-28T22:00:00Z", 480, "2026-03-29T06:00:00Z"),
        ("Europe/Berlin", "2026-10-24T20:00:00Z", 480, "2026-10-25T07:00:00Z"),
        # The clock goes from two to three; half past two never comes.
        ("Europe/Berlin", "2026-03-28T22:00:00Z", 150, "2026-03-29T01:00:00Z"),
        # Half past two comes twice; at the first one the quiet hours end.
        ("Europe/Berlin", "2026-10-24T22:00:00Z", 150, "2026-10-25T00:30:00Z"),
        # In the hour that is repeated it is quiet again, until the second half past two.
        ("Europe/Berlin", "2026-10-25T01:10:00Z", 150, "2026-10-25T01:30:00Z"),
    ],
)
def test_quiet_hours_end_on_both_days_when_clocks_change(zone: str, at: str, end: int, expected: str) -> None:
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    assert is_quiet(local, 1260, end)
    assert quiet_end(local, 1260, end) == datetime.fromisoformat(expected)


def test_quiet_hours_without_an_open_minute_have_no_end_in_sight() -> None:
    local = datetime(2026, 11, 2, 9, 15, tzinfo=ZoneInfo("Europe/Berlin"))
    assert quiet_end(local, 600, 600) == local + timedelta(days=3)
