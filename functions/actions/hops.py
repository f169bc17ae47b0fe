"""The loop guard: what we emit may fire a function of ours again, but only so often.

What a channel of AWS carries is an event that can be read again. Its id says how many decisions stand
behind it, so that the count survives the outbox, queues and redeliveries without anybody's care.
"""

from __future__ import annotations

import re
from typing import Final

from functions.actions.channel import ActionMessage
from functions.actions.message import message_document
from functions.documents import Json
from functions.errors import ActionRejectedError
from functions.events.emitted import ACTION_DECIDED, SCORE_UPDATED

MAX_HOPS: Final = 3
"""Decisions in a row, each fired by the action of the one before."""

_EMITTED: Final = re.compile(r"action:(\d{1,3}):.+", re.DOTALL)


def emitted_document(message: ActionMessage, *, name: str = ACTION_DECIDED) -> dict[str, Json]:
    """Return a message as a canonical event: the message, with `id`, `name`, `time`, `user_id` and `hops`.

    It is the same at every attempt.

    Args:
        message: The action.
        name: Name of the event of an action; that of a score is always `score.updated`.

    Raises:
        ActionRejectedError: It would be more than `MAX_HOPS` decisions away from the outside.
    """
    hops = hops_of(message.event_id) + 1
    if hops > MAX_HOPS:
        raise ActionRejectedError(
            f"the action is more than {MAX_HOPS} decisions in a row, each fired by the one before",
            hint="Check which function is fired by the actions of which other.",
        )
    document = message_document(message)
    return {
        **document,
        "id": f"action:{hops}:{message.idempotency_key}",
        "name": event_name(message, name),
        "time": document["decided_at"],
        "user_id": message.profile_id,
        "hops": hops,
    }


def event_name(message: ActionMessage, action: str = ACTION_DECIDED) -> str:
    """Return the name of the event that a message becomes: `action` for an action."""
    return SCORE_UPDATED if message.action == SCORE_UPDATED else action


def hops_of(event_id: str) -> int:
    """Return how many decisions stand behind an event; 0 for one from outside.

    >>> hops_of("action:2:4f1c"), hops_of("page-cancel-0042")
    (2, 0)
    """
    match = _EMITTED.fullmatch(event_id)
    return int(match[1]) if match else 0
