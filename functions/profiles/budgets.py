"""What is kept of budgets: shards whose shares add up to a limit, and payments from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BudgetTake:
    """Take from one shard of a budget.

    Attributes:
        budget: Name of the budget.
        period: Key of the period that is paid from, such as `2026-11-02`.
        shard: Index of the shard.
        amount: In minor units of the budget's currency; positive.
        limit: What whoever pays knows as the limit of the budget. A shard that has its share of another limit
            pays nothing: what is left of this one is to be divided first. None pays from any.
    """

    budget: str
    period: str
    shard: int
    amount: int
    limit: int | None = None

    def found(self, left: int, limit: int | None) -> int:
        """Return what a shard has for this payment."""
        return left if self.limit in (None, limit) else 0


@dataclass(frozen=True, slots=True)
class BudgetShard:
    """One shard of a budget as it stands.

    Attributes:
        left: What is left in it, in minor units.
        share: What it was given, of which the rest is spent; None in what was opened before this was kept.
        limit: Of which limit that is the share; None as before.
    """

    left: int
    share: int | None
    limit: int | None


class BudgetStore(Protocol):
    """Where budgets are kept. Every method raises `ProfileStoreError` when the store can't do its part."""

    def open_budget(
        self, budget: str, period: str, shards: Sequence[int], *, keep_until: datetime | None = None
    ) -> None:
        """Create the shards of a period with their shares in minor units; no effect when there are any.

        Args:
            budget: Its name.
            period: Key of the period.
            shards: What each is given; their sum is the limit.
            keep_until: When a store may drop them.
        """
        ...

    def budget_shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
        """Return the shards of a period, in order; none when it was not opened."""
        ...

    def budget_left(self, budget: str, period: str) -> tuple[int, ...]:
        """Return what is left in each shard, in order; empty when the period was not opened."""
        ...

    def divide_budget(
        self, budget: str, period: str, before: Sequence[BudgetShard], shares: Sequence[int]
    ) -> bool:
        """Give every shard of a period another share, all of them or none: what was spent stays spent.

        Args:
            budget: Its name.
            period: Key of the period.
            before: The shards as they were read.
            shares: One for each; their sum is the new limit.

        Returns:
            False when a shard was divided otherwise, or has spent more than its new share, meanwhile.
        """
        ...


def changes_of(before: Sequence[BudgetShard], shares: Sequence[int]) -> tuple[int, ...] | None:
    """Return by how much each share grows; None where it is not known what was spent."""
    if any(one.share is None or one.limit is None for one in before):
        return None
    return tuple(share - (one.share or 0) for one, share in zip(before, shares, strict=True))
