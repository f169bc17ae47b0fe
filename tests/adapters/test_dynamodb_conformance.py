"""The stores in a DynamoDB table pass the conformance suites."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.profiles.access import HoldingsStore
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.feedback import FeedbackStore
from functions.profiles.operator_documents import OperatorStore
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


class TestDynamoProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self, dynamodb: Any, new_table: Callable[[], str]) -> Iterator[ProfileStore]:
        store = DynamoProfileStore(new_table(), client=dynamodb, budget_ms=30_000)
        yield store
        store.close()


class TestDynamoOperatorStore(OperatorStoreConformance):
    @pytest.fixture
    def documents(self, dynamodb: Any, new_table: Callable[[], str]) -> Iterator[OperatorStore]:
        store = DynamoOperatorStore(new_table(), client=dynamodb, budget_ms=30_000)
        yield store
        store.close()


class TestDynamoFeedbackStore(FeedbackStoreConformance):
    @pytest.fixture
    def feedback(self, dynamodb: Any, new_table: Callable[[], str]) -> Iterator[FeedbackStore]:
        feedback = DynamoFeedbackStore(new_table(), client=dynamodb, budget_ms=30_000)
        yield feedback
        feedback.close()


class TestDynamoTrials(MeasuringConformance):
    @pytest.fixture
    def table(self, new_table: Callable[[], str]) -> str:
        return new_table()

    @pytest.fixture
    def store(self, dynamodb: Any, table: str) -> Iterator[ProfileStore]:
        store = DynamoProfileStore(table, client=dynamodb, budget_ms=30_000)
        yield store
        store.close()

    @pytest.fixture
    def feedback(self, dynamodb: Any, table: str) -> Iterator[FeedbackStore]:
        feedback = DynamoFeedbackStore(table, client=dynamodb, budget_ms=30_000)
        yield feedback
        feedback.close()


class TestDynamoSuppression(SuppressionConformance):
    @pytest.fixture
    def table(self, new_table: Callable[[], str]) -> str:
        return new_table()

    @pytest.fixture
    def store(self, dynamodb: Any, table: str) -> ProfileStore:
        return DynamoProfileStore(table, client=dynamodb, budget_ms=30_000)

    @pytest.fixture
    def documents(self, dynamodb: Any, table: str) -> OperatorStore:
        return DynamoOperatorStore(table, client=dynamodb, budget_ms=30_000)


class TestDynamoAccess(AccessConformance):
    @pytest.fixture
    def table(self, new_table: Callable[[], str]) -> str:
        return new_table()

    @pytest.fixture
    def store(self, dynamodb: Any, table: str) -> HoldingsStore:
        return DynamoProfileStore(table, client=dynamodb, budget_ms=30_000)

    @pytest.fixture
    def feedback(self, dynamodb: Any, table: str) -> FeedbackStore:
        return DynamoFeedbackStore(table, client=dynamodb, budget_ms=30_000)

    @pytest.fixture
    def dump(self, dynamodb: Any, table: str) -> Dump:
        return lambda: str(
            list(dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True))
        )
