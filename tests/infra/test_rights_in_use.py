"""What each role really does with the table is what its rights allow: every request, by its action and partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from moto import mock_aws

from functions.governance.consent import ConsentRecord
from functions.profiles.budgets import BudgetTake
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.dynamodb_table import create_table
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.operator_documents import MARK
from functions.testing.store_checks.samples import (
    NOW,
    a_consent,
    a_decision,
    acted,
    on_consent,
    on_marks,
    paying,
    taken,
    with_action,
)
from tests.infra.rights import allows, statements_of

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

TABLE: Final = "profiles-1"
OPERATIONS: Final = {
    "batch_get_item": "BatchGetItem",
    "get_item": "GetItem",
    "put_item": "PutItem",
    "query": "Query",
    "update_item": "UpdateItem",
}
IN_TRANSACTIONS: Final = {"Put": "PutItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}

Asked = tuple[str, str | None, tuple[str, ...]]
"""An action, the partition it is for, and the attributes that it names."""


class Recorder:
    """Passes requests on, and remembers what IAM would be asked about each."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[Asked] = []

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def call(**parameters: Any) -> object:
            self.asked.extend(_asked(operation, parameters))
            answer: object = getattr(self._client, operation)(**parameters)
            return answer

        return call


def _asked(operation: str, parameters: Mapping[str, Any]) -> Iterator[Asked]:
    if operation == "transact_write_items":
        for one in parameters["TransactItems"]:
            ((kind, inner),) = one.items()
            yield _single(IN_TRANSACTIONS[kind], inner)
    elif operation == "batch_get_item":
        for key in parameters["RequestItems"][TABLE]["Keys"]:
            yield "BatchGetItem", key["pk"]["S"], ()
    elif operation == "query":
        yield "Query", None, ()
    else:
        yield _single(OPERATIONS[operation], parameters)


def _single(action: str, parameters: Mapping[str, Any]) -> Asked:
    item = parameters.get("Item") or parameters["Key"]
    named = parameters.get("ExpressionAttributeNames", {}).values()
    return action, item["pk"]["S"], tuple(dict.fromkeys((*item, *named)))


class Table:
    """One table as the stores of a role see it, and as somebody with every right does."""

    def __init__(self, client: Any) -> None:
        self.recorder = Recorder(client)
        self.store = DynamoProfileStore(TABLE, client=self.recorder)
        self.feedback = DynamoFeedbackStore(TABLE, client=self.recorder)
        self.documents = DynamoOperatorStore(TABLE, client=self.recorder)
        self.anybody = DynamoProfileStore(TABLE, client=client)

    def refused(self, statements: list[dict[str, Any]]) -> list[Asked]:
        """Return what the rights do not cover of all that was asked for."""
        assert self.recorder.asked
        return [
            (action, partition, attributes)
            for action, partition, attributes in self.recorder.asked
            if not allows(statements, f"dynamodb:{action}", partition, attributes)
        ]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "unused")
    with mock_aws():
        client = botocore.session.Session().create_client("dynamodb", region_name="eu-central-1")
        create_table(client, TABLE)
        yield Table(client)


def test_decisions_have_every_right_that_they_use_and_so_does_the_drain(
    deployed: Synthesis, table: Table
) -> None:
    """A commit with everything, a lease, a release, and what is looked at before."""
    table.anybody.put_consent("customer-1", a_consent(), now=NOW)
    store, decision = table.store, a_decision("customer-1")
    store.load("customer-1", decision.id)
    mark = f"{MARK}0a"
    table.documents.read_documents("switches", mark)
    table.feedback.read_feedback([("responses", "customer-1", "-"), ("counter", "retention", "-")])
    store.open_budget("discounts", "day-2026-11-02", [5])
    request = on_marks(on_consent(with_action(decision), "marketing", a_consent()), **{mark: 0})
    request = paying(request, BudgetTake("discounts", "day-2026-11-02", 0, 3))
    trial = FeedbackRecord("trial", "customer-1", decision.id, NOW, due_at=NOW)
    assert store.commit(replace(request, trial=trial)).status == "committed"
    assert store.outbox_entry("customer-1", decision.id) is not None
    assert store.settle(taken(store, decision), status="released", note="action.expired")
    assert store.resolve_alias("visitor-1") is None
    for name, statements in statements_of(deployed).items():
        if "/Ingest" not in name and "/Outcomes" not in name:
            assert table.refused(statements) == []
    store.outbox()
    (drain,) = (one for name, one in statements_of(deployed).items() if "Outbox" in name)
    assert table.refused(drain) == []


def test_ingest_has_every_right_that_it_uses(ingesting: Synthesis, table: Table) -> None:
    store = table.store
    acted(table.anybody, "visitor-1")
    assert store.add_alias("visitor-1", "customer-1")
    assert store.resolve_alias("visitor-1") == "customer-1"
    assert store.put_profile("customer-1", {"n": 1}, updated_at=NOW)
    assert store.patch_profile("customer-1", {"plan": "gold"}, at=NOW)
    assert store.put_consent("customer-1", a_consent(), now=NOW)
    store.load("customer-1")
    found = [one for name, one in statements_of(ingesting).items() if "/Ingest" in name]
    assert [table.refused(statements) for statements in found] == [[], []]


def test_outcomes_and_their_count_have_every_right_that_they_use(recording: Synthesis, table: Table) -> None:
    found = statements_of(recording)
    (recorder,) = (one for name, one in found.items() if "/OutcomesRecorder" in name)
    (fold,) = (one for name, one in found.items() if "/OutcomesFold" in name)
    feedback = table.feedback
    trial = FeedbackRecord("trial", "customer-1", "d-1", NOW, due_at=NOW)
    responses = FeedbackRecord("responses", "customer-1", "-", NOW)
    table.store.resolve_alias("customer-1")
    assert table.store.put_consent("customer-1", a_consent(), now=NOW)
    assert table.store.put_consent("customer-1", ConsentRecord("marketing", "revoked", NOW), now=NOW)
    feedback.read_feedback([responses.key])
    feedback.trials("customer-1", since=NOW - timedelta(days=1))
    assert feedback.write_feedback([trial, responses])
    assert table.refused(recorder) == []

    table.recorder.asked.clear()
    (due,) = feedback.due_trials(due_before=NOW)
    feedback.read_feedback([due.key, ("counter", "retention", "-")])
    assert feedback.write_feedback([due, FeedbackRecord("counter", "retention", "-", NOW)])
    assert table.refused(fold) == []
    assert table.refused(recorder) != []  # it counts nothing
