"""The table as data, the requests as a second implementation reads them, and what others leave in the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.errors import StoreDeniedError, StoreRejectedError
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.dynamodb_keys import key
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.profiles.dynamodb_table import (
    INDEX_ACTIONS,
    OUTBOX_INDEX,
    STREAM_VIEW,
    TABLE_ACTIONS,
    TTL_ATTRIBUTE,
    create_table,
)
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.opening import open_store
from functions.profiles.operator_documents import MARK
from functions.profiles.store import CommitRequest
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_consent,
    a_contact,
    a_decision,
    acted,
    document_of,
    on_consent,
    own_outbox,
    paid_from,
    read,
    taken,
    with_action,
)


@pytest.fixture
def moto_client() -> Iterator[Any]:
    """A client of another implementation, in this process: it checks requests in its own way."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield botocore.session.Session().create_client("dynamodb", region_name="eu-central-1")


def test_table_has_index_stream_time_to_live_and_recovery(
    dynamodb: Any, new_table: Callable[[], str]
) -> None:
    name = new_table()
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == [OUTBOX_INDEX]
    assert table["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ends = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ends == {"TimeToLiveStatus": "ENABLED", "AttributeName": TTL_ATTRIBUTE}
    kept = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert kept["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_table_that_exists_is_not_created_over(dynamodb: Any, new_table: Callable[[], str]) -> None:
    name = new_table()
    with pytest.raises(ClientError, match="ResourceInUseException"):
        create_table(dynamodb, name)


def test_missing_table_is_named(dynamodb: Any) -> None:
    name = f"profiles-{uuid4().hex}"
    store = DynamoProfileStore(name, client=dynamodb)
    for call in (
        lambda: store.load("profile-1"),
        lambda: store.commit(with_action(a_decision("profile-1"))),
        store.outbox,
    ):
        with pytest.raises(StoreDeniedError, match=name) as caught:
            call()
        assert f"There is no table {name}" in str(caught.value.hint)


def test_address_opens_the_store_of_a_table(
    aws_environment: dict[str, str], aws_endpoint: str, new_table: Callable[[], str]
) -> None:
    name = new_table()
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(variable, aws_environment[variable])
        options = f"region=eu-central-1&endpoint_url={aws_endpoint}&budget_ms=5000"
        store = open_store(f"dynamodb:{name}?{options}")
        assert isinstance(store, DynamoProfileStore)
        store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
        assert document_of(store, "profile-1") == {"n": 1}


def test_every_request_has_a_shape_that_another_implementation_takes(moto_client: Any) -> None:
    create_table(moto_client, "profiles-1")
    store = DynamoProfileStore("profiles-1", client=moto_client)
    store.put_profile("profile-1", {"n": 2**53 + 1}, updated_at=NOW)
    store.put_consent("profile-1", a_consent(), now=NOW)
    store.open_budget("budget-1", "2026-11-02", [5, 5])
    store.put_alias("alias-1", "profile-1")
    decision = a_decision("profile-1")
    request = on_consent(paid_from(with_action(decision), "budget-1", 3), "marketing", a_consent())
    assert store.commit(request).status == "committed"
    assert store.commit(request).existing == decision
    assert store.commit(paid_from(with_action(a_decision("profile-1"), version=1), "budget-1", 3)).status == (
        "budget_empty"
    )
    assert store.commit(with_action(a_decision("profile-1"))).status == "version_moved"
    assert document_of(store, "profile-1") == {"n": 2**53 + 1}
    assert read(store, "profile-1").state.contacts == (a_contact(decision),)
    assert store.resolve_alias("alias-1") == "profile-1"
    assert store.budget_left("budget-1", "2026-11-02") == (2, 5)
    assert [entry.decision_id for entry in own_outbox(store, "profile-1")] == [decision.id]
    assert store.settle(taken(store, decision), status="reserved", due_at=NOW + HOUR) is True
    assert store.settle(taken(store, decision), status="released", note="action.expired") is True
    assert read(store, "profile-1").state.version == 2
    assert list(store.decisions("profile-1")) == [decision]
    assert store.delete_profile("profile-1") is True
    assert store.delete_profile("profile-1") is False
    assert store.resolve_alias("alias-1") is None


def test_rights_are_those_of_the_operations_in_use() -> None:
    service = botocore.session.Session().get_service_model("dynamodb")
    names = {action.removeprefix("dynamodb:") for action in (*TABLE_ACTIONS, *INDEX_ACTIONS)}
    # A right without an operation of its own: the check of a condition inside a transaction.
    assert names - set(service.operation_names) == {"ConditionCheckItem"}


def test_each_partition_holds_what_one_owner_writes(dynamodb: Any, new_table: Callable[[], str]) -> None:
    """Rights are given by partition, since IAM knows no other part of the key."""
    table = new_table()
    store, documents = DynamoProfileStore(table, client=dynamodb), DynamoOperatorStore(table, client=dynamodb)
    feedback = DynamoFeedbackStore(table, client=dynamodb)
    store.put_profile("p", {"n": 1}, updated_at=NOW)
    store.put_consent("p", a_consent(), now=NOW)
    store.put_alias("a", "p")
    store.open_budget("b", "2026-11-02", [5])
    decision = a_decision("p", "d")
    request = paid_from(on_consent(with_action(decision), "marketing", a_consent()), "b", 3)
    assert store.commit(replace(request, trial=FeedbackRecord("trial", "p", "d", NOW))).status == "committed"
    learnt = [FeedbackRecord("responses", "p", "-", NOW), FeedbackRecord("counter", "c", "-", NOW)]
    assert feedback.write_feedback(learnt)
    for name in ("switches", f"{MARK}0a"):
        assert documents.put_document(name, {}, replaces=0)
    found: dict[str, set[str]] = defaultdict(set)
    for item in dynamodb.scan(TableName=table)["Items"]:
        found[item["pk"]["S"]].add(item["sk"]["S"])
    assert found == {
        "p": {"PROFILE", "CONSENT", "ALIAS#a"},
        "a": {"ALIAS"},
        # Its version has moved: a decision that is being made under the id is made again under the profile.
        "FUNCTIONS#DECIDED#a": {"STATE"},
        "FUNCTIONS#DECIDED#p": {"STATE", "DECISION#d", "OUTBOX#d"},
        "FUNCTIONS#MEASURED#p": {"TRIAL#d", "RESPONSES"},
        "FUNCTIONS#BUDGET#b#0": {"BUDGET#2026-11-02"},
        "FUNCTIONS#COUNTER#c": {"COUNTER"},
        "FUNCTIONS#OPERATOR": {"DOCUMENT#switches"},
        "FUNCTIONS#MARK#0a": {"DOCUMENT#suppression/0a"},
    }


def test_what_calls_itself_a_decision_in_the_partition_of_a_customer_is_none(
    dynamodb: Any, new_table: Callable[[], str]
) -> None:
    """Who may write a profile may write any sort key beside it, attributes of the index included."""
    table = new_table()
    store, feedback = DynamoProfileStore(table, client=dynamodb), DynamoFeedbackStore(table, client=dynamodb)
    decision = a_decision("profile-1")
    trial = FeedbackRecord("trial", "profile-1", decision.id, NOW, due_at=NOW)
    assert store.commit(replace(with_action(decision), trial=trial)).status == "committed"
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.put_item(TableName=table, Item={**item, "pk": {"S": "profile-2"}})
        if item["sk"]["S"] != "STATE":
            dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    assert (list(store.every_decision()), store.decisions("profile-2")) == ([], [])
    assert (store.outbox(), store.outbox_entry("profile-2", decision.id)) == ([], None)
    assert (feedback.due_trials(due_before=NOW), feedback.trials("profile-2", since=NOW)) == ([], [])
    snapshot = store.load("profile-2", decision.id)
    assert (snapshot.decision, snapshot.state.version) == (None, 0)


def test_items_of_others_in_the_partition_are_left_alone(dynamodb: Any, new_table: Callable[[], str]) -> None:
    table = new_table()
    foreign = {"pk": {"S": "profile-1"}, "sk": {"S": "SEGMENT#vip"}}
    budget = {"pk": {"S": "profile-1"}, "sk": {"S": "BUDGET#2026-11-02"}}
    for item in (foreign, budget):
        dynamodb.put_item(TableName=table, Item=item)
    store = DynamoProfileStore(table, client=dynamodb)
    store.put_alias("profile-1", "profile-2")
    acted(store, "profile-1")
    assert store.delete_profile("profile-1") is True
    assert store.resolve_alias("profile-1") == "profile-2"
    found = dynamodb.scan(TableName=table)["Items"]
    assert {(item["pk"]["S"], item["sk"]["S"]) for item in found} == {
        ("profile-1", "SEGMENT#vip"),
        ("profile-1", "BUDGET#2026-11-02"),
        ("profile-1", "ALIAS"),
        ("profile-2", "ALIAS#profile-1"),
        ("FUNCTIONS#DECIDED#profile-2", "STATE"),
    }


@pytest.mark.parametrize(
    ("sort", "attributes"),
    [
        ("DECISION#decision-1", {"id": {"S": "decision-1"}}),
        ("CONSENT", {"purpose#marketing": {"S": "granted"}}),
        ("CONSENT", {"purpose#marketing": {"M": {"status": {"S": "granted"}}}}),
        ("CONSENT", {"purpose#marketing": {"M": {"status": {"S": "yes"}, "at": {"S": "2026-11-02"}}}}),
        ("STATE", {"score#churn": {"M": {"value": {"S": "0.5"}}}}),
        ("STATE", {"contact#decision-1": {"M": {"status": {"S": "sent"}}}}),
        ("STATE", {"contact#decision-1": {"M": {"status": {"S": "sent"}, "contact": {"S": "{"}}}}),
        ("STATE", {"contact#decision-1": {"M": {"status": {"S": "sent"}, "contact": {"S": "{}"}}}}),
        ("STATE", {"contact#decision-1": {"M": {"status": {"S": "sent"}, "contact": {"S": "1"}}}}),
    ],
)
def test_item_that_somebody_damaged_is_refused(
    dynamodb: Any, new_table: Callable[[], str], sort: str, attributes: dict[str, Any]
) -> None:
    table = new_table()
    dynamodb.put_item(TableName=table, Item={**key("profile-1", sort), **attributes})
    store = DynamoProfileStore(table, client=dynamodb)
    with pytest.raises(StoreRejectedError, match="the store holds"):
        store.load("profile-1", "decision-1")


def test_budgets_whose_names_look_alike_are_apart(dynamodb: Any, new_table: Callable[[], str]) -> None:
    store = DynamoProfileStore(new_table(), client=dynamodb)
    store.open_budget("a", "b#0", [1])
    store.open_budget("a#0", "b", [2, 3])
    store.open_budget("a", "b", [4])
    assert store.budget_left("a", "b#0") == (1,)
    assert store.budget_left("a#0", "b") == (2, 3)
    assert store.budget_left("a", "b") == (4,)


def test_many_shards_are_opened_and_read(dynamodb: Any, new_table: Callable[[], str]) -> None:
    store = DynamoProfileStore(new_table(), client=dynamodb)
    store.open_budget("budget-1", "2026-11-02", range(250))
    assert store.budget_left("budget-1", "2026-11-02") == tuple(range(250))


def test_many_decisions_are_listed_page_by_page(dynamodb: Any, new_table: Callable[[], str]) -> None:
    """A page of DynamoDB ends at a megabyte."""
    store = DynamoProfileStore(new_table(), client=dynamodb)
    padding = {"text": "a" * 300_000}
    made = [a_decision("profile-1", at=NOW + n * HOUR) for n in range(5)]
    for decision in made:
        decision.body.update(padding)
        store.commit(CommitRequest(decision))
    assert list(store.decisions("profile-1")) == made[::-1]


def test_entries_that_somebody_damaged_are_told_and_take_nobodys_place(
    dynamodb: Any, new_table: Callable[[], str]
) -> None:
    table = new_table()
    store = DynamoProfileStore(table, client=dynamodb)
    damaged = [acted(store, "profile-1") for _ in range(3)]
    sound = acted(store, "profile-1", at=NOW + HOUR)
    for one in damaged:
        dynamodb.update_item(
            TableName=table,
            Key=key("profile-1", f"OUTBOX#{one.id}"),
            UpdateExpression="REMOVE purpose",
        )
    told: list[tuple[str, str]] = []
    listed = store.outbox(limit=1, unreadable=lambda *whose: told.append(whose))
    assert [entry.decision_id for entry in listed] == [sound.id]
    assert sorted(told) == sorted(("profile-1", one.id) for one in damaged)
    with pytest.raises(StoreRejectedError):
        store.outbox(limit=1)
