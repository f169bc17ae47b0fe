"""The stores in a SQLite file pass the conformance suites."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.profiles.operator_documents import OperatorStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_operator import SqliteOperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import OperatorStoreConformance, ProfileStoreConformance


class TestSqliteProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ProfileStore]:
        store = SqliteProfileStore(tmp_path / "profiles.db")
        yield store
        store.close()


class TestSqliteOperatorStore(OperatorStoreConformance):
    @pytest.fixture
    def documents(self, tmp_path: Path) -> Iterator[OperatorStore]:
        store = SqliteOperatorStore(tmp_path / "profiles.db")
        yield store
        store.close()
