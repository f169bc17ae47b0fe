"""Several threads at once: exactly one wins, and nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Final, TypeVar

from functions.profiles.budgets import BudgetTake
from functions.profiles.store import CommitRequest, ProfileStore
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_decision,
    acted,
    document_of,
    new_id,
    paid_from,
    paying,
    read,
    send,
    taken,
    with_action,
)

THREADS: Final = 8

_Answer = TypeVar("_Answer")


class RaceChecks:
    """Threads that share one store."""

    def test_one_of_many_actions_on_one_version_is_committed(self, store: ProfileStore) -> None:
        """The others are told that the version moved, and nothing of them is kept."""
        for _ in range(5):
            profile_id = new_id("profile")
            requests = [with_action(a_decision(profile_id)) for _ in range(THREADS)]
            results = at_once([partial(send, store, request) for request in requests])
            statuses = Counter(result.status for result in results)
            assert statuses == {"committed": 1, "version_moved": THREADS - 1}
            state = read(store, profile_id).state
            assert (state.version, len(state.contacts), len(store.decisions(profile_id))) == (1, 1, 1)

    def test_one_decision_is_committed_once(self, store: ProfileStore) -> None:
        """Every other delivery of its event is answered with the original."""
        for _ in range(5):
            decision = a_decision(new_id("profile"))
            results = at_once([partial(send, store, with_action(decision))] * THREADS)
            statuses = Counter(result.status for result in results)
            assert statuses == {"committed": 1, "duplicate": THREADS - 1}
            duplicates = [result.existing for result in results if result.status == "duplicate"]
            assert duplicates == [decision] * (THREADS - 1)
            assert read(store, decision.profile_id).state.version == 1

    def test_no_trait_is_lost_among_many_at_once(self, store: ProfileStore) -> None:
        """Traits that threads write beside each other, and beside a whole profile, are all there in the end."""
        profile_id = new_id("profile")
        traits = [{f"trait-{number}": number} for number in range(THREADS - 1)]
        calls: list[Callable[[], bool]] = [
            partial(store.patch_profile, profile_id, one, at=NOW + HOUR) for one in traits
        ]
        calls.append(partial(store.put_profile, profile_id, {"orders": 5}, updated_at=NOW))
        assert at_once(calls) == [True] * THREADS
        document = document_of(store, profile_id)
        assert document["orders"] == 5
        assert document["traits"] == {name: value for one in traits for name, value in one.items()}

    def test_a_budget_is_never_overdrawn(self, store: ProfileStore) -> None:
        """Of 100, threes are taken 33 times."""
        budget = new_id("budget")
        store.open_budget(budget, "2026-11-02", [100])

        def spend() -> Counter[str]:
            requests = [CommitRequest(a_decision(new_id("profile"))) for _ in range(6)]
            return Counter(send(store, paid_from(request, budget, 3)).status for request in requests)

        spent = sum(at_once([spend] * THREADS), Counter[str]())
        assert spent == {"committed": 33, "budget_empty": THREADS * 6 - 33}
        assert store.budget_left(budget, "2026-11-02") == (1,)

    def test_a_limit_that_falls_and_rises_under_payments_is_never_passed(self, store: ProfileStore) -> None:
        """Whoever pays does so under the limit that it knows, and finds everything spent that others spent."""
        budget = new_id("budget")
        store.open_budget(budget, "2026-11-02", [50, 50])

        def spend(limit: int, shard: int) -> int:
            spent = 0
            for _ in range(6):
                shards = store.budget_shards(budget, "2026-11-02")
                rest = limit - sum((one.share or 0) - one.left for one in shards)
                if rest >= 3 and shards[0].limit != limit:
                    shares = [(one.share or 0) - one.left for one in shards]
                    store.divide_budget(
                        budget, "2026-11-02", shards, [shares[0] + rest // 2, shares[1] + rest - rest // 2]
                    )
                take = BudgetTake(budget, "2026-11-02", shard, 3, limit)
                request = replace(CommitRequest(a_decision(new_id("profile"))), budgets=(take,))
                if send(store, request).status == "committed":
                    spent += 3
                    shards = store.budget_shards(budget, "2026-11-02")
                    assert sum((one.share or 0) - one.left for one in shards) <= 100
            return spent

        total = sum(at_once([partial(spend, (100, 60)[n % 2], n % 2) for n in range(THREADS)]))
        shards = store.budget_shards(budget, "2026-11-02")
        assert total == sum((one.share or 0) - one.left for one in shards) <= 100
        assert min(one.left for one in shards) >= 0
        assert {one.limit for one in shards} <= {100, 60}

    def test_a_release_that_several_try_gives_back_once(self, store: ProfileStore) -> None:
        """However many settle the same lease at the same moment."""
        budget, decision = new_id("budget"), a_decision(new_id("profile"))
        store.open_budget(budget, "2026-11-02", [10])
        take = BudgetTake(budget, "2026-11-02", 0, 7)
        assert send(store, paying(with_action(decision), take)).status == "committed"
        entry = taken(store, decision)
        released = at_once([partial(store.settle, entry, status="released")] * THREADS)
        assert sorted(released) == [False] * (THREADS - 1) + [True]
        assert store.budget_left(budget, "2026-11-02") == (10,)

    def test_one_of_many_workers_gets_a_lease(self, store: ProfileStore) -> None:
        """The entry says who."""
        for _ in range(5):
            decision = acted(store, new_id("profile"))

            def work(owner: str, profile_id: str = decision.profile_id, key: str = decision.id) -> str | None:
                entry = store.lease(profile_id, key, owner=owner, now=NOW, until=NOW + HOUR)
                return entry.lease_owner if entry else None

            owners = at_once([partial(work, f"worker-{n}") for n in range(THREADS)])
            entry = store.outbox_entry(decision.profile_id, decision.id)
            assert entry is not None
            assert [owner for owner in owners if owner] == [entry.lease_owner]
            assert entry.attempts == 1

    def test_readers_see_whole_decisions(self, store: ProfileStore) -> None:
        """The contacts of a snapshot are as many as its version says, whoever writes meanwhile."""
        profile_id = new_id("profile")

        def write() -> bool:
            for version in range(40):
                send(store, with_action(a_decision(profile_id), version=version))
            return True

        def watch() -> bool:
            states = [read(store, profile_id).state for _ in range(60)]
            return all(state.version == len(state.contacts) for state in states)

        assert at_once([write, watch, watch, watch]) == [True] * 4


def at_once(calls: Sequence[Callable[[], _Answer]]) -> list[_Answer]:
    """Start every call in a thread of its own at the same moment and return their answers in order."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], _Answer]) -> _Answer:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
