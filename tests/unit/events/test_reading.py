"""Whatever comes in, reading answers record by record, within bounds, and tells nothing of the content."""

from __future__ import annotations

import base64
import gzip
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.documents import Json
from functions.errors import EventError, EventMalformedError, EventTooLargeError, EventWithoutIdError
from functions.events.decoding import MAX_ENVELOPE_BYTES
from functions.events.dialects import to_event
from functions.events.envelopes import unwrap
from functions.events.patterns import as_envelope
from functions.events.reading import Parsed, read_document, read_events

RECEIVED = datetime(2026, 11, 2, 9, 15, 1, tzinfo=UTC)
SECRET = "s3cr3t-4711"


def read(text: str | bytes) -> tuple[Parsed, ...]:
    return read_events(text, received_at=RECEIVED)


def queue(*bodies: Json) -> dict[str, Json]:
    return {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(body)} for body in bodies]}


def test_a_poison_record_keeps_its_neighbours_and_their_positions() -> None:
    good = {"id": "e-1", "name": "n", "time": "2026-11-02"}
    found = read(json.dumps(queue(good, {"name": "n", "time": "2026-11-02"}, good)))
    assert [one.position for one in found] == ["Records[0].body", "Records[1].body", "Records[2].body"]
    assert [type(one.error) for one in found] == [type(None), EventWithoutIdError, type(None)]
    assert [one.event.id for one in found if one.event] == ["e-1", "e-1"]
    with pytest.raises(EventWithoutIdError):
        found[1].value()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", EventMalformedError),
        (b"{", EventMalformedError),
        (b"\xff\xfe", EventMalformedError),
        (b'{"a": 1, "a": 2}', EventMalformedError),
        (b"[" * 200 + b"]" * 200, EventTooLargeError),
        (b" " * (MAX_ENVELOPE_BYTES + 1), EventTooLargeError),
    ],
)
def test_a_text_that_is_no_document_is_one_record_with_an_error(text: bytes, error: type[EventError]) -> None:
    (only,) = read(text)
    assert (only.position, only.event, type(only.error)) == ("document", None, error)


def test_a_text_of_ten_megabytes_is_still_read() -> None:
    (only,) = read(json.dumps({"id": "e-1", "name": "n", "time": "2026-11-02"}).ljust(MAX_ENVELOPE_BYTES))
    assert only.value().id == "e-1"


# Keys that envelopes and dialects look for, so that the fuzz gets past the front door.
KEYS = re.findall(
    r"\S+",
    """
    Records body Sns Message kinesis data dynamodb Keys NewImage OldImage eventName eventSource EventSource
    detail detail-type source version requestContext isBase64Encoded batch shared events context Type TopicArn
    type messageId userId timestamp originalTimestamp sentAt receivedAt traits consent event properties
    event_id visitor_id post_time udo tealium_event customer_id id name time user_id pk S N M L SS dom
    """,
)
WORDS = ["", "2.0", "Notification", "track", "page", "aws:sqs", "INSERT", "MODIFY", "2026-11-02", "1", "NaN"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.text(st.characters(), max_size=3)
    | st.sampled_from(WORDS)
)


def nested(children: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    keys = st.sampled_from(KEYS) | st.text(max_size=3)
    encoded = children.map(json.dumps)
    packed = encoded.map(lambda text: base64.b64encode(gzip.compress(text.encode())).decode())
    return st.lists(children, max_size=3) | st.dictionaries(keys, children, max_size=6) | encoded | packed


@settings(max_examples=400, deadline=None)
@given(st.recursive(scalars, nested, max_leaves=20))
def test_any_json_is_answered_with_events_or_event_errors(document: Json) -> None:
    found = read_document(document, received_at=RECEIVED)
    assert found
    for one in found:
        assert (one.event is None) != (one.error is None)
        if one.event is not None:
            assert json.loads(json.dumps(as_envelope(one.event), allow_nan=False).encode())


@settings(max_examples=200, deadline=None)
@given(st.recursive(scalars, nested, max_leaves=20))
def test_unwrapping_any_json_raises_event_errors_only(document: Json) -> None:
    try:
        deliveries = unwrap(document)
    except EventError:
        return
    assert all(delivery.position for delivery in deliveries)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert read(data)
    in_kinesis = {"kinesis": {"data": base64.b64encode(data).decode()}}
    assert read(json.dumps({"Records": [in_kinesis]}))
    assert read(json.dumps({"Records": [{"body": data.decode("latin-1")}]}))


def spoiled() -> list[Json]:
    """Documents that are each wrong in another way, with a secret wherever one fits."""
    fact: dict[str, Json] = {"id": "e-1", "name": "n", "time": "2026-11-02", "user_id": "u"}
    call: dict[str, Json] = {"type": "track", "messageId": "m", "event": "e", "timestamp": "2026-11-02"}
    tag: dict[str, Json] = {"event_id": "t", "tealium_event": "e", "post_time": 1793610900000}
    wrong: list[Json] = [SECRET, [SECRET], {SECRET: SECRET}, f"{SECRET}\n", SECRET * 50]
    fields = ("id", "name", "time", "type", "source", "user_id", "properties", "traits", "consent")
    bodies: list[Json] = [{**fact, field: value} for field in fields for value in wrong]
    bodies += [
        {**call, field: value} for field in ("messageId", "event", "timestamp", "context") for value in wrong
    ]
    bodies += [
        {**tag, field: value} for field in ("event_id", "tealium_event", "post_time") for value in wrong
    ]
    bodies += [
        {SECRET: SECRET},
        {"detail-type": [SECRET], "detail": {}},
        {"detail-type": "x", "detail": SECRET},
    ]
    bodies += [{"Records": [{SECRET: SECRET}]}, {"Records": [{"body": f'{{"{SECRET}": {SECRET}'}]}]
    bodies += [
        {"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": {"Keys": {SECRET: {SECRET: 1}}}}
    ]
    bodies += [
        {"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"N": SECRET}}}}
    ]
    return bodies


@pytest.mark.parametrize("body", spoiled())
def test_no_error_tells_anything_of_the_event(body: Json) -> None:
    for document in (body, queue(body)):
        for one in read_document(document, received_at=RECEIVED):
            if one.error is not None:
                told = f"{one.error!r} {one.error.hint} {one.error.__cause__!r} {one.position} {one.envelope}"
                assert SECRET not in told


anything = st.recursive(scalars, nested, max_leaves=4)
times = st.sampled_from(["2026-11-02T09:15:00Z", 1793610900000, "9999-12-31T23:59:59-12:00", 10**400, -1e300])
ids = st.sampled_from(["e-1", 7, 10**300, "\u202e", "\ud83d"])


def almost(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Build bodies that are right in most fields and anything at all in some."""
    return st.fixed_dictionaries({}, optional={name: right | anything for name, right in fields.items()})


@settings(max_examples=300, deadline=None)
@given(
    almost(id=ids, name=st.just("n"), time=times, user_id=ids, properties=anything, consent=anything)
    | almost(
        type=st.sampled_from(["track", "page"]),
        messageId=ids,
        event=st.just("e"),
        userId=ids,
        originalTimestamp=times,
        sentAt=times,
        receivedAt=times,
        context=anything,
    )
    | almost(tealium_event=st.just("e"), event_id=ids, post_time=times, user_id=ids)
    | almost(event_id=ids, post_time=times, data=st.fixed_dictionaries({"udo": anything, "dom": anything}))
)
def test_a_body_that_is_almost_right_is_an_event_or_an_event_error(body: Json) -> None:
    for one in read_document([body, {"id": "e-1", "name": "n", "time": 0}], received_at=RECEIVED):
        assert (one.event is None) != (one.error is None)
        if one.event is not None:
            envelope = as_envelope(one.event)
            assert json.loads(json.dumps(envelope, allow_nan=False).encode("utf-8")) == envelope
            (delivery,) = unwrap([one.event.as_document()])
            assert to_event(delivery, received_at=RECEIVED) == one.event
