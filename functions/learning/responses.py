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

Recorded = Literal["recorded", "credited", "repeated", "noted", "unmatched", "no_outcome"]
"""`credited`: it belongs to a later decision, and what is learned, is learned from this one. `repeated`: that
decision has an outcome of the type already. `unmatched`: there is no such decision. `noted`: there is none, and
it stands on the profile all the same."""

OF_THE_CUSTOMER: Final = ("converted", "unsubscribed", "complained")
"""Outcomes that later decisions have to know, whatever caused them."""


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
    return Outcome(kind, event.time, _amount(event) if kind == "converted" else None, event.id)


def record_event(
    feedback: FeedbackStore,
    event: Event,
    profile_id: str,
    *,
    now: datetime,
    known_as: Sequence[str] = (),
) -> Sequence[Recording]:
    """Record the outcome that an event tells of, and let it stand on the profile, in one write.

    With a `decision_id` among its properties it belongs to that decision. Without one, a conversion
    belongs to the last decision of every function whose window is open at its time, with or without an
    action, so that groups can be compared, and is credited to the last one that was drawn, so that a
    decision in which nothing was left to choose takes no conversion from the one that earned it. Any other
    outcome belongs to the last decision with an action.

    Args:
        feedback: Where trials are kept.
        event: The event.
        profile_id: Id of the profile, aliases followed.
        now: When it arrived.
        known_as: Other ids of the customer; decisions that were made under them are the customer's as well.

    Returns:
        One recording for every decision that it was matched to, at least one.

    Raises:
        ProfileStoreError: The store failed.
    """
    outcome = outcome_of(event)
    if outcome is None:
        return [Recording("no_outcome")]
    named, ids = event.properties.get("decision_id"), list(dict.fromkeys((profile_id, *known_as)))
    if isinstance(named, str) and named:
        kept = feedback.read_feedback([("trial", one, named) for one in ids])
        key = (kept[0].owner if kept else profile_id, named)
        matched = _Matched([key], [key])
    else:
        matched = _attributed(feedback, ids, outcome)
    for _ in range(_ATTEMPTS):
        found, writes = _recorded(feedback, profile_id, outcome, matched, now)
        if not writes or feedback.write_feedback(writes):
            return found
    raise StoreContendedError("the outcomes of the same customer were changed by others at every attempt")


def responses_document(record: FeedbackRecord | None) -> dict[str, Json]:
    """Return the last response of each type, as expressions see `profile.responses`."""
    return dict(record.body) if record is not None else {}


def read_responses(feedback: FeedbackStore, *ids: str) -> dict[str, Json]:
    """Return the last responses of a customer, under whichever id of his they are kept.

    Raises:
        ProfileStoreError: The store failed; a complaint that can't be read must not pass for none.
    """
    last: dict[str, Json] = {}
    for record in feedback.read_feedback([responses_key(one) for one in ids]):
        for name, response in responses_document(record).items():
            if name not in last or str(last[name].get("at")) < str(response.get("at")):
                last[name] = response
    return last


def responses_key(profile_id: str) -> FeedbackKey:
    """Return the key of the last responses of a profile."""
    return "responses", profile_id, "-"


@dataclass(frozen=True, slots=True)
class _Matched:
    """Decisions, by profile and id: those that an outcome belongs to, and those that it is credited to."""

    belongs: Sequence[tuple[str, str]]
    credited: Sequence[tuple[str, str]]


def _attributed(feedback: FeedbackStore, ids: Sequence[str], outcome: Outcome) -> _Matched:
    newest: dict[str, tuple[str, str]] = {}
    drawn: dict[str, tuple[str, str]] = {}
    since = outcome.at - _LOOK_BACK
    records = [record for one in ids for record in feedback.trials(one, since=since)]
    for record in sorted(records, key=lambda one: (one.at, one.name), reverse=True):
        trial = trial_from(record)
        if not trial.is_open(outcome.at):
            continue
        if outcome.type == "converted":
            newest.setdefault(trial.function, trial.key)
            if trial.teaches:
                drawn.setdefault(trial.function, trial.key)
        elif trial.action != DO_NOTHING and not trial.void:
            return _Matched([trial.key], [trial.key])
    return _Matched(list(newest.values()), list(drawn.values()))


def _recorded(
    feedback: FeedbackStore, profile_id: str, outcome: Outcome, matched: _Matched, now: datetime
) -> tuple[list[Recording], list[FeedbackRecord]]:
    """Return what becomes of an outcome, and what is to be written for it."""
    ids = list(dict.fromkeys((*matched.belongs, *matched.credited)))
    keys: list[FeedbackKey] = [("trial", *one) for one in ids]
    read = {record.key: record for record in feedback.read_feedback([*keys, responses_key(profile_id)])}
    found, writes, first = [], [], None
    for key in keys:
        if key not in read:
            found.append(Recording("unmatched", outcome.type, profile_id, key[2]))
            continue
        trial = trial_from(read[key])
        first = first or trial
        status, changed = _with_outcome(trial, outcome, matched)
        if status is not None:
            found.append(Recording(status, outcome.type, profile_id, trial.decision_id, trial.action))
        if changed is not None:
            is_due = changed.credits != trial.credits and bool(trial.lessons)
            writes.append(trial_record(changed, due_at=now if is_due else read[key].due_at))
    found = found or [Recording("unmatched", outcome.type, profile_id)]
    if outcome.type in OF_THE_CUSTOMER:
        found = [replace(one, status="noted") if one.status == "unmatched" else one for one in found]
    elif first is None:
        return found, writes
    responses = _responses(read.get(responses_key(profile_id)), profile_id, outcome, first)
    return found, [*writes, *([responses] if responses is not None else [])]


def _with_outcome(trial: Trial, outcome: Outcome, matched: _Matched) -> tuple[Recorded | None, Trial | None]:
    """Return what an outcome is to a decision, and its trial where that changes."""
    belongs = trial.key in matched.belongs
    changed = trial.with_outcome(outcome) if belongs else trial
    if trial.key in matched.credited:
        changed = changed.with_credit(outcome)
    if not belongs:
        return ("credited", changed) if changed != trial else (None, None)
    status: Recorded = "recorded" if changed.outcomes != trial.outcomes else "repeated"
    return status, changed if changed != trial else None


def _responses(
    stored: FeedbackRecord | None, profile_id: str, outcome: Outcome, trial: Trial | None
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


def _amount(event: Event) -> float | None:
    for name in _AMOUNTS:
        value = event.properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None
