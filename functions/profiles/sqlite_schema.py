"""The tables of the SQLite store, and how a file comes to have them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from functions.errors import StoreRejectedError, StoreUnavailableError

SCHEMA_VERSION: Final = 1
"""Kept in the file as `user_version`."""

APPLICATION_ID: Final = 0x466E5053
"""Kept in the file, so that a database of another program is never taken for ours ("FnPS")."""

_ATTEMPTS_AT_WAL = 20

# STRICT needs SQLite 3.37, and some systems that ship Python 3.11 have an older one.
_STRICT = "STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
_STRICT_KEYED = "STRICT, WITHOUT ROWID" if _STRICT else "WITHOUT ROWID"

_TABLES: Final = (
    f"""CREATE TABLE profile (
        profile_id TEXT PRIMARY KEY, updated_at TEXT NOT NULL, body BLOB NOT NULL
    ) {_STRICT}""",
    f"""CREATE TABLE consent (
        profile_id TEXT NOT NULL, purpose TEXT NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (profile_id, purpose)
    ) {_STRICT_KEYED}""",
    f"CREATE TABLE state (profile_id TEXT PRIMARY KEY, version INTEGER NOT NULL) {_STRICT_KEYED}",
    f"""CREATE TABLE score (
        profile_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at TEXT NOT NULL,
        expires_at TEXT, function TEXT NOT NULL, decision_id TEXT NOT NULL, model TEXT NOT NULL,
        PRIMARY KEY (profile_id, name)
    ) {_STRICT_KEYED}""",
    f"""CREATE TABLE contact (
        seq INTEGER PRIMARY KEY, profile_id TEXT NOT NULL, decision_id TEXT NOT NULL,
        action TEXT NOT NULL, tags TEXT NOT NULL, channel TEXT NOT NULL, at TEXT NOT NULL,
        status TEXT NOT NULL, counts INTEGER NOT NULL DEFAULT 1
    ) {_STRICT}""",
    "CREATE INDEX contact_by_profile ON contact (profile_id, at)",
    f"""CREATE TABLE decision (
        profile_id TEXT NOT NULL, id TEXT NOT NULL, function TEXT NOT NULL, event_id TEXT NOT NULL,
        decided_at TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        PRIMARY KEY (profile_id, id)
    ) {_STRICT}""",
    "CREATE INDEX decision_by_time ON decision (profile_id, decided_at)",
    f"""CREATE TABLE outbox (
        profile_id TEXT NOT NULL, decision_id TEXT NOT NULL, function TEXT NOT NULL,
        action TEXT NOT NULL, channel TEXT NOT NULL, consent TEXT NOT NULL, purpose TEXT NOT NULL,
        message TEXT NOT NULL, created_at TEXT NOT NULL, due_at TEXT NOT NULL, expires_at TEXT,
        keep_until TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, lease_owner TEXT,
        lease_until TEXT, note TEXT, paid TEXT NOT NULL DEFAULT '[]', zones TEXT NOT NULL DEFAULT '{{}}',
        undelivered INTEGER NOT NULL DEFAULT 0, known_as TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (profile_id, decision_id)
    ) {_STRICT}""",
    "CREATE INDEX outbox_by_time ON outbox (due_at) WHERE status = 'reserved'",
    f"""CREATE TABLE alias (alias TEXT PRIMARY KEY, profile_id TEXT NOT NULL) {_STRICT_KEYED}""",
    "CREATE INDEX alias_by_profile ON alias (profile_id)",
    f"""CREATE TABLE budget (
        budget TEXT NOT NULL, period TEXT NOT NULL, shard INTEGER NOT NULL, amount_left INTEGER NOT NULL,
        amount_share INTEGER, amount_limit INTEGER, keep_until TEXT,
        PRIMARY KEY (budget, period, shard)
    ) {_STRICT_KEYED}""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


_ADDED: Final = (
    # Made when they are missing: the version of the schema stays, since who knows nothing of them is not in
    # their way.
    """CREATE TABLE IF NOT EXISTS feedback (
        kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
        version INTEGER NOT NULL, due_at TEXT, keep_until TEXT,
        PRIMARY KEY (kind, owner, name)
    )""",
    """CREATE TABLE IF NOT EXISTS operator_document (
        name TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS feedback_by_time ON feedback (due_at) WHERE due_at IS NOT NULL",
)
_ADDED_COLUMNS: Final = (
    # A file from before they were there gets them; who knows nothing of them writes their defaults.
    ("contact", "counts", "INTEGER NOT NULL DEFAULT 1"),
    ("outbox", "paid", "TEXT NOT NULL DEFAULT '[]'"),
    ("outbox", "zones", "TEXT NOT NULL DEFAULT '{}'"),
    ("outbox", "undelivered", "INTEGER NOT NULL DEFAULT 0"),
    ("outbox", "known_as", "TEXT NOT NULL DEFAULT '[]'"),
    ("budget", "keep_until", "TEXT"),
    ("budget", "amount_share", "INTEGER"),
    ("budget", "amount_limit", "INTEGER"),
)


def open_database(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open the file of a store, with its tables, ready for use by several threads under one lock.

    Args:
        path: The file; created when it does not exist. Its folder must exist.
        busy_timeout_s: How long a statement waits for another process.

    Raises:
        StoreRejectedError: A newer version or another program wrote the file.
        sqlite3.Error: Whatever SQLite has against it.
    """
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    try:
        # A commit that was acknowledged must survive a power cut. In WAL mode NORMAL would lose the last
        # ones. Source: https://www.sqlite.org/pragma.html#pragma_synchronous.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten, so that an erasure leaves no bytes in free pages.
        # Source: https://www.sqlite.org/pragma.html#pragma_secure_delete.
        connection.execute("PRAGMA secure_delete = ON")
        if not _has_schema(connection, path):
            _create_schema(connection, path)
        _write_ahead(connection)
        for statement in _ADDED:
            connection.execute(statement)
        _add_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _has_schema(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether the file is ours; False for an empty one."""
    version = _number(connection, "PRAGMA user_version")
    application = _number(connection, "PRAGMA application_id")
    if (version, application) == (SCHEMA_VERSION, APPLICATION_ID):
        return True
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        raise StoreRejectedError(
            f"the profile store {path} has schema {version}; this version reads up to {SCHEMA_VERSION}",
            hint="Install the version that wrote it, or a newer one.",
        )
    return False


def _create_schema(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_schema(connection, path):  # another process may have been first
            if _number(connection, "SELECT count(*) FROM sqlite_master"):
                raise StoreRejectedError(f"{path} is a database of another program")
            for statement in _TABLES:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _add_columns(connection: sqlite3.Connection) -> None:
    """Add the columns that a file of an earlier version lacks; of several processes, one does."""
    if not _missing_columns(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table, column, kind in _missing_columns(connection):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _missing_columns(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    known = {
        table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for table in ("contact", "outbox", "budget")
    }
    # A table that somebody dropped is missed where it is needed.
    return [one for one in _ADDED_COLUMNS if known[one[0]] and one[1] not in known[one[0]]]


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log, so that readers never wait for a writer. The file remembers it."""
    for _ in range(_ATTEMPTS_AT_WAL):
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            # The switch itself does not wait for others; a write transaction does, up to the timeout.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return  # a file system without shared memory keeps its journal, which is as safe
    raise StoreUnavailableError("the profile store is being opened by too many processes at once")


def _number(connection: sqlite3.Connection, statement: str) -> int:
    number: int = connection.execute(statement).fetchone()[0]
    return number
