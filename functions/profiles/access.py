"""What is kept about one customer, to be given out and to be erased: the same in both.

A customer is known under an id and its aliases. An alias can have records of its own, from before it was one; so
each id is looked at, and each is erased. Errors are those of `functions.profiles.store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, runtime_checkable

from functions.profiles.feedback import FeedbackRecord, FeedbackStore
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import DecisionRecord, ProfileStore, Snapshot

_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything that a profile store keeps under one id.

    Attributes:
        snapshot: Profile with its traits, consent, scores and contact log.
        aliases: Ids that stand for this one, in order.
        decisions: Newest first.
        outbox: Every entry, whatever its status, notices of scores included; by creation.
    """

    snapshot: Snapshot
    aliases: tuple[str, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    outbox: tuple[OutboxEntry, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept.

        That the id is an alias is kept with the profile it stands for; a version alone says nothing of anybody.
        """
        known, state = self.snapshot, self.snapshot.state
        own = known.profile_json is not None or bool(known.consent or state.scores or state.contacts)
        return not (own or self.aliases or self.decisions or self.outbox)


@runtime_checkable
class HoldingsStore(ProfileStore, Protocol):
    """A profile store that can say everything that it keeps under an id; every store that ships can."""

    def holdings(self, profile_id: str) -> Holdings:
        """Read everything that is kept under an id: what `delete_profile` erases, no less and no more."""
        ...


@runtime_checkable
class ScrubbedStore(Protocol):
    """A store whose files hold what was erased until they are scrubbed; every such store that ships can do it."""

    def scrub(self) -> bool:
        """Remove the last traces of what was erased; False when another process prevents it now."""
        ...


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept under one id, with what became of its decisions.

    Attributes:
        held: Of the profile store.
        feedback: Trials, newest first, then the last responses and the last attempts.
    """

    held: Holdings
    feedback: tuple[FeedbackRecord, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return self.held.is_empty and not self.feedback


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is kept about one customer.

    Attributes:
        customer: The id that all aliases stand for.
        aliases: In order.
        records: By id, those of the customer first; of an alias only where something is kept under it.
    """

    customer: str
    aliases: tuple[str, ...]
    records: tuple[Records, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return all(one.is_empty for one in self.records)


def read_dossier(store: HoldingsStore, feedback: FeedbackStore | None, asked: str) -> Dossier:
    """Read everything that is kept about a customer.

    Args:
        store: Of profiles.
        feedback: Of trials and responses; None where none are kept.
        asked: The customer's id, or an alias.

    Raises:
        ProfileStoreError: A store can't do its part; so for every function below.
    """
    customer = customer_behind(store, asked)
    first, *others = (
        Records(held, tuple(_feedback(feedback, held.snapshot.profile_id)))
        for held in _known_as(store, customer)
    )
    aliases = tuple(sorted({alias for one in (first, *others) for alias in one.held.aliases}))
    return Dossier(customer, aliases, (first, *(one for one in others if not one.is_empty)))


def erase(store: HoldingsStore, feedback: FeedbackStore | None, asked: str) -> Dossier:
    """Erase everything that is kept about a customer, under the id and every alias.

    What is committed meanwhile is erased whole, or comes after the erasure and is whole. The customer's own id
    comes last: when a store fails midway, a second call still knows every alias.

    Returns:
        What was found; empty where there was nothing to erase.
    """
    found = read_dossier(store, feedback, asked)
    if found.is_empty:
        return found
    for profile_id in (*found.aliases, found.customer):
        store.delete_profile(profile_id)
        if feedback is not None:
            feedback.forget_feedback(profile_id)
    return found


def customer_behind(store: ProfileStore, asked: str) -> str:
    """Return the id that an id stands for in the end; an id that is no alias stands for itself."""
    customer, seen = asked, {asked}
    while (target := store.resolve_alias(customer)) is not None and target not in seen:
        customer = target
        seen.add(target)
    return customer


def newest_first(decisions: Iterable[DecisionRecord]) -> tuple[DecisionRecord, ...]:
    """Order decisions as `Holdings` gives them."""
    return tuple(sorted(decisions, key=lambda one: (one.decided_at, one.id), reverse=True))


def oldest_first(entries: Iterable[OutboxEntry]) -> tuple[OutboxEntry, ...]:
    """Order outbox entries as `Holdings` gives them."""
    return tuple(sorted(entries, key=lambda one: (one.created_at, one.decision_id)))


def _known_as(store: HoldingsStore, customer: str) -> Iterator[Holdings]:
    """Yield what is kept under the id and under each alias, aliases of aliases included, each once."""
    waiting, seen = [customer], {customer}
    while waiting:
        held = store.holdings(waiting.pop(0))
        yield held
        fresh = [alias for alias in held.aliases if alias not in seen]
        waiting.extend(fresh)
        seen.update(fresh)


def _feedback(feedback: FeedbackStore | None, profile_id: str) -> Sequence[FeedbackRecord]:
    if feedback is None:
        return ()
    last = feedback.read_feedback([("responses", profile_id, "-"), ("attempts", profile_id, "-")])
    return [*feedback.trials(profile_id, since=_EVER), *last]
