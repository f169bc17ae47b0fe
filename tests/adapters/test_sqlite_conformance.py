"""The store in a SQLite file passes the conformance suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import ProfileStoreConformance


class TestSqliteProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ProfileStore]:
        store = SqliteProfileStore(tmp_path / "profiles.db")
        yield store
        store.close()
