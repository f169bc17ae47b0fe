"""Shared documents in the SQLite file of the profiles, in a table of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from functions.documents import Json
from functions.profiles.operator_documents import (
    MARK,
    OperatorDocument,
    check_name,
    pack_document,
    unpack_document,
)
from functions.profiles.sqlite_connection import SqliteConnection
from functions.profiles.sqlite_schema import open_database

_READ: Final = "SELECT version, body FROM operator_document WHERE name = ?"
_ADD: Final = "INSERT INTO operator_document (name, version, body) VALUES (?, 1, ?) ON CONFLICT DO NOTHING"
_REPLACE: Final = """
    UPDATE operator_document SET version = version + 1, body = ? WHERE name = ? AND version = ?
"""
_NAMES: Final = """
    SELECT name FROM operator_document
    WHERE substr(name, 1, ?) = ? AND substr(name, 1, ?) <> ? ORDER BY name
"""


class SqliteOperatorStore:
    """Documents in the file of `SqliteProfileStore`, as safe to share as that one.

    Args:
        path: The file.
        busy_timeout_s: How long to wait, in seconds, for another process before `StoreUnavailableError`.
    """

    def __init__(self, path: Path | str, *, busy_timeout_s: float = 5.0) -> None:
        self._file: Final = SqliteConnection(Path(path), busy_timeout_s, open_database)

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        """Read documents by name, in one read transaction."""
        for name in names:
            check_name(name)
        with self._file.transaction("BEGIN") as connection:
            rows = {name: connection.execute(_READ, (name,)).fetchone() for name in names}
        return {name: unpack_document(name, row["version"], row["body"]) for name, row in rows.items() if row}

    def put_document(self, name: str, body: Mapping[str, Json], *, replaces: int) -> bool:
        """Write a document in the place of the version that was read."""
        check_name(name)
        packed = pack_document(body)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            if replaces:
                return connection.execute(_REPLACE, (packed, name, replaces)).rowcount == 1
            return connection.execute(_ADD, (name, packed)).rowcount == 1

    def document_names(self, prefix: str) -> Sequence[str]:
        """List the names that begin with a prefix, in order, without those of suppression marks."""
        with self._file.transaction("BEGIN") as connection:
            rows = connection.execute(_NAMES, (len(prefix), prefix, len(MARK), MARK))
            return [row["name"] for row in rows]

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._file.close()
