"""The stores in a SQLite file pass the conformance suites."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from functions.profiles.access import HoldingsStore
from functions.profiles.feedback import FeedbackStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_feedback import SqliteFeedbackStore
from functions.profiles.sqlite_operator import SqliteOperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.store_checks.forgetting import Dump
from functions.testing.stores import (
    AccessConformance,
    FeedbackStoreConformance,
    MeasuringConformance,
    OperatorStoreConformance,
    ProfileStoreConformance,
    SuppressionConformance,
)


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


class TestSqliteFeedbackStore(FeedbackStoreConformance):
    @pytest.fixture
    def feedback(self, tmp_path: Path) -> Iterator[FeedbackStore]:
        feedback = SqliteFeedbackStore(tmp_path / "profiles.db")
        yield feedback
        feedback.close()


class TestSqliteTrials(MeasuringConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ProfileStore]:
        store = SqliteProfileStore(tmp_path / "profiles.db")
        yield store
        store.close()

    @pytest.fixture
    def feedback(self, tmp_path: Path) -> Iterator[FeedbackStore]:
        feedback = SqliteFeedbackStore(tmp_path / "profiles.db")
        yield feedback
        feedback.close()


class TestSqliteSuppression(SuppressionConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ProfileStore]:
        store = SqliteProfileStore(tmp_path / "profiles.db")
        yield store
        store.close()

    @pytest.fixture
    def documents(self, tmp_path: Path) -> Iterator[OperatorStore]:
        documents = SqliteOperatorStore(tmp_path / "profiles.db")
        yield documents
        documents.close()


class TestSqliteAccess(AccessConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[HoldingsStore]:
        store = SqliteProfileStore(tmp_path / "profiles.db")
        yield store
        store.close()

    @pytest.fixture
    def feedback(self, tmp_path: Path) -> Iterator[FeedbackStore]:
        feedback = SqliteFeedbackStore(tmp_path / "profiles.db")
        yield feedback
        feedback.close()

    @pytest.fixture
    def dump(self, tmp_path: Path) -> Dump:
        def every_row() -> str:
            with closing(sqlite3.connect(tmp_path / "profiles.db")) as connection:
                return "\n".join(connection.iterdump())

        return every_row
