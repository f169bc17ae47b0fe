"""The store in memory passes the conformance suite."""

import pytest

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import ProfileStore
from functions.testing.stores import ProfileStoreConformance


class TestMemoryProfileStore(ProfileStoreConformance):
    @pytest.fixture
    def store(self) -> ProfileStore:
        return MemoryProfileStore()
