"""Money for an action: taken from shards of its budgets, in the transaction that commits the decision.

The happy path reads nothing: one shard is asked, which the decision's id picks. Only when it has not enough
left, all shards are read; then one that has enough pays, or several together. A budget is used up only when
all its shards together have not enough, so that it is spent to the last unit that can be spent.

Each shard knows of which limit it has a share, and each payment by which limit it goes. Where they differ, the
limit was changed: what was spent is added up, and what is left of the payer's limit is divided anew. So a lower
limit counts at once, what was spent under the higher one included, and a higher one adds what it adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from functions.decision.rails import Charge, split
from functions.decision.reasons import Reason
from functions.profiles.budgets import BudgetShard, BudgetTake
from functions.profiles.store import ProfileStore

LONGEST_PERIOD: Final = timedelta(days=32)
"""A budget is full again after a day, a week or a month, by the wall clock of a zone."""

_ATTEMPTS: Final = 3
"""How often a limit is divided anew for one refusal."""


class Spending:
    """What one decision pays, through all attempts to commit it.

    Args:
        store: Where the budgets are.
        decision_id: Spreads decisions over shards.
        keep_until: How long is kept what the decision pays for: a release gives back until then.
    """

    def __init__(self, store: ProfileStore, decision_id: str, *, keep_until: datetime) -> None:
        self._store: Final = store
        # A period that is paid from now ends within the longest one; whoever pays last is kept as long again.
        self._keep_until: Final = keep_until + LONGEST_PERIOD
        self._spread: Final = crc32(decision_id.encode())
        self._planned: Final[dict[Charge, tuple[BudgetTake, ...]]] = {}

    def takes(self, charges: Sequence[Charge]) -> tuple[BudgetTake, ...]:
        """Return what to take for the next attempt."""
        return tuple(take for charge in charges for take in self._takes_for(charge))

    def refused(self, charges: Sequence[Charge]) -> Reason | None:
        """Plan anew after a refusal.

        Returns:
            Why the action can't be paid; None when it may be tried again.

        Raises:
            ProfileStoreError: A budget can't be read or opened.
        """
        return next((charge.spent for charge in charges if not self._can_pay(charge)), None)

    def _can_pay(self, charge: Charge) -> bool:
        """Plan how to pay; False where the budget has not enough left.

        Whoever is overtaken by others at every attempt goes by the plan before, which the commit refuses.
        """
        for _ in range(_ATTEMPTS):
            shards = self._shards(charge)
            spent = _spent(shards)
            if spent is None or spent + charge.amount > charge.limit:
                return False
            if all(one.limit == charge.limit for one in shards):
                left = [one.left for one in shards]
                if sum(left) < charge.amount:
                    return False
                self._planned[charge] = tuple(self._plan(charge, left))
                return True
            rest = split(charge.limit - spent, len(shards))
            shares = [(one.share or 0) - one.left + more for one, more in zip(shards, rest, strict=True)]
            self._store.divide_budget(charge.budget, charge.period, shards, shares)
        return True

    def _shards(self, charge: Charge) -> tuple[BudgetShard, ...]:
        shards = self._store.budget_shards(charge.budget, charge.period)
        if shards:
            return shards
        # The first payment of a period opens it; whoever comes second changes nothing.
        self._store.open_budget(charge.budget, charge.period, charge.limits, keep_until=self._keep_until)
        return self._store.budget_shards(charge.budget, charge.period)

    def _takes_for(self, charge: Charge) -> tuple[BudgetTake, ...]:
        shard = self._spread % len(charge.limits)
        return self._planned.get(charge, (_take(charge, shard, charge.amount),))

    def _plan(self, charge: Charge, left: Sequence[int]) -> Iterator[BudgetTake]:
        """Yield one take from a shard that has enough, or several from the fullest ones."""
        turned = [(self._spread + number) % len(left) for number in range(len(left))]
        enough = next((shard for shard in turned if left[shard] >= charge.amount), None)
        if enough is not None:
            yield _take(charge, enough, charge.amount)
            return
        missing = charge.amount
        for shard in sorted(turned, key=lambda shard: -left[shard]):
            amount = min(missing, left[shard])
            if amount > 0:
                yield _take(charge, shard, amount)
            missing -= amount


def _take(charge: Charge, shard: int, amount: int) -> BudgetTake:
    return BudgetTake(charge.budget, charge.period, shard, amount, charge.limit)


def _spent(shards: Sequence[BudgetShard]) -> int | None:
    """Return what was spent; None where that is not known, which is no."""
    if not shards or any(one.share is None or one.limit is None for one in shards):
        return None
    return sum((one.share or 0) - one.left for one in shards)
