"""Act after the commit: send what the outbox holds, under a lease, with one key per decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.actions.channel import ActionMessage
from functions.documents import Json
from functions.errors import ActionError, FunctionsError, SettingsError
from functions.governance.gate import check_consent
from functions.learning.responses import read_responses
from functions.profiles.store import ContactStatus, OutboxEntry
from functions.runtime.in_force import UNKNOWN, Leaving
from functions.runtime.judging import Obstacle, Recheck
from functions.runtime.ports import Ports
from functions.runtime.receipt import ActionTaken, Delivery
from functions.runtime.suppression import with_lists
from functions.spec.plan import ChannelPlan, Policy
from functions.times import parse_instant

FIRST_RETRY = timedelta(seconds=15)
"""Pause before the second attempt of an action; it doubles with each further one, to an hour."""

_LONGEST_RETRY = timedelta(hours=1)

_DELIVERIES: Mapping[ContactStatus, Delivery] = {"sent": "sent", "released": "none", "reserved": "queued"}


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
    recheck: Recheck | None,
) -> Performed | None:
    """Send one entry of the outbox, if nobody else does.

    Args:
        profile_id: Whose.
        decision_id: Key of the entry.
        channels: Where its channel is found.
        now: Time of the act, for age, consent and rails.
        ports: The surroundings.
        recheck: Looks at switches, age, consent and rails again; None for the act right after its own commit.
            What is switched off is released: when it is switched on again, nothing old leaves. What can't be
            known waits.

    Returns:
        How far it got; None when the entry is settled or held by somebody else.

    Raises:
        ProfileStoreError: The store failed; the entry stays in the outbox.
    """
    wall = ports.wall()
    entry = ports.store.lease(profile_id, decision_id, owner=ports.owner, now=wall, until=wall + ports.lease)
    if entry is None:
        return None
    ports.at_stage("leased")
    refusal = _refusal(entry, recheck, now=now, ports=ports) if recheck is not None else None
    if refusal is not None:
        return _refused(entry, refusal, wall=wall, ports=ports)
    plan = channels.get(entry.channel)
    if plan is None:
        # The registry no longer has the channel: the entry waits for an operator, nothing is lost.
        return _retry_later(entry, "action.unknown_channel", wall=wall, ports=ports)
    try:
        ports.channel(plan).send(_message(entry.message), now=now)
    except SettingsError as error:
        return _retry_later(entry, error.code, wall=wall, ports=ports)
    except ActionError as error:
        if error.retryable:
            return _retry_later(entry, error.code, wall=wall, ports=ports)
        return _release(entry, error.code, ports)
    ports.at_stage("sent")
    ports.store.settle(entry, status="sent")
    ports.at_stage("settled")
    return Performed(entry, "sent")


def redrive(
    policy: Policy, *, now: datetime, limit: int, ports: Ports
) -> Sequence[tuple[OutboxEntry, Performed | None]]:
    """Send what is due in the outbox, after switches, age, consent and rails were checked again.

    Args:
        policy: What the process was built with: the rails, unless others are in force, and where the
            channels of the entries are found.
        now: Time of the act.
        limit: Entries at the most.
        ports: The surroundings.

    Returns:
        Every due entry with how far it got; None where somebody else holds it.

    Raises:
        ProfileStoreError: The outbox can't be listed.
    """
    entries = ports.store.outbox(due_before=max(now, ports.wall()), limit=limit)
    recheck = Recheck(ports.policy.leaving(policy))
    return [(entry, _perform_again(entry, recheck, now=now, ports=ports)) for entry in entries]


def resume(
    profile_id: str, decision_id: str, *, leaving: Leaving, now: datetime, ports: Ports
) -> ActionTaken | None:
    """Say how far the action of an earlier decision got; send it if whoever decided did not get that far.

    Args:
        profile_id: Whose.
        decision_id: The decision.
        leaving: What it is asked by, and where its channel is found.
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
    performed = None
    if entry.status == "reserved" and entry.due_at <= ports.wall():
        performed = _perform_again(entry, Recheck(leaving), now=now, ports=ports)
    return (performed or Performed(entry, _DELIVERIES[entry.status], entry.note)).as_action()


def _perform_again(entry: OutboxEntry, recheck: Recheck, *, now: datetime, ports: Ports) -> Performed | None:
    """Perform an entry; a store that fails on one entry does not keep the others from leaving."""
    try:
        return perform(
            entry.profile_id,
            entry.decision_id,
            channels=recheck.policy.channels,
            now=now,
            ports=ports,
            recheck=recheck,
        )
    except FunctionsError as error:
        return Performed(entry, "queued", error.code)


def _refusal(entry: OutboxEntry, recheck: Recheck, *, now: datetime, ports: Ports) -> Obstacle | None:
    """Return why an entry may not leave now, None when it may."""
    held = recheck.hold(entry.function, entry.action)
    if held is not None:
        return Obstacle(held)
    if entry.expires_at is not None and entry.expires_at <= now:
        return Obstacle("action.expired")
    snapshot = ports.store.load(entry.profile_id, entry.decision_id)
    snapshot = with_lists(snapshot, ports.suppressions, recheck.policy, (), now)
    checked = check_consent(
        snapshot.consent.get(entry.consent),
        check="redrive",
        purpose=entry.purpose,
        consent=entry.consent,
        now=now,
    )
    if not checked.passed:
        return Obstacle(f"consent.{checked.verdict}")
    feedback = ports.feedback if recheck.reads_responses else None
    responses = read_responses(feedback, entry.profile_id) if feedback is not None else None
    return recheck.obstacle(entry, snapshot, now, responses)


def _refused(entry: OutboxEntry, refusal: Obstacle, *, wall: datetime, ports: Ports) -> Performed | None:
    """Release an entry, or let it wait: for what can't be known now, or for the end of quiet hours."""
    if refusal.note == UNKNOWN:
        return _retry_later(entry, refusal.note, wall=wall, ports=ports)
    if refusal.due is None:
        return _release(entry, refusal.note, ports)
    ports.store.settle(entry, status="reserved", note=refusal.note, due_at=refusal.due)
    return Performed(entry, "queued", refusal.note)


def _release(entry: OutboxEntry, note: str, ports: Ports) -> Performed | None:
    """Give up an entry, and with it its place in the contact log; None when the lease was lost."""
    if not ports.store.settle(entry, status="released", note=note):
        return None
    return Performed(entry, "none", note)


def _retry_later(entry: OutboxEntry, note: str, *, wall: datetime, ports: Ports) -> Performed:
    pause = min(FIRST_RETRY * 2 ** min(entry.attempts - 1, 16), _LONGEST_RETRY)
    ports.store.settle(entry, status="reserved", note=note, due_at=wall + pause)
    return Performed(entry, "queued", note)
