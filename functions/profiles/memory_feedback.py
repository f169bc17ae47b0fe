"""Feedback in memory: the reference for every other store of it, and the store of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Final

from functions.profiles.feedback import FeedbackKey, FeedbackRecord, check_keys, check_records, voided
from functions.profiles.rows import Row, feedback_from, feedback_row
from functions.times import format_instant


class MemoryFeedbackStore:
    """Feedback that lives as long as its process. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._rows: Final[dict[FeedbackKey, Row]] = {}

    def read_feedback(self, keys: Sequence[FeedbackKey]) -> Sequence[FeedbackRecord]:
        """Read records by their keys."""
        check_keys(keys)
        with self._lock:
            return [feedback_from(self._rows[key]) for key in dict.fromkeys(keys) if key in self._rows]

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        """Write records in the place of the versions that they bear."""
        check_records(records)
        rows = {one.key: feedback_row(replace(one, version=one.version + 1)) for one in records}
        with self._lock:
            if any(self._version(one.key) != one.version for one in records):
                return False
            self._rows.update(rows)
        return True

    def add_trial(self, record: FeedbackRecord) -> None:
        """Keep the trial of a decision that is being committed, unless there is one."""
        row = feedback_row(replace(record, version=1))
        with self._lock:
            self._rows.setdefault(record.key, row)

    def void_trial(self, profile_id: str, decision_id: str) -> None:
        """Mark the trial of an action that is being released, if there is one."""
        key: FeedbackKey = ("trial", profile_id, decision_id)
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                trial = voided(feedback_from(row))
                self._rows[key] = feedback_row(replace(trial, version=trial.version + 1))

    def trials(self, profile_id: str, *, since: datetime) -> Sequence[FeedbackRecord]:
        """List the trials of a profile, newest first."""
        check_keys([("trial", profile_id, "-")])
        first = format_instant(since)
        with self._lock:
            rows = [row for key, row in self._rows.items() if key[:2] == ("trial", profile_id)]
        found = sorted((str(row["at"]), str(row["name"]), row) for row in rows if str(row["at"]) >= first)
        return [feedback_from(row) for *_, row in reversed(found)]

    def due_trials(self, *, due_before: datetime, limit: int = 100) -> Sequence[FeedbackRecord]:
        """List the trials that are due, the oldest first."""
        last = format_instant(due_before)
        with self._lock:
            rows = [row for key, row in self._rows.items() if key[0] == "trial"]
        due = [row for row in rows if row["due_at"] is not None and str(row["due_at"]) <= last]
        due.sort(key=lambda row: (str(row["due_at"]), str(row["name"]), str(row["owner"])))
        return [feedback_from(row) for row in due[: max(limit, 0)]]

    def forget_feedback(self, profile_id: str) -> bool:
        """Erase all records of a profile but counters."""
        check_keys([("trial", profile_id, "-")])
        with self._lock:
            gone = [key for key in self._rows if key[0] != "counter" and key[1] == profile_id]
            for key in gone:
                del self._rows[key]
        return bool(gone)

    def close(self) -> None:
        """Do nothing: there is no file and no connection."""

    def _version(self, key: FeedbackKey) -> int:
        row = self._rows.get(key)
        return int(row["version"] or 0) if row is not None else 0
