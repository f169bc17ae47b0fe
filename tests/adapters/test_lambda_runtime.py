"""Every handler under AWS's own runtime client: entry module, artefact, SQLite, SageMaker over HTTP, a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.build.folder import build_folder
from functions.endpoint.server import EndpointServer
from functions.events.replays import generation_of
from functions.governance.consent import ConsentRecord
from functions.handlers.visitor import mint_visitor_token
from functions.profiles.opening import open_store
from functions.profiles.store import ProfileStore
from functions.testing.lambda_runtime import InitError, LambdaRuntime, Reply
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.sample_function import write_specs

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
CUSTOMER = "customer-0042"
KEY = "a-key-of-twenty-four-bytes-at-least"
DAY = timedelta(days=1)
PROFILE = {
    "last_order_at": "2026-01-02T00:00:00Z",
    "orders": 5,
}


@dataclass(frozen=True)
class Surroundings:
    """A folder, what is built in it, and the environment of a function that works there."""

    folder: Path
    environment: dict[str, str]

    def function(self, kind: str, **environment: str) -> LambdaRuntime:
        return LambdaRuntime(
            f"functions.handlers.{kind}.handler", {**self.environment, **environment}, cwd=self.folder
        )

    def store(self) -> ProfileStore:
        return open_store(self.environment["FUNCTIONS_STORE"])

    def sent(self) -> list[dict[str, Any]]:
        path = self.folder / "offers.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def registry(kind: str) -> dict[str, Any]:
    channel = {"kind": "file", "path": "offers.jsonl"} if kind == "file" else {"kind": kind}
    actions = {"offer-20": {"channel": "offers", "payload": {"percent": 20, "risk": {"from": "churn_risk"}}}}
    return {"channels": {"offers": channel}, "actions": actions}


def features() -> dict[str, Any]:
    """Return the features that the model of this repository knows, from the small profile of this test."""
    return {
        "recency_days": {
            "from": "days_since(profile.last_order_at)",
            "type": "float",
            "range": [0, 3650],
            "outside": "clip",
            "missing": 365,
        },
        "frequency": {"from": "profile.orders", "type": "int", "range": [0, 10000], "missing": 0},
        "lifetime_value": {"from": "profile.revenue", "type": "float", "range": [0, 1e6], "missing": 20},
    }


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with EndpointServer(ROOT / "models", keep_requests=0) as server:
        yield server.url


@pytest.fixture
def surroundings(tmp_path: Path, endpoint: str) -> Surroundings:
    return surroundings_in(tmp_path, endpoint, "file")


def surroundings_in(folder: Path, endpoint: str, channel: str) -> Surroundings:
    specs = folder / "specs"
    specs.mkdir()
    write_specs(
        specs,
        registry(channel),
        trigger={"event_pattern": {"detail-type": ["page_view", "profile_changed"]}},
        features=features(),
        model={
            "kind": "sagemaker",
            "endpoint": "churn-risk",
            "request": {"format": "csv"},
            "response": {"churn_risk": "predictions[0].score || [0]"},
            "range": {"churn_risk": [0, 1]},
            "timeout": "5s",
        },
        decide={"when": "churn_risk >= `0.0`", "actions": ["offer-20"]},
    )
    build_folder(specs, folder / "plans")
    environment = {
        "FUNCTIONS_NAME": "churn",
        "FUNCTIONS_PLANS": str(folder / "plans"),
        "FUNCTIONS_STORE": f"sqlite:///{folder}/profiles.db",
        "FUNCTIONS_VISITOR_KEY": KEY,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint,
        # The recorded envelopes have a date; whatever the clock says, it is not from the future.
        "FUNCTIONS_EVENT_SKEW": "3650d",
    }
    made = Surroundings(folder, environment)
    with closing(made.store()) as store:
        store.put_profile(CUSTOMER, PROFILE, updated_at=datetime.now(UTC) - DAY)
        yesterday = datetime.now(UTC) - DAY
        store.put_consent(CUSTOMER, ConsentRecord("marketing", "granted", yesterday), now=yesterday)
    return made


def recorded(name: str) -> Any:
    """Return a recorded envelope."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def receipts(function: LambdaRuntime) -> list[dict[str, Any]]:
    return [one["receipt"] for one in function.log_documents if one.get("message") == "receipt"]


def well(reply: Reply) -> Any:
    assert reply.error is None
    return reply.payload


@pytest.mark.parametrize(
    ("kind", "envelope", "event_id", "answer"),
    [
        ("sqs", "envelope-sqs", "sqs-cancel-0042", {"batchItemFailures": []}),
        ("eventbridge", "cancellation-page", "page-cancel-0042", None),
        ("kinesis", "envelope-kinesis", "kinesis-cancel-0042", {"batchItemFailures": []}),
        (
            "dynamodb",
            "envelope-dynamodb-stream",
            "dynamodb:c4ca4238a0b923820dcc509a6f75849b",
            {"batchItemFailures": []},
        ),
    ],
)
def test_recorded_envelope_is_decided_and_its_redelivery_is_not(
    kind: str, envelope: str, event_id: str, answer: Any, surroundings: Surroundings
) -> None:
    event = recorded(envelope)
    with surroundings.function(kind) as function:
        assert well(function.invoke(event)) == answer
        assert well(function.invoke(event)) == answer
        first, second = receipts(function)
        assert CUSTOMER not in function.log
    assert (first["outcome"], first["model"]["rung"]) == ("acted", "model")
    assert (first["action"]["channel"], first["action"]["delivery"]) == ("offers", "sent")
    assert (second["outcome"], second["original_outcome"]) == ("duplicate", "acted")
    (message,) = surroundings.sent()
    assert (message["event_id"], message["profile_id"]) == (event_id, CUSTOMER)
    assert message["idempotency_key"] == first["decision_id"]


def test_replay_of_an_archive_is_decided_anew_and_sends_nothing(surroundings: Surroundings) -> None:
    live = recorded("cancellation-page")
    batch = recorded("envelope-sqs")

    def delivery(**fields: str) -> dict[str, Any]:
        body = json.dumps({**live, **fields})
        return {"Records": [{**batch["Records"][0], "body": body}]}

    with surroundings.function("sqs") as function:
        for event in (delivery(), *[delivery(**{"replay-name": "again"})] * 2):
            assert well(function.invoke(event)) == {"batchItemFailures": []}
        first, replayed, redelivered = receipts(function)
    assert [one["outcome"] for one in (first, replayed, redelivered)] == ["acted", "suppressed", "duplicate"]
    assert (replayed["reason"]["code"], replayed["generation"]) == (
        "event.replayed",
        generation_of("again"),
    )
    assert len(surroundings.sent()) == 1


def page_request(event_id: str, token: str) -> dict[str, Any]:
    request: dict[str, Any] = recorded("envelope-http-v2")
    request["headers"]["authorization"] = f"Bearer {token}"
    request["headers"]["origin"] = "https://www.shop.example"
    request["body"] = json.dumps(
        {"id": event_id, "name": "page_view", "time": datetime.now(UTC).isoformat(), "user_id": CUSTOMER}
    )
    request["isBase64Encoded"] = False
    return request


def test_page_gets_its_offer(tmp_path: Path, endpoint: str) -> None:
    surroundings = surroundings_in(tmp_path, endpoint, "response")
    token = mint_visitor_token(CUSTOMER, key=KEY.encode(), expires_at=datetime.now(UTC) + DAY)
    with surroundings.function("url", FUNCTIONS_ALLOWED_ORIGINS="https://www.shop.example") as function:
        reply = well(function.invoke(page_request("page-1", token)))
        again = well(function.invoke(page_request("page-1", token)))
        refused = well(function.invoke(page_request("page-2", token[:-2])))
        log = function.log
        (first, second) = receipts(function)
    action = json.loads(reply["body"])["action"]
    assert (reply["statusCode"], action["percent"]) == (200, 20)
    assert 0 <= action["risk"] <= 1
    assert reply["headers"]["access-control-allow-origin"] == "https://www.shop.example"
    assert again == reply
    assert (refused["statusCode"], refused["body"]) == (401, "{}")
    assert (first["action"]["delivery"], second["outcome"]) == ("returned", "duplicate")
    assert KEY not in log
    assert token not in log


def test_action_that_was_refused_for_good_is_given_up(surroundings: Surroundings) -> None:
    # A folder in the place of the channel's file.
    (surroundings.folder / "offers.jsonl").mkdir()
    with surroundings.function("sqs") as function:
        well(function.invoke(recorded("envelope-sqs")))
        (receipt,) = receipts(function)
    assert (receipt["outcome"], receipt["action"]["note"]) == ("acted", "action.denied")
    with surroundings.function("schedule") as function:
        assert well(function.invoke({})) == {"handled": 0}


def test_schedule_sends_what_was_left_by_a_process_that_died(surroundings: Surroundings) -> None:
    with surroundings.function("sqs") as function:
        well(function.invoke(recorded("envelope-sqs")))
    with closing(surroundings.store()) as store:
        (decision,) = store.decisions(CUSTOMER)
        sent = store.outbox_entry(CUSTOMER, decision.id)
    assert sent is not None
    assert sent.status == "sent"
    # The same decision for another event, committed by a process that died before it acted.
    with closing(surroundings.store()) as store:
        left = commit_unsent(store, decision, sent)
    with surroundings.function("schedule") as function:
        assert well(function.invoke({"source": "aws.events"})) == {"handled": 1}
        (line,) = [one["outbox"] for one in function.log_documents if one.get("message") == "outbox"]
    assert (line["delivery"], line["decision_id"]) == ("sent", left)
    assert [one["idempotency_key"] for one in surroundings.sent()] == [decision.id, left]


def commit_unsent(store: ProfileStore, decision: Any, entry: Any) -> str:
    from dataclasses import replace

    from functions.profiles.store import CommitRequest

    left = "f" * 32
    now = datetime.now(UTC)
    message = {**entry.message, "idempotency_key": left, "expires_at": None}
    unsent = replace(
        entry,
        decision_id=left,
        message=message,
        status="reserved",
        attempts=0,
        lease_owner=None,
        lease_until=None,
        due_at=now - DAY,
        expires_at=now + DAY,
    )
    result = store.commit(CommitRequest(decision=replace(decision, id=left), outbox=unsent))
    assert result.status == "committed"
    return left


def test_poison_record_is_parked_in_the_queue_with_its_code(surroundings: Surroundings) -> None:
    event = recorded("envelope-sqs")
    poison = {**event["Records"][0], "messageId": "poison", "body": "{"}
    batch = {"Records": [poison, *event["Records"]]}
    taken = Answer(body=b'{"MessageId": "1", "MD5OfMessageBody": "f95b70fdc3088560732a5ac135644506"}')
    with (
        LoopbackReceiver(taken) as queue,
        surroundings.function(
            "sqs",
            FUNCTIONS_DLQ_URL=f"{queue.url}/123456789012/dead-letters",
            AWS_ENDPOINT_URL_SQS=queue.url,
            AWS_ACCESS_KEY_ID="unused",
            AWS_SECRET_ACCESS_KEY="unused",
        ) as function,
    ):
        assert well(function.invoke(batch)) == {"batchItemFailures": []}
        (request,) = queue.received
    message = json.loads(request.body)
    assert message["MessageBody"] == "{"
    assert message["MessageAttributes"]["code"]["StringValue"] == "event.malformed"
    assert len(surroundings.sent()) == 1


def test_failure_is_reported_as_lambda_wants_it(surroundings: Surroundings) -> None:
    with surroundings.function(
        "eventbridge", AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME="http://127.0.0.1:9"
    ) as function:
        reply = function.invoke(recorded("cancellation-page"))
        assert reply.error is not None
        assert reply.error["errorType"] == "UnhandledRecordError"
        assert CUSTOMER not in json.dumps(reply.error) + function.log
    with surroundings.function("sqs", AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME="http://127.0.0.1:9") as function:
        event = recorded("envelope-sqs")
        ids = [record["messageId"] for record in event["Records"]]
        assert well(function.invoke(event)) == {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


def test_function_without_its_artefact_does_not_begin(surroundings: Surroundings) -> None:
    with (
        pytest.raises(InitError, match="BuiltPlanError"),
        surroundings.function("sqs", FUNCTIONS_NAME="other"),
    ):
        raise AssertionError("it began")
