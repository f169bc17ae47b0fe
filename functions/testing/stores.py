"""The checks that every profile store must pass, to be run by pytest.

Subclass `ProfileStoreConformance` in a test module and give it a fixture named `store`:

    import pytest
    from functions.testing.stores import ProfileStoreConformance

    class TestRedisStore(ProfileStoreConformance):
        @pytest.fixture
        def store(self):
            store = RedisStore("redis://127.0.0.1:6379")
            yield store
            store.close()

Every check uses ids of its own, so that all may run against one store that nobody else writes to. A
`pytest.register_assert_rewrite("functions.testing")` in a conftest.py makes failures show their values.
This module does not need pytest to be imported.
"""

from __future__ import annotations

from functions.testing.store_checks.committing import CommitChecks
from functions.testing.store_checks.conditioning import ConsentConditionChecks, MarkChecks
from functions.testing.store_checks.consenting import ConsentOrderChecks
from functions.testing.store_checks.delivering import OutboxChecks
from functions.testing.store_checks.forgetting import AccessChecks
from functions.testing.store_checks.keeping import KeepingChecks
from functions.testing.store_checks.measuring import TrialChecks
from functions.testing.store_checks.merging import MergeChecks
from functions.testing.store_checks.racing import RaceChecks
from functions.testing.store_checks.responding import FeedbackChecks
from functions.testing.store_checks.sharing import SharedDocumentChecks
from functions.testing.store_checks.spending import BudgetChecks

__all__ = [
    "AccessConformance",
    "FeedbackStoreConformance",
    "MeasuringConformance",
    "OperatorStoreConformance",
    "ProfileStoreConformance",
    "SuppressionConformance",
]


class ProfileStoreConformance(
    KeepingChecks,
    ConsentOrderChecks,
    CommitChecks,
    ConsentConditionChecks,
    BudgetChecks,
    OutboxChecks,
    RaceChecks,
    MergeChecks,
):
    """Every promise of `functions.profiles.store.ProfileStore`, one test method each.

    The subclass provides the fixture `store`: an open store, closed when the test is over.
    """


class OperatorStoreConformance(SharedDocumentChecks):
    """Every promise of `functions.profiles.operator_documents.OperatorStore`, one test method each.

    The subclass provides the fixture `documents`: an open store, closed when the test is over.
    """


class FeedbackStoreConformance(FeedbackChecks):
    """Every promise of `functions.profiles.feedback.FeedbackStore`, one test method each.

    The subclass provides the fixture `feedback`: an open store, closed when the test is over.
    """


class MeasuringConformance(TrialChecks):
    """Every promise about the trial of a decision, which one store writes and the other reads.

    The subclass provides the fixtures `store` and `feedback`: open stores of the same address.
    """


class SuppressionConformance(MarkChecks):
    """Every promise about the suppression marks of a decision, which one store keeps and the other's commit checks.

    The subclass provides the fixtures `store` and `documents`: open stores of the same address.
    """


class AccessConformance(AccessChecks):
    """Every promise of `functions.profiles.access.HoldingsStore`, one test method each.

    The subclass provides the fixtures `store` and `feedback`, open stores of the same address, and `dump`: a
    function that returns all that both keep, as text.
    """
