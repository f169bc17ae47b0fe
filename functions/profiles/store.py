"""The profile store: what is kept per profile, and the commit as a value.

Every implementation passes `functions.testing.stores`. Stores are safe to use from several threads;
those with a file or a server are safe from several processes. Decisions and outbox entries are kept
per profile: the same decision id under another profile is another decision. Instants are kept with
milliseconds. What can't be kept (NaN, a lone surrogate, an empty id) is a `StoreRejectedError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from functions.documents import Json
from functions.governance.consent import ConsentRecord
from functions.profiles.budgets import BudgetStore, BudgetTake
from functions.profiles.outbox import ContactStatus, OutboxEntry, Unreadable
from functions.profiles.premises import ConsentCondition, DocumentCondition

if TYPE_CHECKING:
    from functions.profiles.feedback import FeedbackRecord

MAX_PROFILE_BYTES = 2_000_000
"""The most that a profile may take as JSON text, in bytes."""

MAX_CONTACTS = 500
"""Entries of a contact log after pruning; a profile at this limit gets no further action."""

MAX_NOTICES = 50
"""Scores that one decision can give back; a transaction of DynamoDB has 100 places."""

MAX_ID_BYTES = 1_000
"""The most that an id or a name that a store uses as a key may take, in bytes of UTF-8; none is empty."""

Refusal = Literal[
    "duplicate", "consent_changed", "lists_changed", "version_moved", "budget_empty", "contacts_full"
]
"""Why a commit did not happen, in order of precedence."""

CommitStatus = Literal["committed", "conflict"] | Refusal
"""What became of a commit; after a `conflict` the same request is sent again."""


@dataclass(frozen=True, slots=True)
class Score:
    """One score on a profile, with where it came from.

    Attributes:
        value: A finite number, text or boolean.
        at: The time of the event that caused it; a score from an older event never replaces it.
        expires_at: From when on readers ignore it; None for no end.
        function: The function that wrote it.
        decision_id: The decision that wrote it.
        model: Target of the model, or the fallback rung that answered.
    """

    value: Json
    at: datetime
    expires_at: datetime | None
    function: str
    decision_id: str
    model: str


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry of the contact log: an action that was reserved for this profile.

    Attributes:
        decision_id: The decision that reserved it.
        action: Name of the action.
        tags: Its tags at that time; what the registry says later changes nothing.
        channel: Name of the channel.
        at: Decision time, or when a deferred action is due.
        status: How far it got.
        counts: Whether it counts towards caps.
    """

    decision_id: str
    action: str
    tags: tuple[str, ...]
    channel: str
    at: datetime
    status: ContactStatus = "reserved"
    counts: bool = True


@dataclass(frozen=True, slots=True)
class ProfileState:
    """What decisions have written about a profile.

    Attributes:
        version: Counts the changes of the contact log; a commit with an action is conditional on it.
        scores: By name.
        contacts: Oldest first; those of every id that has become an alias of the profile are among them.
        known_as: Ids that lead to the profile, up to a limit; see `profiles.merging`.
    """

    version: int = 0
    scores: Mapping[str, Score] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as it is kept.

    Attributes:
        id: Also the idempotency key of its action.
        function: Name of the spec.
        event_id: The producer's id of the event.
        profile_id: Whose decision.
        decided_at: Decision time.
        outcome: `acted`, `no_action` or `suppressed`.
        reason: Code of the reason.
        body: The receipt without the payload, as JSON.
        expires_at: When a store may drop it.
    """

    id: str
    function: str
    event_id: str
    profile_id: str
    decided_at: datetime
    outcome: str
    reason: str
    body: dict[str, Json]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent read of everything that a decision about a profile needs.

    Attributes:
        profile_id: As it was asked for.
        profile_json: The enriched profile as JSON bytes; None when there is no profile.
        consent: Records by purpose.
        state: What decisions have written.
        decision: The decision that was asked for, if it was already made.
        stands_for: The profile that this id is an alias of; None where it is none.
        lists: Suppression lists that the customer is on; None when they could not be read.
        marks: The shared documents that say so.
    """

    profile_id: str
    profile_json: bytes | None
    consent: Mapping[str, ConsentRecord]
    state: ProfileState
    decision: DecisionRecord | None
    stands_for: str | None = None
    lists: frozenset[str] | None = frozenset()
    marks: tuple[DocumentCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """What a commit changes in the state of a profile.

    Attributes:
        scores: Scores to write; one whose stored twin comes from a newer event is left alone.
        contact: The entry for the action, None when there is no action.
        expected_version: The version that was read; required with a contact, ignored without.
        prune_before: Contacts older than this are dropped from the log before `contact` is added; ignored
            without a contact, since nothing then guards the log against another writer.
    """

    scores: Mapping[str, Score] = field(default_factory=dict)
    contact: Contact | None = None
    expected_version: int | None = None
    prune_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """One decision with its notices and its trial, written whole or not at all, while all it names is as it was read."""

    decision: DecisionRecord
    consents: tuple[ConsentCondition, ...] = ()
    state: StateUpdate | None = None
    budgets: tuple[BudgetTake, ...] = ()
    outbox: OutboxEntry | None = None
    notices: tuple[OutboxEntry, ...] = ()
    trial: FeedbackRecord | None = None
    marks: tuple[DocumentCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of a commit.

    Attributes:
        status: `committed`, `conflict`, or the first reason in the order of `Refusal`.
        existing: The earlier decision, with `duplicate`.
    """

    status: CommitStatus
    existing: DecisionRecord | None = None


@runtime_checkable
class DecisionLog(Protocol):
    """A store that can list everything that was decided, for a copy that outlives it."""

    def every_decision(self) -> Iterator[DecisionRecord]:
        """Yield every decision that is kept, in no promised order; what is committed meanwhile may be missed.

        Raises:
            ProfileStoreError: The store can't do its part.
        """
        ...


class ProfileStore(BudgetStore, Protocol):
    """Where a runtime reads profiles and commits decisions.

    Every method raises `ProfileStoreError` (a subclass says which) when the store can't do its part.
    """

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        """Read a profile, its consent and state, and one decision if one is asked for, consistently."""
        ...

    def commit(self, request: CommitRequest) -> CommitResult:
        """Write one decision with everything that belongs to it, or nothing."""
        ...

    def lease(
        self, profile_id: str, decision_id: str, *, owner: str, now: datetime, until: datetime
    ) -> OutboxEntry | None:
        """Take a reserved entry whose lease is free or over (`lease_until <= now`), due or not.

        Returns:
            The entry with its new lease and one attempt more; None when it is held, settled or absent.
        """
        ...

    def settle(
        self,
        entry: OutboxEntry,
        *,
        status: ContactStatus,
        note: str | None = None,
        due_at: datetime | None = None,
        in_doubt: bool = False,
        at: datetime | None = None,
    ) -> bool:
        """End a lease: `sent`, `released`, `unconfirmed`, or `reserved` again (for a retry, not before `due_at`).

        The contact log follows in the same transaction: every end is copied to the entry of the decision, and a
        release moves the version. So it is in the log of every profile that the id has become an alias of meanwhile,
        unless it left at once, which changes nothing there. A contact that was pruned is not brought back. A release
        also gives back what the entry paid, to the shards it came from; `unconfirmed` gives back nothing.
        `note` replaces the note of the entry, also when it is None.

        Args:
            entry: As `lease` returned it; its owner and its count of attempts say which lease ends.
            status: What became of the action.
            note: Code of the error, or of the reason for a release.
            due_at: When to try again; only with `reserved`.
            in_doubt: Whether the attempt may have arrived; only with `reserved`, else it is `undelivered`.
            at: When it left, or will, where that is later than its contact says: from then on it counts towards
                caps, and the version moves. None leaves the contact where it is.

        Returns:
            False when the lease was lost meanwhile; nothing is changed then.
        """
        ...

    def outbox(
        self, *, due_before: datetime | None = None, limit: int = 100, unreadable: Unreadable | None = None
    ) -> Sequence[OutboxEntry]:
        """List reserved entries by due time, oldest first; with `due_before` only those due by then.

        Args:
            due_before: The last due time that is listed.
            limit: Entries at the most.
            unreadable: Told of each damaged entry on the way, which is left out; without it, one is an error.
        """
        ...

    def outbox_entry(self, profile_id: str, decision_id: str) -> OutboxEntry | None:
        """Read one entry, whatever its status."""
        ...

    def decisions(self, profile_id: str, *, limit: int = 20) -> Sequence[DecisionRecord]:
        """List the decisions about a profile, newest first."""
        ...

    def put_profile(self, profile_id: str, document: Mapping[str, Json], *, updated_at: datetime) -> bool:
        """Replace the enriched profile; False when the stored one is newer. State and consent stay.

        Traits of `patch_profile` that were said at the same instant or later stay, too.
        """
        ...

    def patch_profile(self, profile_id: str, traits: Mapping[str, Json], *, at: datetime) -> bool:
        """Write traits into `profile.traits`, each unless something newer is known of it; see `profiles.traits`.

        Returns:
            False when nothing was written: the whole profile or every trait is newer.
        """
        ...

    def put_consent(self, profile_id: str, record: ConsentRecord, *, now: datetime) -> bool:
        """Replace the record of one purpose; False when the stored one counts, as `profiles.consents` says."""
        ...

    def put_alias(self, alias: str, profile_id: str) -> None:
        """Let an id, such as an anonymous one, stand for a profile, also when it stood for another.

        In the same transaction the states of both are united, as `profiles.merging` says; so with `add_alias`.
        """
        ...

    def add_alias(self, alias: str, profile_id: str) -> bool:
        """Let an id stand for a profile; False when it stands for another, which it goes on to do."""
        ...

    def resolve_alias(self, alias: str) -> str | None:
        """Return the profile id behind an alias, None when there is none."""
        ...

    def delete_profile(self, profile_id: str) -> bool:
        """Erase all that is kept about a profile, aliases included; False when there was nothing."""
        ...

    def close(self) -> None:
        """Give back files and connections."""
        ...
