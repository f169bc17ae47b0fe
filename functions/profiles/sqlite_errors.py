"""What SQLite's result codes mean for a caller: one table."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from functions.errors import (
    ProfileStoreError,
    StoreDeniedError,
    StoreFullError,
    StoreRejectedError,
    StoreUnavailableError,
)

_Meaning = tuple[type[ProfileStoreError], str]

BY_CODE: Final[Mapping[int, _Meaning]] = MappingProxyType(
    {
        sqlite3.SQLITE_ERROR: (StoreRejectedError, "does not have the tables or columns it should have"),
        sqlite3.SQLITE_INTERNAL: (ProfileStoreError, "could not be used: a fault inside SQLite"),
        sqlite3.SQLITE_PERM: (StoreDeniedError, "may not be opened with the rights of this user"),
        sqlite3.SQLITE_ABORT: (StoreUnavailableError, "broke off a transaction"),
        sqlite3.SQLITE_BUSY: (StoreUnavailableError, "is locked by another process"),
        sqlite3.SQLITE_LOCKED: (StoreUnavailableError, "is locked by another connection"),
        sqlite3.SQLITE_NOMEM: (StoreUnavailableError, "could not be used: out of memory"),
        sqlite3.SQLITE_READONLY: (StoreDeniedError, "may be read only"),
        sqlite3.SQLITE_INTERRUPT: (StoreUnavailableError, "was interrupted"),
        sqlite3.SQLITE_IOERR: (StoreUnavailableError, "could not be read or written: the disk failed"),
        sqlite3.SQLITE_CORRUPT: (StoreRejectedError, "is damaged"),
        sqlite3.SQLITE_NOTFOUND: (ProfileStoreError, "could not be used: a fault inside SQLite"),
        sqlite3.SQLITE_FULL: (StoreFullError, "has no room left: the disk or the quota is full"),
        sqlite3.SQLITE_CANTOPEN: (StoreDeniedError, "can't be opened: check its folder and its rights"),
        sqlite3.SQLITE_PROTOCOL: (StoreUnavailableError, "is locked by too many processes"),
        sqlite3.SQLITE_EMPTY: (ProfileStoreError, "could not be used: a fault inside SQLite"),
        sqlite3.SQLITE_SCHEMA: (StoreUnavailableError, "was changed by another program meanwhile"),
        sqlite3.SQLITE_TOOBIG: (StoreRejectedError, "can't hold a value of this size"),
        sqlite3.SQLITE_CONSTRAINT: (StoreRejectedError, "refused a value that its tables do not allow"),
        sqlite3.SQLITE_MISMATCH: (StoreRejectedError, "refused a value of the wrong type"),
        sqlite3.SQLITE_MISUSE: (ProfileStoreError, "could not be used: SQLite was called wrongly"),
        sqlite3.SQLITE_NOLFS: (StoreFullError, "has reached the largest file of this system"),
        sqlite3.SQLITE_AUTH: (StoreDeniedError, "does not allow this operation"),
        sqlite3.SQLITE_FORMAT: (StoreRejectedError, "is damaged"),
        sqlite3.SQLITE_RANGE: (ProfileStoreError, "could not be used: SQLite was called wrongly"),
        sqlite3.SQLITE_NOTADB: (StoreRejectedError, "is no SQLite database"),
        sqlite3.SQLITE_NOTICE: (ProfileStoreError, "could not be used: an unexpected notice of SQLite"),
        sqlite3.SQLITE_WARNING: (ProfileStoreError, "could not be used: an unexpected warning of SQLite"),
    }
)
"""By primary result code. Source: https://www.sqlite.org/rescode.html#primary_result_code_list."""

_NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT))


def from_sqlite(error: sqlite3.Error, path: Path) -> ProfileStoreError:
    """Translate an error of SQLite; its own text is left out, since it may quote a value.

    Args:
        error: As the sqlite3 module raised it.
        path: File of the store, which the message names.
    """
    # The module sets no code on errors that it raises before it reaches SQLite.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    name: str = getattr(error, "sqlite_errorname", "no code")
    kind, text = BY_CODE.get(code & 0xFF, (ProfileStoreError, "could not be used"))
    return kind(f"the profile store {path} {text} ({name})")


def from_folder(error: OSError, path: Path) -> ProfileStoreError:
    """Translate a failure to create the folder of the store."""
    if error.errno in _NO_ROOM:
        return StoreFullError(f"the folder of the profile store {path} can't be created: no room left")
    return StoreDeniedError(f"the folder of the profile store {path} can't be created: check its parent")
