"""Learning: trials are counted in batches, each exactly once, and what was counted is read at decision time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from functions.decision.posteriors import EMPTY, Beliefs, Counter, decay
from functions.decision.ranking import DO_NOTHING
from functions.documents import Json
from functions.errors import StoreContendedError, StoreRejectedError
from functions.learning.trials import Trial, counter_name, trial_from, trial_record
from functions.profiles.feedback import MAX_WRITES, FeedbackKey, FeedbackRecord, FeedbackStore

_ATTEMPTS: Final = 20
_MAX_CACHED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter at an instant: every response weighs what its age has left of it."""

    counter: Counter
    at: datetime

    def after(self, until: datetime, half_life: timedelta | None) -> Counted:
        """Return the counter at a later instant."""
        if until <= self.at:
            return self
        return Counted(self.counter.times(decay(self.at, until, half_life)), until)


@dataclass(frozen=True, slots=True)
class Folded:
    """How much was counted.

    Attributes:
        trials: Trials that were looked at.
        responses: Responses that were added.
        closed: Trials whose window ended without a response.
        corrected: Trials that were counted before, and otherwise or not at all.
    """

    trials: int = 0
    responses: int = 0
    closed: int = 0
    corrected: int = 0

    def plus(self, other: Folded) -> Folded:
        """Return the sum."""
        return Folded(
            self.trials + other.trials,
            self.responses + other.responses,
            self.closed + other.closed,
            self.corrected + other.corrected,
        )

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "trials": self.trials,
            "responses": self.responses,
            "closed": self.closed,
            "corrected": self.corrected,
        }


def fold_due(feedback: FeedbackStore, *, now: datetime, limit: int = 100) -> Folded:
    """Count the trials that are due, in batches that are written whole or not at all.

    Whoever crashes or runs at the same time: what was counted of a trial stands in the trial, and is
    written together with the counters.

    Args:
        feedback: Where trials and counters are kept.
        now: Windows that end by then are closed.
        limit: Trials at the most.

    Raises:
        StoreContendedError: Others counted the same trials at every attempt.
        ProfileStoreError: The store failed.
    """
    due = [trial_from(record) for record in feedback.due_trials(due_before=now, limit=limit)]
    done = Folded()
    for batch in _batches(due):
        done = done.plus(_fold_batch(feedback, batch, now))
    return done


def _batches(trials: Iterable[Trial]) -> Iterable[Sequence[Trial]]:
    """Yield trials that fit with their counters into one write."""
    batch: list[Trial] = []
    size = 0
    for trial in trials:
        if batch and size + 1 + len(trial.lessons) > MAX_WRITES:
            yield batch
            batch, size = [], 0
        batch.append(trial)
        size += 1 + len(trial.lessons)
    if batch:
        yield batch


def _fold_batch(feedback: FeedbackStore, batch: Sequence[Trial], now: datetime) -> Folded:
    keys: Sequence[FeedbackKey] = [("trial", one.profile_id, one.decision_id) for one in batch]
    names = {name for one in batch for _, name in one.counter_names()}
    counters: Sequence[FeedbackKey] = [("counter", name, "-") for name in sorted(names)]
    for _ in range(_ATTEMPTS):
        read = feedback.read_feedback([*keys, *counters])
        trials = [trial_from(record) for record in read if record.kind == "trial"]
        records = {record.owner: record for record in read if record.kind == "counter"}
        writes, done = _folded(trials, records, now)
        if feedback.write_feedback(writes):
            return done
    raise StoreContendedError("others counted the same responses at every attempt")


def _folded(
    trials: Sequence[Trial], records: Mapping[str, FeedbackRecord], now: datetime
) -> tuple[list[FeedbackRecord], Folded]:
    counted: dict[str, Counted] = {}
    writes, done = [], Folded()
    for trial in trials:
        target = {name: trial.contribution(name, now=now) for name in trial.lessons}
        for objective, name in trial.counter_names():
            before = trial.counted.get(objective, EMPTY)
            if before != target[objective]:
                known = counted.get(name) or _counted(records.get(name), trial.decided_at)
                counted[name] = _moved(known, trial, objective, target[objective].plus(before, -1.0))
        done = done.plus(_told(trial, target))
        waits = trial.teaches and bool(trial.lessons) and now < trial.closes_at
        due_at = trial.closes_at if waits else None
        writes.append(trial_record(replace(trial, counted=target), due_at=due_at))
    for name, one in counted.items():
        version = records[name].version if name in records else 0
        writes.append(_counter_record(name, one, version))
    return writes, done


def _moved(known: Counted, trial: Trial, objective: str, delta: Counter) -> Counted:
    """Return a counter with what a trial changes, which weighs by the age of the decision."""
    half_life = trial.lessons[objective].half_life
    moved = known.after(trial.decided_at, half_life)
    weight = decay(trial.decided_at, moved.at, half_life)
    return Counted(moved.counter.plus(delta, weight), moved.at)


def _told(trial: Trial, target: Mapping[str, Counter]) -> Folded:
    changed = [name for name, one in target.items() if trial.counted.get(name, EMPTY) != one]
    corrected = any(trial.counted.get(name, EMPTY) != EMPTY for name in changed)
    responses = sum(target[name].total != 0 for name in changed)
    closed = any(target[name] != EMPTY for name in changed) and not responses
    return Folded(1, responses, int(closed), int(corrected))


class BeliefCache:
    """Reads counters for decisions, and again when what it has is older than a while. Safe to share.

    Args:
        feedback: Where counters are kept.
        monotonic: A clock in seconds.
        keep_s: How old what it gives may be.
    """

    def __init__(self, feedback: FeedbackStore, monotonic: Callable[[], float], keep_s: float = 30.0) -> None:
        self._feedback, self._monotonic, self._keep_s = feedback, monotonic, keep_s
        self._lock = Lock()
        self._kept: dict[tuple[str, ...], tuple[float, dict[str, Counted]]] = {}

    def read(
        self,
        function: str,
        leaf: str,
        actions: Sequence[str],
        half_lives: Mapping[str, timedelta | None],
        *,
        now: datetime,
    ) -> Beliefs:
        """Return what was counted, as of now.

        Args:
            function: Name of the spec.
            leaf: Segment of the customer.
            actions: Names; do-nothing is asked for too.
            half_lives: By objective.
            now: Decision time.

        Raises:
            ProfileStoreError: The store failed.
        """
        names = {
            (action, objective): counter_name(function, leaf, action, objective)
            for action in (*actions, DO_NOTHING)
            for objective in half_lives
        }
        found = self._counters(tuple(names.values()))
        return {
            key: found[name].after(now, half_lives[key[1]]).counter
            for key, name in names.items()
            if name in found
        }

    def _counters(self, names: tuple[str, ...]) -> Mapping[str, Counted]:
        present = self._monotonic()
        with self._lock:
            kept = self._kept.get(names)
        if kept is not None and present - kept[0] < self._keep_s:
            return kept[1]
        read = self._feedback.read_feedback([("counter", name, "-") for name in names])
        found = {record.owner: _counted(record, record.at) for record in read}
        with self._lock:
            if len(self._kept) >= _MAX_CACHED:
                self._kept.clear()
            self._kept[names] = (present, found)
        return found


def _counted(record: FeedbackRecord | None, start: datetime) -> Counted:
    if record is None:
        return Counted(EMPTY, start)
    try:
        body = record.body
        return Counted(Counter(*(float(body[name]) for name in ("trials", "total", "squares"))), record.at)
    except (KeyError, TypeError, ValueError):
        raise StoreRejectedError("the store holds a counter that can't be read") from None


def _counter_record(name: str, counted: Counted, version: int) -> FeedbackRecord:
    counter = counted.counter
    body = {"trials": counter.trials, "total": counter.total, "squares": counter.squares}
    return FeedbackRecord("counter", name, "-", counted.at, body, version)
