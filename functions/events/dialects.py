"""Which producer speaks: a payload is recognised by its fields and read as a canonical event."""

from __future__ import annotations

from datetime import datetime, timedelta

from functions.documents import Json
from functions.errors import EventEnvelopeError, EventFromFutureError, EventMalformedError, SettingsError
from functions.events.envelopes import Delivery
from functions.events.event import Event
from functions.events.fields import event_id, identifier, instant, label, members, optional_members
from functions.events.segment import from_segment, is_segment
from functions.events.tealium import (
    from_tealium_flat,
    from_tealium_function_input,
    is_tealium_flat,
    is_tealium_function_input,
)
from functions.times import format_duration, is_of_our_time

MAX_SKEW = timedelta(minutes=5)
"""How far a producer's clock may be ahead of ours."""

_CANONICAL_MARKS = frozenset({"id", "name", "time"})


def to_event(delivery: Delivery, *, received_at: datetime | None) -> Event:
    """Read a payload in the dialect that its fields give away.

    Args:
        delivery: The payload and what its envelopes said.
        received_at: When it arrived here, aware; None where nobody knows any more. Only clock correction uses it.

    Raises:
        EventEnvelopeError: No dialect that is known.
        EventWithoutIdError: The producer gave no id.
        EventMalformedError: A field is missing or of the wrong type; the message names it.
    """
    body, position, source = delivery.body, delivery.position, delivery.source
    if not isinstance(body, dict):
        raise EventMalformedError(f"{position}: an event is a JSON object")
    if is_tealium_function_input(body):
        return from_tealium_function_input(body, position, source)
    if is_tealium_flat(body):
        return from_tealium_flat(body, position, source)
    if is_segment(body):
        return from_segment(body, position, source, received_at)
    if not _CANONICAL_MARKS.isdisjoint(body):
        return _from_canonical(body, delivery)
    raise EventEnvelopeError(
        f"{position}: an envelope or dialect of no kind that is known",
        hint="events are read in canonical form (id, name, time), from Segment and from Tealium, bare or in "
        "an envelope of EventBridge, SQS, SNS, Kinesis, DynamoDB streams or HTTP (payload format 2.0)",
    )


def check_time(event: Event, now: datetime, max_skew: timedelta = MAX_SKEW) -> None:
    """Refuse an event from the future: its age and its features would be wrong.

    Raises:
        EventFromFutureError: Its time is more than `max_skew` ahead of `now`.
    """
    if event.time - now > max_skew:
        raise EventFromFutureError(
            f"the event's time is more than {format_duration(max_skew)} ahead of the clock",
            hint="check the clock of the producer",
        )


def check_calendar(event: Event, now: datetime) -> None:
    """Refuse instants with which nothing can be reckoned.

    Raises:
        EventMalformedError: The event's time is one.
        SettingsError: The clock's is.
    """
    if not is_of_our_time(event.time):
        raise EventMalformedError("the event's time is before 1970 or after 9000")
    if not is_of_our_time(now):
        raise SettingsError("the decision time is before 1970 or after 9000")


def _from_canonical(body: dict[str, Json], delivery: Delivery) -> Event:
    position = delivery.position

    def own(field: str, otherwise: str | None) -> str:
        value = body.get(field)
        return label(otherwise if value is None else value, f"{position}.{field}")

    return Event(
        id=event_id(body.get("id"), f"{position}.id"),
        name=own("name", delivery.detail_type),
        type=own("type", "track"),
        time=instant(body.get("time"), f"{position}.time"),
        source=own("source", delivery.source or "unknown"),
        user_id=identifier(body.get("user_id"), f"{position}.user_id"),
        anonymous_id=identifier(body.get("anonymous_id"), f"{position}.anonymous_id"),
        properties=members(body.get("properties"), f"{position}.properties"),
        traits=members(body.get("traits"), f"{position}.traits"),
        context=members(body.get("context"), f"{position}.context"),
        consent=optional_members(body.get("consent"), f"{position}.consent"),
        # An event that we wrote carries its producer's payload; taking the whole would nest it for ever.
        raw=body.get("raw", body),
    )
