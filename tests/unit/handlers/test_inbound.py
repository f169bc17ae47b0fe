"""Webhooks and queues that bring profiles: who may, what is told, and where poison ends."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from functions.actions.signature import sign, signing_keys
from functions.documents import Json
from functions.errors import StoreUnavailableError, UnhandledRecordError
from functions.governance.statements import ConsentSource
from functions.handlers.direct import eventbridge_handler
from functions.handlers.inbound import MAX_BODY_BYTES, inbound_handler
from functions.handlers.parking import Parking
from functions.handlers.records import sqs_handler
from functions.handlers.taking import IngestWorker
from functions.handlers.telemetry import Telemetry
from functions.ingest.writing import Ingest
from functions.profiles.memory import MemoryProfileStore
from functions.testing.handler_stage import StageContext, StageQueue
from functions.testing.lambda_events import batch, eventbridge_event, http_request, sqs_record
from functions.testing.sample_function import NOW

KEY = "a-key-of-twenty-four-bytes-at-least"
OLD = "an-older-key-that-is-still-accepted"
BEARER = {"Authorization": f"Bearer {KEY}"}

_NUMBERS = count()
"""Loggers of one name share their stream, so every stage has a name of its own."""


@dataclass
class Stage:
    store: MemoryProfileStore = field(default_factory=MemoryProfileStore)
    queue: StageQueue = field(default_factory=StageQueue)
    parking: bool = True

    @property
    def worker(self) -> IngestWorker:
        return IngestWorker(
            ingest=Ingest(self.store, {"marketing": ConsentSource(segment=("Ads",), gpc=True)}),
            wall=lambda: NOW,
            accounts=(),
            parking=Parking("ingest", self.queue if self.parking else None),
            telemetry=Telemetry(f"ingest-{next(_NUMBERS)}", namespace="Tests"),
        )

    def ask(self, content: Json, headers: dict[str, str] | None = None, **fields: Any) -> tuple[int, Any]:
        request = http_request(content, headers=BEARER if headers is None else headers, **fields)
        reply: Any = inbound_handler(self.worker, (OLD, KEY))(request, StageContext())
        return reply["statusCode"], json.loads(reply["body"])

    def names(self) -> list[str]:
        return [name for name in ("a", "b", "c") if self.store.load(name).profile_json is not None]


def record(profile_id: str = "a", **fields: Json) -> dict[str, Any]:
    return {"profile_id": profile_id, "updated_at": NOW.isoformat(), "profile": {"n": 1}, **fields}


def signed(body: str, *, key: str = KEY, at: datetime = NOW) -> dict[str, str]:
    seconds = int(at.timestamp())
    return {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign("msg-1", seconds, body.encode(), signing_keys(key)),
    }


def test_webhook_with_the_key_writes_and_is_told_the_fate_of_each_record() -> None:
    stage = Stage()
    assert stage.ask([record("a"), record("b")]) == (
        200,
        {
            "records": [
                {"position": "body[0]", "fate": "written", "wrote": ["profile"], "kept": []},
                {"position": "body[1]", "fate": "written", "wrote": ["profile"], "kept": []},
            ]
        },
    )
    assert stage.names() == ["a", "b"]


REFUSED_HEADERS: dict[str, dict[str, str]] = {
    "none": {},
    "no scheme": {"authorization": KEY},
    "another scheme": {"authorization": f"Basic {KEY}"},
    "another key": {"authorization": f"Bearer {KEY}x"},
    "empty": {"authorization": "Bearer "},
    "not ascii": {"authorization": "Bearer ключ"},
    "foreign signature": signed(json.dumps(record()), key="another-key-of-twenty-four-bytes"),
    "signature of another body": signed("{}"),
    "old signature": signed(json.dumps(record()), at=NOW - timedelta(minutes=5, seconds=1)),
    "future signature": signed(json.dumps(record()), at=NOW + timedelta(minutes=5, seconds=1)),
    "wrong signature beside the key": {**BEARER, "webhook-signature": "v1,AAAA"},
}


@pytest.mark.parametrize("headers", REFUSED_HEADERS.values(), ids=REFUSED_HEADERS.keys())
def test_request_that_does_not_prove_the_key_writes_nothing(headers: dict[str, str]) -> None:
    stage = Stage()
    assert stage.ask(record(), headers) == (401, {})
    assert (stage.names(), stage.queue.sent) == ([], [])


@pytest.mark.parametrize("key", [KEY, OLD])
def test_signed_request_is_taken_within_five_minutes_with_any_of_the_keys(key: str) -> None:
    body = json.dumps(record())
    for at in (NOW - timedelta(minutes=5), NOW, NOW + timedelta(minutes=5)):
        assert Stage().ask(body, signed(body, key=key, at=at))[0] == 200


def test_compressed_body_is_taken_and_a_bomb_is_not() -> None:
    stage = Stage()
    packed = base64.b64encode(gzip.compress(json.dumps(record()).encode())).decode()
    assert stage.ask(packed, isBase64Encoded=True)[0] == 200
    bomb = base64.b64encode(zlib.compress(b"[" + b" " * 50_000_000 + b"]", 9)).decode()
    code, told = stage.ask(bomb, isBase64Encoded=True)
    assert (code, told["parked"]) == (200, True)
    assert [record["code"] for record in told["records"]] == ["event.too_large"]


def test_body_over_the_limit_and_a_body_that_is_none_are_refused() -> None:
    stage = Stage()
    assert stage.ask(" " * (MAX_BODY_BYTES + 1))[0] == 413
    assert stage.ask("%%%", isBase64Encoded=True)[0] == 401
    assert stage.ask(record(), method="GET")[0] == 405


def test_partial_failure_is_told_and_the_request_parks_with_its_code_and_without_its_key() -> None:
    stage = Stage()
    code, told = stage.ask([record("a"), record("null"), record("b")])
    assert (code, told["parked"]) == (200, True)
    assert [one["fate"] for one in told["records"]] == ["written", "refused", "written"]
    assert stage.names() == ["a", "b"]
    ((body, attributes),) = stage.queue.sent
    assert attributes == {"code": "event.blocked_id", "function": "ingest", "source": "http"}
    assert KEY not in body


def test_without_a_queue_the_platform_is_told_to_mend_what_was_refused() -> None:
    assert Stage(parking=False).ask(record("null"))[0] == 422


def test_store_that_is_down_asks_for_the_same_again_and_parks_nothing() -> None:
    class Down(MemoryProfileStore):
        def put_profile(self, *_: Any, **__: Any) -> bool:
            raise StoreUnavailableError("down")

    stage = Stage(store=Down())
    code, told = stage.ask([record("a"), record("null")])
    assert (code, told["records"][0]["code"], stage.queue.sent) == (503, "store.unavailable", [])


def test_sec_gpc_of_a_request_is_a_refusal() -> None:
    stage = Stage()
    stage.ask(record(consent={"marketing": "granted"}), {**BEARER, "Sec-GPC": "1"})
    assert stage.store.load("a").consent["marketing"].status == "denied"


def test_poison_in_a_queue_parks_alone_and_what_may_succeed_is_delivered_again() -> None:
    class DownForB(MemoryProfileStore):
        def put_profile(self, profile_id: str, *arguments: Any, **options: Any) -> bool:
            if profile_id == "b":
                raise StoreUnavailableError("down")
            return super().put_profile(profile_id, *arguments, **options)

    stage = Stage(store=DownForB())
    records = [
        sqs_record(record("a"), "m-1"),
        sqs_record(record("b"), "m-2"),
        sqs_record("no json", "m-3"),
        sqs_record(record("c"), "m-4"),
    ]
    reply: Any = sqs_handler(stage.worker)(batch(*records), StageContext())
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert stage.names() == ["a", "c"]
    assert [(body, attributes["code"]) for body, attributes in stage.queue.sent] == [
        ("no json", "event.malformed")
    ]


def test_event_of_a_bus_is_taken_and_one_that_may_succeed_later_fails_the_invocation() -> None:
    stage = Stage()
    event = eventbridge_event(record("a"), **{"detail-type": "profile.updated"})
    eventbridge_handler(stage.worker)(event, StageContext())
    assert stage.names() == ["a"]
    foreign = eventbridge_event(record("b"), account="999999999999")
    eventbridge_handler(stage.worker)(foreign, StageContext())
    assert [attributes["code"] for _, attributes in stage.queue.sent] == ["event.foreign_account"]
    unparked = Stage(parking=False)
    with pytest.raises(UnhandledRecordError):
        eventbridge_handler(unparked.worker)(foreign, StageContext())


def test_log_holds_no_value_and_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()
    first = record("SECRET-1", profile={"a": "SECRET-2"}, consent={"name_secret": "granted"})
    stage.ask([first, record("undefined", profile={"a": "SECRET-3"})])
    logged = capsys.readouterr().out
    assert '"fate":"written"' in logged
    assert "SECRET" not in logged.upper()
