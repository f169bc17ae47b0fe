"""Money for an action: taken from shards of its budgets, in the transaction that commits the decision.

The happy path reads nothing: one shard is asked, which the decision's id picks. Only when it has not enough
left, all shards are read; then one that has enough pays, or several together. A budget is used up only when
all its shards together have not enough, so that it is spent to the last unit that can be spent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from functions.decision.rails import Charge
from functions.decision.reasons import Reason
from functions.profiles.outbox import BudgetTake
from functions.profiles.store import ProfileStore

LONGEST_PERIOD: Final = timedelta(days=32)
"""A budget is full again after a day, a week or a month, by the wall clock of a zone."""


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
        for charge in charges:
            left = self._store.budget_left(charge.budget, charge.period)
            if not left:
                # The first payment of a period opens it; whoever comes second changes nothing.
                self._store.open_budget(
                    charge.budget, charge.period, charge.limits, keep_until=self._keep_until
                )
                left = self._store.budget_left(charge.budget, charge.period)
            if sum(left) < charge.amount:
                return charge.spent
            self._planned[charge] = tuple(self._plan(charge, left))
        return None

    def _takes_for(self, charge: Charge) -> tuple[BudgetTake, ...]:
        first = BudgetTake(charge.budget, charge.period, self._spread % len(charge.limits), charge.amount)
        return self._planned.get(charge, (first,))

    def _plan(self, charge: Charge, left: Sequence[int]) -> Iterator[BudgetTake]:
        """Yield one take from a shard that has enough, or several from the fullest ones."""
        turned = [(self._spread + number) % len(left) for number in range(len(left))]
        enough = next((shard for shard in turned if left[shard] >= charge.amount), None)
        if enough is not None:
            yield BudgetTake(charge.budget, charge.period, enough, charge.amount)
            return
        missing = charge.amount
        for shard in sorted(turned, key=lambda shard: -left[shard]):
            amount = min(missing, left[shard])
            if amount > 0:
                yield BudgetTake(charge.budget, charge.period, shard, amount)
            missing -= amount
