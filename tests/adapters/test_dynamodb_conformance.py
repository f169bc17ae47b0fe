"""The stores in a DynamoDB table pass the conformance suites."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.feedback import FeedbackStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.store_checks.responding import a_trial
from functions.testing.stores import (
    FeedbackStoreConformance,
    OperatorStoreConformance,
    ProfileStoreConformance,
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


def test_the_erasure_of_a_profile_takes_its_trials_along(dynamodb: Any, new_table: Callable[[], str]) -> None:
    table = new_table()
    feedback, store = DynamoFeedbackStore(table, client=dynamodb), DynamoProfileStore(table, client=dynamodb)
    trial = a_trial("customer-1")
    assert feedback.write_feedback([trial])
    assert store.delete_profile("customer-1")
    assert feedback.read_feedback([trial.key]) == []
