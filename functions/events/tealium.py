"""Tealium's event function input and its flat Collect form, as canonical events.

Source: Tealium documentation, "Event and visitor functions V3" (event object), "Collect HTTP API",
"E-commerce extension" (`customer_id`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.events.event import Event
from functions.events.fields import event_id, identifier, instant, label, members

_USER_IDS: Final = ("user_id", "customer_id")
"""The attributes that name a known person, first one wins. Tealium has no field of its own for that."""

# What the event function's `dom` calls the parts of a page, and what `context.page` calls them.
_PAGE = {
    "url": "url",
    "title": "title",
    "pathname": "path",
    "query_string": "search",
    "referrer": "referrer",
    "domain": "domain",
}
_VISITOR_IDS = ("visitor_id", "tealium_visitor_id")


def is_tealium_function_input(body: dict[str, Json]) -> bool:
    """Say whether a payload is the `event` that a Tealium event function gets."""
    data = body.get("data")
    return isinstance(data, dict) and isinstance(data.get("udo"), dict)


def is_tealium_flat(body: dict[str, Json]) -> bool:
    """Say whether a payload is a flat Collect event."""
    return "tealium_event" in body


def from_tealium_function_input(body: dict[str, Json], position: str, source: str | None) -> Event:
    """Read an event function's input; properties are the universal data object, numbers left as sent.

    Raises:
        EventWithoutIdError: No `event_id`.
        EventMalformedError: A field of the wrong type, or no time.
    """
    data = body["data"]
    dom = members(data.get("dom"), f"{position}.data.dom")
    page = {ours: dom[theirs] for theirs, ours in _PAGE.items() if theirs in dom}
    agent = {"userAgent": body["useragent"]} if "useragent" in body else {}
    return _event(
        body,
        position,
        source,
        udo=data["udo"],
        udo_position=f"{position}.data.udo",
        context={**({"page": page} if page else {}), **agent},
    )


def from_tealium_flat(body: dict[str, Json], position: str, source: str | None) -> Event:
    """Read a flat Collect event; properties are all its attributes.

    Raises:
        EventWithoutIdError: No `event_id`.
        EventMalformedError: A field of the wrong type, or no `post_time`.
    """
    return _event(body, position, source, udo=body, udo_position=position, context={})


def _event(
    body: dict[str, Json],
    position: str,
    source: str | None,
    *,
    udo: dict[str, Json],
    udo_position: str,
    context: dict[str, Json],
) -> Event:
    visitor = _first(_VISITOR_IDS, body) or _VISITOR_IDS[0]
    user = _first(_USER_IDS, udo) or _USER_IDS[0]
    categories = udo.get("consent_categories")
    return Event(
        id=event_id(body.get("event_id"), f"{position}.event_id"),
        name=label(udo.get("tealium_event"), f"{udo_position}.tealium_event"),
        type="track",
        time=_time(body.get("post_time"), f"{position}.post_time"),
        source=source or "tealium",
        user_id=identifier(udo.get(user), f"{udo_position}.{user}"),
        anonymous_id=identifier(body.get(visitor), f"{position}.{visitor}"),
        properties=udo,
        traits={},
        context=context,
        consent=None if categories is None else {"consent_categories": categories},
        raw=body,
    )


def _time(value: Json, position: str) -> datetime:
    # Attributes travel as text where a tag sends them: "1793697300000" is epoch milliseconds, too.
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    return instant(int(value) if digits else value, position)


def _first(names: tuple[str, ...], attributes: dict[str, Json]) -> str | None:
    return next((name for name in names if attributes.get(name) not in (None, "")), None)
