"""Envelopes are recognised by their shape, taken off within bounds, and spoil no neighbour."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from functions.documents import Json
from functions.errors import EventEnvelopeError, EventMalformedError, EventTooLargeError
from functions.events.decoding import MAX_ENVELOPE_BYTES, MAX_EVENT_BYTES, MAX_EVENTS
from functions.events.envelopes import MAX_BATCH, Delivery, Refusal, unwrap, unwrap_each

FACT: dict[str, Json] = {"id": "e-1", "name": "page_view", "time": "2026-11-02T09:15:00Z"}


def bridge(detail: Json, **more: Json) -> dict[str, Json]:
    return {
        "version": "0",
        "id": "bus-1",
        "detail-type": "page_view",
        "source": "shop.web",
        "account": "123456789012",
        "time": "2026-11-02T09:15:01Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
        **more,
    }


def sqs(*bodies: str) -> dict[str, Json]:
    return {"Records": [{"messageId": "m", "body": body, "eventSource": "aws:sqs"} for body in bodies]}


def sns(message: str) -> dict[str, Json]:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": message}}]}


def notification(message: str) -> dict[str, Json]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": message}


def kinesis(data: bytes) -> dict[str, Json]:
    text = base64.b64encode(data).decode()
    return {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": text}}]}


def http(body: Json, *, encoded: bool = False) -> dict[str, Json]:
    return {"version": "2.0", "requestContext": {}, "body": body, "isBase64Encoded": encoded}


@pytest.mark.parametrize(
    ("document", "envelope", "position"),
    [
        (FACT, "event", "document"),
        ([FACT], "event", "[0]"),
        (bridge(FACT), "eventbridge", "detail"),
        (sqs(json.dumps(FACT)), "sqs", "Records[0].body"),
        (sqs(json.dumps(FACT))["Records"], "sqs", "[0].body"),
        (sqs(json.dumps(FACT))["Records"][0], "sqs", "body"),
        (sns(json.dumps(FACT)), "sns", "Records[0].Sns.Message"),
        (sqs(json.dumps(notification(json.dumps(FACT)))), "sqs/sns", "Records[0].body.Message"),
        (sqs(json.dumps(bridge(FACT))), "sqs/eventbridge", "Records[0].body.detail"),
        (sns(json.dumps(bridge(FACT))), "sns/eventbridge", "Records[0].Sns.Message.detail"),
        (
            sqs(json.dumps(notification(json.dumps(bridge(FACT))))),
            "sqs/sns/eventbridge",
            "Records[0].body.Message.detail",
        ),
        (kinesis(json.dumps(FACT).encode()), "kinesis", "Records[0].kinesis.data"),
        (kinesis(gzip.compress(json.dumps(FACT).encode())), "kinesis", "Records[0].kinesis.data"),
        (http(json.dumps(FACT)), "http", "body"),
        (http(base64.b64encode(json.dumps(FACT).encode()).decode(), encoded=True), "http", "body"),
        (http(json.dumps([FACT])), "http", "body[0]"),
        (http(json.dumps({"batch": [FACT]})), "http", "body.batch[0]"),
        (http(json.dumps({"shared": {}, "events": [FACT]})), "http", "body.events[0]"),
    ],
)
def test_the_payload_comes_out_of_every_envelope(document: Json, envelope: str, position: str) -> None:
    (delivery,) = unwrap(document)
    assert (delivery.body, delivery.envelope, delivery.position) == (FACT, envelope, position)


def test_the_bus_hands_on_its_source_and_detail_type_through_a_queue() -> None:
    (delivery,) = unwrap(sqs(json.dumps(bridge({"id": "e-1"}))))
    assert (delivery.source, delivery.detail_type) == ("shop.web", "page_view")


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_compressed_queue_message_is_inflated(compress: Any) -> None:
    text = base64.b64encode(compress(json.dumps(FACT).encode())).decode()
    assert unwrap(sqs(text)) == (Delivery(FACT, "sqs", "Records[0].body"),)


def test_a_poison_record_keeps_its_neighbours() -> None:
    good = json.dumps(FACT)
    found = list(unwrap_each(sqs(good, "{not json", good)))
    assert [type(one) for one in found] == [Delivery, Refusal, Delivery]
    assert [one.position for one in found] == ["Records[0].body", "Records[1].body", "Records[2].body"]
    with pytest.raises(EventMalformedError, match=r"^Records\[1\]\.body: no JSON at line 1"):
        unwrap(sqs(good, "{not json", good))


def test_a_record_of_an_unknown_kind_keeps_its_neighbours() -> None:
    (good,) = sqs(json.dumps(FACT))["Records"]
    found = list(unwrap_each({"Records": [{"s3": {}}, good, 1, good]}))
    assert [type(one) for one in found] == [Refusal, Delivery, Refusal, Delivery]
    assert [one.position for one in found] == [
        "Records[0]",
        "Records[1].body",
        "Records[2]",
        "Records[3].body",
    ]


def test_a_batch_shares_its_context_and_the_event_s_own_wins() -> None:
    batch = {
        "sentAt": "2026-11-02T09:15:00Z",
        "context": {"ip": "192.0.2.1", "locale": "de"},
        "batch": [{"messageId": "m-1", "context": {"locale": "fr"}}, {"messageId": "m-2"}],
    }
    first, second = unwrap(http(json.dumps(batch)))
    assert first.body["context"] == {"ip": "192.0.2.1", "locale": "fr"}
    assert second.body["context"] == {"ip": "192.0.2.1", "locale": "de"}
    assert first.body["sentAt"] == "2026-11-02T09:15:00Z"


def test_bulk_events_share_their_attributes_and_their_own_win() -> None:
    bulk = {"shared": {"tealium_account": "shop", "page": "a"}, "events": [{"page": "b"}]}
    assert unwrap(http(json.dumps(bulk)))[0].body == {"tealium_account": "shop", "page": "b"}


@pytest.mark.parametrize(
    ("document", "error", "text"),
    [
        (None, EventMalformedError, "document: no JSON object or list"),
        ([], EventMalformedError, "document: an empty list"),
        ([[FACT]], EventMalformedError, "[0]: a list inside a list of events"),
        ({"Records": []}, EventMalformedError, "Records: an empty list"),
        ({"Records": {}}, EventMalformedError, "Records: no list"),
        ({"Records": [1]}, EventMalformedError, "Records[0]: no object"),
        (
            {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
            EventEnvelopeError,
            "Records[0]: a record of no kind that is known",
        ),
        ({"Records": [{"Sns": 1}]}, EventMalformedError, "Records[0].Sns: no object"),
        ({"Records": [{"Sns": {}}]}, EventMalformedError, "Records[0].Sns.Message: no text"),
        ({"Records": [{"kinesis": 1}]}, EventMalformedError, "Records[0].kinesis: no object"),
        (
            {"Records": [{"kinesis": {"data": "?"}}]},
            EventMalformedError,
            "Records[0].kinesis.data: no base64",
        ),
        (
            bridge("text"),
            EventMalformedError,
            "detail: an EventBridge event has an object here",
        ),
        (
            bridge({}, **{"detail-type": 1}),
            EventMalformedError,
            "document: detail-type and source of an EventBridge event are text",
        ),
        (http(None), EventMalformedError, "body: no text"),
        (http("hello"), EventMalformedError, "body: no JSON object or list"),
        (http("42"), EventMalformedError, "body: no JSON object or list"),
        (
            http("AAAA", encoded=True),
            EventMalformedError,
            "body: no JSON at line 1, column 1: Expecting value",
        ),
        (http(json.dumps({"batch": [1]})), EventMalformedError, "body.batch[0]: no object"),
    ],
)
def test_a_broken_envelope_is_refused_by_position(document: Json, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        unwrap(document)
    assert str(caught.value) == text


def test_a_fourth_envelope_is_not_opened() -> None:
    document: Json = FACT
    for _ in range(4):
        document = notification(json.dumps(document))
    with pytest.raises(EventTooLargeError, match="more than 3 envelopes inside one another"):
        unwrap(document)


def test_an_event_over_its_size_is_refused_and_one_below_it_is_not() -> None:
    assert unwrap([{**FACT, "properties": {"text": "x" * (MAX_EVENT_BYTES - 1_000)}}])
    with pytest.raises(EventTooLargeError, match=r"^\[0\]: over 1,048,576 bytes$"):
        unwrap([{**FACT, "properties": {"text": "x" * MAX_EVENT_BYTES}}])
    with pytest.raises(EventTooLargeError):
        unwrap(bridge({"many": ["é" * 100] * 6_000}))


def test_a_document_nested_without_end_is_refused_before_anything_recurses() -> None:
    deep: Json = {}
    for _ in range(50_000):
        deep = {"d": deep}
    with pytest.raises(EventTooLargeError, match="more than 100 levels deep"):
        unwrap(bridge(deep))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud83d"])
def test_a_value_that_cannot_be_stored_is_refused(value: Json) -> None:
    with pytest.raises(EventMalformedError):
        unwrap(bridge({"id": "e-1", "properties": {"value": value}}))


def test_a_compression_bomb_stops_at_the_bound() -> None:
    bomb = gzip.compress(b" " * (MAX_ENVELOPE_BYTES + 1))
    with pytest.raises(EventTooLargeError, match="inflates to over 10,485,760 bytes"):
        unwrap(kinesis(bomb))


def test_many_small_bombs_share_one_bound() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * (MAX_ENVELOPE_BYTES - 1) + b"1")).decode()
    record = {"eventSource": "aws:kinesis", "kinesis": {"data": bomb}}
    found = list(unwrap_each({"Records": [record] * 6}))
    kinds = [type(one.error) for one in found if isinstance(one, Refusal)]
    assert kinds == [EventMalformedError] * 4 + [EventTooLargeError] * 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-5],
        lambda data: data + b"x",
        lambda data: data[:9],
        lambda data: data[:10] + b"\xff" * 20,
    ],
)
def test_a_broken_stream_is_refused(spoil: Any) -> None:
    data = spoil(gzip.compress(json.dumps(FACT).encode()))
    with pytest.raises(EventMalformedError, match="a broken compressed stream"):
        unwrap(kinesis(data))


def test_more_events_than_lambda_delivers_are_refused() -> None:
    with pytest.raises(EventTooLargeError, match="more than 10,000 events"):
        unwrap([1] * (MAX_EVENTS + 1))


def test_a_batch_has_a_bound_of_its_own_and_so_has_what_it_shares() -> None:
    with pytest.raises(EventTooLargeError, match=r"^body\.batch: more than 1,000 events in one batch$"):
        unwrap(http(json.dumps({"batch": [{}] * (MAX_BATCH + 1)})))
    with pytest.raises(EventTooLargeError, match=r"^body\.batch: over 32,768 bytes$"):
        unwrap(http(json.dumps({"context": {"big": "x" * 40_000}, "batch": [{}]})))
