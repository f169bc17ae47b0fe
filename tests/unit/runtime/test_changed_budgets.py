"""A budget whose limit is changed while it is being spent: the new limit counts at once, with all that was spent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decision.rails import Charge
from functions.decision.reasons import reason
from functions.errors import ActionUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.budgets import BudgetShard
from functions.profiles.memory import MemoryProfileStore
from functions.runtime.receipt import Receipt
from functions.runtime.spending import Spending
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, REGISTRY, SPEC, a_plan, an_event, put_customer

PERIOD = "month-2026-11-01"
_REGISTRY = {
    **REGISTRY,
    "currency": "EUR",
    "actions": {"call": {"tags": ["paid"], "channel": "offers", "cost": 3, "payload": {}}},
}


def _plan(limit: int, shards: int = 4) -> Plan:
    rule: dict[str, Any] = {"budget": "paid", "at_most": f"{limit} EUR", "per": "month", "timezone": "UTC"}
    rails = [{"name": "money", "shards": shards, **rule}]
    trigger = {**SPEC["trigger"], "max_age": "7d"}
    return a_plan(
        _REGISTRY, rails=rails, trigger=trigger, model=None, write_back=None, decide={"actions": ["call"]}
    )


PLANS = {(limit, shards): _plan(limit, shards) for limit in (3, 6, 10, 30, 100) for shards in (1, 4)}


class World:
    """One customer after the other, until the money is gone."""

    def __init__(self) -> None:
        self.stage = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.8", "text/csv")))
        self.events = 0

    def decide(self, limit: int, shards: int = 4) -> Receipt:
        """Decide about a new customer under a limit."""
        self.events += 1
        customer = f"customer-{self.events}"
        put_customer(self.stage.store, customer=customer)
        event = an_event(f"event-{self.events}", user_id=customer)
        return self.stage.runtime.handle(PLANS[limit, shards], event, now=NOW)

    def acted(self, limit: int, times: int, shards: int = 4) -> int:
        """Return how many of some decisions were paid."""
        return [self.decide(limit, shards).outcome for _ in range(times)].count("acted")

    def spent(self) -> int:
        """Return what was spent, in minor units."""
        shards = self.stage.store.budget_shards("money", PERIOD)
        return sum((one.share or 0) - one.left for one in shards)


def test_a_lower_limit_counts_at_once_with_what_was_spent_before() -> None:
    world = World()
    assert world.acted(100, 2) == 2
    receipt = world.decide(6)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "budget.empty")
    assert world.acted(6, 20) == 0
    assert world.spent() == 600


def test_what_is_left_of_a_lower_limit_is_spent_and_no_more() -> None:
    world = World()
    assert world.acted(100, 2) == 2
    assert world.acted(10, 20) == 1
    assert world.spent() == 900


def test_a_higher_limit_adds_what_it_adds() -> None:
    world = World()
    assert world.acted(6, 20) == 2
    assert world.acted(30, 20) == 8
    assert world.spent() == 3000


def test_what_is_given_back_can_be_spent_under_the_limit_of_then() -> None:
    world = World()
    assert world.acted(100, 2) == 2
    world.stage.channel.fail(ActionUnavailableError("down"))
    assert world.acted(100, 1) == 1
    assert world.acted(6, 5) == 0
    world.stage.wait(timedelta(days=8))
    ((_, done),) = world.stage.runtime.redrive(PLANS[6, 4].policy, now=NOW + timedelta(days=8))
    assert done is not None
    assert done.note == "action.expired"
    assert world.spent() == 600
    assert world.acted(6, 5) == 0
    assert world.acted(10, 5) == 1


def test_where_it_is_not_known_what_was_spent_nothing_more_is() -> None:
    class Older(MemoryProfileStore):
        """Has shards from before it was kept of which limit they are."""

        def budget_shards(self, budget: str, period: str) -> tuple[BudgetShard, ...]:
            """Know what is left, and not of what."""
            return (BudgetShard(10_000, None, None),)

    charge = Charge("money", PERIOD, 300, (10_000,), reason("contacts.full"))
    assert Spending(Older(), "decision", keep_until=NOW).refused([charge]) == charge.spent


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([3, 6, 10, 30, 100]), st.sampled_from([1, 4])), min_size=1, max_size=25
    )
)
def test_whatever_limits_come_after_each_other_none_is_passed_by_a_payment_under_it(
    steps: list[tuple[int, int]],
) -> None:
    world, spent = World(), 0
    for limit, shards in steps:
        paid = world.decide(limit, shards).outcome == "acted"
        assert paid == (spent + 300 <= limit * 100)
        spent += 300 * paid
        assert world.spent() == spent
