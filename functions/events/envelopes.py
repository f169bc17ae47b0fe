"""What AWS wraps around an event: recognised by its shape and taken off, layer by layer.

Sources: AWS Lambda developer guide ("Using Lambda with SQS / SNS / Kinesis / DynamoDB", "Function URL
payloads"), SNS developer guide ("Fanout to SQS queues"), Segment HTTP API ("Batch"), Tealium Collect
HTTP API ("Bulk events").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventEnvelopeError, EventError, EventMalformedError, EventTooLargeError
from functions.events.decoding import MAX_EVENTS, Allowance, check_bounds, decode_body
from functions.events.dynamodb_stream import profile_changed
from functions.events.replays import LIVE, read_replay

MAX_LAYERS: Final = 3
"""Envelopes inside one another that are taken off: EventBridge in SNS in SQS is the most AWS makes."""

MAX_BATCH: Final = 1_000
"""Events of one Segment batch or Tealium bulk; they send at most some hundred and ten."""

MAX_SHARED_BYTES: Final = 32_768
"""What the events of a batch may share: it is copied into each. Segment's own limit for one event."""

Vet = Callable[[Json], None]
"""Raises `EventForeignAccountError` for an account that may not send; is asked at every level that names one."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One producer's payload, out of its envelopes.

    Attributes:
        body: The payload, within `MAX_EVENT_BYTES`, its dialect still unknown.
        envelope: The envelopes from outside in, for example `sqs/eventbridge`; `event` if there was none.
        position: Where in the document it stood, for example `Records[2].body`.
        source: EventBridge's `source`, if that was one of the envelopes.
        detail_type: EventBridge's `detail-type`, likewise.
        generation: Of the replay that sent it again; `LIVE` for none.
        arrived_at: When EventBridge first took it, likewise; a replay does not change it.
    """

    body: Json
    envelope: str
    position: str
    source: str | None = None
    detail_type: str | None = None
    generation: int = LIVE
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that could not be taken out of its envelope.

    Attributes:
        position: Where it stands.
        envelope: The envelopes that could be taken off.
        error: Why; its text names positions and sizes only.
    """

    position: str
    envelope: str
    error: EventError


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk stands: what was taken off so far, and what the bus said."""

    allowance: Allowance
    vet: Vet
    position: str = ""
    kinds: tuple[str, ...] = ()
    source: str | None = None
    detail_type: str | None = None
    generation: int = LIVE
    arrived_at: datetime | None = None

    def inside(self, step: str) -> _Place:
        joint = "" if not self.position or step.startswith("[") else "."
        return replace(self, position=f"{self.position}{joint}{step}")

    def within(self, kind: str) -> _Place:
        if len(self.kinds) == MAX_LAYERS:
            raise EventTooLargeError(f"{self.name}: more than {MAX_LAYERS} envelopes inside one another")
        return replace(self, kinds=(*self.kinds, kind))

    @property
    def name(self) -> str:
        return self.position or "document"

    @property
    def envelope(self) -> str:
        return "/".join(self.kinds) or "event"


_Found = Iterator[Delivery | Refusal]


def unwrap(document: Json) -> tuple[Delivery, ...]:
    """Take every payload out of its envelopes, all or nothing.

    Raises:
        EventEnvelopeError: A record of a kind that is not known.
        EventMalformedError: An envelope that is not of the shape its kind promises.
        EventTooLargeError: A body or a nesting over its limit.
    """
    found = tuple(unwrap_each(document))
    for one in found:
        if isinstance(one, Refusal):
            raise one.error
    return tuple(one for one in found if isinstance(one, Delivery))


def unwrap_each(document: Json, vet: Vet = lambda _: None) -> Iterator[Delivery | Refusal]:
    """Take every payload out of its envelopes; a poison record does not spoil its neighbours.

    Args:
        document: An envelope, a bare event or a list of them.
        vet: Is asked about the account of every envelope of AWS's that names one; by default all may send.
    """
    yield from _guarded(_walk, document, _Place(Allowance(), vet))


def account_in(arn: Json) -> Json:
    """Return the account in an ARN; None where there is none.

    >>> account_in("arn:aws:sns:eu-central-1:123456789012:clicks")
    '123456789012'
    """
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[4] if len(parts) > 4 else None


def _guarded(read: Callable[[Json, _Place], _Found], document: Json, place: _Place) -> _Found:
    try:
        yield from read(document, place)
    except EventError as error:
        yield Refusal(place.name, place.envelope, error)


def _walk(document: Json, place: _Place) -> _Found:
    if isinstance(document, list):
        yield from _each(document, place, _walk_item)
        return
    if not isinstance(document, dict):
        raise EventMalformedError(f"{place.name}: no JSON object or list")
    for recognises, read in _KINDS:
        if recognises(document):
            yield from read(document, place)
            return
    yield from _deliver(document, place)


def _walk_item(item: Json, place: _Place) -> _Found:
    if isinstance(item, list):
        raise EventMalformedError(f"{place.name}: a list inside a list of events")
    yield from _walk(item, place)


def _each(items: list[Json], place: _Place, read: Callable[[Json, _Place], _Found]) -> _Found:
    if not items:
        raise EventMalformedError(f"{place.name}: an empty list")
    place.allowance.events -= len(items) - 1
    if place.allowance.events <= 0:
        raise EventTooLargeError(f"{place.name}: more than {MAX_EVENTS:,} events in one document")
    for index, item in enumerate(items):
        yield from _guarded(read, item, place.inside(f"[{index}]"))


def _deliver(body: Json, place: _Place) -> _Found:
    check_bounds(body, place.name)
    yield Delivery(
        body,
        place.envelope,
        place.name,
        place.source,
        place.detail_type,
        place.generation,
        place.arrived_at,
    )


def _event_bridge(document: dict[str, Json], place: _Place) -> _Found:
    inner = place.within("eventbridge")
    source, detail_type = document.get("source"), document["detail-type"]
    if not isinstance(detail_type, str) or not isinstance(source, str | None):
        raise EventMalformedError(f"{place.name}: detail-type and source of an EventBridge event are text")
    if not isinstance(document.get("detail"), dict):
        raise EventMalformedError(f"{place.inside('detail').name}: an EventBridge event has an object here")
    if "account" in document:
        place.vet(document["account"])
    generation, arrived_at = read_replay(document, place.name)
    inner = replace(
        inner.inside("detail"),
        source=source,
        detail_type=detail_type,
        # Of two envelopes the outer one tells of this delivery.
        generation=place.generation or generation,
        arrived_at=place.arrived_at or arrived_at,
    )
    yield from _guarded(_walk, document["detail"], inner)


def _records(document: dict[str, Json], place: _Place) -> _Found:
    records = document["Records"]
    if not isinstance(records, list):
        raise EventMalformedError(f"{place.inside('Records').name}: no list")
    yield from _each(records, place.inside("Records"), _record)


def _record(record: Json, place: _Place) -> _Found:
    if not isinstance(record, dict):
        raise EventMalformedError(f"{place.name}: no object")
    if "eventSourceARN" in record:
        place.vet(account_in(record["eventSourceARN"]))
    for key, read in _RECORD_KINDS.items():
        if key in record:
            yield from read(record, place)
            return
    raise EventEnvelopeError(
        f"{place.name}: a record of no kind that is known",
        hint="records of SQS, SNS, Kinesis and DynamoDB streams are read",
    )


def _sqs(record: dict[str, Json], place: _Place) -> _Found:
    yield from _decoded(record["body"], place.within("sqs").inside("body"))


def _sns(record: dict[str, Json], place: _Place) -> _Found:
    notification = record["Sns"]
    if not isinstance(notification, dict):
        raise EventMalformedError(f"{place.inside('Sns').name}: no object")
    yield from _notification(notification, place.inside("Sns"))


def _notification(document: dict[str, Json], place: _Place) -> _Found:
    if "TopicArn" in document:
        place.vet(account_in(document["TopicArn"]))
    yield from _decoded(document.get("Message"), place.within("sns").inside("Message"))


def _kinesis(record: dict[str, Json], place: _Place) -> _Found:
    kinesis = record["kinesis"]
    if not isinstance(kinesis, dict):
        raise EventMalformedError(f"{place.inside('kinesis').name}: no object")
    yield from _decoded(kinesis.get("data"), place.within("kinesis").inside("kinesis.data"), encoded=True)


def _dynamodb(record: dict[str, Json], place: _Place) -> _Found:
    yield from _deliver(profile_changed(record, place.name), place.within("dynamodb"))


def _http(document: dict[str, Json], place: _Place) -> _Found:
    encoded = document.get("isBase64Encoded") is True
    yield from _decoded(document.get("body"), place.within("http").inside("body"), encoded=encoded)


def _segment_batch(document: dict[str, Json], place: _Place) -> _Found:
    shared: dict[str, Json] = {
        name: document[name] for name in ("sentAt", "receivedAt", "context") if name in document
    }
    yield from _batch(document["batch"], place.inside("batch"), shared)


def _tealium_bulk(document: dict[str, Json], place: _Place) -> _Found:
    yield from _batch(document["events"], place.inside("events"), document["shared"])


def _batch(items: list[Json], place: _Place, shared: dict[str, Json]) -> _Found:
    check_bounds(shared, place.name, MAX_SHARED_BYTES)
    if len(items) > MAX_BATCH:
        raise EventTooLargeError(f"{place.name}: more than {MAX_BATCH:,} events in one batch")

    def read(item: Json, at: _Place) -> _Found:
        if not isinstance(item, dict):
            raise EventMalformedError(f"{at.name}: no object")
        merged = {**shared, **item}
        ours, own = shared.get("context"), item.get("context")
        if isinstance(ours, dict) and isinstance(own, dict):
            merged["context"] = {**ours, **own}
        yield from _deliver(merged, at)

    yield from _each(items, place, read)


def _decoded(body: Json, place: _Place, *, encoded: bool = False) -> _Found:
    def read(text: Json, at: _Place) -> _Found:
        yield from _walk(decode_body(text, at.name, at.allowance, encoded=encoded), at)

    yield from _guarded(read, body, place)


_RECORD_KINDS: dict[str, Callable[[dict[str, Json], _Place], _Found]] = {
    "body": _sqs,
    "Sns": _sns,
    "kinesis": _kinesis,
    "dynamodb": _dynamodb,
}


def _is_record(document: dict[str, Json]) -> bool:
    source = document.get("eventSource", document.get("EventSource"))
    return isinstance(source, str) and source.startswith("aws:")


def _is_http(document: dict[str, Json]) -> bool:
    return document.get("version") == "2.0" and not _HTTP_MARKS.isdisjoint(document)


def _is_bulk(document: dict[str, Json]) -> bool:
    return isinstance(document.get("shared"), dict) and isinstance(document.get("events"), list)


_HTTP_MARKS = frozenset({"requestContext", "rawPath", "isBase64Encoded"})

# A single record counts as well: EventBridge Pipes hand over lists of records without `Records`.
_KINDS: tuple[
    tuple[Callable[[dict[str, Json]], bool], Callable[[dict[str, Json], _Place], _Found]],
    ...,
] = (
    (lambda document: "Records" in document, _records),
    (_is_record, _record),
    (lambda document: "detail-type" in document, _event_bridge),
    (_is_http, _http),
    (lambda document: document.get("Type") == "Notification" and "TopicArn" in document, _notification),
    (lambda document: isinstance(document.get("batch"), list), _segment_batch),
    (_is_bulk, _tealium_bulk),
)
