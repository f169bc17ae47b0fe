"""Attempts: events of a customer about which nothing could be decided, kept so that the question why has an answer.

An attempt is no decision and never in the way of one: it is written beside the decisions, after the failure, and by
best effort, once for all deliveries of an event. It holds names, codes and the sentence of the error, nothing that was
read or computed; it is forgotten with the decisions, and erased with the customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.documents import Json
from functions.errors import FunctionsError, ProfileStoreError, StoreContendedError
from functions.events.event import Event
from functions.events.replays import LIVE
from functions.profiles.feedback import FeedbackRecord, FeedbackStore
from functions.runtime.identity import profile_key
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.times import Clock, format_instant, parse_instant

KEEP_ATTEMPTS: Final = timedelta(days=30)
"""How long the attempts of a customer are kept after the last one."""

MAX_ATTEMPTS: Final = 20
"""The most that are kept of one customer; the oldest goes first."""

_TRIES: Final = 3
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One event about which nothing could be decided.

    Attributes:
        function: Name of the spec.
        decision_id: Of the decision that it would have been; None where not even that is known.
        event_id: The producer's id.
        event_name: Name of the event.
        at: When a decision was last tried.
        outcome: `failed` or `rejected`.
        code: Why, as the code of the reason.
        text: Why, as a sentence.
        times: How often it was tried.
    """

    function: str
    decision_id: str | None
    event_id: str | None
    event_name: str | None
    at: datetime
    outcome: str
    code: str
    text: str
    times: int = 1


class Attempts:
    """Keeps the last attempts of every customer.

    Args:
        feedback: Where; None where nothing is kept.
        wall: The present instant.
    """

    def __init__(self, feedback: FeedbackStore | None, wall: Clock) -> None:
        self._feedback: Final = feedback
        self._wall: Final = wall

    def keep(
        self, plan: Plan, event: Event, receipt: Receipt, error: FunctionsError, *, now: datetime
    ) -> None:
        """Keep that nothing could be decided; whatever fails now, the receipt stands, and the log has it.

        Args:
            plan: The function.
            event: The event.
            receipt: What became of it.
            error: Why. Where the store itself is down, it is not asked once more.
            now: Decision time.
        """
        down = isinstance(error, ProfileStoreError) and not isinstance(error, StoreContendedError)
        if self._feedback is None or down or receipt.generation != LIVE:
            return
        with suppress(FunctionsError):
            owner = receipt.profile_id or profile_key(plan, event)
            keep_until = self._wall() + KEEP_ATTEMPTS
            for _ in range(_TRIES):
                record = _with_attempt(self._read(owner), _attempt(receipt, now), keep_until)
                if self._feedback.write_feedback([record]):
                    return

    def of(self, profile_ids: Iterable[str]) -> Sequence[Attempt]:
        """Return the attempts that are kept under some ids, newest first.

        Raises:
            ProfileStoreError: The store can't do its part.
        """
        found = [attempt for one in dict.fromkeys(profile_ids) for attempt in _attempts(self._read(one))]
        return sorted(found, key=lambda attempt: attempt.at, reverse=True)

    def _read(self, profile_id: str) -> FeedbackRecord:
        absent = FeedbackRecord("attempts", profile_id, "-", _NEVER)
        if self._feedback is None:
            return absent
        return next(iter(self._feedback.read_feedback([absent.key])), absent)


def _attempt(receipt: Receipt, now: datetime) -> Attempt:
    return Attempt(
        function=receipt.function,
        decision_id=receipt.decision_id,
        event_id=receipt.event_id,
        event_name=receipt.event_name,
        at=now,
        outcome=receipt.outcome,
        code=receipt.reason.code,
        text=receipt.reason.text,
    )


def _with_attempt(record: FeedbackRecord, attempt: Attempt, keep_until: datetime) -> FeedbackRecord:
    """Return a record with one attempt more, or the same event tried once more."""
    found = _attempts(record)
    before = [one for one in found if (one.function, one.event_id) == (attempt.function, attempt.event_id)]
    others = [one for one in found if one not in before]
    newest = replace(attempt, times=1 + sum(one.times for one in before))
    rows = [_document(one) for one in (newest, *others[: MAX_ATTEMPTS - 1])]
    return replace(record, at=attempt.at, body={"attempts": rows}, keep_until=keep_until)


def _attempts(record: FeedbackRecord) -> Sequence[Attempt]:
    """Read a record; one that a later version wrote in another form holds nothing that can be told."""
    try:
        return [_from(row) for row in record.body.get("attempts", ())]
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _document(attempt: Attempt) -> dict[str, Json]:
    return {**asdict(attempt), "at": format_instant(attempt.at)}


def _from(row: Mapping[str, Json]) -> Attempt:
    return Attempt(**{**row, "at": parse_instant(row["at"])})
