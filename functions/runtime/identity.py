"""Identity of decisions."""

from __future__ import annotations

import hashlib


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
