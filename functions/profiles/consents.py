"""Which of two consent records counts, whatever clocks they were dated by; every store asks here.

Clocks of producers may be wrong by `CLOCK_SKEW`. Within it the order of two records is not known, and the
stricter one counts: a grant never beats a refusal by minutes that may be nothing but a wrong clock. Of two grants
of one instant, the one that ends first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.errors import StoreRejectedError
from functions.governance.consent import CLOCK_SKEW, ConsentRecord
from functions.profiles.rows import as_stored
from functions.times import format_duration

_NO_TIME = timedelta(0)


def dated(record: ConsentRecord, now: datetime) -> ConsentRecord:
    """Return a record as it is kept: one that is dated ahead of the clock was given now at the latest.

    Else it would refuse everything that is said until its date. What refuses is taken whatever its date.

    Raises:
        StoreRejectedError: A grant is dated further ahead than clocks may differ, or can't be kept.
    """
    if record.status == "granted" and record.at - now > CLOCK_SKEW:
        skew = format_duration(CLOCK_SKEW)
        raise StoreRejectedError(
            f"a consent is dated more than {skew} ahead of the clock, so it is not yet given",
            hint="check the clock of whoever recorded it",
        )
    return as_stored(replace(record, at=min(record.at, now)))


def supersedes(record: ConsentRecord, stored: ConsentRecord | None, now: datetime) -> bool:
    """Say whether a record takes the place of the one that is stored for its purpose.

    Args:
        record: As `dated` returned it.
        stored: None for none. Others write records too, and may have dated it ahead of the clock.
        now: The clock.
    """
    if stored is None:
        return True
    later_by = record.at - min(stored.at, now)
    if abs(later_by) > CLOCK_SKEW:
        return later_by > _NO_TIME
    if (record.status == "granted") != (stored.status == "granted"):
        return stored.status == "granted"
    if later_by == _NO_TIME and record.status == "granted":
        return _end(record) <= _end(stored)
    return later_by >= _NO_TIME


def _end(record: ConsentRecord) -> datetime:
    return record.expires_at or datetime.max.replace(tzinfo=UTC)
