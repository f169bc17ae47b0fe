"""A trial: one decision, the responses that it had, and what of them was counted already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from functions.decision.posteriors import EMPTY, Counter, one_response
from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.events.outcomes import OutcomeType
from functions.profiles.feedback import FeedbackRecord
from functions.spec.ranking_plan import Kind, ObjectivePlan
from functions.times import format_instant, parse_instant

KEEP_TRIALS: Final = timedelta(days=60)
"""How long a trial is kept after its window, so that late outcomes still correct what was counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a customer did after a decision.

    Attributes:
        type: Which of the six.
        at: When it happened, by the clock of whoever saw it.
        amount: Money, of a conversion; 0 where none was told.
        event_id: The producer's id.
    """

    type: OutcomeType
    at: datetime
    amount: float = 0.0
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a trial teaches about one objective."""

    kind: Kind
    outcomes: tuple[str, ...]
    half_life: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One decision that waits for responses.

    Attributes:
        profile_id: Whose.
        decision_id: Which.
        function: Name of the spec.
        action: Its action, or `do-nothing`.
        group: How it was chosen.
        leaf: Segment of the customer.
        decided_at: Decision time.
        closes_at: From then on, no response is a response: none.
        lessons: By objective; empty where nothing is learned.
        outcomes: What came, each type once.
        counted: By objective: what of this trial is in the counters.
        version: Of the record that it was read from; 0 for a new one.
    """

    profile_id: str
    decision_id: str
    function: str
    action: str
    group: str
    leaf: str
    decided_at: datetime
    closes_at: datetime
    lessons: Mapping[str, Lesson] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    counted: Mapping[str, Counter] = field(default_factory=dict)
    version: int = 0

    def with_outcome(self, outcome: Outcome) -> Trial:
        """Return the trial with one outcome more."""
        return replace(self, outcomes={**self.outcomes, outcome.type: outcome})

    def contribution(self, objective: str, *, now: datetime) -> Counter:
        """Return what the trial adds to a counter: a response, none once the window is over, else nothing yet."""
        lesson = self.lessons[objective]
        rewards = [
            outcome.amount if lesson.kind == "amount" else 1.0
            for name in lesson.outcomes
            if (outcome := self.outcomes.get(name)) and self.decided_at <= outcome.at <= self.closes_at
        ]
        if rewards:
            return one_response(max(rewards))
        return one_response(0.0) if now >= self.closes_at else EMPTY

    def counter_names(self) -> Iterator[tuple[str, str]]:
        """Yield every objective with the name of its counter."""
        for objective in self.lessons:
            yield objective, counter_name(self.function, self.leaf, self.action, objective)


def lessons_of(objectives: Sequence[ObjectivePlan], half_life: timedelta | None) -> dict[str, Lesson]:
    """Return what decisions under some objectives teach."""
    return {one.name: Lesson(one.kind, one.outcomes, half_life) for one in objectives}


def counter_name(function: str, leaf: str, action: str, objective: str) -> str:
    """Return the name of a counter; a leaf is the customers' own text, and its length is not ours to choose."""
    digest = hashlib.sha256(leaf.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return "/".join((function, digest, action, objective))


def trial_record(trial: Trial, *, due_at: datetime | None) -> FeedbackRecord:
    """Return a trial as a store keeps it."""
    return FeedbackRecord(
        kind="trial",
        owner=trial.profile_id,
        name=trial.decision_id,
        at=trial.decided_at,
        body={
            "function": trial.function,
            "action": trial.action,
            "group": trial.group,
            "leaf": trial.leaf,
            "closes_at": format_instant(trial.closes_at),
            "lessons": {name: _lesson_document(one) for name, one in trial.lessons.items()},
            "outcomes": {name: outcome_document(one) for name, one in trial.outcomes.items()},
            "counted": {name: [one.trials, one.total, one.squares] for name, one in trial.counted.items()},
        },
        version=trial.version,
        due_at=due_at,
        keep_until=trial.closes_at + KEEP_TRIALS,
    )


def trial_from(record: FeedbackRecord) -> Trial:
    """Read a trial.

    Raises:
        StoreRejectedError: The store holds something else.
    """
    body = record.body
    try:
        return Trial(
            profile_id=record.owner,
            decision_id=record.name,
            function=body["function"],
            action=body["action"],
            group=body["group"],
            leaf=body["leaf"],
            decided_at=record.at,
            closes_at=parse_instant(body["closes_at"]),
            lessons={name: _lesson(one) for name, one in body["lessons"].items()},
            outcomes={name: outcome_from(name, one) for name, one in body["outcomes"].items()},
            counted={name: Counter(*one) for name, one in body["counted"].items()},
            version=record.version,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise StoreRejectedError("the store holds a trial that can't be read") from None


def outcome_document(outcome: Outcome) -> dict[str, Json]:
    """Return the JSON form of an outcome."""
    return {"at": format_instant(outcome.at), "amount": outcome.amount, "event_id": outcome.event_id}


def outcome_from(name: str, document: Mapping[str, Json]) -> Outcome:
    """Read the JSON form of an outcome."""
    kind: OutcomeType = name  # type: ignore[assignment]
    return Outcome(kind, parse_instant(document["at"]), float(document["amount"]), document["event_id"])


def _lesson_document(lesson: Lesson) -> dict[str, Json]:
    seconds = lesson.half_life.total_seconds() if lesson.half_life is not None else None
    return {"kind": lesson.kind, "outcomes": list(lesson.outcomes), "half_life_s": seconds}


def _lesson(document: Mapping[str, Json]) -> Lesson:
    seconds = document["half_life_s"]
    half_life = timedelta(seconds=seconds) if seconds is not None else None
    return Lesson(document["kind"], tuple(document["outcomes"]), half_life)
