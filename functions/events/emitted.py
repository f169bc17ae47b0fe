"""What we emit, as an event that can be read again: its names, and an example of each for the loop guard.

What carries an action or a score to the outside may bring it back. A spec that is fired by what it emits itself
would go on until the count of hops ends it; validation refuses it before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from functions.documents import Json
from functions.events.dialects import to_event
from functions.events.envelopes import Delivery
from functions.events.patterns import EventPattern, as_envelope

ACTION_DECIDED: Final = "action.decided"
"""Name of the event that an action becomes."""

SCORE_UPDATED: Final = "score.updated"
"""Name of the event that a score becomes, and of its message; no action can be called so."""

PREDICTION_COMPLETE: Final = "model_prediction_complete"
"""Name of the event that a score becomes in Tealium."""

_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


def fires_itself(
    pattern: EventPattern, *, function: str, action: str, kind: str, source: str, name: str
) -> bool:
    """Say whether a function is fired by what it emits.

    Args:
        pattern: What fires it.
        function: Its name.
        action: Name of the action, or `SCORE_UPDATED`.
        kind: Of the channel.
        source: Source of the event on an EventBridge bus.
        name: Name of the event there, or in Tealium.
    """
    body: dict[str, Json] = {"function": function, "action": action, "payload": {}, "user_id": "x"}
    if kind == "tealium":
        flat = {"event_id": "action:1:x", "post_time": 1_767_225_600_000, "tealium_event": name}
        delivery = Delivery({**flat, "tealium_visitor_id": "x"}, "event", "example")
    elif kind == "eventbridge":
        document = {**body, "id": "action:1:x", "name": name, "time": _ANY_TIME.isoformat(), "hops": 1}
        delivery = Delivery(document, "eventbridge", "example", source, name)
    else:
        return False
    return pattern.matches(as_envelope(to_event(delivery, received_at=_ANY_TIME)))
