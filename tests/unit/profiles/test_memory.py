"""The stores in memory pass the conformance suites."""

import pytest

from functions.profiles.feedback import FeedbackStore
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import (
    FeedbackStoreConformance,
    MeasuringConformance,
    OperatorStoreConformance,
    ProfileStoreConformance,
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
