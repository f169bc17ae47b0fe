"""Feedback in the table of the profiles: trials, responses and attempts beside their profile, counters apart.

A trial that somebody is to look at stands in the sparse index of the outbox, under partitions of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final
from zlib import crc32

from functions.profiles.dynamodb_calls import DynamoCalls, Surroundings, make_client
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import (
    OUTBOX_SHARDS,
    Item,
    attributes,
    checked,
    epoch_seconds,
    key_of,
    number,
    row_from,
)
from functions.profiles.dynamodb_keys import ATTEMPTS, MEASURED, RESPONSES, TRIAL, counter_key, key, stands_in
from functions.profiles.dynamodb_table import OUTBOX_INDEX, OUTBOX_INDEX_PARTITION_KEY, TTL_ATTRIBUTE
from functions.profiles.feedback import FeedbackKey, FeedbackRecord, check_keys, check_records, voided
from functions.profiles.rows import feedback_from, feedback_row
from functions.times import format_instant

BUDGET_MS: Final = 2_000
"""As for profiles, so that both stores of a process share one client and its connections."""

_SINGLE: Final = {"responses": RESPONSES, "attempts": ATTEMPTS}
_COLUMNS: Final = ("kind", "owner", "name", "at", "body", "version", "due_at", "keep_until")
_OPTIONAL: Final = ("due_at", "keep_until")
_SHARD: Final = "trial-"
"""What the partitions of trials in the index begin with."""


class DynamoFeedbackStore:
    """Feedback in a table that `functions.profiles.dynamodb_table` describes.

    Safe to share between threads, processes and machines.

    Args:
        table: Its name.
        client: A low-level client of the AWS SDK that does not retry, in the place of the store's own.
        region: Of the table; None for that of the environment.
        endpoint_url: Where DynamoDB is; None for that of the region or the environment.
        budget_ms: Wall time for all attempts of one call, in milliseconds.
        around: Clock, sleep and jitter, with a budget of their own; tests pass theirs.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """

    def __init__(
        self,
        table: str,
        *,
        client: Any = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        budget_ms: int = BUDGET_MS,
        around: Surroundings | None = None,
    ) -> None:
        client = client or make_client(region, endpoint_url, budget_ms)
        self._calls: Final = DynamoCalls(table, client, around or Surroundings(budget_ms / 1_000))

    def read_feedback(self, keys: Sequence[FeedbackKey]) -> Sequence[FeedbackRecord]:
        """Read records by their keys, with consistent reads."""
        check_keys(keys)
        items = self._calls.read([_key(*one) for one in dict.fromkeys(keys)])
        return [feedback_of(item) for item in items]

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        """Write records in the place of the versions that they bear, in one transaction."""
        check_records(records)
        puts = [{"Put": _put(self._calls.table, one)} for one in records]
        return not puts or self._calls.write(puts).response is not None

    def trials(self, profile_id: str, *, since: datetime) -> Sequence[FeedbackRecord]:
        """List the trials of a profile, newest first. Reads all that are kept, for want of an index."""
        check_keys([("trial", profile_id, "-")])
        found = [one for one in map(feedback_of, self._items(profile_id, TRIAL)) if one.at >= since]
        return sorted(found, key=lambda one: (one.at, one.name), reverse=True)

    def due_trials(self, *, due_before: datetime, limit: int = 100) -> Sequence[FeedbackRecord]:
        """List the trials that are due, the oldest first; what the index names is read from the table."""
        last = format_instant(due_before)
        due = [item for shard in range(OUTBOX_SHARDS) for item in self._due(shard, last, limit)]
        due.sort(key=lambda item: (item["due_at"]["S"], item["sk"]["S"], item["pk"]["S"]))
        read = [
            feedback_of(item) for item in self._calls.read([key_of(item) for item in due[: max(limit, 0)]])
        ]
        found = [(one.due_at, one.name, one.owner, one) for one in read if one.due_at is not None]
        return [one for *_, one in sorted(found, key=lambda entry: entry[:3]) if _is_due(one, last)]

    def forget_feedback(self, profile_id: str) -> bool:
        """Erase all records of a profile but counters."""
        check_keys([("trial", profile_id, "-")])
        keys = [
            key_of(item) for sort in (TRIAL, RESPONSES, ATTEMPTS) for item in self._items(profile_id, sort)
        ]
        self._calls.delete(keys)
        return bool(keys)

    def close(self) -> None:
        """Do nothing: the client is shared with other stores of the same settings."""

    def _items(self, profile_id: str, sort: str) -> Sequence[Item]:
        expression = Expression()
        partition = f"{expression.name('pk')}={expression.value(key(profile_id, sort)['pk'])}"
        begins = f"begins_with({expression.name('sk')},{expression.value({'S': sort})})"
        query = {"ConsistentRead": True, "KeyConditionExpression": f"{partition} AND {begins}"}
        return list(self._calls.query(**query, **expression.parameters()))

    def _due(self, shard: int, last: str, limit: int) -> Sequence[Item]:
        if limit <= 0:
            return []
        expression = Expression()
        partition = expression.value({"S": f"{_SHARD}{shard}"})
        condition = f"{expression.name(OUTBOX_INDEX_PARTITION_KEY)}={partition}"
        condition += f" AND {expression.name('due_at')}<={expression.value({'S': last})}"
        parameters: dict[str, Any] = expression.parameters() | {"KeyConditionExpression": condition}
        query = self._calls.query(IndexName=OUTBOX_INDEX, Limit=min(limit, 1_000), **parameters)
        return list(islice((item for item in query if stands_in(item, MEASURED)), limit))


def trial_update(table: str, record: FeedbackRecord) -> dict[str, Any]:
    """Return the write, in the transaction of a decision, that adds its trial unless there is one."""
    item = feedback_item(record)
    where, expression = key_of(item), Expression()
    for name, value in item.items():
        if name not in where:
            expression.set(name, f"if_not_exists({expression.name(name)},{expression.value(value)})")
    return expression.request(table, where)


def void_trial(calls: DynamoCalls, profile_id: str, decision_id: str) -> list[dict[str, Any]]:
    """Return the write, in the transaction that releases an action, that marks its trial; none without one.

    The write is refused when somebody else counts the trial meanwhile.
    """
    found = calls.read([_key("trial", profile_id, decision_id)])
    return [{"Put": _put(calls.table, voided(feedback_of(item)))} for item in found]


def feedback_of(item: Item) -> FeedbackRecord:
    """Read a trial, a counter or responses.

    Raises:
        StoreRejectedError: It is none.
    """
    return feedback_from(row_from(item, _COLUMNS, _OPTIONAL))


def _key(kind: str, owner: str, name: str) -> Item:
    if kind == "counter":
        return counter_key(owner)
    return key(owner, TRIAL + name if kind == "trial" else _SINGLE[kind])


def feedback_item(record: FeedbackRecord) -> Item:
    """Return what is stored in the place of a record that was read, or of none."""
    stored = replace(record, version=record.version + 1)
    item = _key(*record.key) | attributes(feedback_row(stored))
    if record.kind == "trial" and record.due_at is not None:
        item[OUTBOX_INDEX_PARTITION_KEY] = {"S": f"{_SHARD}{crc32(record.name.encode()) % OUTBOX_SHARDS}"}
    if record.keep_until is not None:
        item[TTL_ATTRIBUTE] = epoch_seconds(record.keep_until)
    return checked(item, "the feedback")


def _put(table: str, record: FeedbackRecord) -> dict[str, Any]:
    expression = Expression()
    if record.version:
        same = f"{expression.name('version')}={expression.value(number(record.version))}"
        expression.when(same)
    else:
        expression.when("attribute_not_exists(pk)")
    return {"TableName": table, "Item": feedback_item(record), **expression.parameters()}


def _is_due(record: FeedbackRecord, last: str) -> bool:
    return record.due_at is not None and format_instant(record.due_at) <= last
