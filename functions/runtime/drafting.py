"""A decision that is about to be committed, and the request that it becomes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.actions.channel import ActionMessage
from functions.actions.message import message_document
from functions.actions.response import RESPONSE
from functions.decision.choosing import Decision, reads_outputs
from functions.decision.evaluating import EVALUATION_ERRORS, evaluate
from functions.decision.rails import Charge, Ruling
from functions.decision.rollouts import shadow_reason
from functions.documents import Json, canonical_json
from functions.errors import FeatureExpressionError, FeatureNotFiniteError, FeatureTypeError
from functions.events.emitted import SCORE_UPDATED
from functions.events.event import Event
from functions.expressions import EvaluationFailure
from functions.governance.retention import KEEP_DECISIONS
from functions.profiles.budgets import BudgetTake
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.outbox import OutboxEntry, notice_key
from functions.profiles.premises import ConsentCondition, DocumentCondition
from functions.profiles.store import (
    CommitRequest,
    Contact,
    DecisionRecord,
    Score,
    Snapshot,
    StateUpdate,
)
from functions.runtime.receipt import ModelCall
from functions.spec.plan import ActionPlan, Plan, WriteBackPlan
from functions.spec.rails import CONTACT_LOG, ConsentRail, ListRail, rail_applies
from functions.spec.templates import fill
from functions.times import format_instant

ACTION_LIFE = timedelta(hours=24)
"""When an action expires whose spec gives no `max_age`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is about to be committed, with what it was made of.

    Attributes:
        plan: The function.
        event: The event.
        now: Decision time.
        decision_id: Its id.
        decision: What was decided.
        snapshot: The read that it stands on, with the suppression marks that the rails were asked by.
        document: The root document, with features and outputs.
        cleared: Whether consent was given at that read.
        call: Who gave the outputs.
        ruling: What the rails say; None where nothing was asked.
        known_as: Other ids of the customer that the event gave.
        quiet: Whether nobody is told of its scores: they were decided anew, about the past.
    """

    plan: Plan
    event: Event
    now: datetime
    decision_id: str
    decision: Decision
    snapshot: Snapshot
    document: Mapping[str, Json]
    cleared: bool
    call: ModelCall
    ruling: Ruling | None = None
    known_as: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def charges(self) -> tuple[Charge, ...]:
        """What the action takes from which budgets."""
        action = self.decision.action
        return self.ruling.charges(action) if self.ruling is not None and action is not None else ()

    @property
    def write_back(self) -> dict[str, Json]:
        """Scores to write, by path: none without consent, none of a shadow, none that a fallback rung made up.

        A model that was not asked gave no outputs, so what is made of them is not written.

        Raises:
            FeatureError: An expression failed, or gave what is no score.
        """
        is_shadow = shadow_reason(self.plan.experiments, self.plan.name) is not None
        if not self.cleared or is_shadow or self.call.rung in ("cache", "fallback"):
            return {}
        spared = self.plan.model is not None and self.call.rung == "none"
        found = {
            f"scores.{target.name}": _score(target, self.document)
            for target in self.plan.write_back
            if not (spared and reads_outputs(self.plan, target.source))
        }
        return {path: value for path, value in found.items() if value is not None}

    @property
    def notices(self) -> Mapping[str, str]:
        """Channels of the scores that one is told about, by the key of the notice, in the order of the spec."""
        return {notice_key(self.decision_id, target.name): channel for target, channel in self.told()}

    def told(self) -> Iterator[tuple[WriteBackPlan, str]]:
        """Yield the scores that a channel is told about, and the channel.

        What a newer event has already written is no news; what one writes meanwhile is found at the act.
        """
        told = [(target, target.notify) for target in self.plan.write_back if target.notify is not None]
        values = self.write_back if told and not self.quiet else {}
        for target, channel in told:
            stored = self.snapshot.state.scores.get(target.name)
            if f"scores.{target.name}" in values and (stored is None or stored.at <= self.event.time):
                yield target, channel


def expiry(plan: Plan, event: Event, now: datetime) -> datetime:
    """Return from when on an action of a decision comes too late."""
    return event.time + plan.max_age if plan.max_age else now + ACTION_LIFE


@dataclass(frozen=True, slots=True)
class ActionPayload:
    """What an action carries."""

    document: Json


def action_payload(draft: Draft) -> ActionPayload | None:
    """Return what the action of a draft carries; None without an action.

    Raises:
        FeatureExpressionError: An expression failed, or gave what JSON can't carry.
    """
    action = draft.decision.action
    if action is None:
        return None
    try:
        payload = fill(action.payload, action.payload_expressions, draft.document)
        canonical_json(payload).encode()
    except EVALUATION_ERRORS as error:
        raise FeatureExpressionError(
            f"the payload of action {action.name}: an expression failed, or gave what JSON can't carry "
            f"({type(error).__name__})"
        ) from None
    return ActionPayload(payload)


def commit_request(
    draft: Draft,
    body: dict[str, Json],
    payload: ActionPayload | None,
    takes: tuple[BudgetTake, ...] = (),
    *,
    trial: FeedbackRecord | None = None,
    wall: datetime,
) -> CommitRequest:
    """Build the request that writes a draft.

    Args:
        draft: The decision.
        body: What it keeps.
        payload: What its action carries.
        takes: What pays for its action.
        trial: What its responses are counted by.
        wall: The wall clock: when the action is due, and from when on things are kept.

    Raises:
        FeatureError: A score to write can't be built.
    """
    action = draft.decision.action
    keep_until = kept_until(draft, wall)
    return CommitRequest(
        decision=_record(draft, body, keep_until),
        consents=_consents(draft) if draft.cleared else (),
        state=_state(draft, action),
        budgets=takes,
        outbox=_entry(draft, action, payload.document, takes, wall=wall, keep_until=keep_until)
        if action is not None and payload is not None
        else None,
        notices=tuple(_notices(draft, due_at=wall, keep_until=keep_until)),
        trial=trial,
        marks=_marks(draft, action),
    )


def kept_until(draft: Draft, wall: datetime) -> datetime:
    """Return how long a decision and its entries are kept.

    Decision time may be long ago, as with a sample event; what is kept must outlive real redeliveries.
    """
    kept = max(draft.plan.governance.keep_decisions or KEEP_DECISIONS, KEEP_DECISIONS)
    return max(draft.now, wall) + kept


def _consents(draft: Draft) -> tuple[ConsentCondition, ...]:
    """Return the records that were read: that of the purpose and those that rails ask for."""
    rails = draft.plan.policy.rails
    asked = dict.fromkeys(
        (draft.plan.consent, *(rail.consent for rail in rails if isinstance(rail, ConsentRail)))
    )
    return tuple(ConsentCondition(name, draft.snapshot.consent.get(name)) for name in asked)


def _marks(draft: Draft, action: ActionPlan | None) -> tuple[DocumentCondition, ...]:
    """Return the suppression marks that were read, if a list could take away the action."""
    if action is None:
        return ()
    concerned = any(
        isinstance(rail, ListRail) and rail_applies(rail, action) for rail in draft.plan.policy.rails
    )
    return draft.snapshot.marks if concerned else ()


def _notices(draft: Draft, *, due_at: datetime, keep_until: datetime) -> Iterator[OutboxEntry]:
    """Yield an entry for each score that a channel is told about."""
    values = draft.write_back
    for target, channel in draft.told():
        score = _kept_score(draft, target, values[f"scores.{target.name}"])
        message = ActionMessage(
            idempotency_key=notice_key(draft.decision_id, target.name),
            action=SCORE_UPDATED,
            function=draft.plan.name,
            profile_id=draft.snapshot.profile_id,
            event_id=draft.event.id,
            decided_at=draft.now,
            expires_at=score.expires_at or draft.now + ACTION_LIFE,
            payload={
                "score": target.name,
                "value": score.value,
                "at": format_instant(score.at),
                "expires_at": format_instant(score.expires_at) if score.expires_at else None,
                "model": score.model,
                "anonymous_id": draft.event.anonymous_id,
            },
        )
        yield _outbox_entry(draft, message, channel, due_at=due_at, keep_until=keep_until)


def _record(draft: Draft, body: dict[str, Json], keep_until: datetime) -> DecisionRecord:
    return DecisionRecord(
        id=draft.decision_id,
        function=draft.plan.name,
        event_id=draft.event.id,
        profile_id=draft.snapshot.profile_id,
        decided_at=draft.now,
        outcome=draft.decision.outcome,
        reason=draft.decision.reason.code,
        body=body,
        expires_at=keep_until,
    )


def _state(draft: Draft, action: ActionPlan | None) -> StateUpdate | None:
    values = draft.write_back
    scores = {
        target.name: _kept_score(draft, target, values[f"scores.{target.name}"])
        for target in draft.plan.write_back
        if f"scores.{target.name}" in values
    }
    if action is None:
        return StateUpdate(scores=scores) if scores else None
    return StateUpdate(
        scores=scores,
        contact=Contact(
            decision_id=draft.decision_id,
            action=action.name,
            tags=action.tags,
            channel=action.channel,
            at=draft.decision.due or draft.now,
            counts=action.counts_towards_caps,
        ),
        expected_version=draft.snapshot.state.version,
        prune_before=draft.now - CONTACT_LOG,
    )


def _kept_score(draft: Draft, target: WriteBackPlan, value: Json) -> Score:
    return Score(
        value=value,
        at=draft.event.time,
        expires_at=draft.event.time + target.expires_after if target.expires_after else None,
        function=draft.plan.name,
        decision_id=draft.decision_id,
        model=draft.call.target,
    )


def _score(target: WriteBackPlan, document: Mapping[str, Json]) -> Json:
    where = f"write_back scores.{target.name}"
    value = evaluate(target.source, document)
    if isinstance(value, EvaluationFailure):
        raise FeatureExpressionError(f"{where}: the expression failed ({value.kind})")
    if value is not None and not isinstance(value, bool | int | float | str):
        raise FeatureTypeError(f"{where}: a score is a number, a text or a boolean")
    if isinstance(value, float) and not math.isfinite(value):
        raise FeatureNotFiniteError(f"{where}: the value is not finite")
    return value


def _entry(
    draft: Draft,
    action: ActionPlan,
    payload: Json,
    takes: tuple[BudgetTake, ...],
    *,
    wall: datetime,
    keep_until: datetime,
) -> OutboxEntry:
    expires_at = expiry(draft.plan, draft.event, draft.now)
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
    due_at = max(wall, draft.decision.due or wall)
    channel = draft.plan.channels.get(action.channel)
    if channel is not None and channel.kind == RESPONSE:
        due_at = max(due_at, expires_at)  # it leaves when a page asks; the schedule has only to give it up
    entry = _outbox_entry(draft, message, action.channel, due_at=due_at, keep_until=keep_until)
    zones = draft.ruling.zones(action) if draft.ruling is not None else {}
    return replace(entry, paid=takes, zones=zones)


def _outbox_entry(
    draft: Draft, message: ActionMessage, channel: str, *, due_at: datetime, keep_until: datetime
) -> OutboxEntry:
    return OutboxEntry(
        decision_id=message.idempotency_key,
        profile_id=message.profile_id,
        function=message.function,
        action=message.action,
        channel=channel,
        consent=draft.plan.consent,
        purpose=draft.plan.purpose,
        message=message_document(message),
        created_at=draft.now,
        due_at=due_at,
        expires_at=message.expires_at,
        keep_until=keep_until,
        known_as=draft.known_as,
    )
