"""The seam to a channel: deliver one message under one idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.documents import Json

Secrets = Callable[[str], str]
"""Gives a secret by name; raises `SettingsError` naming it when there is none."""


@dataclass(frozen=True, slots=True)
class ActionMessage:
    """One action as it leaves.

    Attributes:
        idempotency_key: The decision id, with the score behind it for a score; the same at every attempt.
        action: Name in the registry, or `score.updated`.
        function: Name of the spec that decided.
        profile_id: For whom.
        event_id: What caused it, the producer's id.
        decided_at: Decision time.
        expires_at: From when on it comes too late; None for no end.
        payload: The action's own content, as JSON.
    """

    idempotency_key: str
    action: str
    function: str
    profile_id: str
    event_id: str
    decided_at: datetime
    expires_at: datetime | None
    payload: Json


class ActionChannel(Protocol):
    """One way for an action to leave."""

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Deliver a message, or raise.

        Args:
            message: What to deliver. Receivers may see it twice, always under the same key.
            now: Time of the act, for signatures and retries.

        Raises:
            ActionError: A subclass says whether the receiver refused it, could not be reached, or may
                have acted without an answer (`ActionAmbiguousError`).
        """
        ...
