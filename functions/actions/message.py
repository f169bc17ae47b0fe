"""A message as JSON: the one form that files and webhooks share."""

from __future__ import annotations

from typing import Final

from functions.actions.channel import ActionMessage
from functions.documents import Json, canonical_json
from functions.errors import ActionRejectedError
from functions.times import format_instant

MAX_MESSAGE_BYTES: Final = 262_144
"""The most that one message may have, in bytes; EventBridge and SQS take no more either.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
(the limit of 256 KiB that SQS had until 2025 and EventBridge still has).
"""


def message_document(message: ActionMessage) -> dict[str, Json]:
    """Return a message as a JSON object. It is the same at every attempt: no time of sending in it."""
    return {
        "idempotency_key": message.idempotency_key,
        "action": message.action,
        "function": message.function,
        "profile_id": message.profile_id,
        "event_id": message.event_id,
        "decided_at": format_instant(message.decided_at),
        "expires_at": format_instant(message.expires_at) if message.expires_at else None,
        "payload": message.payload,
    }


def encode_message(document: dict[str, Json]) -> bytes:
    """Return the canonical bytes of a document.

    Raises:
        ActionRejectedError: It holds something that JSON can't carry, or is too large.
    """
    try:
        body = canonical_json(document).encode()
    except (ValueError, TypeError, RecursionError):
        # The text of the foreign error may quote the payload.
        raise ActionRejectedError("the message holds a value that JSON can't carry") from None
    if len(body) > MAX_MESSAGE_BYTES:
        raise ActionRejectedError(
            f"the message has {len(body):,} bytes, at most {MAX_MESSAGE_BYTES:,} are sent"
        )
    return body
