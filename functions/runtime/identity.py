"""Identity: whose decision it is, and which."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from functions.decision.evaluating import evaluate
from functions.errors import EventWithoutKeyError
from functions.events.event import Event
from functions.expressions import EvaluationFailure
from functions.profiles.store import MAX_ID_BYTES
from functions.spec.plan import Plan

MAX_ALIASES: Final = 4
"""Aliases of aliases that are followed; a circle ends there."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def decision_id(*, function: str, event_id: str, key: str, generation: int) -> str:
    """Return the id of the decision that a function makes about an event: 32 hex digits.

    It is the same at every delivery of the event, and it is the idempotency key of the action. The key
    of the profile belongs to it so that two customers whose events share an id, by a fault of the
    producer or on purpose, can't see or block each other's decisions.

    Args:
        function: Name of the spec.
        event_id: The producer's id.
        key: Profile key as the event gives it, before aliases are followed.
        generation: 0 for live events; a replay has its own.
    """
    parts = "\x1f".join((function, event_id, key, str(generation)))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def profile_key(plan: Plan, event: Event) -> str:
    """Return the key of the profile that an event is about, before aliases are followed.

    Raises:
        EventWithoutKeyError: The event gives none that can be used.
    """
    key = evaluate(plan.key, {"event": event.as_document()})
    if isinstance(key, EvaluationFailure):
        raise EventWithoutKeyError(f"the profile key failed on this event ({key.kind})")
    if not isinstance(key, str) or not is_usable_id(key):
        raise EventWithoutKeyError(
            f"the profile key {plan.key.source} gives no text of 1 to 256 characters without controls for this event",
            hint="send the ids that the key reads",
        )
    return key


def is_usable_id(key: str) -> bool:
    """Say whether an event can be about a profile of this id."""
    try:
        return _CONTROL.search(key) is None and 1 <= len(key) <= 256 and len(key.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False
