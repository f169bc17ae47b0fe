"""What customers did is recorded, counted and learnt from by Lambda functions, under AWS's own runtime client."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.build.folder import build_folder
from functions.decision.probabilities import seed_of
from functions.documents import Json
from functions.events.replays import LIVE
from functions.governance.consent import ConsentRecord
from functions.profiles.sqlite import SqliteProfileStore
from functions.runtime.identity import decision_id
from functions.testing.lambda_events import batch, event_body, eventbridge_event, sqs_record
from functions.testing.lambda_runtime import LambdaRuntime
from functions.testing.sample_function import CUSTOMER, SPEC, a_profile, write_specs
from functions.times import format_instant

pytestmark = pytest.mark.e2e

OFFER = {"channel": "offers", "cost": 1, "value": {"revenue": 20}, "chance": {"revenue": 0.2}}
REGISTRY: dict[str, Json] = {
    "currency": "EUR",
    "channels": {"offers": {"kind": "file", "path": "offers.jsonl"}},
    "actions": {"offer": {**OFFER, "payload": {"percent": 20}}},
}
POLICY: dict[str, Json] = {
    "objectives": {"revenue": {"weight": 1}},
    "learning": {"prior_weight": 1, "floor": 0.1, "window": "1h"},
}
SECRET = "ada.planted@shop.example"


def drawing_the_offer(first: int = 1) -> str:
    """Return the id of an event for which the offer is drawn: it has the better half of the chances."""
    names = (f"event-{number}" for number in itertools.count(first))
    return next(
        name
        for name in names
        if seed_of(decision_id(function="churn", event_id=name, key=CUSTOMER, generation=LIVE)) < 0.5
    )


@dataclass
class Deployed:
    """The function that decides, the one that hears outcomes and the one that counts, over one SQLite file."""

    folder: Path
    stack: ExitStack

    def process(self, kind: str, name: str) -> LambdaRuntime:
        environment = {
            "FUNCTIONS_NAME": name,
            "FUNCTIONS_PLANS": str(self.folder / "plans"),
            "FUNCTIONS_STORE": f"sqlite:///{self.folder}/profiles.db",
        }
        runtime = LambdaRuntime(f"functions.handlers.{kind}.handler", environment, cwd=self.folder)
        return self.stack.enter_context(runtime)


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    (tmp_path / "specs").mkdir()
    pattern = SPEC["trigger"]["event_pattern"]
    write_specs(
        tmp_path / "specs",
        REGISTRY,
        policy=POLICY,
        trigger={"event_pattern": pattern},
        model=None,
        write_back=None,
        decide={"actions": ["offer"], "do_nothing": {"revenue": 0.1}},
    )
    build_folder(tmp_path / "specs", tmp_path / "plans")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with closing(SqliteProfileStore(tmp_path / "profiles.db")) as store:
        store.put_profile(CUSTOMER, a_profile(email=SECRET), updated_at=yesterday)
        store.put_consent(CUSTOMER, ConsentRecord("marketing", "granted", yesterday), now=yesterday)
    with ExitStack() as stack:
        yield Deployed(tmp_path, stack)


def decide(function: LambdaRuntime, event_id: str) -> dict[str, Any]:
    """Send a new event of now; return its receipt."""
    at = datetime.now(UTC)
    detail = event_body(event_id, time=format_instant(at))
    reply = function.invoke(eventbridge_event(detail, time=format_instant(at)))
    assert reply.error is None
    receipts = [one["receipt"] for one in function.log_documents if one.get("message") == "receipt"]
    return dict(receipts[-1])


def chances_of(action: str, folder: Path) -> list[float]:
    """Return the chances that decisions have kept, the first decision first; the log has none."""
    with closing(SqliteProfileStore(folder / "profiles.db")) as store:
        kept = [one.body["candidates"] for one in reversed(store.decisions(CUSTOMER))]
    terms = [{one["action"]: one["terms"] for one in candidates}[action] for candidates in kept]
    return [one["objectives"]["revenue"]["chance"] for one in terms]


def test_a_function_learns_from_what_was_recorded_and_counted_elsewhere(deployed: Deployed) -> None:
    function, hears = deployed.process("eventbridge", "churn"), deployed.process("outcomes", "outcomes")
    counts = deployed.process("fold", "fold")
    before = decide(function, drawing_the_offer())
    # What counts as done: an order after the decision, told twice, and once more under another envelope.
    order = event_body("order-1", name="Order Completed", time=format_instant(datetime.now(UTC)))
    order["properties"] = {"decision_id": before["decision_id"], "revenue": 30, "email": SECRET}
    poison = sqs_record('{"' + SECRET + '"', "m3")
    reply = hears.invoke(batch(sqs_record(order, "m1"), sqs_record(eventbridge_event(order), "m2"), poison))
    folded = counts.invoke({})
    again = counts.invoke({})

    assert reply.error is None
    assert reply.payload == {"batchItemFailures": [{"itemIdentifier": "m3"}]}
    assert folded.payload == {"trials": 1, "responses": 1, "closed": 0, "corrected": 0}
    assert again.payload == {"trials": 0, "responses": 0, "closed": 0, "corrected": 0}
    # A process asks for what was learnt at most once a minute; another one asks at once.
    decide(deployed.process("eventbridge", "churn"), "event-0")
    # One response in one try on a guess that counts for one: (0.2 + 1) / 2.
    assert chances_of("offer", deployed.folder) == [0.2, pytest.approx(0.6, abs=0.01)]
    logged = [process.log for process in (function, hears, counts)]
    assert not [log for log in logged if SECRET in log]
    assert {"Folded", "Responses"} & {
        name for one in counts.log_documents + hears.log_documents if "_aws" in one for name in one
    }


def test_an_unsubscription_ends_consent_before_the_next_decision(deployed: Deployed) -> None:
    function, hears = deployed.process("eventbridge", "churn"), deployed.process("outcomes", "outcomes")
    first = decide(function, drawing_the_offer())
    leave = event_body("leave-1", name="Unsubscribed", time=format_instant(datetime.now(UTC)))
    reply = hears.invoke(batch(sqs_record(leave, "m1")))
    second = decide(function, "event-0")

    assert reply.payload == {"batchItemFailures": []}
    assert (first["outcome"], first["reason"]["code"]) == ("acted", "action.drawn")
    assert (second["outcome"], second["reason"]["code"]) == ("suppressed", "consent.revoked")
