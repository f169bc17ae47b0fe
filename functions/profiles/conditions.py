"""What a commit and a lease are conditional on, as pure functions.

A store that has a transaction of its own reads what is needed inside it, asks here, then writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from functions.errors import StoreRejectedError
from functions.governance.consent import ConsentRecord
from functions.profiles.budgets import BudgetShard, BudgetTake
from functions.profiles.codec import check_id, to_milliseconds
from functions.profiles.operator_documents import check_name
from functions.profiles.outbox import ContactStatus, OutboxEntry, notice_key
from functions.profiles.premises import (
    MAX_CONSENTS,
    MAX_MARKS,
    ConsentCondition,
    DocumentCondition,
)
from functions.profiles.rows import as_stored
from functions.profiles.store import (
    MAX_CONTACTS,
    MAX_NOTICES,
    CommitRequest,
    CommitResult,
    DecisionRecord,
    Refusal,
)

MAX_AMOUNT = 2**53 - 1
"""The largest budget or payment, in minor units: what every JSON reader holds exactly."""

MAX_SHARDS = 1_000
"""Shards that one period of a budget may have."""

MAX_DIVIDED = 100
"""Shards that can be divided anew; DynamoDB carries out 100 operations in a transaction."""

MAX_TAKES = 90
"""Shards that one commit may take from; DynamoDB carries out 100 operations in a transaction."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store holds of what a commit is conditional on; only what the request names is read.

    Attributes:
        decision: The decision with the id of the request.
        consents: Records of the purposes that the request names, by purpose.
        marks: Versions of the shared documents that the request names, by name.
        version: Of the profile's state.
        contacts: Entries of the contact log that pruning would leave.
        budgets_left: Minor units in each shard that the request names, in its order; None for one that was
            never opened.
    """

    decision: DecisionRecord | None = None
    consents: Mapping[str, ConsentRecord] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    contacts: int = 0
    budgets_left: tuple[int | None, ...] = ()


def check_request(request: CommitRequest) -> None:
    """Refuse a request that contradicts itself, before anything is read.

    Raises:
        StoreRejectedError: Its parts belong to different decisions or profiles, a contact comes without
            the version that was read, or an amount is not positive.
    """
    decision, state, outbox = request.decision, request.state, request.outbox
    check_id(decision.profile_id, "the profile id")
    check_id(decision.id, "the decision id")
    if outbox is not None and (outbox.decision_id, outbox.profile_id) != (decision.id, decision.profile_id):
        raise StoreRejectedError("the outbox entry belongs to another decision")
    _check_notices(request)
    trial = request.trial
    if trial is not None and trial.key != ("trial", decision.profile_id, decision.id):
        raise StoreRejectedError("the trial belongs to another decision")
    if state is not None and state.contact is not None:
        if state.contact.decision_id != decision.id:
            raise StoreRejectedError("the contact belongs to another decision")
        if state.expected_version is None:
            raise StoreRejectedError("a contact needs the version that was read")
    _check_consents(request.consents)
    _check_marks(request.marks)
    _check_takes(request.budgets)


def _check_takes(takes: Sequence[BudgetTake]) -> None:
    for take in takes:
        check_budget(take.budget, take.period)
        if not 0 < take.amount <= MAX_AMOUNT or not 0 <= take.shard < MAX_SHARDS:
            raise StoreRejectedError("the amount or the shard of the budget is out of range")
    if len({(take.budget, take.period, take.shard) for take in takes}) < len(takes) or len(takes) > MAX_TAKES:
        raise StoreRejectedError("a commit takes from each shard once, and from few of them")


def entries_of(request: CommitRequest) -> tuple[OutboxEntry, ...]:
    """Return every entry of the outbox that a commit writes: its action's first."""
    return (*((request.outbox,) if request.outbox is not None else ()), *request.notices)


def _check_notices(request: CommitRequest) -> None:
    """Refuse notices that could be taken for each other's or for another decision's.

    Raises:
        StoreRejectedError: There are too many, two of one key, or one of another decision.
    """
    decision, keys = request.decision, {entry.decision_id for entry in request.notices}
    if len(keys) < len(request.notices) or len(keys) > MAX_NOTICES:
        raise StoreRejectedError("two notices have the same key, or there are too many")
    start = notice_key(decision.id, "")
    for entry in request.notices:
        if not entry.decision_id.startswith(start) or entry.profile_id != decision.profile_id:
            raise StoreRejectedError("a notice belongs to another decision")


def _check_consents(conditions: Sequence[ConsentCondition]) -> None:
    """Refuse conditions on consent that contradict themselves.

    Raises:
        StoreRejectedError: Two are about one purpose, one holds the record of another, or there are too many.
    """
    purposes = {one.purpose for one in conditions}
    if len(purposes) < len(conditions) or len(purposes) > MAX_CONSENTS:
        raise StoreRejectedError("a commit is conditional on each consent once, and on few of them")
    for one in conditions:
        check_id(one.purpose, "the purpose")
        if one.record is not None and one.record.purpose != one.purpose:
            raise StoreRejectedError("the consent condition holds the record of another purpose")


def _check_marks(conditions: Sequence[DocumentCondition]) -> None:
    """Refuse conditions on shared documents that contradict themselves.

    Raises:
        StoreRejectedError: Two are about one document, one has a version that none can have, or there are too many.
    """
    names = {one.name for one in conditions}
    if len(names) < len(conditions) or len(names) > MAX_MARKS:
        raise StoreRejectedError("a commit is conditional on each shared document once, and on few of them")
    for one in conditions:
        check_name(one.name)
        if not 0 <= one.version <= MAX_AMOUNT:
            raise StoreRejectedError("the version of a shared document is out of range")


def check_budget(budget: str, period: str, shards: Sequence[int] = ()) -> None:
    """Refuse a budget that not every store can keep.

    Raises:
        StoreRejectedError: No usable name or period, too many shards, or a limit out of range.
    """
    check_id(budget, "the name of the budget")
    check_id(period, "the period of the budget")
    if len(shards) > MAX_SHARDS or any(not 0 <= limit <= MAX_AMOUNT for limit in shards):
        raise StoreRejectedError("the budget has too many shards or a limit out of range")


def check_division(budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]) -> None:
    """Refuse a division that not every store can carry out.

    Raises:
        StoreRejectedError: As `check_budget`, or there is not one share for each shard.
    """
    check_budget(budget, period, shares)
    if len(before) != len(shares) or not 0 < len(shares) <= MAX_DIVIDED:
        raise StoreRejectedError("a budget is divided into as many shares as it has shards, and not too many")


def refusal(request: CommitRequest, stored: Stored) -> CommitResult | None:
    """Return the first reason against a commit in the order of `Refusal`; None to go ahead."""
    if stored.decision is not None:
        return CommitResult("duplicate", stored.decision)
    reasons: Mapping[Refusal, bool] = {
        "consent_changed": _consent_changed(request, stored),
        "lists_changed": any(stored.marks.get(one.name, 0) != one.version for one in request.marks),
        "version_moved": _version_moved(request, stored),
        "budget_empty": _budget_empty(request, stored),
        "contacts_full": _adds_contact(request) and stored.contacts >= MAX_CONTACTS,
    }
    return next((CommitResult(status) for status, holds in reasons.items() if holds), None)


def leased(stored: OutboxEntry | None, *, owner: str, now: datetime, until: datetime) -> OutboxEntry | None:
    """Return an entry with a new lease; None when it is absent, settled or held by somebody."""
    if stored is None or stored.status != "reserved":
        return None
    if stored.lease_until is not None and stored.lease_until > to_milliseconds(now):
        return None
    return replace(
        stored, lease_owner=owner, lease_until=to_milliseconds(until), attempts=stored.attempts + 1
    )


def settled(
    stored: OutboxEntry | None,
    entry: OutboxEntry,
    *,
    status: ContactStatus,
    note: str | None,
    due_at: datetime | None,
    in_doubt: bool,
) -> OutboxEntry | None:
    """Return an entry with its lease ended; None when the lease was lost.

    The count of attempts tells one lease from the next of the same owner.
    """
    if stored is None or stored.status != "reserved" or entry.lease_owner is None:
        return None
    if (stored.lease_owner, stored.attempts) != (entry.lease_owner, entry.attempts):
        return None
    moved = due_at if due_at is not None and status == "reserved" else stored.due_at
    return replace(
        stored,
        status=status,
        undelivered=stored.undelivered + (status == "reserved" and not in_doubt),
        note=note,
        due_at=to_milliseconds(moved),
        lease_owner=None,
        lease_until=None,
    )


def _consent_changed(request: CommitRequest, stored: Stored) -> bool:
    return any(
        (as_stored(one.record) if one.record is not None else None) != stored.consents.get(one.purpose)
        for one in request.consents
    )


def _version_moved(request: CommitRequest, stored: Stored) -> bool:
    state = request.state
    return state is not None and state.contact is not None and state.expected_version != stored.version


def _budget_empty(request: CommitRequest, stored: Stored) -> bool:
    left = stored.budgets_left
    return any((found or 0) < take.amount for found, take in zip(left, request.budgets, strict=True))


def _adds_contact(request: CommitRequest) -> bool:
    return request.state is not None and request.state.contact is not None
