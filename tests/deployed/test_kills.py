"""The endpoint of the model and processes of functions are killed under load: nothing is lost, no key is doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from functions.governance.consent import ConsentRecord
from functions.times import format_instant

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]

Sample = Callable[..., dict[str, Any]]

CHURN = "functions-e2e-churn-retention"
CUSTOMERS = [f"customer-9{number:03}" for number in range(12)]


@pytest.fixture(scope="module")
def customers(deployment: Deployment) -> list[str]:
    """Put customers who will be offered something."""
    now = datetime.now(UTC)
    last_order = format_instant(now - timedelta(days=200))
    profile = {"orders": {"count": 3, "revenue": 398.47, "last_at": last_order}}
    for customer in CUSTOMERS:
        deployment.store.put_profile(customer, profile, updated_at=now)
        consent = ConsentRecord("marketing", "granted", now - timedelta(days=1))
        deployment.store.put_consent(customer, consent, now=now)
    return CUSTOMERS


def test_while_the_model_is_gone_events_fall_back_or_come_again(
    deployment: Deployment, sample: Sample
) -> None:
    """`churn-retention` has a value of last resort; `saas-account-health` has none for a new account."""
    deployment.models.kill()
    deployment.put(
        sample("cancellation-page", event_id="outage-1", user_id="customer-0055"),
        sample("account-usage-reports", event_id="outage-2", user_id="admin-0203"),
    )
    (fallen_back,) = deployment.decided("churn-retention", "outage-1")
    deployment.until("a failure", lambda: deployment.receipts("saas-account-health", "failed", "outage-2"))
    assert deployment.decisions("saas-account-health", ["outage-2"]) == []
    deployment.models.begin()
    (retried,) = deployment.decided("saas-account-health", "outage-2", within_s=120)

    assert fallen_back["model"]["rung"] == "fallback"
    assert retried["model"]["rung"] == "model"
    assert set(retried["scores"]) == {"account_risk"}
    assert deployment.arrived("functions-e2e-saas-account-health_dlq") == []


def test_a_process_killed_inside_the_act_is_made_up_for_under_the_same_key(
    deployment: Deployment, sample: Sample, customers: list[str]
) -> None:
    """The receiver has the offer and says nothing; there the process dies, after the commit and before the rest."""
    crm, about = deployment.crm, "killed-1"
    crm.unanswered.add(about)
    deployment.put(sample("cancellation-page", event_id=about, user_id=customers[0]))
    deployment.until("the first delivery", lambda: crm.deliveries(about))
    killed = deployment.aws.kill(CHURN)
    crm.unanswered.clear()
    (decision,) = deployment.decided("churn-retention", about)
    (entry,) = deployment.settled([decision])
    keys = {one.headers["idempotency-key"] for one in crm.deliveries(about)}

    assert killed
    assert (entry.status, entry.attempts) == ("sent", 2)
    assert len(crm.deliveries(about)) == 2
    assert keys == {decision["decision_id"]}
    assert {crm.message(one)["idempotency_key"] for one in crm.deliveries(about)} == keys


def test_a_burst_with_kills_in_the_middle_loses_nothing(
    deployment: Deployment, sample: Sample, customers: list[str]
) -> None:
    """300 deliveries of 240 events, five that can't be read, four kills of every process of the function."""
    about = [f"burst-{number}" for number in range(240)]
    events = [
        sample("cancellation-page", event_id=one, user_id=customers[index % len(customers)])
        for index, one in enumerate(about)
    ]
    poison = [{"name": "page_view", "properties": {"page_type": "cancellation"}, "n": n} for n in range(5)]
    deployment.put(*events[:120], *poison, *events[60:120], *events[120:])
    killed = 0
    for least in (1, 40, 80, 120):
        found = partial(more_than, deployment, about, least)
        deployment.until(f"more than {least} decisions", found)
        killed += len(deployment.aws.kill(CHURN))
    decisions = deployment.decided("churn-retention", *about, within_s=180)
    outcomes = Counter(decision["outcome"] for decision in decisions)
    assert killed >= 4
    assert len(decisions) == len(about)
    assert outcomes.total() == outcomes["acted"] == len(about)
    entries = deployment.settled(decisions)
    assert {entry.status for entry in entries} == {"sent"}
    for decision in decisions:
        deliveries = deployment.crm.deliveries(decision["event"]["id"])
        assert {one.headers["idempotency-key"] for one in deliveries} == {decision["decision_id"]}


def more_than(deployment: Deployment, about: list[str], least: int) -> bool:
    return len(deployment.decided_about("churn-retention", about)) > least


def test_what_cannot_be_read_is_parked_alone_with_its_code(deployment: Deployment) -> None:
    parked = deployment.until(
        "five parked events", lambda: found if len(found := deployment.arrived(f"{CHURN}_dlq")) > 4 else None
    )

    assert {one["MessageAttributes"]["code"]["StringValue"] for one in parked} == {"event.no_id"}
    assert {one["content"]["n"] for one in parked} == set(range(5))
