"""The Segment spec, also spoken by RudderStack and Jitsu, as canonical events.

Source: Segment documentation, "Spec: Common fields", "Track", "Page", "Identify" and "Timestamps".
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventMalformedError
from functions.events.event import Event
from functions.events.fields import (
    event_id,
    identifier,
    in_milliseconds,
    instant,
    label,
    members,
    optional_members,
)

SEGMENT_TYPES: Final = frozenset({"identify", "track", "page", "screen", "group", "alias"})
"""The kinds of call; `alias` and `group` name themselves."""

_NAMES = {"page": "page_view", "screen": "screen_view"}
_MARKS = frozenset({"anonymousId", "userId", "timestamp", "originalTimestamp", "sentAt"})


def is_segment(body: dict[str, Json]) -> bool:
    """Say whether a payload is a Segment call, with its `messageId` or without."""
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in SEGMENT_TYPES:
        return False
    return "messageId" in body or not (_MARKS.isdisjoint(body) or "id" in body or "time" in body)


def from_segment(
    body: dict[str, Json], position: str, source: str | None, received_at: datetime | None
) -> Event:
    """Read a Segment call.

    Args:
        body: The payload; `is_segment` holds.
        position: Where it stood, for errors.
        source: EventBridge's `source`, if it came by that bus.
        received_at: When it arrived here, for clock correction where the payload does not say; None to believe the
            sender's clock.

    Raises:
        EventWithoutIdError: No `messageId`.
        EventMalformedError: A field of the wrong type, or no time.
    """
    kind = str(body["type"])
    context = members(body.get("context"), f"{position}.context")
    return Event(
        id=event_id(body.get("messageId"), f"{position}.messageId"),
        name=label(body.get("event"), f"{position}.event") if kind == "track" else _NAMES.get(kind, kind),
        type=kind,
        time=_time(body, position, received_at),
        source=source or "segment",
        user_id=identifier(body.get("userId"), f"{position}.userId"),
        anonymous_id=identifier(body.get("anonymousId"), f"{position}.anonymousId"),
        properties=_properties(body, kind, position),
        traits=members(body.get("traits"), f"{position}.traits")
        or members(context.get("traits"), f"{position}.context.traits"),
        context=context,
        consent=optional_members(context.get("consent"), f"{position}.context.consent"),
        raw=body,
    )


def _properties(body: dict[str, Json], kind: str, position: str) -> dict[str, Json]:
    properties = members(body.get("properties"), f"{position}.properties")
    if kind not in _NAMES:
        return properties
    named = {key: body[key] for key in ("name", "category") if body.get(key) is not None}
    return {**named, **properties}


def _time(body: dict[str, Json], position: str, received_at: datetime | None) -> datetime:
    if body.get("timestamp") is not None:
        return instant(body["timestamp"], f"{position}.timestamp")
    original = instant(body.get("originalTimestamp"), f"{position}.timestamp")
    if body.get("sentAt") is None:
        return original
    sent = instant(body["sentAt"], f"{position}.sentAt")
    received = received_at
    if body.get("receivedAt") is not None:
        received = instant(body["receivedAt"], f"{position}.receivedAt")
    if received is None:
        return original
    # Both are read from the sender's clock, so their difference is right however wrong that clock is.
    try:
        return in_milliseconds(received - (sent - original))
    except OverflowError:
        raise EventMalformedError(f"{position}.timestamp: outside the years 1 to 9999") from None
