"""Perform one entry of the outbox: under a lease, with one key per decision, and an honest end.

An attempt whose end is not known, since no answer came or its process said no more, may have arrived. From then
on the entry never ends as `released`, which would free its place and give back its money: it ends as `sent`, or
as `unconfirmed`, which keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.actions.channel import ActionMessage
from functions.actions.response import RESPONSE
from functions.actions.timeouts import send_timeout_s
from functions.documents import Json
from functions.errors import (
    ActionAmbiguousError,
    ActionError,
    FunctionsError,
    SettingsError,
    StoreRejectedError,
)
from functions.profiles.outbox import ContactStatus, OutboxEntry
from functions.runtime.in_force import UNKNOWN
from functions.runtime.judging import Obstacle
from functions.runtime.ports import Ports
from functions.runtime.receipt import ActionTaken, Delivery
from functions.spec.plan import ChannelPlan
from functions.times import format_instant, parse_instant

Check = Callable[[OutboxEntry], Obstacle | None]
"""Says of an entry that is leased why it may not leave now; None when it may."""

FIRST_RETRY = timedelta(seconds=15)
"""Pause before the second attempt of an action; it doubles with each further one, to an hour."""

LEASE_RESERVE: Final = timedelta(seconds=5)
"""What a lease has beyond the timeout of its channel: for the checks before the send and for the settlement."""

AWAITS_CALLER: Final = "action.awaits_caller"
"""Note of an action that goes back to whoever asks, and nobody has asked."""

UNKNOWN_FUNCTION: Final = "action.unknown_function"
"""Note of an action whose function is not known here, so that nobody can say whether it still may leave."""

CRASHED: Final = "internal"
"""Note of an attempt that ended in an error which nobody foresaw."""

_LONGEST_RETRY = timedelta(hours=1)

DELIVERIES: Mapping[ContactStatus, Delivery] = {
    "sent": "sent",
    "released": "none",
    "reserved": "queued",
    "unconfirmed": "unconfirmed",
}
"""What a receipt says of an entry, by its status."""


@dataclass(frozen=True, slots=True)
class Performed:
    """How far an action got.

    Attributes:
        entry: As it was leased.
        delivery: As a receipt says it.
        note: Code of why it is not sent.
        in_doubt: Whether it is not sent, and may have arrived all the same.
    """

    entry: OutboxEntry
    delivery: Delivery
    note: str | None = None
    in_doubt: bool = False

    def as_action(self) -> ActionTaken:
        """Return what a receipt says of it."""
        return ActionTaken(
            self.entry.action, self.entry.channel, self.delivery, self.entry.decision_id, self.note
        )


def perform(
    profile_id: str, decision_id: str, *, plan: ChannelPlan | None, check: Check, now: datetime, ports: Ports
) -> Performed | None:
    """Send one entry of the outbox, if nobody else does.

    Args:
        profile_id: Whose.
        decision_id: Key of the entry.
        plan: Its channel; None where the registry no longer has it: the entry waits for an operator.
        check: Looks at switches, age, consent and rails. What is switched off is given up: when it is switched
            on again, nothing old leaves. What can't be known waits.
        now: Time of the act.
        ports: The surroundings.

    Returns:
        How far it got; None when the entry has ended or is held by somebody else.

    Raises:
        ProfileStoreError: The store failed; the entry stays in the outbox.
    """
    wall = ports.wall()
    entry = ports.store.lease(
        profile_id, decision_id, owner=ports.owner, now=wall, until=wall + _lease(plan, ports)
    )
    if entry is None:
        return None
    ports.at_stage("leased")
    try:
        obstacle = check(entry)
    except FunctionsError as error:
        return _retry_later(entry, error.code, ports)
    if obstacle is not None:
        return _obstructed(entry, obstacle, ports)
    if plan is None:
        return _retry_later(entry, "action.unknown_channel", ports)
    if plan.kind == RESPONSE and not ports.caller:
        ports.store.settle(entry, status="reserved", note=AWAITS_CALLER, due_at=entry.expires_at)
        return Performed(entry, "queued", AWAITS_CALLER, entry.in_doubt)
    return _send(entry, plan, now, ports)


def resume(
    profile_id: str,
    decision_id: str,
    *,
    channels: Mapping[str, ChannelPlan],
    check: Check,
    now: datetime,
    ports: Ports,
) -> ActionTaken | None:
    """Say how far the action of an earlier decision got; send it if whoever decided did not get that far.

    Args:
        profile_id: Whose.
        decision_id: The decision.
        channels: Where its channel is found.
        check: As in `perform`.
        now: Time of the act.
        ports: The surroundings.

    Returns:
        None when the decision has no action.

    Raises:
        ProfileStoreError: The outbox can't be read.
    """
    entry = ports.store.outbox_entry(profile_id, decision_id)
    if entry is None:
        return None
    plan = channels.get(entry.channel)
    # What waits for a caller is due for one who asks.
    asked = ports.caller and plan is not None and plan.kind == RESPONSE
    performed = None
    if entry.status == "reserved" and (asked or entry.due_at <= ports.wall()) and ports.haste.allows(plan):
        performed = perform_safely(entry, plan=plan, check=check, now=now, ports=ports)
    return (performed or Performed(entry, DELIVERIES[entry.status], entry.note)).as_action()


def perform_safely(
    entry: OutboxEntry, *, plan: ChannelPlan | None, check: Check, now: datetime, ports: Ports
) -> Performed | None:
    """Perform an entry; a store that fails on it is a note, since the entry stays in the outbox."""
    try:
        return perform(entry.profile_id, entry.decision_id, plan=plan, check=check, now=now, ports=ports)
    except FunctionsError as error:
        return Performed(entry, "queued", error.code, entry.in_doubt)


def _lease(plan: ChannelPlan | None, ports: Ports) -> timedelta:
    return ports.lease or timedelta(seconds=send_timeout_s(plan)) + LEASE_RESERVE


def _send(entry: OutboxEntry, plan: ChannelPlan, now: datetime, ports: Ports) -> Performed | None:
    began = ports.monotonic()
    try:
        ports.channel(plan).send(_message(entry.message), now=now)
    except (SettingsError, StoreRejectedError) as error:
        return _retry_later(entry, error.code, ports)
    except ActionError as error:
        if error.retryable:
            doubtful = isinstance(error, ActionAmbiguousError)
            return _retry_later(entry, error.code, ports, in_doubt=doubtful)
        return _give_up(entry, error.code, ports)
    except Exception:
        # A channel of somebody's own: nothing is known of what it did, and it must not come first for ever.
        _retry_later(entry, CRASHED, ports, in_doubt=True)
        raise
    finally:
        ports.haste.note(plan, ports.monotonic() - began)
    ports.at_stage("sent")
    ports.store.settle(entry, status="sent", at=_later(entry, now))
    ports.at_stage("settled")
    return Performed(entry, "sent")


def _later(entry: OutboxEntry, now: datetime) -> datetime | None:
    """Return from when on an action counts towards caps that left later than it was decided; else None."""
    # As both are kept, in milliseconds: what leaves at once has the instant of its decision.
    return now if format_instant(now) > format_instant(entry.created_at) else None


def _message(document: Mapping[str, Json]) -> ActionMessage:
    try:
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
    except (KeyError, TypeError, ValueError):
        raise StoreRejectedError("the store holds a message that can't be read") from None


def _obstructed(entry: OutboxEntry, obstacle: Obstacle, ports: Ports) -> Performed | None:
    """Give up an entry, or let it wait: for what can't be known now, or for the end of quiet hours."""
    if obstacle.note in (UNKNOWN, UNKNOWN_FUNCTION):
        return _retry_later(entry, obstacle.note, ports)
    if obstacle.due is None:
        return _give_up(entry, obstacle.note, ports)
    ports.store.settle(entry, status="reserved", note=obstacle.note, due_at=obstacle.due, at=obstacle.due)
    return Performed(entry, "queued", obstacle.note, entry.in_doubt)


def _give_up(entry: OutboxEntry, note: str, ports: Ports) -> Performed | None:
    """End an entry that does not leave; None when the lease was lost.

    With it goes its place in the contact log, unless an earlier attempt may have arrived.
    """
    status: ContactStatus = "unconfirmed" if entry.in_doubt else "released"
    if not ports.store.settle(entry, status=status, note=note):
        return None
    return Performed(entry, DELIVERIES[status], note, entry.in_doubt)


def _retry_later(entry: OutboxEntry, note: str, ports: Ports, *, in_doubt: bool = False) -> Performed:
    pause = min(FIRST_RETRY * 2 ** min(entry.attempts - 1, 16), _LONGEST_RETRY)
    due_at = ports.wall() + pause
    ports.store.settle(entry, status="reserved", note=note, due_at=due_at, in_doubt=in_doubt)
    return Performed(entry, "queued", note, in_doubt or entry.in_doubt)
