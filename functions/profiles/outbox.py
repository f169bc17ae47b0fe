"""What waits to be sent: an action or a notice, what it took from budgets, and how far it got."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from functions.documents import Json
from functions.profiles.budgets import BudgetTake

ContactStatus = Literal["reserved", "sent", "released", "unconfirmed"]
"""An action counts from `reserved` on. `released` means that it never left and counts no more; `unconfirmed`, that
it ended without anybody knowing whether it arrived: it goes on to count, and keeps what it was paid."""

Unreadable = Callable[[str, str], None]
"""Told of an entry that is damaged: the profile's id, and its key."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An action to perform, and how far it got.

    Attributes:
        decision_id: The key of the entry: the decision's id for its action, `notice_key` for a score that
            goes back to the platform.
        profile_id: Whose action.
        function: Name of the spec.
        action: Name of the action.
        channel: Name of the channel.
        consent: Name of the consent record that is checked again before the act.
        purpose: Purpose of the spec.
        message: What the channel sends, as JSON.
        created_at: Decision time.
        due_at: Not before; moved by retries.
        expires_at: From when on the action comes too late and is given up.
        keep_until: When a store may drop the entry.
        status: `reserved` until it ends as one of the others.
        attempts: Leases taken so far.
        undelivered: Of these, the leases that are known to have ended without a delivery.
        lease_owner: Who works on it, None when nobody does.
        lease_until: When the lease ends by itself (wall clock).
        note: Code of the last error, or of the reason for giving it up.
        paid: What the action took from budgets; a release gives it back.
        zones: Time zones found at decision time, by the rule that asked; they count at the act too.
        known_as: Other ids of the customer that the event gave; suppression lists are asked for them too.
    """

    decision_id: str
    profile_id: str
    function: str
    action: str
    channel: str
    consent: str
    purpose: str
    message: dict[str, Json]
    created_at: datetime
    due_at: datetime
    expires_at: datetime | None
    keep_until: datetime
    status: ContactStatus = "reserved"
    attempts: int = 0
    undelivered: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    note: str | None = None
    paid: tuple[BudgetTake, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)
    known_as: tuple[str, ...] = ()

    @property
    def in_doubt(self) -> bool:
        """Whether an earlier attempt may have arrived: no answer came, or its process said no more.

        The lease that is held now is not counted: its holder knows what it did.
        """
        held = 0 if self.lease_owner is None else 1
        return self.attempts - held > self.undelivered


def notice_key(decision_id: str, score: str) -> str:
    """Return the key of the entry, and the idempotency key, under which a score of a decision goes back.

    >>> notice_key("4f1c", "churn_risk")
    '4f1c/churn_risk'
    """
    return f"{decision_id}/{score}"
