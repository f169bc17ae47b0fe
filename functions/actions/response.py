"""The channel of the synchronous answer: the action goes back to whoever asked and waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.actions.channel import ActionMessage, Secrets
from functions.actions.message import encode_message, message_document
from functions.errors import ActionRejectedError

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan


RESPONSE: Final = "response"
"""Kind of the channel whose actions go back to whoever asked."""


class ResponseChannel:
    """Hands a message to the caller that waits for it.

    Where nobody waits, as with an event that came by a queue, the runtime sends nothing by this channel: the
    action waits in the outbox for a page that asks with the same event.

    Args:
        plan: The channel's plan.
        secrets: Not used.
        answer: Takes the message; None where nobody waits.
    """

    def __init__(
        self,
        plan: ChannelPlan,
        secrets: Secrets | None = None,
        *,
        answer: Callable[[ActionMessage], None] | None = None,
    ) -> None:
        del secrets
        self._where = f"channel {plan.name}"
        self._answer = answer

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Give the answer.

        Raises:
            ActionRejectedError: Nobody waits, or JSON can't carry the message.
        """
        del now
        if self._answer is None:
            raise ActionRejectedError(f"{self._where}: nobody waits for an answer to this event")
        encode_message(message_document(message))
        self._answer(message)
