"""Shared documents in memory: the reference for every other store of them, and the store of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Final

from functions.documents import Json
from functions.profiles.operator_documents import (
    MARK,
    OperatorDocument,
    check_name,
    pack_document,
    unpack_document,
)


class MemoryOperatorStore:
    """Documents that live as long as their process. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._kept: Final[dict[str, tuple[int, bytes]]] = {}

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        """Read documents by name."""
        for name in names:
            check_name(name)
        with self._lock:
            found = {name: self._kept[name] for name in names if name in self._kept}
        return {name: unpack_document(name, *kept) for name, kept in found.items()}

    def put_document(self, name: str, body: Mapping[str, Json], *, replaces: int) -> bool:
        """Write a document in the place of the version that was read."""
        check_name(name)
        packed = pack_document(body)
        with self._lock:
            version, _ = self._kept.get(name, (0, b""))
            if version != replaces:
                return False
            self._kept[name] = (version + 1, packed)
        return True

    def document_names(self, prefix: str) -> Sequence[str]:
        """List the names that begin with a prefix, in order, without those of suppression marks."""
        with self._lock:
            names = [name for name in self._kept if not name.startswith(MARK)]
        return sorted(name for name in names if name.startswith(prefix))

    @contextmanager
    def unchanged(self) -> Iterator[Callable[[str], int]]:
        """Let nobody write, and give the versions of documents meanwhile; 0 for one that does not exist."""
        with self._lock:
            yield lambda name: self._kept.get(name, (0, b""))[0]

    def close(self) -> None:
        """Do nothing: there is no file and no connection."""
