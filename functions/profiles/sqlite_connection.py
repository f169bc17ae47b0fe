"""One connection to a SQLite file, shared by the threads of a process, and its transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

from functions.profiles.sqlite_errors import from_folder, from_sqlite

Begin = Literal["BEGIN", "BEGIN IMMEDIATE"]
"""A consistent read, or a write that holds the lock of the file from its first statement on."""

Connect = Callable[[Path, float], sqlite3.Connection]
"""Opens a file with a busy timeout in seconds."""

_NO_FILE: Final = Path(":memory:")

# Two kinds of connection must be kept open for good: one that was inherited through fork, and one whose file
# was removed. Closing them would remove, by its name, a log that somebody else may be writing.
# Source: https://www.sqlite.org/howtocorrupt.html, sections 2.6 and 4.2.
_abandoned: Final[list[sqlite3.Connection]] = []


class SqliteConnection:
    """Opens a file at its first use and runs transactions on it, one at a time.

    Several threads share one connection under a lock: a write waits for the disk anyway, and a read takes
    a fraction of a millisecond. A process that was forked from this one gets a connection of its own, and a
    file that was removed or replaced meanwhile is opened anew rather than written to unseen. Reading creates no
    file: where there is none, nothing is found.
    """

    def __init__(self, path: Path, busy_timeout_s: float, connect: Connect) -> None:
        self._path: Final = path
        self._busy_timeout_s: Final = busy_timeout_s
        self._connect: Final = connect
        self._lock = Lock()
        self._pid = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def transaction(self, begin: Begin) -> Iterator[sqlite3.Connection]:
        """Run a block in one transaction: committed at its end, rolled back when it raises.

        Raises:
            ProfileStoreError: Whatever SQLite has against it, translated.
        """
        self._leave_parent()
        with self._lock, self._translated():
            self._leave_removed_file()
            if begin == "BEGIN" and self._connection is None and self._is_absent():
                with closing(self._connected(_NO_FILE)) as nothing:
                    yield nothing
                return
            connection = self._opened()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def scrub(self) -> bool:
        """Bring the write-ahead log into the file and empty it, so that neither holds what was deleted.

        Returns:
            False when another process reads or writes at this moment: the log then keeps what it holds.

        Raises:
            ProfileStoreError: Whatever SQLite has against it, translated.
        """
        self._leave_parent()
        with self._lock, self._translated():
            self._leave_removed_file()
            if self._connection is None and self._is_absent():
                return True
            # Source: https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
            row = self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not row["busy"]

    def close(self) -> None:
        """Close the file; a later transaction opens it again."""
        self._leave_parent()
        with self._lock, self._translated():
            self._leave_removed_file()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise from_folder(error, self._path) from error
            self._connection = self._connected(self._path)
            self._identity = self._file_identity()
        return self._connection

    def _connected(self, path: Path) -> sqlite3.Connection:
        connection = self._connect(path, self._busy_timeout_s)
        connection.row_factory = _row
        return connection

    def _is_absent(self) -> bool:
        """Say whether there is no file; one that can't be looked at is not absent, and fails when it is opened."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def _leave_removed_file(self) -> None:
        if self._connection is not None and self._identity != self._file_identity():
            _abandoned.append(self._connection)
            self._connection = None

    def _file_identity(self) -> tuple[int, int] | None:
        """Return what tells this file from another of its name; None when there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise from_sqlite(error, self._path) from None

    def _leave_parent(self) -> None:
        """After a fork, start over: neither the lock nor the connection of the parent may be used."""
        if self._pid != os.getpid():
            if self._connection is not None:
                _abandoned.append(self._connection)
            self._connection, self._lock, self._pid = None, Lock(), os.getpid()


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
