"""Feedback in the SQLite file of the profiles, in a table of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from functions.profiles.feedback import FeedbackKey, FeedbackRecord, check_keys, check_records, voided
from functions.profiles.rows import feedback_from, feedback_row
from functions.profiles.sqlite_connection import SqliteConnection
from functions.profiles.sqlite_schema import open_database
from functions.profiles.sqlite_statements import ADD_FEEDBACK
from functions.times import format_instant

_READ: Final = "SELECT * FROM feedback WHERE kind = ? AND owner = ? AND name = ?"
_REPLACE: Final = """
    UPDATE feedback SET at = :at, body = :body, version = :version, due_at = :due_at, keep_until = :keep_until
    WHERE kind = :kind AND owner = :owner AND name = :name AND version = :version - 1
"""
_TRIALS: Final = """
    SELECT * FROM feedback WHERE kind = 'trial' AND owner = ? AND at >= ? ORDER BY at DESC, name DESC
"""
_DUE: Final = """
    SELECT * FROM feedback WHERE kind = 'trial' AND due_at <= ? ORDER BY due_at, name, owner LIMIT ?
"""
_EVERY: Final = "SELECT * FROM feedback WHERE kind = 'trial' ORDER BY at, name, owner"
_FORGET: Final = "DELETE FROM feedback WHERE kind <> 'counter' AND owner = ?"


class _AnotherVersionError(Exception):
    """Rolls a transaction back."""


class SqliteFeedbackStore:
    """Feedback in the file of `SqliteProfileStore`, as safe to share as that one.

    Args:
        path: The file.
        busy_timeout_s: How long to wait, in seconds, for another process before `StoreUnavailableError`.
    """

    def __init__(self, path: Path | str, *, busy_timeout_s: float = 5.0) -> None:
        self._file: Final = SqliteConnection(Path(path), busy_timeout_s, open_database)

    def read_feedback(self, keys: Sequence[FeedbackKey]) -> Sequence[FeedbackRecord]:
        """Read records by their keys, in one read transaction."""
        check_keys(keys)
        with self._file.transaction("BEGIN") as connection:
            rows = [connection.execute(_READ, key).fetchone() for key in dict.fromkeys(keys)]
        return [feedback_from(row) for row in rows if row is not None]

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        """Write records in the place of the versions that they bear, in one transaction."""
        check_records(records)
        rows = [feedback_row(replace(one, version=one.version + 1)) for one in records]
        try:
            with self._file.transaction("BEGIN IMMEDIATE") as connection:
                for row in rows:
                    statement = ADD_FEEDBACK if row["version"] == 1 else _REPLACE
                    if connection.execute(statement, row).rowcount != 1:
                        raise _AnotherVersionError
        except _AnotherVersionError:
            return False
        return True

    def trials(self, profile_id: str, *, since: datetime) -> Sequence[FeedbackRecord]:
        """List the trials of a profile, newest first."""
        check_keys([("trial", profile_id, "-")])
        return self._list(_TRIALS, profile_id, format_instant(since))

    def every_trial(self) -> Iterator[FeedbackRecord]:
        """Yield every trial that is kept, in order of time."""
        with self._file.transaction("BEGIN") as connection:
            rows = connection.execute(_EVERY).fetchall()
        yield from (feedback_from(row) for row in rows)

    def due_trials(self, *, due_before: datetime, limit: int = 100) -> Sequence[FeedbackRecord]:
        """List the trials that are due, the oldest first."""
        return self._list(_DUE, format_instant(due_before), max(limit, 0))

    def forget_feedback(self, profile_id: str) -> bool:
        """Erase all records of a profile but counters."""
        check_keys([("trial", profile_id, "-")])
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            return connection.execute(_FORGET, (profile_id,)).rowcount > 0

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._file.close()

    def _list(self, statement: str, *values: str | int) -> Sequence[FeedbackRecord]:
        with self._file.transaction("BEGIN") as connection:
            rows = connection.execute(statement, values).fetchall()
        return [feedback_from(row) for row in rows]


def void_trial(connection: sqlite3.Connection, profile_id: str, decision_id: str) -> None:
    """Mark, in the transaction that releases an action, its trial, if there is one."""
    row = connection.execute(_READ, ("trial", profile_id, decision_id)).fetchone()
    if row is not None:
        trial = voided(feedback_from(row))
        connection.execute(_REPLACE, feedback_row(replace(trial, version=trial.version + 1)))
