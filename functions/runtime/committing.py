"""Commit a decision: build the request, read the answer, and decide again where the world has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions.actions.channel import ActionMessage
from functions.actions.message import message_document
from functions.decision.choosing import Decision
from functions.decision.reasons import Reason, reason
from functions.documents import Json
from functions.errors import FeatureExpressionError, StoreContendedError
from functions.events.event import Event
from functions.profiles.store import (
    CommitRequest,
    ConsentCondition,
    Contact,
    DecisionRecord,
    OutboxEntry,
    Score,
    Snapshot,
    StateUpdate,
)
from functions.runtime.ports import Ports
from functions.runtime.receipt import ModelCall
from functions.spec.plan import ActionPlan, Plan
from functions.spec.templates import fill

KEEP_DECISIONS = timedelta(days=30)
"""Longer than any queue and dead-letter queue keep an event, so that no redelivery decides twice."""

CONTACT_WINDOW = timedelta(days=90)
"""How far back the contact log goes."""

ACTION_LIFE = timedelta(hours=24)
"""When an action expires whose spec gives no `max_age`."""

COMMIT_DEADLINE_S = 3.0
"""Wall time for all attempts of one commit."""

_CONFLICT_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is about to be committed, with what it was made of."""

    plan: Plan
    event: Event
    now: datetime
    decision_id: str
    decision: Decision
    snapshot: Snapshot
    document: Mapping[str, Json]
    cleared: bool
    call: ModelCall
    outputs: Mapping[str, Json]

    @property
    def write_back(self) -> dict[str, Json]:
        """Scores to write, by path: none without consent, none that a fallback rung made up."""
        if not self.cleared or self.call.rung in ("cache", "fallback"):
            return {}
        found: dict[str, Json] = {}
        for target in self.plan.write_back:
            value = self._score(target.name)
            if value is not None:
                found[f"scores.{target.name}"] = value
        return found

    def _score(self, name: str) -> Json:
        source = next(target.source for target in self.plan.write_back if target.name == name)
        try:
            return source.evaluate(self.document)
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise FeatureExpressionError(
                f"write_back scores.{name}: the expression failed ({type(error).__name__})"
            ) from None


@dataclass(frozen=True, slots=True)
class Committed:
    """How a commit ended: with the draft that was written, or with the decision that was there first."""

    draft: Draft
    existing: DecisionRecord | None = None


class Decider(Protocol):
    """Who can decide again, and write what the decision keeps."""

    def redecide(self, draft: Draft, snapshot: Snapshot, removed: Mapping[str, Reason]) -> Draft:
        """Decide again on fresh state without asking the model."""
        ...

    def record_body(self, draft: Draft) -> dict[str, Json]:
        """Return what the decision keeps."""
        ...


def commit(draft: Draft, decider: Decider, ports: Ports) -> Committed:
    """Write a decision once.

    Raises:
        StoreContendedError: Others kept changing the same profile until the deadline.
        ProfileStoreError: The store failed.
    """
    deadline = ports.monotonic() + COMMIT_DEADLINE_S
    removed: dict[str, Reason] = {}
    while True:
        result = ports.store.commit(_request(draft, decider.record_body(draft), ports))
        if result.status == "committed":
            return Committed(draft)
        if result.status == "duplicate":
            return Committed(draft, result.existing)
        if ports.monotonic() >= deadline:
            raise StoreContendedError("the profile was changed by others at every attempt to commit")
        if result.status == "conflict":
            ports.sleep(_CONFLICT_PAUSE_S * ports.jitter())
            continue
        if result.status in ("contacts_full", "budget_empty") and draft.decision.action is not None:
            removed[draft.decision.action.name] = reason("contacts.full")
        snapshot = ports.store.load(draft.snapshot.profile_id, draft.decision_id)
        if snapshot.decision is not None:
            return Committed(draft, snapshot.decision)
        draft = decider.redecide(draft, snapshot, removed)


def _request(draft: Draft, body: dict[str, Json], ports: Ports) -> CommitRequest:
    action = draft.decision.action
    return CommitRequest(
        decision=_record(draft, body),
        consent=_consent_condition(draft),
        state=_state(draft, action),
        outbox=_entry(draft, action, ports) if action is not None else None,
    )


def _record(draft: Draft, body: dict[str, Json]) -> DecisionRecord:
    return DecisionRecord(
        id=draft.decision_id,
        function=draft.plan.name,
        event_id=draft.event.id,
        profile_id=draft.snapshot.profile_id,
        decided_at=draft.now,
        outcome=draft.decision.outcome,
        reason=draft.decision.reason.code,
        body=body,
        expires_at=draft.now + KEEP_DECISIONS,
    )


def _consent_condition(draft: Draft) -> ConsentCondition | None:
    if not draft.cleared:
        return None
    return ConsentCondition(draft.plan.consent, draft.snapshot.consent.get(draft.plan.consent))


def _state(draft: Draft, action: ActionPlan | None) -> StateUpdate | None:
    scores = {
        path.removeprefix("scores."): _score(draft, path.removeprefix("scores."), value)
        for path, value in draft.write_back.items()
    }
    if action is None:
        return StateUpdate(scores=scores) if scores else None
    contact = Contact(draft.decision_id, action.name, action.tags, action.channel, draft.now)
    return StateUpdate(
        scores=scores,
        contact=contact,
        expected_version=draft.snapshot.state.version,
        prune_before=draft.now - CONTACT_WINDOW,
    )


def _score(draft: Draft, name: str, value: Json) -> Score:
    target = next(found for found in draft.plan.write_back if found.name == name)
    expires_at = draft.event.time + target.expires_after if target.expires_after else None
    return Score(
        value=value,
        at=draft.event.time,
        expires_at=expires_at,
        function=draft.plan.name,
        decision_id=draft.decision_id,
        model=draft.call.target,
    )


def _entry(draft: Draft, action: ActionPlan, ports: Ports) -> OutboxEntry:
    expires_at = draft.event.time + draft.plan.max_age if draft.plan.max_age else draft.now + ACTION_LIFE
    try:
        payload = fill(action.payload, action.payload_expressions, draft.document)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise FeatureExpressionError(
            f"the payload of action {action.name}: an expression failed ({type(error).__name__})"
        ) from None
    message = ActionMessage(
        idempotency_key=draft.decision_id,
        action=action.name,
        function=draft.plan.name,
        profile_id=draft.snapshot.profile_id,
        event_id=draft.event.id,
        decided_at=draft.now,
        expires_at=expires_at,
        payload=payload,
    )
    return OutboxEntry(
        decision_id=draft.decision_id,
        profile_id=draft.snapshot.profile_id,
        function=draft.plan.name,
        action=action.name,
        channel=action.channel,
        consent=draft.plan.consent,
        purpose=draft.plan.purpose,
        message=message_document(message),
        created_at=draft.now,
        due_at=ports.wall(),
        expires_at=expires_at,
        keep_until=max(draft.now, ports.wall()) + KEEP_DECISIONS,
    )
