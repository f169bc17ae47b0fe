"""Budgets: opened once, taken to nothing, never overdrawn, divided anew when their limit changes."""

from __future__ import annotations

from dataclasses import replace

from functions.profiles.budgets import BudgetShard, BudgetTake
from functions.profiles.outbox import ContactStatus
from functions.profiles.store import CommitRequest, ProfileStore
from functions.testing.store_checks.samples import (
    DAY,
    NOW,
    a_decision,
    new_id,
    paid_from,
    paying,
    read,
    refuses,
    send,
    taken,
    with_action,
)

_PERIOD = "2026-11-02"


class BudgetChecks:
    """Shards of a budget."""

    def test_a_budget_that_was_not_opened_is_empty(self, store: ProfileStore) -> None:
        """It has no shards, and nothing can be taken from it."""
        budget = new_id("budget")
        assert store.budget_left(budget, _PERIOD) == ()
        assert self._take(store, budget, 1) == "budget_empty"
        assert store.budget_left(budget, _PERIOD) == ()

    def test_an_opened_budget_has_its_limits(self, store: ProfileStore) -> None:
        """In the order of the shards, a limit of nothing included."""
        budget = new_id("budget")
        limits = (10, 0, 2**53 - 1, *range(30))
        store.open_budget(budget, _PERIOD, limits)
        assert store.budget_left(budget, _PERIOD) == limits

    def test_opening_twice_keeps_what_is_left(self, store: ProfileStore) -> None:
        """Whoever comes second, with whatever limits, changes nothing."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [10, 20])
        self._take(store, budget, 7)
        store.open_budget(budget, _PERIOD, [10, 20])
        store.open_budget(budget, _PERIOD, [99, 99])
        assert store.budget_left(budget, _PERIOD) == (3, 20)

    def test_periods_and_budgets_are_apart(self, store: ProfileStore) -> None:
        """A new period starts full; another budget of the same period is untouched."""
        budget, other = new_id("budget"), new_id("budget")
        store.open_budget(budget, _PERIOD, [10])
        store.open_budget(budget, "2026-11-03", [10])
        store.open_budget(other, _PERIOD, [10])
        self._take(store, budget, 4)
        assert store.budget_left(budget, _PERIOD) == (6,)
        assert store.budget_left(budget, "2026-11-03") == (10,)
        assert store.budget_left(other, _PERIOD) == (10,)

    def test_a_shard_is_taken_to_nothing_and_then_refuses(self, store: ProfileStore) -> None:
        """More than is left is refused whole; another shard still pays."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [5, 5])
        assert self._take(store, budget, 3) == "committed"
        assert self._take(store, budget, 3) == "budget_empty"
        assert self._take(store, budget, 2) == "committed"
        assert self._take(store, budget, 1) == "budget_empty"
        assert store.budget_left(budget, _PERIOD) == (0, 5)
        assert self._take(store, budget, 5, shard=1) == "committed"
        assert self._take(store, budget, 1, shard=2) == "budget_empty"
        assert store.budget_left(budget, _PERIOD) == (0, 0)

    def test_a_refused_payment_keeps_no_decision(self, store: ProfileStore) -> None:
        """The same decision can be sent again with another shard."""
        budget, decision = new_id("budget"), a_decision(new_id("profile"))
        store.open_budget(budget, _PERIOD, [0, 5])
        request = CommitRequest(decision)
        assert send(store, paid_from(request, budget, 5, shard=0)).status == "budget_empty"
        assert read(store, decision.profile_id, decision.id).decision is None
        assert send(store, paid_from(request, budget, 5, shard=1)).status == "committed"

    def test_a_duplicate_pays_once(self, store: ProfileStore) -> None:
        """A decision that is sent again takes nothing."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [10])
        request = paid_from(CommitRequest(a_decision(new_id("profile"))), budget, 4)
        assert [send(store, request).status for _ in range(3)] == ["committed", "duplicate", "duplicate"]
        assert store.budget_left(budget, _PERIOD) == (6,)

    def test_a_commit_takes_from_several_budgets_or_from_none(self, store: ProfileStore) -> None:
        """One that has not enough left keeps the others whole."""
        rich, poor = new_id("budget"), new_id("budget")
        store.open_budget(rich, _PERIOD, [10, 10])
        store.open_budget(poor, _PERIOD, [4])
        request = CommitRequest(a_decision(new_id("profile")))
        both = paid_from(paid_from(request, rich, 5), poor, 5)
        assert send(store, both).status == "budget_empty"
        assert (store.budget_left(rich, _PERIOD), store.budget_left(poor, _PERIOD)) == ((10, 10), (4,))
        both = paid_from(paid_from(paid_from(request, rich, 5), rich, 3, shard=1), poor, 4)
        assert send(store, both).status == "committed"
        assert (store.budget_left(rich, _PERIOD), store.budget_left(poor, _PERIOD)) == ((5, 7), (0,))

    def test_two_takes_from_one_shard_are_refused(self, store: ProfileStore) -> None:
        """Not every store can carry out two operations on one item."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [10])
        request = paid_from(CommitRequest(a_decision(new_id("profile"))), budget, 1)
        assert refuses(store.commit, paid_from(request, budget, 1))
        assert store.budget_left(budget, _PERIOD) == (10,)

    def test_a_release_gives_back_what_was_paid_and_only_once(self, store: ProfileStore) -> None:
        """To the shards that it came from, in the transaction that releases the action."""
        budget, profile_id = new_id("budget"), new_id("profile")
        store.open_budget(budget, _PERIOD, [10, 10])
        decision = a_decision(profile_id)
        takes = (BudgetTake(budget, _PERIOD, 0, 7), BudgetTake(budget, _PERIOD, 1, 2))
        assert send(store, paying(with_action(decision), *takes)).status == "committed"
        entry = taken(store, decision)
        assert entry.paid == takes
        assert store.budget_left(budget, _PERIOD) == (3, 8)
        assert store.settle(entry, status="released", note="action.rejected")
        assert store.budget_left(budget, _PERIOD) == (10, 10)
        assert not store.settle(entry, status="released")
        assert store.budget_left(budget, _PERIOD) == (10, 10)

    def test_what_was_sent_is_paid_for_good(self, store: ProfileStore) -> None:
        """And what waits for another attempt too, and what may have arrived."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [14])
        ends: tuple[ContactStatus, ...] = ("sent", "unconfirmed")
        for status, left in zip(ends, (7, 0), strict=True):
            decision, take = a_decision(new_id("profile")), BudgetTake(budget, _PERIOD, 0, 7)
            assert send(store, paying(with_action(decision), take)).status == "committed"
            assert store.settle(taken(store, decision), status="reserved")
            assert store.settle(taken(store, decision), status=status)
            assert store.budget_left(budget, _PERIOD) == (left,)

    def test_a_release_whose_contact_is_gone_gives_back_too(self, store: ProfileStore) -> None:
        """The contact log was pruned meanwhile; the money is there all the same."""
        budget, profile_id = new_id("budget"), new_id("profile")
        store.open_budget(budget, _PERIOD, [10])
        decision = a_decision(profile_id)
        take = BudgetTake(budget, _PERIOD, 0, 7)
        assert send(store, paying(with_action(decision), take)).status == "committed"
        later = with_action(a_decision(profile_id, at=NOW + DAY), version=1)
        assert later.state is not None
        pruning = replace(later, state=replace(later.state, prune_before=NOW + DAY))
        assert send(store, pruning).status == "committed"
        assert store.settle(taken(store, decision), status="released")
        assert store.budget_left(budget, _PERIOD) == (10,)

    def test_limits_out_of_range_are_refused(self, store: ProfileStore) -> None:
        """Debts, and amounts that no JSON reader holds exactly."""
        budget = new_id("budget")
        for limits in ([-1], [10, 2**53]):
            assert refuses(store.open_budget, budget, _PERIOD, limits)
        assert store.budget_left(budget, _PERIOD) == ()

    def test_a_share_of_another_limit_pays_nothing(self, store: ProfileStore) -> None:
        """Whoever knows another limit has to divide what is left of it first; a payment without one does not ask."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [6, 4])
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(6, 6, 10), BudgetShard(4, 4, 10))
        assert self._take(store, budget, 1, limit=9) == "budget_empty"
        assert self._take(store, budget, 1, limit=11) == "budget_empty"
        assert self._take(store, budget, 1, limit=10) == "committed"
        assert self._take(store, budget, 1) == "committed"
        assert store.budget_left(budget, _PERIOD) == (4, 4)

    def test_what_was_spent_stays_spent_when_a_limit_is_divided_anew(self, store: ProfileStore) -> None:
        """More or less is added to what is left in each shard, also to what others took meanwhile."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [6, 4])
        before = store.budget_shards(budget, _PERIOD)
        self._take(store, budget, 2)
        assert store.divide_budget(budget, _PERIOD, before, [10, 15])
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(8, 10, 25), BudgetShard(15, 15, 25))
        assert store.divide_budget(budget, _PERIOD, store.budget_shards(budget, _PERIOD), [2, 1])
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(0, 2, 3), BudgetShard(1, 1, 3))
        assert self._take(store, budget, 1, limit=3) == "budget_empty"
        assert self._take(store, budget, 1, shard=1, limit=3) == "committed"

    def test_a_division_is_carried_out_as_a_whole_or_not_at_all(self, store: ProfileStore) -> None:
        """Not when one shard has spent more than its new share, nor when another division came first."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [6, 4])
        before = store.budget_shards(budget, _PERIOD)
        self._take(store, budget, 3, shard=1)
        assert not store.divide_budget(budget, _PERIOD, before, [4, 2])
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(6, 6, 10), BudgetShard(1, 4, 10))
        assert store.divide_budget(budget, _PERIOD, before, [4, 3])
        assert not store.divide_budget(budget, _PERIOD, before, [6, 6])
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(4, 4, 7), BudgetShard(0, 3, 7))

    def test_a_release_goes_to_the_shard_whatever_its_share_is_by_then(self, store: ProfileStore) -> None:
        """What is given back can be spent under the limit of now."""
        budget, decision = new_id("budget"), a_decision(new_id("profile"))
        store.open_budget(budget, _PERIOD, [10])
        take = BudgetTake(budget, _PERIOD, 0, 7, 10)
        assert send(store, paying(with_action(decision), take)).status == "committed"
        assert store.divide_budget(budget, _PERIOD, store.budget_shards(budget, _PERIOD), [8])
        entry = taken(store, decision)
        assert entry.paid == (take,)
        assert store.settle(entry, status="released")
        assert store.budget_shards(budget, _PERIOD) == (BudgetShard(8, 8, 8),)

    def test_a_division_that_does_not_fit_is_refused(self, store: ProfileStore) -> None:
        """One share for each shard, none of them a debt, and at least one shard."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [10, 10])
        before = store.budget_shards(budget, _PERIOD)
        for shards, shares in ((before, [10]), (before, [10, -1]), ((), ())):
            assert refuses(store.divide_budget, budget, _PERIOD, shards, shares)
        assert store.budget_left(budget, _PERIOD) == (10, 10)

    def test_a_budget_is_opened_by_one_alone(self, store: ProfileStore) -> None:
        """Shards of two limits would add up to neither, so that whoever comes second adds none."""
        budget = new_id("budget")
        store.open_budget(budget, _PERIOD, [5])
        store.open_budget(budget, _PERIOD, [9, 9])
        assert store.budget_left(budget, _PERIOD) == (5,)

    def _take(
        self, store: ProfileStore, budget: str, amount: int, *, shard: int = 0, limit: int | None = None
    ) -> str:
        take = BudgetTake(budget, _PERIOD, shard, amount, limit)
        return send(store, replace(CommitRequest(a_decision(new_id("profile"))), budgets=(take,))).status
