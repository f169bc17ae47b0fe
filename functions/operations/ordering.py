"""Decisions of a log in order of time, kept on disk meanwhile: a log is larger than memory, and in no order."""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader
from typing import IO, Any, Final

from functions.documents import DocumentError, Json, canonical_json, parse_json
from functions.times import format_instant, parse_instant

MAX_LINE_BYTES: Final = 10_000_000
"""The most that one line of a log may take."""

_GZIP: Final = b"\x1f\x8b"


class OrderedDecisions:
    """Decisions by time. The same one twice, as a log that is delivered at least once has it, is kept once."""

    def __init__(self) -> None:
        # An empty name stands for a file of SQLite's own, which goes with the connection.
        self._base: Final = sqlite3.connect("", isolation_level=None)
        self._base.execute(
            "CREATE TABLE log (profile TEXT, id TEXT, at TEXT, line TEXT, PRIMARY KEY (profile, id))"
        )
        self._base.execute("CREATE INDEX by_time ON log (at)")
        self._base.execute("BEGIN")

    def add(self, document: Mapping[str, Any]) -> None:
        """Take a decision as `functions decisions export` writes it.

        Raises:
            ValueError: It is none.
        """
        profile, name = document.get("profile_id"), document.get("decision_id")
        if not (isinstance(profile, str) and isinstance(name, str)):
            raise ValueError("no recorded decision")
        try:
            at = format_instant(parse_instant(document.get("decided_at")))
            row = (profile, name, at, canonical_json(dict(document)))
            self._base.execute("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?)", row)
        except UnicodeEncodeError:
            raise ValueError("no recorded decision") from None

    def __len__(self) -> int:
        """Return how many there are."""
        (number,) = self._base.execute("SELECT count(*) FROM log").fetchone()
        return int(number)

    def __iter__(self) -> Iterator[dict[str, Json]]:
        """Yield them in order of time; those of one instant in the order in which they came."""
        for (line,) in self._base.execute("SELECT line FROM log ORDER BY at, rowid"):
            yield parse_json(line, max_bytes=MAX_LINE_BYTES)

    def holds(self, profile_id: str, decision_id: str) -> bool:
        """Say whether a decision is among them."""
        keys = (profile_id, decision_id)
        return (
            self._base.execute("SELECT 1 FROM log WHERE profile = ? AND id = ?", keys).fetchone() is not None
        )

    def close(self) -> None:
        """Give the file back."""
        self._base.close()


def log_lines(file: BufferedReader) -> Iterator[Json]:
    """Yield what the lines of a log hold, gzipped or not; empty lines are skipped.

    Raises:
        DocumentError: A line is no JSON, which the message names, or the file is cut off.
        OSError: It can't be read.
    """
    packed = file.peek(2)[:2] == _GZIP
    lines: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
    for number, line in enumerate(_lines(lines), 1):
        if not line.strip():
            continue
        try:
            yield parse_json(line, max_bytes=MAX_LINE_BYTES)
        except DocumentError as error:
            raise DocumentError(f"line {number}: {error}") from None


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterable[bytes]:
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DocumentError("the file is cut off or damaged") from None
