"""The stores in a DynamoDB table pass the conformance suites."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import OperatorStoreConformance, ProfileStoreConformance


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
