"""Concurrent decisions, stepped from one call of the store to the next: over no order of them is a limit passed.

Every run is a thread of its own, and only one of them moves at a time. Which one is a list of choices, so that all
orders can be tried one after the other up to a bound, and any of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Semaphore, Thread
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import CommitRequest, ProfileStore
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.spec.rails import BudgetRail
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, REGISTRY, a_plan, an_event, put_customer

PERIOD = "day-2026-11-02"
_PRICED = {
    "channels": REGISTRY["channels"],
    "currency": "EUR",
    "actions": {
        "call": {"tags": ["paid"], "channel": "offers", "cost": 3},
        "mail": {"tags": ["paid"], "channel": "offers", "cost": 2},
    },
}
_MOST_ORDERS = 150


def _plan(rule: dict[str, Any], *actions: str) -> Plan:
    decide = {"actions": list(actions or ("call",))}
    rails = [{"name": "rule", **rule}]
    return a_plan(_PRICED, rails=rails, model=None, write_back=None, decide=decide)


def _budget(limit: int, *actions: str) -> Plan:
    rule = {"budget": "paid", "at_most": f"{limit} EUR", "per": "day", "timezone": "UTC", "shards": 2}
    return _plan(rule, *actions)


CAP = _plan({"cap": "paid", "at_most": 1, "per": "7d rolling"})
CAP_OF_TWO = _plan({"cap": "paid", "at_most": 2, "per": "7d rolling"})
BUDGETS = {limit: _budget(limit) for limit in (3, 5, 6, 9)}
EITHER = _budget(5, "call", "mail")


class _Turns:
    """Lets one of several runs move at a time, from one call of the store to the next."""

    def __init__(self, runs: Sequence[Callable[[_Turns, int], None]], choices: Sequence[int]) -> None:
        self._go = [Semaphore(0) for _ in runs]
        self._rests = Semaphore(0)
        self._alive = list(range(len(runs)))
        self._choices = choices
        self.options: list[int] = []
        self._errors: list[BaseException] = []
        self._threads = [
            Thread(target=self._run, args=(run, number), daemon=True) for number, run in enumerate(runs)
        ]

    def pause(self, number: int) -> None:
        """Wait for the next turn; called by a run before it calls the store."""
        self._rests.release()
        self._go[number].acquire()

    def play(self) -> None:
        """Let the runs move in the order of the choices, and after them one after the other."""
        for thread in self._threads:
            thread.start()
            self._rests.acquire()
        while self._alive:
            place = len(self.options)
            choice = self._choices[place] if place < len(self._choices) else 0
            self.options.append(len(self._alive))
            self._go[self._alive[choice % len(self._alive)]].release()
            self._rests.acquire()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, run: Callable[[_Turns, int], None], number: int) -> None:
        self.pause(number)
        try:
            run(self, number)
        except BaseException as error:  # noqa: BLE001 - told by whoever plays
            self._errors.append(error)
        self._alive.remove(number)
        self._rests.release()


class _Stepped:
    """A store whose callers wait for their turn before every call; what is watched is looked at after it."""

    def __init__(
        self, store: MemoryProfileStore, turns: _Turns, number: int, watch: Callable[[CommitRequest], None]
    ) -> None:
        self._store, self._turns, self._number, self._watch = store, turns, number, watch

    def __getattr__(self, name: str) -> Any:
        """Return a method of the store that waits."""
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._turns.pause(self._number)
            answer = method(*arguments, **options)
            if name == "commit" and answer.status == "committed":
                self._watch(*arguments)
            return answer

        return call


class World:
    """Decisions about some customers, each by a plan of its own, in one store."""

    def __init__(self, plans: Sequence[Plan], *, customers: int) -> None:
        self.store = MemoryProfileStore()
        self.plans, self.customers = plans, customers
        self.receipts: list[Receipt | None] = [None] * len(plans)
        for number in range(customers):
            put_customer(self.store, customer=f"customer-{number}")

    def play(self, choices: Sequence[int]) -> list[int]:
        """Decide in an order; returns how many runs could have moved at each step."""
        turns = _Turns([self._decide] * len(self.plans), choices)
        turns.play()
        return turns.options

    def acted(self) -> int:
        """Return how many decisions have an action."""
        return sum(one is not None and one.outcome == "acted" for one in self.receipts)

    def spent(self) -> int:
        """Return what was spent, in minor units."""
        return sum((one.share or 0) - one.left for one in self.store.budget_shards("rule", PERIOD))

    def _decide(self, turns: _Turns, number: int) -> None:
        plan = self.plans[number]
        limits = [rail.limit for rail in plan.policy.rails if isinstance(rail, BudgetRail)]

        def watch(request: CommitRequest) -> None:
            # Whoever pays does so under the limit that it knows, with everything that was spent by then.
            assert not request.budgets or self.spent() <= limits[0]

        stepped = cast(ProfileStore, _Stepped(self.store, turns, number, watch))
        world = Rehearsal(now=NOW, store=stepped, owner=f"run-{number}")
        event = an_event(f"event-{number}", user_id=f"customer-{number % self.customers}")
        self.receipts[number] = world.runtime.handle(plan, event, now=NOW)


def _orders(world: Callable[[], World], most: int = _MOST_ORDERS) -> Iterator[World]:
    """Yield the world after every order of its steps, the last step changed first."""
    choices: list[int] = []
    for _ in range(most):
        one = world()
        options = one.play(choices)
        yield one
        choices += [0] * (len(options) - len(choices))
        while choices and choices[-1] + 1 >= options[len(choices) - 1]:
            choices.pop()
        if not choices:
            return
        choices[-1] += 1


def test_the_orders_are_all_different_and_none_is_forgotten() -> None:
    """Two runs of two steps each have six orders."""
    seen = set()

    class Steps(World):
        def _decide(self, turns: _Turns, number: int) -> None:
            self.path = [*getattr(self, "path", []), number]
            turns.pause(number)
            self.path.append(number)

    for world in _orders(lambda: Steps([CAP, CAP], customers=1)):
        seen.add(tuple(world.path))  # type: ignore[attr-defined]
    assert len(seen) == 6


def test_over_every_order_of_two_decisions_a_cap_of_one_lets_one_act() -> None:
    found = [world.acted() for world in _orders(lambda: World([CAP, CAP], customers=1))]
    assert len(found) > 20
    assert set(found) == {1}


def test_over_every_order_of_two_decisions_a_budget_pays_what_it_has() -> None:
    for limit, acted in ((3, 1), (5, 1), (6, 2)):
        plan = BUDGETS[limit]
        found = list(_orders(lambda plan=plan: World([plan, plan], customers=2)))  # type: ignore[misc]
        assert {(world.acted(), world.spent()) for world in found} == {(acted, 300 * acted)}


def test_over_every_order_the_next_action_is_paid_from_what_is_left() -> None:
    """Five pay one call and one mail, whoever comes first; never two calls."""
    for world in _orders(lambda: World([EITHER, EITHER], customers=2)):
        taken = sorted(one.action.name for one in world.receipts if one is not None and one.action)
        assert (taken, world.spent()) == (["call", "mail"], 500)


def test_over_every_order_a_limit_that_is_changed_meanwhile_is_kept_by_whoever_knows_it() -> None:
    """With 3 known to the one and 6 to the other, 6 are spent only if the payment under 3 came first."""
    spent = set()
    for limits in (
        (3, 6),
        (6, 3),
    ):  # orders near the one in which the first run ends before the second begins
        for world in _orders(lambda limits=limits: World([BUDGETS[one] for one in limits], customers=2)):  # type: ignore[misc]
            high = world.receipts[limits.index(6)]
            assert high is not None
            assert high.outcome == "acted"
            assert world.spent() == 300 * world.acted()
            spent.add(world.spent())
    assert spent == {300, 600}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 2))
def test_over_any_order_of_three_decisions_no_cap_is_passed(choices: list[int], customers: int) -> None:
    world = World([CAP_OF_TWO] * 3, customers=customers)
    world.play(choices)
    assert world.acted() == (2 if customers == 1 else 3)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 2), max_size=40), st.lists(st.sampled_from([3, 5, 6, 9]), min_size=3, max_size=3)
)
def test_over_any_order_of_three_decisions_no_budget_is_passed(choices: list[int], limits: list[int]) -> None:
    world = World([BUDGETS[limit] for limit in limits], customers=3)
    world.play(choices)
    assert world.spent() == 300 * world.acted() <= 100 * max(limits)
    if len(set(limits)) == 1:
        assert world.acted() == min(3, limits[0] // 3)
