"""The outbox in DynamoDB: leases and settlements as conditional writes, the listing by a sparse index."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from functions.errors import StoreContendedError
from functions.profiles.codec import check_text
from functions.profiles.dynamodb_calls import MAX_BATCH_READ, Answer, DynamoCalls, Reason
from functions.profiles.dynamodb_commit import AMOUNT_LEFT
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_feedback import void_trial
from functions.profiles.dynamodb_identities import TARGET, read_alias
from functions.profiles.dynamodb_items import OUTBOX_SHARDS, Item, epoch_seconds, key_of, number, outbox_of
from functions.profiles.dynamodb_keys import ALIAS, DECIDED, OUTBOX, STATE, key, shard_key, stands_in
from functions.profiles.dynamodb_state import MOVED_AT, STATUS, VERSION, contact_attribute
from functions.profiles.dynamodb_table import OUTBOX_INDEX, OUTBOX_INDEX_PARTITION_KEY, TTL_ATTRIBUTE
from functions.profiles.merging import followed, is_followed, moves_version
from functions.profiles.outbox import ContactStatus, OutboxEntry, Unreadable
from functions.profiles.rows import readable
from functions.times import format_instant

_ALL_OLD: Final = "ALL_OLD"
_ATTEMPTS: Final = 20


def lease_entry(
    calls: DynamoCalls, profile_id: str, decision_id: str, *, owner: str, now: datetime, until: datetime
) -> OutboxEntry | None:
    """Take a reserved entry whose lease is free or over, in one conditional write.

    When its answer is lost and the write is repeated, the entry is found held: it then waits for the end of
    that lease. Better late than by two workers.

    Raises:
        ProfileStoreError: As its subclasses say.
    """
    check_text(owner, "the owner")
    expression = Expression()
    held = expression.name("lease_until")
    expression.when(f"{expression.name('status')}={expression.value({'S': 'reserved'})}")
    expression.when(f"attribute_not_exists({held}) OR {held}<={expression.value({'S': format_instant(now)})}")
    expression.set("lease_owner", expression.value({"S": owner}))
    expression.set("lease_until", expression.value({"S": format_instant(until)}))
    expression.set("attempts", f"{expression.name('attempts')}+{expression.value(number(1))}")
    request = expression.request(calls.table, key(profile_id, OUTBOX + decision_id), ReturnValues="ALL_NEW")
    answer = calls.insist("update_item", **request)
    return outbox_of(answer.response["Attributes"]) if answer.response is not None else None


def settle_entry(
    calls: DynamoCalls,
    entry: OutboxEntry,
    *,
    status: ContactStatus,
    note: str | None,
    due_at: datetime | None,
    in_doubt: bool,
    at: datetime | None,
) -> bool:
    """End a lease, and let the contact logs of the customer and, of a release, the trial follow.

    Raises:
        StoreContendedError: The trial was counted, or an alias was moved, by others at every attempt.
        ProfileStoreError: As its subclasses say.
    """
    if entry.lease_owner is None:
        return False
    if note is not None:
        check_text(note, "the note")
    end = _ending(entry, status, note, due_at, in_doubt=in_doubt).request(
        calls.table,
        key(entry.profile_id, OUTBOX + entry.decision_id),
        ReturnValuesOnConditionCheckFailure=_ALL_OLD,
    )
    if status == "reserved" and at is None:
        return _ended(calls.insist("update_item", **end), entry, status)
    update = {"TableName": calls.table, **_following(entry, status, at).parameters()}
    pruned: set[str] = set()
    in_doubt = False
    for _ in range(_ATTEMPTS):
        aliases = _aliases(calls, entry.profile_id) if is_followed(status, at) else {entry.profile_id: None}
        lives = [one for one in aliases if one not in pruned]
        follow = [{"Update": {**update, "Key": key(one, STATE)}} for one in lives]
        rest = _unmoved(calls.table, aliases) if is_followed(status, at) else []
        if status == "released":
            rest += _given_back(calls.table, entry) + void_trial(calls, entry.profile_id, entry.decision_id)
        answer = calls.write([{"Update": end}, *follow, *rest])
        in_doubt = in_doubt or answer.in_doubt
        if answer.response is not None or not _passed(answer.reasons[0]):
            return _ended(answer, entry, status, in_doubt=in_doubt)
        # Where the contact was pruned, the others, the entry, the budgets and the trial are left.
        said = zip(lives, answer.reasons[1:], strict=False)
        pruned.update(one for one, reason in said if not _passed(reason))
    raise StoreContendedError(
        f"the profile store {calls.table}: a trial or an alias was changed at every attempt"
    )


def list_entries(
    calls: DynamoCalls, *, due_before: datetime | None, limit: int, unreadable: Unreadable | None = None
) -> Sequence[OutboxEntry]:
    """List reserved entries by due time.

    The index is a moment behind; what it names is read from the table, so that nothing settled is listed. What
    it should no longer name takes nobody's place: more of it is read until there are enough.

    Raises:
        ProfileStoreError: As its subclasses say.
    """
    if limit <= 0:
        return []
    last = format_instant(due_before) if due_before else None
    named = heapq.merge(*(_due(calls, shard, last, limit) for shard in range(OUTBOX_SHARDS)), key=_place)
    found: list[OutboxEntry] = []
    while len(found) < limit:
        keys = [key_of(item) for item in islice(named, min(limit, MAX_BATCH_READ))]
        if not keys:
            break
        found.extend(
            entry
            for entry in readable(calls.read(keys), outbox_of, unreadable, _whose)
            if entry.status == "reserved" and (last is None or format_instant(entry.due_at) <= last)
        )
    return sorted(found, key=lambda entry: (entry.due_at, entry.decision_id, entry.profile_id))[:limit]


def _place(item: Item) -> tuple[str, str, str]:
    """Return where an item stands in the listing."""
    return item["due_at"]["S"], item["sk"]["S"], item["pk"]["S"]


def _whose(item: Item) -> tuple[str, str]:
    return item["pk"]["S"].removeprefix(DECIDED), item["sk"]["S"].removeprefix(OUTBOX)


def _due(calls: DynamoCalls, shard: int, last: str | None, limit: int) -> Iterator[Item]:
    expression = Expression()
    condition = f"{expression.name(OUTBOX_INDEX_PARTITION_KEY)}={expression.value({'S': str(shard)})}"
    if last is not None:
        condition += f" AND {expression.name('due_at')}<={expression.value({'S': last})}"
    parameters: dict[str, Any] = expression.parameters() | {"KeyConditionExpression": condition}
    query = calls.query(IndexName=OUTBOX_INDEX, Limit=min(limit, 1_000), **parameters)
    return (item for item in query if stands_in(item, DECIDED))


def _ending(
    entry: OutboxEntry, status: ContactStatus, note: str | None, due_at: datetime | None, *, in_doubt: bool
) -> Expression:
    expression = Expression()
    expression.when(f"{expression.name('status')}={expression.value({'S': 'reserved'})}")
    owner = expression.value({"S": entry.lease_owner or ""})
    expression.when(f"{expression.name('lease_owner')}={owner}")
    expression.when(f"{expression.name('attempts')}={expression.value(number(entry.attempts))}")
    expression.remove("lease_owner")
    expression.remove("lease_until")
    if note is None:
        expression.remove("note")
    else:
        expression.set("note", expression.value({"S": note}))
    if status != "reserved":
        expression.set("status", expression.value({"S": status}))
        expression.set(TTL_ATTRIBUTE, expression.value(epoch_seconds(entry.keep_until)))
        expression.remove(OUTBOX_INDEX_PARTITION_KEY)
        return expression
    if due_at is not None:
        expression.set("due_at", expression.value({"S": format_instant(due_at)}))
    if not in_doubt:
        expression.set("undelivered", expression.value(number(entry.undelivered + 1)))
    return expression


def _aliases(calls: DynamoCalls, profile_id: str) -> dict[str, str | None]:
    """Return what an id, and every id that it leads to, is an alias of."""
    read: dict[str, str | None] = {}

    def target_of(one: str) -> str | None:
        read[one] = read_alias(calls, one)
        return read[one]

    followed(profile_id, target_of)
    return read


def _unmoved(table: str, aliases: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Return the conditions that no id has become an alias, or one of another, since they were read.

    An alias that is added later unites what the settlement has written.
    """
    checks = []
    for alias, target in aliases.items():
        expression = Expression()
        stands_for = expression.name(TARGET)
        expression.when(
            f"attribute_not_exists({stands_for})"
            if target is None
            else f"{stands_for}={expression.value({'S': target})}"
        )
        checks.append({"ConditionCheck": expression.request(table, key(alias, ALIAS))})
    return checks


def _following(entry: OutboxEntry, status: ContactStatus, at: datetime | None) -> Expression:
    expression = Expression()
    contact = expression.name(contact_attribute(entry.decision_id))
    expression.when(f"attribute_exists({contact})")
    expression.set_path(f"{contact}.{expression.name(STATUS)}", expression.value({"S": status}))
    if at is not None:
        expression.set_path(
            f"{contact}.{expression.name(MOVED_AT)}", expression.value({"S": format_instant(at)})
        )
    if moves_version(status, at):
        expression.set(VERSION, f"{expression.name(VERSION)}+{expression.value(number(1))}")
    return expression


def _given_back(table: str, entry: OutboxEntry) -> list[dict[str, Any]]:
    """Return the operations that give back what an entry paid; in the transaction that releases it, so once."""
    operations = []
    for take in entry.paid:
        expression = Expression()
        left, nothing = expression.name(AMOUNT_LEFT), expression.value(number(0))
        amount = expression.value(number(take.amount))
        expression.set(AMOUNT_LEFT, f"if_not_exists({left},{nothing})+{amount}")
        where = shard_key(take.budget, take.period, take.shard)
        operations.append({"Update": expression.request(table, where)})
    return operations


def _passed(reason: Reason) -> bool:
    return reason.code == "None"


def _ended(answer: Answer, entry: OutboxEntry, status: ContactStatus, *, in_doubt: bool = False) -> bool:
    """Say whether the lease was ended by this call, also by an attempt of it whose answer was lost."""
    if answer.response is not None:
        return True
    item = answer.reasons[0].item
    if item is None or not (in_doubt or answer.in_doubt):
        return False
    # Only the holder of a lease can end it, and its number is in the count of attempts.
    stored = outbox_of(item)
    return (stored.status, stored.attempts, stored.lease_owner) == (status, entry.attempts, None)
