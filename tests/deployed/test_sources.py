"""The other ways to a function, each really called when deployed: a page, the schedule, Kinesis, changes of profiles.

What the local AWS delivers is asserted here. It takes a batch of a stream with failures for a success and has no
dead-letter queue for streams, so those are tested with AWS's own runtime client in tests/adapters.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from functions.governance.consent import ConsentRecord
from functions.handlers.visitor import mint_visitor_token
from tests.deployed.staging import drawing_an_action

if TYPE_CHECKING:
    from tests.deployed.conftest import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deployed")]

Sample = Callable[..., dict[str, Any]]

CUSTOMER = "customer-0042"
ORIGIN = "https://shop.example"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def token(deployment: Deployment) -> str:
    """Return what the server of the shop gives a page: it reads the key that the shared stack made."""
    name = deployment.outputs["Functions-e2e-Shared"]["VisitorKeyName"]
    key = deployment.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return mint_visitor_token(CUSTOMER, key=key.encode(), expires_at=datetime.now(UTC) + HOUR)


@pytest.fixture(scope="module")
def ask(deployment: Deployment) -> Callable[..., httpx.Response]:
    """Return what asks the function URL as a page does."""
    (url,) = (value for key, value in deployment.outputs["Functions-e2e-1"].items() if "Url" in key)
    # The address is one of AWS; on this machine it is a path of the server.
    address = f"{deployment.aws.url}/_aws/lambda-url/{url.removeprefix('https://').partition('.')[0]}/"

    def call(event: Any = None, *, method: str = "POST", **headers: str) -> httpx.Response:
        given = {"content-type": "application/json", "origin": ORIGIN, **headers}
        body = None if event is None else json.dumps(event)
        return httpx.request(method, address, content=body, headers=given, timeout=30)

    return call


def basket(sample: Sample, event_id: str, **fields: Any) -> dict[str, Any]:
    return sample("cancellation-page", event_id=event_id, properties={"page_type": "basket"}, **fields)


def test_a_page_gets_its_offer_and_the_same_offer_for_the_same_event(
    deployment: Deployment, ask: Callable[..., httpx.Response], token: str, sample: Sample
) -> None:
    event = basket(sample, "page-1")
    answer = ask(event, authorization=f"Bearer {token}")
    (decision,) = deployment.decided("page-offer", "page-1")
    offer = {"template": "retention", "percent": 10, "churn_risk": decision["scores"]["churn_risk"]}

    assert answer.status_code == 200
    assert answer.json() == {"action": offer}
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cache-control"] == "no-store"
    assert decision["action"]["idempotency_key"] == decision["decision_id"]
    assert ask(event, authorization=f"Bearer {token}").json() == {"action": offer}
    # The bus carries the same event later, and finds the first decision.
    deployment.put(event)
    deployment.until("a duplicate", lambda: deployment.receipts("page-offer", "duplicate", "page-1"))
    assert len(deployment.decisions("page-offer", ["page-1"])) == 1


@pytest.mark.parametrize("authorization", ["", "Bearer v1.Y3VzdG9tZXItMDA0Mg.9999999999.forged"])
def test_a_page_without_a_token_gets_nothing(
    deployment: Deployment, ask: Callable[..., httpx.Response], sample: Sample, authorization: str
) -> None:
    answer = ask(basket(sample, "page-2"), authorization=authorization)

    assert (answer.status_code, answer.json()) == (401, {})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert deployment.decisions("page-offer", ["page-2"]) == []


def test_a_token_does_not_speak_for_somebody_else(
    deployment: Deployment, ask: Callable[..., httpx.Response], token: str, sample: Sample
) -> None:
    event = basket(sample, "page-3", user_id="customer-0007")

    assert ask(event, authorization=f"Bearer {token}").status_code == 401
    assert deployment.decisions("page-offer", ["page-3"]) == []


def test_a_browser_is_told_which_pages_may_ask(ask: Callable[..., httpx.Response]) -> None:
    allowed = ask(method="OPTIONS")
    foreign = ask(method="OPTIONS", origin="https://elsewhere.example")

    assert allowed.status_code == foreign.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-headers"] == "authorization, content-type"
    assert "access-control-allow-origin" not in foreign.headers


def test_a_malformed_event_of_a_page_is_answered_with_its_code(
    ask: Callable[..., httpx.Response], token: str, sample: Sample
) -> None:
    event = {key: value for key, value in basket(sample, "page-4").items() if key != "id"}
    answer = ask(event, authorization=f"Bearer {token}")

    assert (answer.status_code, answer.json()) == (400, {"error": "event.no_id"})


def test_a_record_of_a_kinesis_stream_becomes_a_decision(deployment: Deployment, sample: Sample) -> None:
    about = drawing_an_action(
        "footwear-offer", sample("department-entered", event_id="any")["user_id"], prefix="kinesis"
    )
    event = sample("department-entered", event_id=about)
    deployment.client("kinesis").put_record(
        StreamName="visits", Data=json.dumps(event).encode(), PartitionKey=event["user_id"]
    )
    (decision,) = deployment.decided("footwear-offer", about)
    (message,) = deployment.arrived_about("offers", about)

    assert decision["outcome"] == "acted"
    assert message["content"]["idempotency_key"] == decision["decision_id"]


def test_a_poison_record_of_a_stream_is_parked_and_its_neighbours_are_not(
    deployment: Deployment, sample: Sample
) -> None:
    before, after = (sample("department-entered", event_id=f"kinesis-{number}") for number in (2, 3))
    poison = {"name": "Department Entered"}
    deployment.client("kinesis").put_records(
        StreamName="visits",
        Records=[
            {"Data": json.dumps(one).encode(), "PartitionKey": "shop"} for one in (before, poison, after)
        ],
    )
    deployment.decided("footwear-offer", "kinesis-2", "kinesis-3")
    (parked,) = deployment.until(
        "the parked record", lambda: deployment.arrived("functions-e2e-footwear-offer_dlq")
    )

    assert parked["MessageAttributes"]["code"]["StringValue"] == "event.no_id"
    assert parked["MessageAttributes"]["source"]["StringValue"] == "aws:kinesis"


def test_a_changed_profile_fires_its_function_and_a_decision_does_not(deployment: Deployment) -> None:
    """The import of the profiles was a change of each; what decisions wrote since then was none of theirs."""
    now = datetime.now(UTC)
    deployment.store.put_consent(
        "admin-9001", ConsentRecord("product-guidance", "granted", now - HOUR), now=now
    )
    deployment.store.put_profile("admin-9001", {"account": {"seats": 40, "tier": "business"}}, updated_at=now)

    def about_new_profile() -> list[dict[str, Any]]:
        pages = deployment.all_decisions("profile-watch")
        return [one for one in pages if one["profile_id"] == "admin-9001"]

    (decision,) = deployment.until("a decision about the new profile", about_new_profile)

    assert decision["event"]["name"] == "profile_changed"
    assert decision["outcome"] == "acted"
    assert set(decision["scores"]) == {"account_risk"}
    assert len(about_new_profile()) == 1


def test_the_schedule_drains_the_outbox_by_itself(deployment: Deployment) -> None:
    """Other tests drain it by hand and look at what was sent; here its rule must have done so once more."""

    def by_the_rule() -> bool:
        lines = deployment.log_lines("_outbox")
        return sum(line.startswith("START ") for line in lines) > deployment.drains["by hand"]

    deployment.until("an invocation by the rule", by_the_rule, within_s=120)
    assert not [
        line for line in deployment.log("_outbox") if line.get("message") in ("crashed", "not drained")
    ]
