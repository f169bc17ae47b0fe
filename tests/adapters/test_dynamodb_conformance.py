"""The store in a DynamoDB table passes the conformance suite."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import ProfileStoreConformance


class TestDynamoProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self, dynamodb: Any, new_table: Callable[[], str]) -> Iterator[ProfileStore]:
        store = DynamoProfileStore(new_table(), client=dynamodb, budget_ms=30_000)
        yield store
        store.close()
