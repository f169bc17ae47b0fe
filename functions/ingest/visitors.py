"""Tealium visitor data, as the webhook "Send Visitor Data" and visitor functions give it.

The visitor becomes the profile as it is: its buckets, and names of attributes with their spaces, since made-up
short names could fall together. An expression quotes them: `profile.metrics."Lifetime visit count"`.

Source: Tealium documentation, "Visitor functions V3" (visitor object) and "Visitor Profile API objects".
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventMalformedError, EventWithoutKeyError
from functions.events.fields import instant
from functions.ingest.identity import usable_id

_BUCKETS: Final = frozenset(
    {
        "metrics", "dates", "flags", "badges", "audiences", "secondary_ids", "metric_sets", "metrics_sets",
        "property_sets", "property_lists", "metric_lists", "flag_lists", "funnels", "sequences", "current_visit",
    }
)  # fmt: skip
_IDS: Final = ("visitor_id", "tealium_visitor_id", "_id")
_TIMES: Final = ("updated_at", "post_time")


def is_visitor(body: dict[str, Json]) -> bool:
    """Say whether a payload is visitor data, bare or under `visitor`."""
    visitor = _visitor(body)
    if {"id", "name", "type", "tealium_event", "data"} & body.keys():
        return False  # an event, which may have properties, too
    return bool(_BUCKETS & visitor.keys()) and all(
        isinstance(visitor[bucket], dict | list) for bucket in _BUCKETS & visitor.keys()
    )


def visitor_of(body: dict[str, Json], position: str) -> tuple[str, datetime, dict[str, Json]]:
    """Return the id of a visitor, the instant of the data, and the profile.

    Raises:
        EventWithoutKeyError: There is no visitor id.
        EventMalformedError: There is no instant, or one of the two can't be read.
    """
    visitor = _visitor(body)
    properties = visitor.get("properties")
    places = [body, visitor, *([properties] if isinstance(properties, dict) else [])]
    profile_id = usable_id(_first(places, _IDS), f"{position}.visitor_id")
    if profile_id is None:
        raise EventWithoutKeyError(f"{position}.visitor_id is missing", hint="send it with the visitor")
    moment = _first(places[:2], _TIMES)
    if moment is None:
        raise EventMalformedError(
            f"{position}.updated_at is missing",
            hint="add it to the template of the webhook: without it a late delivery would undo a newer one",
        )
    digits = isinstance(moment, str) and moment.isascii() and moment.isdigit() and len(moment) < 20
    document = {name: value for name, value in visitor.items() if name not in _TIMES}
    return profile_id, instant(int(moment) if digits else moment, f"{position}.updated_at"), document


def _visitor(body: dict[str, Json]) -> dict[str, Json]:
    visitor = body.get("visitor")
    return visitor if isinstance(visitor, dict) else body


def _first(places: list[dict[str, Json]], names: tuple[str, ...]) -> Json:
    return next(
        (place[name] for place in places for name in names if place.get(name) not in (None, "")), None
    )
