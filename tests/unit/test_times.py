"""Instants and durations: how they are read, written and compared."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.times import (
    MAX_DURATION,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    utc_now,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("150ms", timedelta(milliseconds=150)),
        ("0s", timedelta(0)),
        ("30s", timedelta(seconds=30)),
        ("1.5h", timedelta(minutes=90)),
        ("0.001s", timedelta(milliseconds=1)),
        (" 7 d ", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("36525d", MAX_DURATION),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "s",
        "-1s",
        "1.s",
        ".5s",
        "1.2345s",
        "1 year",
        "1M",
        "1S",
        "1e3s",
        "١s",
        "1s 2m",
        "9999999999s",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a duration is a number and a unit"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36525.001d", "999999999w", "999999999d"])
def test_duration_over_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a duration is at most 100 years$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0ms"),
        (timedelta(milliseconds=150), "150ms"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=14), "2w"),
        (timedelta(days=15), "15d"),
    ],
)
def test_duration_is_written_in_the_largest_unit_that_divides_it(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.integers(0, 999_999_999))
def test_duration_is_read_back_as_it_was_written(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-02T09:00:00Z", NINE),
        ("2026-11-02T10:00:00+01:00", NINE),
        ("2026-11-02T09:00:00", NINE),
        (" 2026-11-02 09:00 ", NINE),
        ("2026-11-02T09:00:00.123456Z", NINE + timedelta(microseconds=123456)),
        ("2026-11-02", datetime(2026, 11, 2, tzinfo=UTC)),
        ("2026-11-02T23:30:00-05:00", datetime(2026, 11, 3, 4, 30, tzinfo=UTC)),
        (1_793_610_000, NINE),
        (1_793_610_000.5, NINE + timedelta(milliseconds=500)),
        (1_793_610_000_000, NINE),
        (1_793_610_000_000_000, NINE),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-86_400, datetime(1969, 12, 31, tzinfo=UTC)),
        (-86_400_000, datetime(1967, 4, 7, tzinfo=UTC)),
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (99_999_999_999_999, datetime(5138, 11, 16, 9, 46, 39, 999000, tzinfo=UTC)),
        (100_000_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
)
def test_instant_is_read_from_text_and_from_epoch_numbers_by_their_magnitude(
    value: Any, instant: datetime
) -> None:
    assert parse_instant(value) == instant
    assert parse_instant(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        {},
        "",
        "yesterday",
        "2026-13-01",
        "2026-11-02T25:00:00Z",
        "1793610000",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:00:00-10:00",
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        -(10**400),
        1_793_610_000_000_000_000,
    ],
)
def test_anything_else_is_no_instant_and_is_not_repeated(value: Any) -> None:
    with pytest.raises(ValueError) as caught:
        parse_instant(value)
    assert str(caught.value) == "no instant: give ISO 8601 text or an epoch number"
    assert caught.value.__cause__ is None


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    # hypothesis takes bounds without a zone
    datetime(2, 1, 1),  # noqa: DTZ001
    datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC) | offsets,
)


@given(instants)
def test_instant_is_read_back_to_the_millisecond(instant: datetime) -> None:
    written = format_instant(instant)
    assert timedelta(0) <= instant - parse_instant(written) < timedelta(milliseconds=1)
    assert format_instant(parse_instant(written)) == written
    assert len(written) == 24


@given(instants, instants)
def test_order_of_written_instants_is_the_order_of_time(one: datetime, other: datetime) -> None:
    if one <= other:
        assert format_instant(one) <= format_instant(other)
    else:
        assert format_instant(one) >= format_instant(other)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30))
def test_any_value_is_an_aware_instant_or_a_value_error(value: Any) -> None:
    with contextlib.suppress(ValueError):
        assert parse_instant(value).tzinfo is UTC


def test_wall_clock_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC
