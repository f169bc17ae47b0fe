"""Act after the commit: send what the outbox holds, under a lease, with one key per decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.actions.channel import ActionMessage
from functions.documents import Json
from functions.errors import ActionError
from functions.governance.gate import check_consent
from functions.profiles.store import OutboxEntry
from functions.runtime.ports import Ports
from functions.runtime.receipt import ActionTaken, Delivery
from functions.spec.plan import ChannelPlan
from functions.times import parse_instant

FIRST_RETRY = timedelta(seconds=15)
"""Pause before the second attempt of an action; it doubles with each further one, to an hour."""

_LONGEST_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Performed:
    """How far an action got: its delivery, and the code of why it is not sent."""

    entry: OutboxEntry
    delivery: Delivery
    note: str | None = None

    def as_action(self) -> ActionTaken:
        """Return what a receipt says of it."""
        return ActionTaken(
            self.entry.action, self.entry.channel, self.delivery, self.entry.decision_id, self.note
        )


def _message(document: Mapping[str, Json]) -> ActionMessage:
    expires_at = document["expires_at"]
    return ActionMessage(
        idempotency_key=document["idempotency_key"],
        action=document["action"],
        function=document["function"],
        profile_id=document["profile_id"],
        event_id=document["event_id"],
        decided_at=parse_instant(document["decided_at"]),
        expires_at=parse_instant(expires_at) if expires_at else None,
        payload=document["payload"],
    )


def perform(
    profile_id: str,
    decision_id: str,
    *,
    channels: Mapping[str, ChannelPlan],
    now: datetime,
    ports: Ports,
    recheck: bool,
) -> Performed | None:
    """Send one entry of the outbox, if nobody else does.

    Args:
        profile_id: Whose.
        decision_id: Key of the entry.
        channels: Where its channel is found.
        now: Time of the act, for age and consent.
        ports: The surroundings.
        recheck: Look at age and consent again; for everything but the act right after its own commit.

    Returns:
        How far it got; None when the entry is settled or held by somebody else.
    """
    wall = ports.wall()
    entry = ports.store.lease(profile_id, decision_id, owner=ports.owner, now=wall, until=wall + ports.lease)
    if entry is None:
        return None
    ports.at_stage("leased")
    refusal = _refusal(entry, now=now, ports=ports) if recheck else None
    if refusal is not None:
        ports.store.settle(entry, status="released", note=refusal)
        return Performed(entry, "none", refusal)
    plan = channels.get(entry.channel)
    if plan is None:
        # The registry no longer has the channel: the entry waits for an operator, nothing is lost.
        return _retry_later(entry, "action.unknown_channel", wall=wall, ports=ports)
    try:
        ports.channel(plan).send(_message(entry.message), now=now)
    except ActionError as error:
        if error.retryable:
            return _retry_later(entry, error.code, wall=wall, ports=ports)
        ports.store.settle(entry, status="released", note=error.code)
        return Performed(entry, "none", error.code)
    ports.at_stage("sent")
    ports.store.settle(entry, status="sent")
    ports.at_stage("settled")
    return Performed(entry, "sent")


def _refusal(entry: OutboxEntry, *, now: datetime, ports: Ports) -> str | None:
    """Return the code of why an entry may not leave any more, None when it may."""
    if entry.expires_at is not None and entry.expires_at <= now:
        return "action.expired"
    snapshot = ports.store.load(entry.profile_id, entry.decision_id)
    checked = check_consent(
        snapshot.consent.get(entry.consent),
        check="redrive",
        purpose=entry.purpose,
        consent=entry.consent,
        now=now,
    )
    return None if checked.passed else f"consent.{checked.verdict}"


def _retry_later(entry: OutboxEntry, note: str, *, wall: datetime, ports: Ports) -> Performed:
    pause = min(FIRST_RETRY * 2 ** min(entry.attempts - 1, 16), _LONGEST_RETRY)
    ports.store.settle(entry, status="reserved", note=note, due_at=wall + pause)
    return Performed(entry, "queued", note)
