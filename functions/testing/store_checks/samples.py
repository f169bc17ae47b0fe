"""Builders of what a store keeps, with ids that no other test uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.governance.consent import ConsentRecord
from functions.profiles.budgets import BudgetTake
from functions.profiles.outbox import OutboxEntry
from functions.profiles.premises import ConsentCondition, DocumentCondition
from functions.profiles.store import (
    CommitRequest,
    CommitResult,
    Contact,
    DecisionRecord,
    ProfileStore,
    Score,
    Snapshot,
    StateUpdate,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""When everything below happens, unless told otherwise."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_CONFLICTS_TO_SIT_OUT = 200


def new_id(kind: str) -> str:
    """Return an id that was never used, so that tests may share one store."""
    return f"{kind}-{uuid4().hex}"


def a_decision(profile_id: str, decision_id: str | None = None, *, at: datetime = NOW) -> DecisionRecord:
    """Return a decision about a profile."""
    return DecisionRecord(
        id=decision_id or new_id("decision"),
        function="churn-retention",
        event_id=new_id("event"),
        profile_id=profile_id,
        decided_at=at,
        outcome="acted",
        reason="action.chosen",
        body={"outcome": "acted", "scores": {"churn": 0.81}},
        expires_at=at + 30 * DAY,
    )


def a_score(value: Json = 0.81, *, at: datetime = NOW, decision_id: str = "decision-1") -> Score:
    """Return a score that an event at an instant caused."""
    return Score(
        value=value,
        at=at,
        expires_at=at + 7 * DAY,
        function="churn-retention",
        decision_id=decision_id,
        model="endpoint-1",
    )


def a_contact(decision: DecisionRecord) -> Contact:
    """Return the contact that a decision's action makes."""
    return Contact(
        decision_id=decision.id,
        action="offer-pause",
        tags=("retention", "offer"),
        channel="outreach",
        at=decision.decided_at,
    )


def an_entry(decision: DecisionRecord, *, due_at: datetime | None = None) -> OutboxEntry:
    """Return the outbox entry of a decision's action."""
    return OutboxEntry(
        decision_id=decision.id,
        profile_id=decision.profile_id,
        function=decision.function,
        action="offer-pause",
        channel="outreach",
        consent="marketing",
        purpose="retention",
        message={"template": "pause", "months": 2},
        created_at=decision.decided_at,
        due_at=due_at or decision.decided_at,
        expires_at=decision.decided_at + DAY,
        keep_until=decision.decided_at + 30 * DAY,
    )


def a_consent(purpose: str = "marketing", *, at: datetime = NOW) -> ConsentRecord:
    """Return a record that grants a purpose."""
    return ConsentRecord(
        purpose=purpose,
        status="granted",
        at=at,
        expires_at=at + 365 * DAY,
        source="preference centre",
        jurisdiction="EU",
    )


def with_action(decision: DecisionRecord, *, version: int = 0, scores: bool = True) -> CommitRequest:
    """Return a commit of a decision with a contact, an outbox entry and a score."""
    state = StateUpdate(
        scores={"churn": a_score(at=decision.decided_at, decision_id=decision.id)} if scores else {},
        contact=a_contact(decision),
        expected_version=version,
    )
    return CommitRequest(decision=decision, state=state, outbox=an_entry(decision))


def scores_alone(decision: DecisionRecord, **scores: Score) -> CommitRequest:
    """Return a commit of a decision that only writes scores."""
    return CommitRequest(decision=decision, state=StateUpdate(scores=scores))


def paid_from(request: CommitRequest, budget: str, amount: int, *, shard: int = 0) -> CommitRequest:
    """Return a commit that takes from a budget of the period `2026-11-02` too."""
    return replace(request, budgets=(*request.budgets, BudgetTake(budget, "2026-11-02", shard, amount)))


def spend(store: ProfileStore, budget: str, period: str, *amounts: int) -> None:
    """Take from the shards of a budget, for another customer."""
    takes = [BudgetTake(budget, period, shard, amount) for shard, amount in enumerate(amounts) if amount]
    request = CommitRequest(a_decision(new_id("profile")), budgets=tuple(takes))
    assert send(store, request).status == "committed"


def paying(request: CommitRequest, *takes: BudgetTake) -> CommitRequest:
    """Return a commit of an action that pays, and whose release gives back what it paid."""
    outbox = replace(request.outbox, paid=takes) if request.outbox else None
    return replace(request, budgets=takes, outbox=outbox)


def on_consent(request: CommitRequest, purpose: str, record: ConsentRecord | None) -> CommitRequest:
    """Return a commit that is conditional on a consent record too, in the place of another of its purpose."""
    others = tuple(one for one in request.consents if one.purpose != purpose)
    return replace(request, consents=(*others, ConsentCondition(purpose, record)))


def on_marks(request: CommitRequest, **versions: int) -> CommitRequest:
    """Return a commit that is conditional on versions of shared documents."""
    marks = tuple(DocumentCondition(name, version) for name, version in versions.items())
    return replace(request, marks=marks)


def send(store: ProfileStore, request: CommitRequest) -> CommitResult:
    """Commit, and send the same request again while the store says `conflict`, as a runtime does."""
    for _ in range(_CONFLICTS_TO_SIT_OUT):
        result = store.commit(request)
        if result.status != "conflict":
            return result
    raise AssertionError("the store said conflict again and again")


def acted(store: ProfileStore, profile_id: str, *, at: datetime = NOW) -> DecisionRecord:
    """Commit one more action for a profile and return its decision."""
    decision = a_decision(profile_id, at=at)
    version = read(store, profile_id).state.version
    assert send(store, with_action(decision, version=version)).status == "committed"
    return decision


def taken(store: ProfileStore, decision: DecisionRecord, *, now: datetime = NOW) -> OutboxEntry:
    """Lease the entry of a decision for an hour and return it."""
    entry = store.lease(decision.profile_id, decision.id, owner="worker-1", now=now, until=now + HOUR)
    assert entry is not None
    return entry


def read(store: ProfileStore, profile_id: str, decision_id: str = "decision-none") -> Snapshot:
    """Load a profile, asking for a decision that was never made unless told otherwise."""
    return store.load(profile_id, decision_id)


def document_of(store: ProfileStore, profile_id: str) -> Json:
    """Return the enriched profile as a document."""
    text = read(store, profile_id).profile_json
    assert text is not None
    return json.loads(text)


def own_outbox(store: ProfileStore, profile_id: str) -> list[OutboxEntry]:
    """List the reserved entries of one profile, whatever else the store holds."""
    return [entry for entry in store.outbox(limit=10_000) if entry.profile_id == profile_id]


def refuses(call: Callable[..., object], *arguments: object, **options: object) -> bool:
    """Say whether a call raises `StoreRejectedError`."""
    try:
        call(*arguments, **options)
    except StoreRejectedError:
        return True
    return False
