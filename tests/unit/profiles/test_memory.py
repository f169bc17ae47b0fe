"""The stores in memory pass the conformance suites."""

import pytest

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import OperatorStoreConformance, ProfileStoreConformance


class TestMemoryProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self) -> ProfileStore:
        return MemoryProfileStore()


class TestMemoryOperatorStore(OperatorStoreConformance):
    @pytest.fixture
    def documents(self) -> OperatorStore:
        return MemoryOperatorStore()
