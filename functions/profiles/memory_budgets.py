"""Budgets in memory. Whoever calls holds the lock of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.profiles.budgets import BudgetShard, BudgetTake, changes_of
from functions.profiles.conditions import check_budget, check_division
from functions.times import format_instant


class MemoryBudgets:
    """Shards by budget and period."""

    def __init__(self) -> None:
        self._kept: Final[dict[tuple[str, str], list[BudgetShard]]] = {}
        self._until: Final[dict[tuple[str, str], str]] = {}

    def open_budget(
        self, budget: str, period: str, shards: Sequence[int], keep_until: datetime | None
    ) -> None:
        """Create the shards of a period; no effect when there are any."""
        check_budget(budget, period, shards)
        opened = [BudgetShard(share, share, sum(shards)) for share in shards]
        if not self._kept.get((budget, period)):
            self._kept[budget, period] = opened
            if keep_until is not None:
                self._until[budget, period] = format_instant(keep_until)

    def purge(self, present: str) -> int:
        """Drop the shards that may be dropped; returns how many."""
        over = [key for key, until in self._until.items() if until <= present]
        return sum(len(self._kept.pop(key)) for key in over if self._until.pop(key))

    def shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
        """Return the shards of a period, in order."""
        check_budget(budget, period)
        return tuple(self._kept.get((budget, period), ()))

    def divide_budget(
        self, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
    ) -> bool:
        """Give every shard of a period another share."""
        check_division(budget, period, before, shares)
        changes, found = changes_of(before, shares), self._kept.get((budget, period), [])
        if changes is None or _divided(found) != _divided(before):
            return False
        left = [one.left + change for one, change in zip(found, changes, strict=True)]
        if min(left) < 0:
            return False
        divided = zip(left, shares, strict=True)
        self._kept[budget, period] = [BudgetShard(*one, sum(shares)) for one in divided]
        return True

    def left(self, take: BudgetTake) -> int | None:
        """Return what a shard has for a payment; None when it was not opened."""
        shards = self._kept.get((take.budget, take.period), [])
        if take.shard >= len(shards):
            return None
        return take.found(shards[take.shard].left, shards[take.shard].limit)

    def add(self, take: BudgetTake, amount: int) -> None:
        """Change what is left in the shard of a payment, where there is one."""
        shards = self._kept.get((take.budget, take.period), [])
        if take.shard < len(shards):
            shards[take.shard] = replace(shards[take.shard], left=shards[take.shard].left + amount)


def _divided(shards: Sequence[BudgetShard]) -> list[tuple[int | None, int | None]]:
    return [(one.share, one.limit) for one in shards]
