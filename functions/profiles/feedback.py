"""What becomes of decisions: trials that wait for responses, counters that learn from them, attempts that failed.

Four kinds of record, each replaced whole and only by a writer who has read what it replaces. Several
are written at once or not at all, so that a response is counted exactly once, whatever crashes and
whoever else counts. Every implementation passes `functions.testing.stores.FeedbackStoreConformance`.
Errors are those of `functions.profiles.store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.profiles.codec import check_id

FeedbackKind = Literal["trial", "counter", "responses", "attempts"]

VOID: Final = "void"
"""A trial bears this mark in its body when its action was given up before it left."""

MAX_WRITES: Final = 100
"""The most records that are written at once."""


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """One record.

    Attributes:
        kind: `trial`: a decision that waits for responses. `counter`: what responses have taught.
            `responses`: the last responses of one profile. `attempts`: its last events about which nothing could
            be decided.
        owner: Id of the profile; for a counter its name.
        name: Id of the decision; `-` for the others.
        at: When it was decided, or last changed.
        body: The rest, as JSON.
        version: Counts its writes; 0 for one that was never written.
        due_at: When somebody is to look at it; None for never.
        keep_until: When a store may drop it; None for never.
    """

    kind: FeedbackKind
    owner: str
    name: str
    at: datetime
    body: dict[str, Json] = field(default_factory=dict)
    version: int = 0
    due_at: datetime | None = None
    keep_until: datetime | None = None

    @property
    def key(self) -> FeedbackKey:
        """What finds it."""
        return self.kind, self.owner, self.name


FeedbackKey = tuple[FeedbackKind, str, str]
"""Kind, owner and name."""


class FeedbackStore(Protocol):
    """Where trials, responses and counters are kept.

    Every method raises `ProfileStoreError` (a subclass says which) when the store can't do its part.
    """

    def read_feedback(self, keys: Sequence[FeedbackKey]) -> Sequence[FeedbackRecord]:
        """Read records by their keys, each as the last write left it; absent ones are left out."""
        ...

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        """Write records, each in the place of the version that it bears, all or none.

        Args:
            records: At most `MAX_WRITES`, no key twice. Each is stored with its version plus one.

        Returns:
            False when the store has another version of any; nothing is written then. Also possible after
            a write whose answer was lost: read again before anything is added up.
        """
        ...

    def trials(self, profile_id: str, *, since: datetime) -> Sequence[FeedbackRecord]:
        """List the trials of a profile from an instant on, newest first."""
        ...

    def due_trials(self, *, due_before: datetime, limit: int = 100) -> Sequence[FeedbackRecord]:
        """List the trials that are due by an instant, the oldest first. What was just written may be missing."""
        ...

    def forget_feedback(self, profile_id: str) -> bool:
        """Erase all records of a profile; False when there were none. Counters name nobody, and stay."""
        ...

    def close(self) -> None:
        """Give back files and connections."""
        ...


def voided(trial: FeedbackRecord) -> FeedbackRecord:
    """Return a trial whose action never left, due at once: it may have been counted already."""
    return replace(trial, body={**trial.body, VOID: True}, due_at=trial.at)


def check_records(records: Sequence[FeedbackRecord]) -> None:
    """Refuse what not every store can write at once.

    Raises:
        StoreRejectedError: Too many records, one twice, or an id that is no key.
    """
    keys = [record.key for record in records]
    if len(keys) > MAX_WRITES or len(set(keys)) < len(keys):
        raise StoreRejectedError(f"at most {MAX_WRITES} different records are written at once")
    check_keys(keys)


def check_keys(keys: Sequence[FeedbackKey]) -> None:
    """Refuse keys that not every store can use.

    Raises:
        StoreRejectedError: An id is empty, too long or no Unicode.
    """
    for kind, owner, name in keys:
        check_id(owner, f"the owner of a {kind}")
        check_id(name, f"the name of a {kind}")
