"""A channel without a receiver, for tests and rehearsals."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from functions.actions.channel import ActionMessage, Secrets
from functions.actions.message import encode_message, message_document
from functions.errors import ActionError

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message and the time of its act."""

    message: ActionMessage
    now: datetime


class MemoryChannel:
    """Keeps every message it takes, in order.

    Args:
        plan: Not used; here so that a registry can name this channel.
        secrets: Not used.

    Attributes:
        deliveries: What was taken. The same key twice stands here twice.
    """

    def __init__(self, plan: ChannelPlan | None = None, secrets: Secrets | None = None) -> None:
        del plan, secrets
        self.deliveries: list[Delivery] = []
        self._failures: deque[tuple[ActionError, bool]] = deque()

    def fail(self, *errors: ActionError, taken: bool = False) -> None:
        """Raise these errors for the next messages, one each.

        Args:
            errors: In order.
            taken: Whether the message is taken all the same, as when an answer is lost on its way.
        """
        self._failures.extend((error, taken) for error in errors)

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Take a message.

        Raises:
            ActionRejectedError: The message could not be sent by any channel.
            ActionError: One was asked for.
        """
        encode_message(message_document(message))
        error, taken = self._failures.popleft() if self._failures else (None, True)
        if taken:
            self.deliveries.append(Delivery(message, now))
        if error is not None:
            raise error
