"""Profiles in one DynamoDB table: a commit is one transaction, a load one consistent read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from functions.documents import Json
from functions.governance.consent import ConsentRecord
from functions.profiles.access import Holdings
from functions.profiles.budgets import BudgetShard
from functions.profiles.codec import check_id
from functions.profiles.conditions import check_budget, check_division
from functions.profiles.consents import dated
from functions.profiles.dynamodb_budgets import divide_shards, open_shards, shards_of
from functions.profiles.dynamodb_calls import DynamoCalls, Surroundings, make_client
from functions.profiles.dynamodb_commit import carry_out, prepare_commit
from functions.profiles.dynamodb_consents import consents_of, write_consent
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_identities import erase, holdings, read_alias, target_of, write_alias
from functions.profiles.dynamodb_items import decision_of, outbox_of
from functions.profiles.dynamodb_keys import ALIAS, CONSENT, DECIDED, DECISION, OUTBOX, PROFILE, STATE, key
from functions.profiles.dynamodb_outbox import lease_entry, list_entries, settle_entry
from functions.profiles.dynamodb_profiles import profile_json
from functions.profiles.dynamodb_state import state_of
from functions.profiles.dynamodb_writes import write_traits, write_whole
from functions.profiles.outbox import ContactStatus, OutboxEntry, Unreadable
from functions.profiles.store import CommitRequest, CommitResult, DecisionRecord, Snapshot
from functions.times import format_instant

BUDGET_MS: Final = 2_000
"""Wall time for all attempts of one call, where nothing else is said."""


def _token() -> str:
    return secrets.token_hex(8)


class DynamoProfileStore:
    """A profile store in a table that `functions.profiles.dynamodb_table` describes.

    Safe to share between threads, processes and machines. Retries are the store's own, under one budget of
    time for each call; the SDK makes one attempt. No attempt starts after the budget; one that hangs ends
    after a third of it.

    Args:
        table: Its name.
        client: A low-level client of the AWS SDK that does not retry, in the place of the store's own.
        region: Of the table; None for that of the environment.
        endpoint_url: Where DynamoDB is; None for that of the region or the environment.
        budget_ms: Wall time for all attempts of one call, in milliseconds.
        around: Clock, sleep and jitter, with a budget of their own; tests pass theirs.
        new_token: Gives a text that no other commit has.

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
        new_token: Callable[[], str] = _token,
    ) -> None:
        client = client or make_client(region, endpoint_url, budget_ms)
        self._calls: Final = DynamoCalls(table, client, around or Surroundings(budget_ms / 1_000))
        self._new_token: Final = new_token

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        """Read everything that a decision needs, in one BatchGetItem with consistent reads.

        Each item is as the last write left it. That they are of one instant is not needed, since the commit is
        conditional on consent, version and decision; a transactional read would cost twice the units and
        would fail beside every commit.
        """
        check_id(profile_id, "the profile id")
        wanted = [PROFILE, CONSENT, STATE, ALIAS]
        if decision_id is not None:
            check_id(decision_id, "the decision id")
            wanted.append(DECISION + decision_id)
        read = self._calls.read([key(profile_id, sort) for sort in wanted])
        items = {item["sk"]["S"]: item for item in read}
        decision = items.get(wanted[4]) if decision_id is not None else None
        return Snapshot(
            profile_id=profile_id,
            profile_json=profile_json(items[PROFILE]) if PROFILE in items else None,
            consent=consents_of(items.get(CONSENT)),
            state=state_of(items.get(STATE)),
            decision=decision_of(decision) if decision else None,
            stands_for=target_of(items.get(ALIAS)),
        )

    def commit(self, request: CommitRequest) -> CommitResult:
        """Write one decision with everything that belongs to it, or nothing, in one transaction."""
        return carry_out(self._calls, prepare_commit(self._calls.table, request, self._new_token()))

    def lease(
        self, profile_id: str, decision_id: str, *, owner: str, now: datetime, until: datetime
    ) -> OutboxEntry | None:
        """Take a reserved entry whose lease is free or over."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        return lease_entry(self._calls, profile_id, decision_id, owner=owner, now=now, until=until)

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
        return settle_entry(
            self._calls, entry, status=status, note=note, due_at=due_at, in_doubt=in_doubt, at=at
        )

    def outbox(
        self, *, due_before: datetime | None = None, limit: int = 100, unreadable: Unreadable | None = None
    ) -> Sequence[OutboxEntry]:
        """List reserved entries by due time, oldest first. What was just written may be missing yet."""
        return list_entries(self._calls, due_before=due_before, limit=limit, unreadable=unreadable)

    def outbox_entry(self, profile_id: str, decision_id: str) -> OutboxEntry | None:
        """Read one entry, whatever its status."""
        check_id(profile_id, "the profile id")
        check_id(decision_id, "the decision id")
        items = self._calls.read([key(profile_id, OUTBOX + decision_id)])
        return outbox_of(items[0]) if items else None

    def decisions(self, profile_id: str, *, limit: int = 20) -> Sequence[DecisionRecord]:
        """List the decisions about a profile, newest first. Reads all that are kept, for want of an index."""
        check_id(profile_id, "the profile id")
        if limit <= 0:
            return []
        expression = Expression()
        partition = f"{expression.name('pk')}={expression.value(key(profile_id, DECISION)['pk'])}"
        sort = f"begins_with({expression.name('sk')},{expression.value({'S': DECISION})})"
        items = self._calls.query(
            ConsistentRead=True, KeyConditionExpression=f"{partition} AND {sort}", **expression.parameters()
        )
        found = [decision_of(item) for item in items]
        return sorted(found, key=lambda record: record.decided_at, reverse=True)[:limit]

    def holdings(self, profile_id: str) -> Holdings:
        """Read everything that is kept under an id, in a consistent query of each of its partitions."""
        check_id(profile_id, "the profile id")
        return holdings(self._calls, profile_id)

    def every_decision(self) -> Iterator[DecisionRecord]:
        """Yield every decision that is kept. Reads the whole table."""
        expression = Expression()
        partition = f"begins_with({expression.name('pk')},{expression.value({'S': DECIDED})})"
        sort = f"begins_with({expression.name('sk')},{expression.value({'S': DECISION})})"
        query = {"FilterExpression": f"{partition} AND {sort}", **expression.parameters()}
        yield from map(decision_of, self._calls.scan(**query))

    def put_profile(self, profile_id: str, document: Mapping[str, Json], *, updated_at: datetime) -> bool:
        """Replace the enriched profile; False when the stored one is newer."""
        check_id(profile_id, "the profile id")
        at = format_instant(updated_at)
        return write_whole(self._calls, profile_id, document, at, new_token=self._new_token)

    def patch_profile(self, profile_id: str, traits: Mapping[str, Json], *, at: datetime) -> bool:
        """Write traits, each unless something newer is known of it."""
        check_id(profile_id, "the profile id")
        return write_traits(self._calls, profile_id, traits, format_instant(at), new_token=self._new_token)

    def put_consent(self, profile_id: str, record: ConsentRecord, *, now: datetime) -> bool:
        """Replace the record of one purpose; False when the stored one counts."""
        check_id(profile_id, "the profile id")
        return write_consent(self._calls, profile_id, dated(record, now), now=now)

    def put_alias(self, alias: str, profile_id: str) -> None:
        """Let an id stand for a profile."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        write_alias(self._calls, alias, profile_id)

    def add_alias(self, alias: str, profile_id: str) -> bool:
        """Let an id stand for a profile, unless it stands for another."""
        check_id(alias, "the alias")
        check_id(profile_id, "the profile id")
        return write_alias(self._calls, alias, profile_id, move=False)

    def resolve_alias(self, alias: str) -> str | None:
        """Return the profile id behind an alias."""
        check_id(alias, "the alias")
        return read_alias(self._calls, alias)

    def delete_profile(self, profile_id: str) -> bool:
        """Erase all that is kept about a profile. When it fails midway, a second call finishes it."""
        check_id(profile_id, "the profile id")
        return erase(self._calls, profile_id)

    def open_budget(
        self, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None = None
    ) -> None:
        """Create the shards of a period; no effect when there are any."""
        check_budget(budget, period, shards)
        open_shards(self._calls, budget, period, shards, keep_until=keep_until)

    def budget_shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
        """Return the shards of a period, in order."""
        check_budget(budget, period)
        return shards_of(self._calls, budget, period)

    def divide_budget(
        self, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
    ) -> bool:
        """Give every shard of a period another share."""
        check_division(budget, period, before, shares)
        return divide_shards(self._calls, budget, period, before, shares)

    def budget_left(self, budget: str, period: str) -> tuple[int, ...]:
        """Return what is left in each shard, in order."""
        return tuple(one.left for one in self.budget_shards(budget, period))

    def close(self) -> None:
        """Do nothing: the client is shared with other stores of the same settings."""
