"""The stores in memory pass the conformance suites."""

import pytest

from functions.profiles.access import HoldingsStore
from functions.profiles.feedback import FeedbackStore
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.profiles.memory_operator import MemoryOperatorStore
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


class TestMemoryProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self) -> ProfileStore:
        return MemoryProfileStore()


class TestMemoryOperatorStore(OperatorStoreConformance):
    @pytest.fixture
    def documents(self) -> OperatorStore:
        return MemoryOperatorStore()


class TestMemoryFeedbackStore(FeedbackStoreConformance):
    @pytest.fixture
    def feedback(self) -> FeedbackStore:
        return MemoryFeedbackStore()


class TestMemoryTrials(MeasuringConformance):
    @pytest.fixture
    def feedback(self) -> FeedbackStore:
        return MemoryFeedbackStore()

    @pytest.fixture
    def store(self, feedback: MemoryFeedbackStore) -> ProfileStore:
        return MemoryProfileStore(feedback)


class TestMemorySuppression(SuppressionConformance):
    @pytest.fixture
    def documents(self) -> OperatorStore:
        return MemoryOperatorStore()

    @pytest.fixture
    def store(self, documents: MemoryOperatorStore) -> ProfileStore:
        return MemoryProfileStore(documents=documents)


class TestMemoryAccess(AccessConformance):
    @pytest.fixture
    def feedback(self) -> FeedbackStore:
        return MemoryFeedbackStore()

    @pytest.fixture
    def store(self, feedback: MemoryFeedbackStore) -> HoldingsStore:
        return MemoryProfileStore(feedback)

    @pytest.fixture
    def dump(self, store: HoldingsStore, feedback: FeedbackStore) -> Dump:
        return lambda: f"{vars(store)} {vars(feedback)}"
