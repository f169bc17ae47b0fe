"""Events that EventBridge sends again out of an archive: their generation, and when they first arrived.

EventBridge adds `replay-name` to the envelope of a replayed event and leaves its `time`. Source: Amazon
EventBridge user guide, "Replaying archived events".
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventMalformedError
from functions.times import parse_instant

LIVE: Final = 0
"""Generation of events that are no replay."""

REPLAY_NAME: Final = "replay-name"

_GENERATIONS: Final = 2**48
"""So many that two replays of one archive never share one, and few enough for a number of JSON."""


def generation_of(name: str) -> int:
    """Return the generation of a replay: the same for every event of it, another for every other, never 0.

    Any name has one, whoever started the replay and by whatever tool.

    >>> generation_of("functions-20261102T091500Z")
    212141550565324
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return 1 + int.from_bytes(digest[:8], "big") % _GENERATIONS


def read_replay(envelope: dict[str, Json], position: str) -> tuple[int, datetime | None]:
    """Return the generation of an EventBridge event, and when EventBridge first took it.

    Args:
        envelope: The event.
        position: Where it stands, for errors.

    Returns:
        `LIVE` for an event that is no replay; the time is None where such an event gives none.

    Raises:
        EventMalformedError: It is a replay that does not say which, or not from when. To take it for a
            live event would be to act on it again; to take its arrival for its time, to think it new.
    """
    arrived_at = _instant(envelope.get("time"))
    if REPLAY_NAME not in envelope:
        return LIVE, arrived_at
    name = envelope[REPLAY_NAME]
    if not isinstance(name, str) or not name.strip():
        raise EventMalformedError(f"{position}: {REPLAY_NAME} of an EventBridge event is text")
    if arrived_at is None:
        raise EventMalformedError(f"{position}: a replayed event has the time of its first arrival")
    return generation_of(name), arrived_at


def _instant(value: Json) -> datetime | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
