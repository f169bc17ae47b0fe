"""The handlers that take profiles in, under AWS's own runtime client: entry module, mapping of consents, SQLite."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.actions.signature import sign, signing_keys
from functions.build.folder import build_folder
from functions.documents import Json
from functions.profiles.opening import open_store
from functions.profiles.store import Snapshot
from functions.testing.lambda_events import batch, eventbridge_event, http_request, sqs_record
from functions.testing.lambda_runtime import LambdaRuntime
from functions.testing.loopback import Answer, LoopbackReceiver, Received
from functions.testing.sample_function import CONTRACT, REGISTRY, write_specs

pytestmark = pytest.mark.e2e

KEY = "a-key-of-twenty-four-bytes-at-least"
SECRET = "ada.planted@shop.example"
"""Stands in every record; nothing of it may be logged or told."""

POISON = f'{{"{SECRET}"'


class Parked:
    """A dead-letter queue that takes messages, or refuses them when told to."""

    def __init__(self) -> None:
        self.refuses = False
        self.messages: list[tuple[str, str]] = []
        self.receiver = LoopbackReceiver(self._answer)

    def _answer(self, received: Received) -> Answer:
        if self.refuses:
            return Answer(status=403, body=b'{"__type": "com.amazonaws.sqs#AccessDeniedException"}')
        message = json.loads(received.body)
        body: str = message["MessageBody"]
        self.messages.append((body, message["MessageAttributes"]["code"]["StringValue"]))
        # The client compares what it sent with what was taken.
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return Answer(body=json.dumps({"MessageId": "1", "MD5OfMessageBody": digest}).encode())

    def taken(self) -> list[tuple[str, str]]:
        """Return what arrived since the last look."""
        found, self.messages = self.messages, []
        return found


@dataclass
class Surroundings:
    """A folder with what is built in it, a store, and functions that live as long as the module."""

    folder: Path
    parked: Parked
    functions: dict[str, LambdaRuntime] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"sqlite:///{self.folder}/profiles.db"

    def environment(self) -> dict[str, str]:
        url = self.parked.receiver.url
        return {
            "FUNCTIONS_PLANS": str(self.folder / "plans"),
            "FUNCTIONS_STORE": self.address,
            "FUNCTIONS_INGEST_KEY": KEY,
            "FUNCTIONS_DLQ_URL": f"{url}/123456789012/ingest-parked",
            "AWS_ENDPOINT_URL_SQS": url,
            "AWS_ACCESS_KEY_ID": "unused",
            "AWS_SECRET_ACCESS_KEY": "unused",
        }

    def function(self, kind: str) -> LambdaRuntime:
        if kind not in self.functions:
            handler = f"functions.handlers.ingest_{kind}.handler"
            runtime = LambdaRuntime(handler, self.environment(), cwd=self.folder)
            self.functions[kind] = runtime.__enter__()
        return self.functions[kind]

    def load(self, profile_id: str) -> Snapshot:
        with closing(open_store(self.address)) as store:
            return store.load(profile_id)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder, parked = tmp_path_factory.mktemp("ingest"), Parked()
    (folder / "specs").mkdir()
    consents = {"marketing": {"segment": ["Advertising"]}}
    write_specs(folder / "specs", REGISTRY, contract={**CONTRACT, "consents": consents})
    build_folder(folder / "specs", folder / "plans")
    with parked.receiver:
        made = Surroundings(folder, parked)
        try:
            yield made
        finally:
            for function in made.functions.values():
                function.__exit__(None, None, None)


def record(profile_id: str, **fields: Json) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    profile = {"email": SECRET}
    return {"profile_id": f"{profile_id}-{SECRET}", "updated_at": at, "profile": profile, **fields}


def name(profile_id: str) -> str:
    return f"{profile_id}-{SECRET}"


def request(content: Json, *, key: str | None = KEY) -> dict[str, Any]:
    body, seconds = json.dumps(content), int(datetime.now(UTC).timestamp())
    headers = {"webhook-id": "message-1", "webhook-timestamp": str(seconds)}
    if key is not None:
        headers["webhook-signature"] = sign("message-1", seconds, body.encode(), signing_keys(key))
    return http_request(body, headers=headers)


def asked(world: Surroundings, event: Json) -> tuple[int, Any]:
    reply = world.function("url").invoke(event)
    assert reply.error is None
    answer: Any = reply.payload
    return answer["statusCode"], json.loads(answer["body"])


def test_a_signed_webhook_writes_a_profile_a_consent_and_an_alias(world: Surroundings) -> None:
    status, told = asked(
        world, request(record("webhook", consent={"marketing": "granted"}, aliases=["visitor-9"]))
    )
    assert status == 200
    assert [one["wrote"] for one in told["records"]] == [["alias", "consent.marketing", "profile"]]
    kept = world.load(name("webhook"))
    assert kept.profile_json is not None
    assert json.loads(kept.profile_json) == {"email": SECRET}
    assert kept.consent["marketing"].status == "granted"
    assert world.load("visitor-9").stands_for == name("webhook")


@pytest.mark.parametrize("key", [None, "another-key-of-twenty-four-bytes"], ids=["unsigned", "foreign key"])
def test_a_webhook_that_is_not_signed_with_the_key_is_401_and_writes_nothing(
    world: Surroundings, key: str | None
) -> None:
    assert asked(world, request(record("stranger"), key=key)) == (401, {})
    assert world.load(name("stranger")).profile_json is None


def test_a_webhook_parks_what_it_refuses_and_a_queue_takes_it_in_when_it_comes_back(
    world: Surroundings,
) -> None:
    status, told = asked(world, request([record("beside"), {**record("later"), "updated_at": "soon"}]))
    assert (status, told["parked"]) == (200, True)
    assert [one["fate"] for one in told["records"]] == ["written", "refused"]
    ((body, code),) = world.parked.taken()
    assert code == "event.malformed"
    assert KEY not in body
    # Whoever mends the record sends the message to the queue.
    mended = body.replace("soon", datetime.now(UTC).isoformat())
    assert world.function("sqs").invoke(batch(sqs_record(mended))).payload == {"batchItemFailures": []}
    assert world.load(name("later")).profile_json is not None


def test_a_poison_record_of_the_queue_parks_alone(world: Surroundings) -> None:
    poison = sqs_record(POISON, "poison")
    reply = world.function("sqs").invoke(batch(poison, sqs_record(record("neighbour"))))
    assert reply.payload == {"batchItemFailures": []}
    assert world.parked.taken() == [(POISON, "event.malformed")]
    assert world.load(name("neighbour")).profile_json is not None


def test_a_poison_record_that_can_not_be_parked_is_reported_and_its_neighbour_is_not(
    world: Surroundings,
) -> None:
    world.parked.refuses = True
    try:
        poison = sqs_record(record("null") | {"profile_id": "null"}, "poison")
        reply = world.function("sqs").invoke(batch(poison, sqs_record(record("beside-poison"), "good")))
        failed = world.function("eventbridge").invoke(eventbridge_event({"about": SECRET}))
    finally:
        world.parked.refuses = False
    assert reply.payload == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert world.load(name("beside-poison")).profile_json is not None
    # The bus invokes with one event: Lambda repeats the invocation, and parks it in the end.
    assert failed.error is not None
    assert failed.error["errorType"] == "UnhandledRecordError"
    assert SECRET not in json.dumps(failed.error)


def test_an_event_of_the_bus_changes_traits_and_consent_and_one_that_says_nothing_of_use_is_parked(
    world: Surroundings,
) -> None:
    identify = {
        "type": "identify",
        "messageId": "identify-1",
        "userId": name("bus"),
        "timestamp": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "traits": {"email": SECRET},
        "context": {"consent": {"categoryPreferences": {"Advertising": False}}},
    }
    function = world.function("eventbridge")
    event = eventbridge_event(identify, **{"detail-type": "identify"})
    reply = function.invoke(event)
    assert (reply.error, reply.payload) == (None, None)
    kept = world.load(name("bus"))
    assert kept.profile_json is not None
    assert json.loads(kept.profile_json)["traits"] == {"email": SECRET}
    assert kept.consent["marketing"].status == "denied"
    assert function.invoke(eventbridge_event({"about": SECRET})).error is None
    ((_, code),) = world.parked.taken()
    assert code.startswith("event.")


def test_a_record_of_another_account_is_parked_unread(world: Surroundings) -> None:
    foreign = sqs_record(record("foreign"), eventSourceARN="arn:aws:sqs:eu-central-1:999999999999:events")
    assert world.function("sqs").invoke(batch(foreign)).payload == {"batchItemFailures": []}
    assert [code for _, code in world.parked.taken()] == ["event.foreign_account"]
    assert world.load(name("foreign")).profile_json is None


@pytest.mark.parametrize("kind", ["url", "sqs", "eventbridge"])
def test_the_log_tells_what_became_of_each_record_and_no_value_of_one(world: Surroundings, kind: str) -> None:
    function = world.function(kind)
    if kind == "url":
        asked(world, request([record("logged", traits={SECRET: 1}), {SECRET: SECRET}]))
    elif kind == "sqs":
        function.invoke(
            batch(*map(sqs_record, (record("logged"), record("logged", consent={SECRET: SECRET}))))
        )
    else:
        for detail in (record("logged", aliases=[SECRET]), {SECRET: SECRET}):
            function.invoke(eventbridge_event(detail))
    lines = [one["ingested"] for one in function.log_documents if one.get("message") == "ingested"]
    assert {"written", "refused"} <= {line["fate"] for line in lines}
    assert SECRET not in function.log
    assert KEY not in function.log
    world.parked.taken()
