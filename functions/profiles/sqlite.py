"""Profiles in one SQLite file: the local default. No server, several processes, one transaction a decision."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from functions.documents import Json
from functions.governance.consent import ConsentRecord
from functions.profiles import sqlite_statements as sql
from functions.profiles.access import Holdings, newest_first, oldest_first
from functions.profiles.budgets import BudgetShard
from functions.profiles.codec import check_id, pack_profile, unpack_profile
from functions.profiles.conditions import check_budget, check_division, leased, settled
from functions.profiles.consents import dated, supersedes
from functions.profiles.merging import followed, is_followed, moves_version, remembered
from functions.profiles.outbox import ContactStatus, OutboxEntry, Unreadable
from functions.profiles.retention import SCORE_GRACE
from functions.profiles.rows import (
    consent_from,
    consent_row,
    contact_from,
    decision_from,
    outbox_from,
    outbox_row,
    readable,
    row_key,
    score_from,
)
from functions.profiles.sqlite_budgets import add_to_shard, divide_shards, open_shards, read_shards
from functions.profiles.sqlite_commit import prepare_commit
from functions.profiles.sqlite_connection import Connect, SqliteConnection
from functions.profiles.sqlite_feedback import void_trial
from functions.profiles.sqlite_schema import open_database
from functions.profiles.store import (
    CommitRequest,
    CommitResult,
    DecisionRecord,
    ProfileState,
    Snapshot,
)
from functions.profiles.traits import NEVER, StoredProfile, patched, replaced
from functions.times import format_instant

_END_OF_TIME = "9999-12-31T23:59:59.999Z"


class SqliteProfileStore:
    """A profile store in one file, with a write-ahead log beside it.

    Safe to share between threads and between processes on one machine; not over a network file system.
    The file is opened, and created with its folder, at the first use. Once `commit` returns, the decision
    survives a power cut.

    Args:
        path: The file.
        busy_timeout_s: How long to wait, in seconds, for another process before `StoreUnavailableError`.
        connect: How the file is opened; tests pass their own.
    """

    def __init__(
        self, path: Path | str, *, busy_timeout_s: float = 5.0, connect: Connect = open_database
    ) -> None:
        self._file: Final = SqliteConnection(Path(path), busy_timeout_s, connect)

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        """Read everything that a decision needs, in one read transaction."""
        check_id(profile_id, "the profile id")
        if decision_id is not None:
            check_id(decision_id, "the decision id")
        with self._file.transaction("BEGIN") as connection:
            return _snapshot(connection, profile_id, decision_id or "")

    def commit(self, request: CommitRequest) -> CommitResult:
        """Write one decision with everything that belongs to it, or nothing. Never says `conflict`."""
        carry_out = prepare_commit(request)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            return carry_out(connection)

    def lease(
        self, profile_id: str, decision_id: str, *, owner: str, now: datetime, until: datetime
    ) -> OutboxEntry | None:
        """Take a reserved entry whose lease is free or over."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            stored = _entry(connection, profile_id, decision_id)
            taken = leased(stored, owner=owner, now=now, until=until)
            if taken is not None:
                connection.execute(sql.PUT_OUTBOX, outbox_row(taken))
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
        keys = (entry.profile_id, entry.decision_id)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            stored = _entry(connection, *keys)
            ended = settled(stored, entry, status=status, note=note, due_at=due_at, in_doubt=in_doubt)
            if ended is None:
                return False
            connection.execute(sql.PUT_OUTBOX, outbox_row(ended))
            _end_contacts(connection, entry, status, at)
            if status == "released":
                _release(connection, ended)
        return True

    def outbox(
        self, *, due_before: datetime | None = None, limit: int = 100, unreadable: Unreadable | None = None
    ) -> Sequence[OutboxEntry]:
        """List reserved entries by due time, oldest first."""
        last = format_instant(due_before) if due_before else _END_OF_TIME
        with self._file.transaction("BEGIN") as connection:
            rows = connection.execute(sql.READ_OUTBOX, (last,))
            return list(islice(readable(rows, outbox_from, unreadable, row_key), max(limit, 0)))

    def outbox_entry(self, profile_id: str, decision_id: str) -> OutboxEntry | None:
        """Read one entry, whatever its status."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        with self._file.transaction("BEGIN") as connection:
            return _entry(connection, profile_id, decision_id)

    def decisions(self, profile_id: str, *, limit: int = 20) -> Sequence[DecisionRecord]:
        """List the decisions about a profile, newest first."""
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN") as connection:
            rows = connection.execute(sql.READ_DECISIONS, (profile_id, max(limit, 0))).fetchall()
        return [decision_from(row) for row in rows]

    def holdings(self, profile_id: str) -> Holdings:
        """Read everything that is kept under an id, in one read transaction."""
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN") as connection:
            aliases = connection.execute(sql.READ_ALIASES, (profile_id,)).fetchall()
            decisions = connection.execute(sql.READ_DECISIONS, (profile_id, -1)).fetchall()
            entries = connection.execute(sql.READ_OUTBOX_OF, (profile_id,)).fetchall()
            return Holdings(
                snapshot=_snapshot(connection, profile_id, ""),
                aliases=tuple(row["alias"] for row in aliases),
                decisions=newest_first(map(decision_from, decisions)),
                outbox=oldest_first(map(outbox_from, entries)),
            )

    def every_decision(self) -> Iterator[DecisionRecord]:
        """Yield every decision that is kept, in the order of their commits."""
        last = 0
        while True:
            with self._file.transaction("BEGIN") as connection:
                rows = connection.execute(sql.READ_EVERY_DECISION, (last,)).fetchall()
            if not rows:
                return
            last = rows[-1]["place"]
            yield from map(decision_from, rows)

    def put_profile(self, profile_id: str, document: Mapping[str, Json], *, updated_at: datetime) -> bool:
        """Replace the enriched profile; False when the stored one is newer."""
        check_id(profile_id, "the profile id")
        at, packed = format_instant(updated_at), pack_profile(document)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            after = replaced(_stored(connection, profile_id), document, at)
            if after is None:
                return False
            body = packed if after is document else pack_profile(after)
            connection.execute(sql.PUT_PROFILE, (profile_id, at, body))
        return True

    def patch_profile(self, profile_id: str, traits: Mapping[str, Json], *, at: datetime) -> bool:
        """Write traits, each unless something newer is known of it."""
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            stored = _stored(connection, profile_id)
            after = patched(stored, traits, format_instant(at))
            if after is None:
                return False
            whole_at = stored.updated_at if stored else NEVER
            connection.execute(sql.PUT_PROFILE, (profile_id, whole_at, pack_profile(after)))
        return True

    def put_consent(self, profile_id: str, record: ConsentRecord, *, now: datetime) -> bool:
        """Replace the record of one purpose; False when the stored one counts."""
        record = dated(record, now)
        row = consent_row(profile_id, record)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            before = _first(connection, sql.READ_CONSENT, profile_id, record.purpose)
            if not supersedes(record, consent_from(before) if before else None, now):
                return False
            connection.execute(sql.PUT_CONSENT, row)
        return True

    def put_alias(self, alias: str, profile_id: str) -> None:
        """Let an id stand for a profile."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            row = _first(connection, sql.READ_ALIAS, alias)
            if row is None or row["profile_id"] != profile_id:
                _unite(connection, alias, profile_id)

    def add_alias(self, alias: str, profile_id: str) -> bool:
        """Let an id stand for a profile, unless it stands for another."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            row = _first(connection, sql.READ_ALIAS, alias)
            if row is None:
                _unite(connection, alias, profile_id)
        return row is None or row["profile_id"] == profile_id

    def resolve_alias(self, alias: str) -> str | None:
        """Return the profile id behind an alias."""
        check_id(alias, "the alias")
        with self._file.transaction("BEGIN") as connection:
            row = _first(connection, sql.READ_ALIAS, alias)
        return row["profile_id"] if row else None

    def delete_profile(self, profile_id: str) -> bool:
        """Erase all that is kept about a profile."""
        check_id(profile_id, "the profile id")
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            return _deleted(connection, sql.DELETE_PROFILE, profile_id) > 0

    def open_budget(
        self, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None = None
    ) -> None:
        """Create the shards of a period; no effect when there are any."""
        check_budget(budget, period, shards)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            open_shards(connection, budget, period, shards, keep_until)

    def budget_shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
        """Return the shards of a period, in order."""
        check_budget(budget, period)
        with self._file.transaction("BEGIN") as connection:
            return read_shards(connection, budget, period)

    def divide_budget(
        self, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
    ) -> bool:
        """Give every shard of a period another share."""
        check_division(budget, period, before, shares)
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            return divide_shards(connection, budget, period, before, shares)

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
        with self._file.transaction("BEGIN IMMEDIATE") as connection:
            scores = _deleted(connection, (sql.PURGE_SCORES,), long_ago)
            return scores + _deleted(connection, sql.PURGE, present)

    def scrub(self) -> bool:
        """Empty the write-ahead log, which still holds what was erased; False when another process prevents it."""
        return self._file.scrub()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._file.close()


def _snapshot(connection: sqlite3.Connection, profile_id: str, decision_id: str) -> Snapshot:
    body = _first(connection, sql.READ_PROFILE, profile_id)
    version = _first(connection, sql.READ_VERSION, profile_id)
    decision = _first(connection, sql.READ_DECISION, profile_id, decision_id)
    alias = _first(connection, sql.READ_ALIAS, profile_id)
    consents = connection.execute(sql.READ_CONSENTS, (profile_id,)).fetchall()
    scores = connection.execute(sql.READ_SCORES, (profile_id,)).fetchall()
    contacts = connection.execute(sql.READ_CONTACTS, (profile_id,)).fetchall()
    known = connection.execute(sql.READ_KNOWN_AS, {"profile_id": profile_id}).fetchall()
    return Snapshot(
        profile_id=profile_id,
        profile_json=unpack_profile(body["body"]) if body else None,
        consent={row["purpose"]: consent_from(row) for row in consents},
        state=ProfileState(
            version=version["version"] if version else 0,
            scores={row["name"]: score_from(row) for row in scores},
            contacts=tuple(contact_from(row) for row in contacts),
            known_as=remembered(row["id"] for row in known),
        ),
        decision=decision_from(decision) if decision else None,
        stands_for=alias["profile_id"] if alias else None,
    )


def _unite(connection: sqlite3.Connection, alias: str, profile_id: str) -> None:
    """Let an alias stand for a profile, and unite what is known under both."""
    connection.execute(sql.PUT_ALIAS, (alias, profile_id))
    if alias == profile_id:
        return
    ids = {"alias": alias, "profile_id": profile_id}
    connection.execute(sql.DROP_EARLIER_CONTACTS, ids)
    if connection.execute(sql.UNITE_CONTACTS, ids).rowcount > 0:
        connection.execute(sql.MOVE_VERSION, (profile_id,))
    connection.execute(sql.MOVE_VERSION, (alias,))


def _first(connection: sqlite3.Connection, statement: str, *keys: str) -> dict[str, Any] | None:
    row: dict[str, Any] | None = connection.execute(statement, keys).fetchone()
    return row


def _stored(connection: sqlite3.Connection, profile_id: str) -> StoredProfile | None:
    row = _first(connection, sql.READ_STORED_PROFILE, profile_id)
    return StoredProfile(row["updated_at"], unpack_profile(row["body"])) if row else None


def _entry(connection: sqlite3.Connection, profile_id: str, decision_id: str) -> OutboxEntry | None:
    row = _first(connection, sql.READ_OUTBOX_ENTRY, profile_id, decision_id)
    return outbox_from(row) if row else None


def _end_contacts(
    connection: sqlite3.Connection, entry: OutboxEntry, status: ContactStatus, at: datetime | None
) -> None:
    """Write what became of an action to its contact, under every id that its own leads to."""

    def target_of(alias: str) -> str | None:
        row = _first(connection, sql.READ_ALIAS, alias) if is_followed(status, at) else None
        return row["profile_id"] if row else None

    moved = format_instant(at) if at is not None else None
    for one in followed(entry.profile_id, target_of):
        found = connection.execute(sql.SETTLE_CONTACT, (status, moved, one, entry.decision_id)).rowcount
        if found and moves_version(status, at):
            connection.execute(sql.MOVE_VERSION, (one,))


def _release(connection: sqlite3.Connection, entry: OutboxEntry) -> None:
    """Give back what an entry paid, and let nothing be learned from it."""
    for take in entry.paid:
        add_to_shard(connection, take, take.amount)
    void_trial(connection, entry.profile_id, entry.decision_id)


def _deleted(connection: sqlite3.Connection, statements: Sequence[str], key: str) -> int:
    return sum(connection.execute(statement, (key,)).rowcount for statement in statements)
