"""A commit against SQLite: encoded before the file is locked, then judged and written in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions.profiles import sqlite_statements as sql
from functions.profiles.conditions import Stored, check_request, entries_of, refusal
from functions.profiles.rows import (
    Row,
    consent_from,
    contact_row,
    decision_from,
    decision_row,
    feedback_row,
    outbox_row,
    score_row,
)
from functions.profiles.sqlite_budgets import add_to_shard, left_for
from functions.profiles.store import CommitRequest, CommitResult
from functions.times import format_instant


@dataclass(frozen=True, slots=True)
class _Writes:
    decision: Row
    scores: Sequence[Row]
    contact: Row | None
    prune_before: str
    outbox: Sequence[Row]
    trials: Sequence[Row]


def prepare_commit(request: CommitRequest) -> Callable[[sqlite3.Connection], CommitResult]:
    """Check and encode a request, and return what carries it out inside a write transaction.

    Raises:
        StoreRejectedError: The request contradicts itself or holds what can't be kept.
    """
    check_request(request)
    writes = _encoded(request)

    def carry_out(connection: sqlite3.Connection) -> CommitResult:
        refused = refusal(request, _stored(connection, request, writes))
        if refused is not None:
            return refused
        _write(connection, request, writes)
        return CommitResult("committed")

    return carry_out


def _encoded(request: CommitRequest) -> _Writes:
    state, profile_id = request.state, request.decision.profile_id
    prune_before = state.prune_before if state else None
    return _Writes(
        decision=decision_row(request.decision),
        scores=[score_row(profile_id, name, score) for name, score in state.scores.items()] if state else [],
        contact=contact_row(profile_id, state.contact) if state and state.contact else None,
        prune_before=format_instant(prune_before) if prune_before else "",
        outbox=[outbox_row(entry) for entry in entries_of(request)],
        trials=[feedback_row(replace(request.trial, version=1))] if request.trial is not None else [],
    )


def _stored(connection: sqlite3.Connection, request: CommitRequest, writes: _Writes) -> Stored:
    profile_id = request.decision.profile_id

    def first(statement: str, *keys: str | int) -> dict[str, Any] | None:
        row: dict[str, Any] | None = connection.execute(statement, keys).fetchone()
        return row

    decision = first(sql.READ_DECISION, profile_id, request.decision.id)
    found = {one.purpose: first(sql.READ_CONSENT, profile_id, one.purpose) for one in request.consents}
    documents = {one.name: first(sql.READ_DOCUMENT_VERSION, one.name) for one in request.marks}
    version = first(sql.READ_VERSION, profile_id) if writes.contact else None
    contacts = first(sql.COUNT_CONTACTS, profile_id, writes.prune_before) if writes.contact else None
    return Stored(
        decision=decision_from(decision) if decision else None,
        consents={purpose: consent_from(row) for purpose, row in found.items() if row},
        marks={name: row["version"] for name, row in documents.items() if row},
        version=version["version"] if version else 0,
        contacts=contacts["n"] if contacts else 0,
        budgets_left=tuple(left_for(connection, take) for take in request.budgets),
    )


def _write(connection: sqlite3.Connection, request: CommitRequest, writes: _Writes) -> None:
    profile_id = request.decision.profile_id
    connection.execute(sql.ADD_DECISION, writes.decision)
    connection.executemany(sql.PUT_SCORE, writes.scores)
    if writes.contact is not None:
        connection.execute(sql.PRUNE_CONTACTS, (profile_id, writes.prune_before))
        connection.execute(sql.ADD_CONTACT, writes.contact)
        connection.execute(sql.MOVE_VERSION, (profile_id,))
    for take in request.budgets:
        add_to_shard(connection, take, -take.amount)
    connection.executemany(sql.PUT_OUTBOX, writes.outbox)
    connection.executemany(sql.ADD_FEEDBACK, writes.trials)
