"""Profiles in memory: the reference for every other store, and the store of tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Final

from functions.documents import Json
from functions.governance.consent import ConsentRecord
from functions.profiles.access import Holdings, newest_first, oldest_first
from functions.profiles.budgets import BudgetShard
from functions.profiles.codec import check_id, encode_document
from functions.profiles.conditions import (
    Stored,
    check_request,
    entries_of,
    leased,
    refusal,
    settled,
)
from functions.profiles.consents import dated, supersedes
from functions.profiles.memory_budgets import MemoryBudgets
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.memory_rows import at as at_of
from functions.profiles.memory_rows import dropped, pruned, put_scores
from functions.profiles.memory_rows import ended as end_contact
from functions.profiles.merging import followed, is_followed, known_as, moves_version, united
from functions.profiles.outbox import ContactStatus, OutboxEntry, Unreadable
from functions.profiles.retention import SCORE_GRACE
from functions.profiles.rows import (
    Row,
    StoredRow,
    consent_from,
    consent_row,
    contact_from,
    contact_row,
    decision_from,
    decision_row,
    outbox_from,
    outbox_row,
    readable,
    row_key,
    score_from,
    score_row,
)
from functions.profiles.store import (
    CommitRequest,
    CommitResult,
    DecisionRecord,
    ProfileState,
    Snapshot,
    StateUpdate,
)
from functions.profiles.traits import NEVER, StoredProfile, patched, replaced
from functions.times import format_instant


@dataclass(slots=True)
class _Kept:
    """All that is kept about one profile, as rows, so that no caller shares an object with the store."""

    profile: StoredProfile | None = None
    version: int = 0
    consent: dict[str, StoredRow] = field(default_factory=dict)
    scores: dict[str, StoredRow] = field(default_factory=dict)
    contacts: list[Row] = field(default_factory=list)
    decisions: dict[str, StoredRow] = field(default_factory=dict)
    outbox: dict[str, StoredRow] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Say whether nothing is kept."""
        parts = (self.consent, self.scores, self.contacts, self.decisions, self.outbox)
        return self.profile is None and not self.version and not any(parts)


class MemoryProfileStore:
    """A profile store that lives as long as its process. Safe to share between threads.

    Args:
        feedback: Where the trials of decisions go.
        documents: Where the suppression marks are that a commit may be conditional on.
    """

    def __init__(
        self, feedback: MemoryFeedbackStore | None = None, documents: MemoryOperatorStore | None = None
    ) -> None:
        self.feedback: Final = feedback or MemoryFeedbackStore()
        self.documents: Final = documents or MemoryOperatorStore()
        self._lock: Final = Lock()
        self._kept: Final[dict[str, _Kept]] = {}
        self._aliases: Final[dict[str, str]] = {}
        self._budgets: Final = MemoryBudgets()

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        """Read everything that a decision needs."""
        check_id(profile_id, "the profile id")
        if decision_id is not None:
            check_id(decision_id, "the decision id")
        with self._lock:
            return self._snapshot(profile_id, decision_id or "")

    def commit(self, request: CommitRequest) -> CommitResult:
        """Write one decision with everything that belongs to it, or nothing. Never says `conflict`."""
        check_request(request)
        profile_id, state = request.decision.profile_id, request.state or StateUpdate()
        decision = decision_row(request.decision)
        outbox = {entry.decision_id: outbox_row(entry) for entry in entries_of(request)}
        scores = [score_row(profile_id, name, score) for name, score in state.scores.items()]
        contact = contact_row(profile_id, state.contact) if state.contact else None
        with self._lock, self.documents.unchanged() as version_of:
            kept = self._of(profile_id)
            contacts = pruned(kept.contacts, state.prune_before)
            marks = {one.name: version_of(one.name) for one in request.marks}
            refused = refusal(request, self._stored(request, kept, len(contacts), marks))
            if refused is not None:
                return refused
            self._kept[profile_id] = kept
            kept.decisions[request.decision.id] = decision
            put_scores(kept.scores, scores)
            if contact is not None:
                kept.contacts = sorted([*contacts, contact], key=at_of)
                kept.version += 1
            for take in request.budgets:
                self._budgets.add(take, -take.amount)
            kept.outbox.update(outbox)
            if request.trial is not None:
                self.feedback.add_trial(request.trial)
        return CommitResult("committed")

    def lease(
        self, profile_id: str, decision_id: str, *, owner: str, now: datetime, until: datetime
    ) -> OutboxEntry | None:
        """Take a reserved entry whose lease is free or over."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        with self._lock:
            kept = self._of(profile_id)
            taken = leased(_entry(kept, decision_id), owner=owner, now=now, until=until)
            if taken is not None:
                kept.outbox[decision_id] = outbox_row(taken)
            return taken

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
        """End a lease, and let the contact log follow."""
        with self._lock:
            kept = self._of(entry.profile_id)
            stored = _entry(kept, entry.decision_id)
            ended = settled(stored, entry, status=status, note=note, due_at=due_at, in_doubt=in_doubt)
            if ended is None:
                return False
            kept.outbox[entry.decision_id] = outbox_row(ended)
            target_of = self._aliases.get if is_followed(status, at) else _no_alias
            for life in map(self._of, followed(entry.profile_id, target_of)):
                if end_contact(life.contacts, entry.decision_id, status, at):
                    life.version += moves_version(status, at)
            if status == "released":
                for take in ended.paid:
                    self._budgets.add(take, take.amount)
                self.feedback.void_trial(entry.profile_id, entry.decision_id)
        return True

    def outbox(
        self, *, due_before: datetime | None = None, limit: int = 100, unreadable: Unreadable | None = None
    ) -> Sequence[OutboxEntry]:
        """List reserved entries by due time, oldest first."""
        last = format_instant(due_before) if due_before else None
        with self._lock:
            rows = [row for kept in self._kept.values() for row in kept.outbox.values()]
        due = [row for row in rows if row["status"] == "reserved" and (last is None or row["due_at"] <= last)]
        due.sort(key=lambda row: (row["due_at"], row["decision_id"], row["profile_id"]))
        return list(islice(readable(due, outbox_from, unreadable, row_key), max(limit, 0)))

    def outbox_entry(self, profile_id: str, decision_id: str) -> OutboxEntry | None:
        """Read one entry, whatever its status."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        with self._lock:
            return _entry(self._of(profile_id), decision_id)

    def decisions(self, profile_id: str, *, limit: int = 20) -> Sequence[DecisionRecord]:
        """List the decisions about a profile, newest first."""
        check_id(profile_id, "the profile id")
        with self._lock:
            rows = list(self._of(profile_id).decisions.values())
        # Of the same instant, the one that was committed last comes first.
        rows.reverse()
        rows.sort(key=lambda row: str(row["decided_at"]), reverse=True)
        return [decision_from(row) for row in rows[: max(limit, 0)]]

    def holdings(self, profile_id: str) -> Holdings:
        """Read everything that is kept under an id."""
        check_id(profile_id, "the profile id")
        with self._lock:
            return Holdings(
                snapshot=self._snapshot(profile_id, ""),
                aliases=tuple(sorted(alias for alias, of in self._aliases.items() if of == profile_id)),
                decisions=newest_first(map(decision_from, self._of(profile_id).decisions.values())),
                outbox=oldest_first(map(outbox_from, self._of(profile_id).outbox.values())),
            )

    def every_decision(self) -> Iterator[DecisionRecord]:
        """Yield every decision that is kept."""
        with self._lock:
            rows = [row for kept in self._kept.values() for row in kept.decisions.values()]
        yield from map(decision_from, rows)

    def put_profile(self, profile_id: str, document: Mapping[str, Json], *, updated_at: datetime) -> bool:
        """Replace the enriched profile; False when the stored one is newer."""
        check_id(profile_id, "the profile id")
        encode_document(dict(document), "the profile")
        at = format_instant(updated_at)
        with self._lock:
            kept = self._of(profile_id)
            return self._put(profile_id, kept, replaced(kept.profile, document, at), at)

    def patch_profile(self, profile_id: str, traits: Mapping[str, Json], *, at: datetime) -> bool:
        """Write traits, each unless something newer is known of it."""
        check_id(profile_id, "the profile id")
        with self._lock:
            kept = self._of(profile_id)
            whole_at = kept.profile.updated_at if kept.profile else NEVER
            return self._put(profile_id, kept, patched(kept.profile, traits, format_instant(at)), whole_at)

    def put_consent(self, profile_id: str, record: ConsentRecord, *, now: datetime) -> bool:
        """Replace the record of one purpose; False when the stored one counts."""
        record = dated(record, now)
        row = consent_row(profile_id, record)
        with self._lock:
            kept = self._of(profile_id)
            before = kept.consent.get(record.purpose)
            if not supersedes(record, consent_from(before) if before else None, now):
                return False
            kept.consent[record.purpose] = row
            self._kept[profile_id] = kept
        return True

    def put_alias(self, alias: str, profile_id: str) -> None:
        """Let an id stand for a profile."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        with self._lock:
            if self._aliases.get(alias) != profile_id:
                self._unite(alias, profile_id)

    def add_alias(self, alias: str, profile_id: str) -> bool:
        """Let an id stand for a profile, unless it stands for another."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        with self._lock:
            if alias not in self._aliases:
                self._unite(alias, profile_id)
            return self._aliases[alias] == profile_id

    def resolve_alias(self, alias: str) -> str | None:
        """Return the profile id behind an alias."""
        check_id(alias, "the alias")
        with self._lock:
            return self._aliases.get(alias)

    def delete_profile(self, profile_id: str) -> bool:
        """Erase all that is kept about a profile."""
        check_id(profile_id, "the profile id")
        with self._lock:
            kept = self._kept.pop(profile_id, _Kept())
            aliases = [alias for alias, target in self._aliases.items() if target == profile_id]
            for alias in aliases:
                del self._aliases[alias]
            responded = self.feedback.forget_feedback(profile_id)
        return responded or bool(aliases) or not kept.is_empty()

    def open_budget(
        self, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None = None
    ) -> None:
        """Create the shards of a period; no effect when there are any."""
        with self._lock:
            self._budgets.open_budget(budget, period, shards, keep_until)

    def budget_shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
        """Return the shards of a period, in order."""
        with self._lock:
            return self._budgets.shards(budget, period)

    def divide_budget(
        self, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
    ) -> bool:
        """Give every shard of a period another share."""
        with self._lock:
            return self._budgets.divide_budget(budget, period, before, shares)

    def budget_left(self, budget: str, period: str) -> tuple[int, ...]:
        """Return what is left in each shard, in order."""
        return tuple(one.left for one in self.budget_shards(budget, period))

    def purge(self, now: datetime) -> int:
        """Drop what may be dropped: expired decisions, what is past its keeping, old scores.

        Args:
            now: The present instant. Scores go `SCORE_GRACE` after they expired.

        Returns:
            How many were dropped.
        """
        present, long_ago = format_instant(now), format_instant(now - SCORE_GRACE)
        with self._lock:
            return self._budgets.purge(present) + sum(
                dropped(kept.decisions, "expires_at", present)
                + dropped(kept.outbox, "keep_until", present)
                + dropped(kept.scores, "expires_at", long_ago)
                for kept in self._kept.values()
            )

    def close(self) -> None:
        """Do nothing: there is no file and no connection."""

    def _snapshot(self, profile_id: str, decision_id: str) -> Snapshot:
        kept = self._of(profile_id)
        return Snapshot(
            profile_id=profile_id,
            profile_json=kept.profile.text if kept.profile else None,
            consent={purpose: consent_from(row) for purpose, row in kept.consent.items()},
            state=ProfileState(
                version=kept.version,
                scores={name: score_from(row) for name, row in kept.scores.items()},
                contacts=tuple(contact_from(row) for row in kept.contacts),
                known_as=known_as(self._aliases, profile_id),
            ),
            decision=_decision(kept, decision_id),
            stands_for=self._aliases.get(profile_id),
        )

    def _unite(self, alias: str, profile_id: str) -> None:
        self._aliases[alias] = profile_id
        if alias != profile_id:
            kept, other = self._of(profile_id), self._of(alias)
            contacts, changed = united(kept.contacts, other.contacts, profile_id)
            kept.contacts = sorted(contacts, key=at_of)
            kept.version, other.version = kept.version + changed, other.version + 1
            self._kept.update({profile_id: kept, alias: other})

    def _of(self, profile_id: str) -> _Kept:
        """Return what is kept about a profile; a new, empty one is not yet part of the store."""
        return self._kept.get(profile_id) or _Kept()

    def _put(self, profile_id: str, kept: _Kept, document: Mapping[str, Json] | None, at: str) -> bool:
        if document is None:
            return False
        kept.profile = StoredProfile(at, encode_document(dict(document), "the profile").encode())
        self._kept[profile_id] = kept
        return True

    def _stored(self, request: CommitRequest, kept: _Kept, contacts: int, marks: Mapping[str, int]) -> Stored:
        named = {one.purpose for one in request.consents} & kept.consent.keys()
        return Stored(
            decision=_decision(kept, request.decision.id),
            consents={purpose: consent_from(kept.consent[purpose]) for purpose in named},
            marks=marks,
            version=kept.version,
            contacts=contacts,
            budgets_left=tuple(self._budgets.left(take) for take in request.budgets),
        )


def _no_alias(_: str) -> None:
    """Say of every id that it is no alias."""


def _decision(kept: _Kept, decision_id: str) -> DecisionRecord | None:
    row = kept.decisions.get(decision_id)
    return decision_from(row) if row else None


def _entry(kept: _Kept, decision_id: str) -> OutboxEntry | None:
    row = kept.outbox.get(decision_id)
    return outbox_from(row) if row else None
