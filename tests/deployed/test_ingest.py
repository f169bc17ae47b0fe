"""Profile ingest as deployed: what platforms send is written, and the roles hold apart who writes what.

The local AWS does not tell its IAM which partition a write goes to, so it can't evaluate the conditions that keep
the role of a decision from profiles. Asserted here is that they stand in every role as deployed, and that they divide
what really was written in the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from functions.actions.signature import sign, signing_keys
from functions.profiles.dynamodb_keys import ALIAS, CONSENT, DECISION, OUTBOX, PROFILE

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]

Sample = Callable[..., dict[str, Any]]

SHARED = "Functions-e2e-Shared"
TABLE = "functions-e2e-profiles"


def output(deployment: Deployment, start: str) -> str:
    (value,) = (
        value for name, value in deployment.outputs[SHARED].items() if name.startswith(f"Ingest{start}")
    )
    return value


def record(profile_id: str, **fields: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    return {
        "profile_id": profile_id,
        "updated_at": at,
        "profile": {"plan": "gold"},
        "consent": {"marketing": "granted"},
        **fields,
    }


def post(deployment: Deployment, content: Any, *, signed: bool) -> httpx.Response:
    name = output(deployment, "KeyName")
    key = deployment.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    host = output(deployment, "Url").removeprefix("https://").partition(".")[0]
    body, seconds = json.dumps(content), int(datetime.now(UTC).timestamp())
    headers = {"content-type": "application/json", "webhook-id": "1", "webhook-timestamp": str(seconds)}
    if signed:
        headers["webhook-signature"] = sign("1", seconds, body.encode(), signing_keys(key))
    address = f"{deployment.aws.url}/_aws/lambda-url/{host}/"
    return httpx.post(address, content=body, headers=headers, timeout=30)


def kept(deployment: Deployment, profile_id: str) -> tuple[Any, str]:
    """Wait for a profile and its consent."""

    def found() -> tuple[Any, str] | None:
        snapshot = deployment.store.load(profile_id)
        consent = snapshot.consent.get("marketing")
        return (
            (json.loads(snapshot.profile_json), consent.status) if snapshot.profile_json and consent else None
        )

    return deployment.until(f"the profile {profile_id}", found)


def test_a_signed_webhook_writes_a_profile_a_consent_and_an_alias(deployment: Deployment) -> None:
    answer = post(deployment, record("platform-1", aliases=["visitor-platform-1"]), signed=True)

    assert (answer.status_code, answer.json()["records"][0]["fate"]) == (200, "written")
    assert kept(deployment, "platform-1") == ({"plan": "gold"}, "granted")
    assert deployment.store.resolve_alias("visitor-platform-1") == "platform-1"


def test_a_webhook_without_a_signature_writes_nothing(deployment: Deployment) -> None:
    assert post(deployment, record("platform-2"), signed=False).status_code == 401
    assert deployment.store.load("platform-2").profile_json is None


def test_a_message_of_the_queue_is_written_and_poison_beside_it_is_parked(deployment: Deployment) -> None:
    sqs, url = deployment.client("sqs"), output(deployment, "QueueUrl")
    for body in (
        json.dumps(record("platform-null") | {"profile_id": "null"}),
        json.dumps(record("platform-3")),
    ):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    assert kept(deployment, "platform-3") == ({"plan": "gold"}, "granted")
    (parked,) = deployment.until(
        "the parked record", lambda: deployment.arrived("functions-e2e-ingest-parked")
    )
    assert parked["MessageAttributes"]["code"]["StringValue"] == "event.blocked_id"


def test_an_event_of_the_bus_is_written(deployment: Deployment) -> None:
    entry = {
        "EventBusName": "functions-e2e",
        "Source": "platform",
        "DetailType": "profile.updated",
        "Detail": json.dumps(record("platform-4")),
    }
    deployment.client("events").put_events(Entries=[entry])

    assert kept(deployment, "platform-4") == ({"plan": "gold"}, "granted")


def test_the_log_of_ingest_holds_no_value(deployment: Deployment) -> None:
    post(deployment, record("platform-5"), signed=True)
    for function in ("_ingest_url", "_ingest_sqs"):
        lines = deployment.until(f"lines of {function}", partial(deployment.log, function))
        assert "platform-" not in json.dumps(lines)
        assert "gold" not in json.dumps(lines)


def statements(deployment: Deployment, function: str) -> list[dict[str, Any]]:
    """Return what the role of a function, as deployed, may do."""
    iam, lambdas = deployment.client("iam"), deployment.client("lambda")
    arn = lambdas.get_function_configuration(FunctionName=f"functions-e2e{function}")["Role"]
    role = arn.rpartition("/")[2]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return [statement for document in documents for statement in document["Statement"]]


def holds(operator: str, values: set[str], patterns: str | list[str]) -> bool:
    """Judge one condition of the kinds that the roles have, about keys or attributes of an item."""
    listed = [patterns] if isinstance(patterns, str) else patterns
    like = all(any(fnmatchcase(value, pattern) for pattern in listed) for value in values)
    unlike = not any(fnmatchcase(value, pattern) for value in values for pattern in listed)
    return {"ForAllValues:StringLike": like, "ForAllValues:StringNotLike": unlike}[operator]


def may_write(rights: list[dict[str, Any]], item: dict[str, Any]) -> bool:
    """Say whether a role may write an item with all of its attributes."""
    told = {"dynamodb:LeadingKeys": {item["pk"]["S"]}, "dynamodb:Attributes": set(item)}
    return any(
        statement["Effect"] == "Allow"
        and {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(statement["Action"])
        and all(
            holds(operator, told[name], patterns)
            for operator, condition in statement.get("Condition", {}).items()
            for name, patterns in condition.items()
        )
        for statement in rights
    )


def test_the_roles_as_deployed_divide_what_was_written(deployment: Deployment, sample: Sample) -> None:
    post(deployment, record("platform-6", aliases=["visitor-platform-6"]), signed=True)
    deployment.put(sample("cancellation-page", event_id="ingest-roles"))
    deployment.decided("churn-retention", "ingest-roles")
    pages = deployment.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    items = [item for page in pages for item in page["Items"]]
    taken_in = [item for item in items if item["sk"]["S"] in (PROFILE, ALIAS, CONSENT)]
    decided = [item for item in items if item["sk"]["S"].startswith((DECISION, OUTBOX))]

    assert {item["sk"]["S"] for item in taken_in} == {PROFILE, ALIAS, CONSENT}
    assert {item["sk"]["S"].partition("#")[0] for item in decided} == {"DECISION", "OUTBOX"}
    for function in ("-churn-retention", "-saas-account-health", "-footwear-offer", "_outbox"):
        rights = statements(deployment, function)
        assert [item["sk"] for item in taken_in if may_write(rights, item)] == []
        assert [item["sk"] for item in decided if not may_write(rights, item)] == []
    for function in ("_ingest_url", "_ingest_sqs"):
        rights = statements(deployment, function)
        assert [item["sk"] for item in decided if may_write(rights, item)] == []
        assert [item["sk"] for item in taken_in if not may_write(rights, item)] == []
