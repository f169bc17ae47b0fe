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
from functions.profiles.feedback import VOID, FeedbackRecord
from functions.spec.ranking_plan import Kind, ObjectivePlan
from functions.times import format_instant, parse_instant

EARLY: Final = timedelta(minutes=1)
"""How far before its decision an outcome that names it may be: two clocks differ by that much."""

KEEP_TRIALS: Final = timedelta(days=60)
"""How long a trial is kept after its window, so that late outcomes still correct what was counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a customer did after a decision.

    Attributes:
        type: Which of the six.
        at: When it happened, by the clock of whoever saw it.
        amount: Money, of a conversion; None where none was told.
        event_id: The producer's id.
    """

    type: OutcomeType
    at: datetime
    amount: float | None = None
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
        drawn: Whether chance has chosen, among what the rails left. Only such a decision teaches anything:
            where a condition or a rail chose, customers are others than those an action is weighed for.
        void: Whether its action was given up before it left, so that it can have taught nothing.
        outcomes: What came of the last decision of a function before it, each type once: what groups are
            compared by.
        credits: What came of the last *drawn* decision before it, each type once: what is learned from.
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
    drawn: bool = False
    void: bool = False
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    credits: Mapping[str, Outcome] = field(default_factory=dict)
    counted: Mapping[str, Counter] = field(default_factory=dict)
    version: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What finds it among the trials."""
        return self.profile_id, self.decision_id

    @property
    def teaches(self) -> bool:
        """Whether anything is learned from what comes of it."""
        return self.drawn and not self.void

    def is_open(self, at: datetime, *, early: timedelta = timedelta(0)) -> bool:
        """Say whether what happens at an instant is an answer to the decision."""
        return self.decided_at - early <= at <= self.closes_at

    def answers(self, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """Return those of some outcomes that are answers to the decision."""
        return {name: one for name, one in outcomes.items() if self.is_open(one.at, early=EARLY)}

    def with_outcome(self, outcome: Outcome) -> Trial:
        """Return the trial with an outcome that belongs to it."""
        return replace(self, outcomes=self._added(self.outcomes, outcome))

    def with_credit(self, outcome: Outcome) -> Trial:
        """Return the trial with an outcome that it is the cause of, as far as learning is concerned."""
        return replace(self, credits=self._added(self.credits, outcome)) if self.teaches else self

    def _added(self, kept: Mapping[str, Outcome], outcome: Outcome) -> Mapping[str, Outcome]:
        """Return outcomes with one more; the first of a type stays, unless it is no answer and this one is."""
        if outcome.type in kept and outcome.type in self.answers(kept):
            return kept
        if outcome.type in kept and not self.is_open(outcome.at, early=EARLY):
            return kept
        return {**kept, outcome.type: outcome}

    def contribution(self, objective: str, *, now: datetime) -> Counter:
        """Return what the trial adds to a counter: a response, none once the window is over, else nothing yet."""
        if not self.teaches:
            return EMPTY
        lesson, credited = self.lessons[objective], self.answers(self.credits)
        rewards = [
            (credited[name].amount or 0.0) if lesson.kind == "amount" else 1.0
            for name in lesson.outcomes
            if name in credited
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
            "drawn": trial.drawn,
            VOID: trial.void,
            "outcomes": {name: outcome_document(one) for name, one in trial.outcomes.items()},
            "credits": {name: outcome_document(one) for name, one in trial.credits.items()},
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
            drawn=body["drawn"] is True,
            void=body[VOID] is True,
            outcomes={name: outcome_from(name, one) for name, one in body["outcomes"].items()},
            credits={name: outcome_from(name, one) for name, one in body["credits"].items()},
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
    told = document["amount"]
    amount = float(told) if told is not None else None
    return Outcome(kind, parse_instant(document["at"]), amount, document["event_id"])


def _lesson_document(lesson: Lesson) -> dict[str, Json]:
    seconds = lesson.half_life.total_seconds() if lesson.half_life is not None else None
    return {"kind": lesson.kind, "outcomes": list(lesson.outcomes), "half_life_s": seconds}


def _lesson(document: Mapping[str, Json]) -> Lesson:
    seconds = document["half_life_s"]
    half_life = timedelta(seconds=seconds) if seconds is not None else None
    return Lesson(document["kind"], tuple(document["outcomes"]), half_life)
