"""The dead-letter queue has a limit of its own: what is too large for it blocks nobody, and is never lost in silence."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from functions.actions.sqs import SqsQueue
from functions.events.decoding import MAX_EVENT_BYTES
from functions.handlers.parking import MAX_MESSAGE_BYTES, Parking, message_bytes
from functions.handlers.records import sqs_handler, stream_handler
from functions.testing.handler_stage import HandlerStage, StageQueue, handler_stage
from functions.testing.lambda_events import (
    STREAM_ARN,
    batch,
    event_body,
    kinesis_record,
    sqs_record,
)
from functions.testing.sample_function import a_plan

ATTRIBUTES = {"code": "event.no_id", "function": "churn", "source": "aws:kinesis"}


def noise(size: int) -> str:
    """Return text that no compression makes smaller than three quarters."""
    return base64.b64encode(random.Random(7).randbytes(size * 3 // 4)).decode()


def run_kinesis(stage: HandlerStage, *records: Any) -> Any:
    return stream_handler(stage.worker, "aws:kinesis")(batch(*records), stage.context)


def run_sqs(stage: HandlerStage, *records: Any) -> Any:
    return sqs_handler(stage.worker)(batch(*records), stage.context)


def test_a_large_poison_record_of_a_stream_is_parked_compressed_and_its_neighbour_is_decided() -> None:
    stage = handler_stage(a_plan())
    poison = kinesis_record({**event_body(), "id": None, "properties": {"x": "y" * 800_000}}, "2")
    assert run_kinesis(stage, poison, kinesis_record(event_body("e3"), "3")) == {"batchItemFailures": []}
    assert stage.acted_on == ["e3"]
    ((body, attributes),) = stage.queue.sent
    assert attributes == {**ATTRIBUTES, "form": "compressed"}
    # It can be sent to a queue of the function as it is, and is read there.
    again = handler_stage(a_plan())
    run_sqs(again, sqs_record(body))
    assert [one["code"] for _, one in again.queue.sent] == ["event.no_id"]


def test_a_record_of_a_stream_that_fits_in_no_form_leaves_its_place() -> None:
    stage = handler_stage(a_plan())
    poison = kinesis_record({**event_body(), "id": None, "properties": {"x": noise(1_040_000)}}, "2")
    assert run_kinesis(stage, poison, kinesis_record(event_body("e3"), "3")) == {"batchItemFailures": []}
    assert stage.acted_on == ["e3"]
    ((body, attributes),) = stage.queue.sent
    assert attributes == {**ATTRIBUTES, "form": "place"}
    place = json.loads(body)
    assert len(place.pop("sha256")) == 64
    assert place == {
        "stream": STREAM_ARN,
        "event_id": "shardId-000000000000:2",
        "sequence_number": "2",
        "bytes": len(json.dumps(poison)),
    }


@pytest.mark.parametrize(("short", "form"), [(0, "compressed"), (58, "compressed"), (59, None)])
def test_a_body_that_leaves_no_room_for_attributes_is_parked_compressed(short: int, form: str | None) -> None:
    stage = handler_stage(a_plan())
    head = '{"id": null, "name": "page_view", "x": "'
    body = head + "y" * (MAX_MESSAGE_BYTES - len(head) - 2 - short) + '"}'
    assert run_sqs(stage, sqs_record(body)) == {"batchItemFailures": []}
    ((_, attributes),) = stage.queue.sent
    assert attributes.get("form") == form


def test_a_body_of_a_queue_that_fits_in_no_form_stays_there_for_sqs_to_park() -> None:
    stage = handler_stage(a_plan())
    poison = noise(MAX_MESSAGE_BYTES)
    reply = run_sqs(stage, sqs_record(poison, "1"), sqs_record(event_body("e2"), "2"))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert (stage.queue.sent, stage.acted_on) == ([], ["e2"])


@pytest.mark.parametrize("record", [{"x": "\ud800"}, '{"x": "\ud800"}'])
def test_half_a_surrogate_pair_is_parked_as_an_escape(record: Any) -> None:
    queue = StageQueue()
    assert Parking("churn", queue).park(record, code="event.malformed", source="aws:sqs") is None
    assert json.loads(queue.sent[0][0]) == {"x": "\ud800"}


class CountingClient:
    """A client of SQS that refuses what SQS refuses."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def send_message(self, **request: Any) -> dict[str, Any]:
        attributes = {name: one["StringValue"] for name, one in request["MessageAttributes"].items()}
        self.bytes.append(message_bytes(request["MessageBody"], attributes))
        assert self.bytes[-1] <= MAX_MESSAGE_BYTES
        assert "\uffff" not in request["MessageBody"]
        return {}


@pytest.mark.parametrize("sign", ["y", "\u00e9", "\u20ac", "\uffff", "\U0001f600"])
def test_no_message_is_larger_than_the_queue_takes_whatever_its_signs(sign: str) -> None:
    client = CountingClient()
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/churn_dlq"
    parking = Parking("churn", SqsQueue(url, where="x", client=client, region="eu-central-1"))
    for size in (MAX_MESSAGE_BYTES // 6, MAX_MESSAGE_BYTES // 3, MAX_MESSAGE_BYTES):
        assert parking.park(sign * size, code="event.malformed", source="aws:sqs") is None
    assert len(client.bytes) == 3


def test_what_no_stream_keeps_is_refused_when_it_fits_in_no_form() -> None:
    queue = StageQueue()
    parking = Parking("ingest", queue)
    request = {"body": noise(2 * MAX_EVENT_BYTES)}
    assert parking.park(request, code="event.malformed", source="http") == "parking.too_large"
    assert queue.sent == []
