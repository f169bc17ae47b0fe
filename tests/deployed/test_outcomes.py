"""Outcomes as deployed: the bus brings them, each counts once, and the count moves what is decided next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.governance.consent import ConsentRecord
from functions.learning.responses import responses_key
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.times import format_instant
from tests.deployed.staging import TABLE, drawing_an_action

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]

Sample = Callable[..., dict[str, Any]]


def outcome(name: str, event_id: str, customer: str, **properties: Any) -> dict[str, Any]:
    """Return an event about what a customer did just now."""
    return {
        "id": event_id,
        "name": name,
        "type": "track",
        "time": format_instant(datetime.now(UTC)),
        "user_id": customer,
        "properties": properties,
    }


def visit(deployment: Deployment, sample: Sample, about: str) -> dict[str, Any]:
    """Let somebody walk into the department; return the decision."""
    event = sample("department-entered", event_id=about)
    deployment.client("kinesis").put_record(
        StreamName="visits", Data=json.dumps(event).encode(), PartitionKey=event["user_id"]
    )
    (decision,) = deployment.decided("footwear-offer", about)
    return decision


def counted(deployment: Deployment) -> dict[str, int]:
    """Count what is due, as the schedule does."""
    answer = deployment.client("lambda").invoke(FunctionName="functions-e2e_fold", Payload=b"{}")
    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    counts: dict[str, int] = json.loads(body)
    return counts


def test_an_order_is_told_to_the_decision_before_it_and_counted_once(
    deployment: Deployment, sample: Sample
) -> None:
    customer = sample("department-entered", event_id="any")["user_id"]
    decision = visit(deployment, sample, drawing_an_action("footwear-offer", customer, prefix="before-order"))
    counted(deployment)
    order = outcome("Order Completed", "order-1", customer, decision_id=decision["decision_id"], revenue=90)
    deployment.put(order, order)
    feedback = DynamoFeedbackStore(TABLE, client=deployment.client("dynamodb"))

    def converted() -> bool:
        found = feedback.read_feedback([responses_key(customer)])
        return bool(found) and "converted" in found[0].body

    deployment.until("the response of the customer", converted)
    first, again = counted(deployment), counted(deployment)

    assert (first["responses"], again["responses"]) == (1, 0)
    assert not [
        line
        for name in ("_outcomes", "_fold")
        for line in deployment.log(name)
        if line.get("message") in ("crashed", "not counted")
    ]


def test_whoever_unsubscribes_gets_nothing_from_then_on(deployment: Deployment, sample: Sample) -> None:
    now, customer = datetime.now(UTC), "customer-8001"
    deployment.store.put_profile(customer, {"orders": {"count": 3, "revenue": 400}}, updated_at=now)
    granted = ConsentRecord("marketing", "granted", now - timedelta(days=1))
    deployment.store.put_consent(customer, granted, now=now)
    deployment.put(outcome("Unsubscribed", "leave-1", customer))
    deployment.until(
        "the end of consent", lambda: deployment.store.load(customer).consent["marketing"].status == "revoked"
    )
    deployment.put(sample("cancellation-page", event_id="after-leaving", user_id=customer))
    (decision,) = deployment.decided("churn-retention", "after-leaving")

    assert (decision["outcome"], decision["reason"]["code"]) == ("suppressed", "consent.revoked")
