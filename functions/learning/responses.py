"""Outcomes: events about what customers did are matched to decisions, and each counts once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from functions.decision.ranking import DO_NOTHING
from functions.documents import Json
from functions.errors import StoreContendedError
from functions.events.event import Event
from functions.events.outcomes import OUTCOME_EVENTS, OutcomeType
from functions.learning.trials import (
    Outcome,
    Trial,
    outcome_document,
    trial_from,
    trial_record,
)
from functions.profiles.feedback import FeedbackKey, FeedbackRecord, FeedbackStore
from functions.times import format_instant

_AMOUNTS: Final = ("amount", "revenue", "total")
_LOOK_BACK: Final = timedelta(days=90)
_ATTEMPTS: Final = 20

Recorded = Literal["recorded", "repeated", "noted", "unmatched", "no_outcome"]
"""`repeated`: that decision has an outcome of the type already. `unmatched`: there is no such decision.
`noted`: there is none, and it stands on the profile all the same."""

TIGHTENING: Final = ("unsubscribed", "complained")
"""Outcomes that later decisions have to respect, whatever caused them."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What became of one event about an outcome, for one decision.

    Attributes:
        status: Whether it counts.
        type: Of the outcome; None when the event is about none.
        profile_id: Whose.
        decision_id: The decision it was matched to.
        action: Of that decision.
    """

    status: Recorded
    type: OutcomeType | None = None
    profile_id: str | None = None
    decision_id: str | None = None
    action: str | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "status": self.status,
            "outcome": self.type,
            "profile_id": self.profile_id,
            "decision_id": self.decision_id,
            "action": self.action,
        }


def outcome_of(event: Event) -> Outcome | None:
    """Return the outcome that an event tells of; None when it tells of none."""
    kind = OUTCOME_EVENTS.get(event.name.lower().replace("_", " ").replace(".", " "))
    if kind is None:
        return None
    return Outcome(kind, event.time, _amount(event) if kind == "converted" else 0.0, event.id)


def record_event(
    feedback: FeedbackStore, event: Event, profile_id: str, *, now: datetime
) -> Sequence[Recording]:
    """Record the outcome that an event tells of.

    With a `decision_id` among its properties it belongs to that decision. Without one, a conversion
    belongs to the last decision of every function whose window is open at its time, with or without an
    action, so that groups can be compared; any other outcome to the last decision with an action.

    Args:
        feedback: Where trials are kept.
        event: The event.
        profile_id: Id of the profile, aliases followed.
        now: When it arrived.

    Returns:
        One recording for every decision that it was matched to, at least one.

    Raises:
        ProfileStoreError: The store failed.
    """
    outcome = outcome_of(event)
    if outcome is None:
        return [Recording("no_outcome")]
    named = event.properties.get("decision_id")
    if isinstance(named, str) and named:
        ids: Sequence[str] = [named]
    else:
        ids = _attributed(feedback, profile_id, outcome)
    found = [_record(feedback, profile_id, decision_id, outcome, now) for decision_id in ids]
    found = found or [Recording("unmatched", outcome.type, profile_id)]
    if outcome.type not in TIGHTENING:
        return found
    _note(feedback, profile_id, outcome)
    return [replace(one, status="noted") if one.status == "unmatched" else one for one in found]


def responses_document(record: FeedbackRecord | None) -> dict[str, Json]:
    """Return the last response of each type, as expressions see `profile.responses`."""
    return dict(record.body) if record is not None else {}


def read_responses(feedback: FeedbackStore, profile_id: str) -> dict[str, Json]:
    """Return the last responses of a customer.

    Raises:
        ProfileStoreError: The store failed; a complaint that can't be read must not pass for none.
    """
    found = feedback.read_feedback([responses_key(profile_id)])
    return responses_document(found[0] if found else None)


def responses_key(profile_id: str) -> FeedbackKey:
    """Return the key of the last responses of a profile."""
    return "responses", profile_id, "-"


def _attributed(feedback: FeedbackStore, profile_id: str, outcome: Outcome) -> Sequence[str]:
    newest: dict[str, Trial] = {}
    for record in feedback.trials(profile_id, since=outcome.at - _LOOK_BACK):
        trial = trial_from(record)
        if not trial.decided_at <= outcome.at <= trial.closes_at:
            continue
        if outcome.type == "converted":
            newest.setdefault(trial.function, trial)
        elif trial.action != DO_NOTHING:
            return [trial.decision_id]
    return [trial.decision_id for trial in newest.values()]


def _record(
    feedback: FeedbackStore, profile_id: str, decision_id: str, outcome: Outcome, now: datetime
) -> Recording:
    for _ in range(_ATTEMPTS):
        keys: Sequence[FeedbackKey] = [("trial", profile_id, decision_id), responses_key(profile_id)]
        read = {record.kind: record for record in feedback.read_feedback(keys)}
        if "trial" not in read:
            return Recording("unmatched", outcome.type, profile_id, decision_id)
        trial = trial_from(read["trial"])
        matched = (outcome.type, profile_id, decision_id, trial.action)
        if outcome.type in trial.outcomes:
            return Recording("repeated", *matched)
        writes = [_with_outcome(trial, outcome, now)]
        responses = _responses(read.get("responses"), profile_id, outcome, trial)
        if responses is not None:
            writes.append(responses)
        if feedback.write_feedback(writes):
            return Recording("recorded", *matched)
    raise StoreContendedError("the outcomes of the same decision were changed by others at every attempt")


def _note(feedback: FeedbackStore, profile_id: str, outcome: Outcome) -> None:
    """Let a response stand on the profile, whether it belongs to a decision or not."""
    for _ in range(_ATTEMPTS):
        read = feedback.read_feedback([responses_key(profile_id)])
        responses = _responses(read[0] if read else None, profile_id, outcome)
        if responses is None or feedback.write_feedback([responses]):
            return
    raise StoreContendedError("the responses of the same profile were changed by others at every attempt")


def _with_outcome(trial: Trial, outcome: Outcome, now: datetime) -> FeedbackRecord:
    """Return the trial with the outcome, due at once if there is something to count."""
    return trial_record(trial.with_outcome(outcome), due_at=now if trial.lessons else None)


def _responses(
    stored: FeedbackRecord | None, profile_id: str, outcome: Outcome, trial: Trial | None = None
) -> FeedbackRecord | None:
    """Return the last responses with this one; None when a later one of its type is known."""
    body = dict(stored.body) if stored is not None else {}
    at = format_instant(outcome.at)
    known = body.get(outcome.type)
    if isinstance(known, dict) and str(known.get("at", "")) >= at:
        return None
    body[outcome.type] = {
        **outcome_document(outcome),
        "action": trial.action if trial is not None else None,
        "decision_id": trial.decision_id if trial is not None else None,
    }
    version = stored.version if stored is not None else 0
    return FeedbackRecord("responses", profile_id, "-", outcome.at, body, version)


def _amount(event: Event) -> float:
    for name in _AMOUNTS:
        value = event.properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return 0.0
