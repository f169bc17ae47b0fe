"""An attempt that may have arrived: its place and its money are never given away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionUnavailableError,
    StoreUnavailableError,
)
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import ProfileStore
from functions.runtime.acting import FIRST_RETRY
from functions.runtime.in_force import AsBuilt, InForce, Leaving
from functions.spec.plan import Plan, Policy
from functions.testing.acts import (
    LEASE,
    FailingStore,
    acting_world,
    contacts_of,
    entry_of,
    killed_at,
    redriven,
)
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    an_event,
    consent,
    put_customer,
)

_WEEK = timedelta(days=7)
_NO_ANSWER = ActionAmbiguousError("no answer came")
_DOWN = ActionUnavailableError("the receiver is down")
_COSTING = {
    **REGISTRY,
    "currency": "EUR",
    "actions": {name: {**action, "cost": 3} for name, action in REGISTRY["actions"].items()},
}
_RAILS = [
    {"name": "money", "budget": "all", "at_most": "3 EUR", "per": "day", "timezone": "UTC", "shards": 1},
    {"name": "cap", "cap": "discount", "at_most": 1, "per": "7d rolling"},
]
PAID = a_plan(_COSTING, rails=_RAILS, trigger={**SPEC["trigger"], "max_age": "1m"})


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProfileStore]:
    """Return an empty store that has the customer."""
    made: ProfileStore = (
        MemoryProfileStore() if request.param == "memory" else SqliteProfileStore(tmp_path / "profiles.db")
    )
    put_customer(made)
    yield made
    made.close()


def _decide(world: Rehearsal, event_id: str, plan: Plan = PAID) -> Any:
    now = world.ports.wall()
    return world.runtime.handle(plan, an_event(event_id, time=now), now=now)


def test_caps_and_budgets_hold_when_nobody_answers(store: ProfileStore) -> None:
    world = acting_world(store)
    world.channel.fail(*[_NO_ANSWER] * 3, taken=True)
    outcomes = []
    for number in range(3):
        outcomes.append(_decide(world, f"event-{number}").outcome)
        world.wait(timedelta(minutes=2))
        world.runtime.redrive(PAID.policy, now=world.ports.wall())
    assert outcomes == ["acted", "suppressed", "suppressed"]
    assert (len(world.channel.deliveries), contacts_of(world)) == (1, ["unconfirmed"])
    assert store.budget_left("money", "day-2026-11-02") == (0,)


def test_an_action_that_never_arrived_gives_its_place_and_its_money_back(store: ProfileStore) -> None:
    world = acting_world(store)
    world.channel.fail(_DOWN)
    _decide(world, "event-0")
    world.wait(timedelta(minutes=2))
    assert redriven(world, timedelta(minutes=2)) == [("none", "action.expired")]
    assert (contacts_of(world), store.budget_left("money", "day-2026-11-02")) == (["released"], (300,))
    assert _decide(world, "event-1").outcome == "acted"


@pytest.mark.parametrize("stage", ["leased", "sent"])
def test_a_process_that_died_in_its_attempt_may_have_sent_it(stage: str) -> None:
    world = killed_at(stage)
    world.wait(LEASE)
    assert redriven(world, _WEEK) == [("unconfirmed", "action.expired")]
    entry = entry_of(world)
    assert (entry.status, entry.note, contacts_of(world)) == (
        "unconfirmed",
        "action.expired",
        ["unconfirmed"],
    )
    assert redriven(world, _WEEK) == []


def test_a_settlement_that_failed_leaves_the_attempt_in_doubt() -> None:
    store = FailingStore(StoreUnavailableError("the store is locked"))
    put_customer(store)
    world = acting_world(store)
    store.unsettled = 1
    world.runtime.handle(a_plan(), an_event(), now=NOW)
    world.wait(LEASE)
    assert redriven(world, _WEEK) == [("unconfirmed", "action.expired")]
    assert contacts_of(world) == ["unconfirmed"]


def test_doubt_outlives_attempts_that_surely_failed() -> None:
    world = acting_world()
    world.channel.fail(_NO_ANSWER, _DOWN, _DOWN)
    world.runtime.handle(a_plan(trigger={**SPEC["trigger"], "max_age": "7d"}), an_event(), now=NOW)
    for _ in range(2):
        world.wait(timedelta(hours=1))
        assert redriven(world) == [("queued", "action.unavailable")]
    world.wait(timedelta(hours=1))
    assert redriven(world, _WEEK) == [("unconfirmed", "action.expired")]


class _Off(AsBuilt):
    """Lets everything be decided, and nothing leave later."""

    def leaving(self, policy: Policy) -> Leaving:
        return Leaving(policy, lambda _function, _action: "switch.action_off")

    def look(self, plan: Plan) -> InForce:
        return InForce(plan)


def _revoke(world: Rehearsal) -> str:
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    return "consent.revoked"


def _switch_off(world: Rehearsal) -> str:
    world.runtime = type(world.runtime)(replace(world.ports, policy=_Off()))
    return "switch.action_off"


def _refuse(world: Rehearsal) -> str:
    world.channel.fail(ActionDeniedError("the receiver refused"))
    return "action.denied"


@pytest.mark.parametrize("change", [_revoke, _switch_off, _refuse])
@pytest.mark.parametrize(
    ("first", "delivery", "contact"),
    [
        (_NO_ANSWER, "unconfirmed", "unconfirmed"),
        (_DOWN, "none", "released"),
    ],
)
def test_whatever_ends_it_what_may_have_arrived_is_not_released(
    change: Callable[[Rehearsal], str], first: ActionError, delivery: str, contact: str
) -> None:
    world = acting_world()
    world.channel.fail(first)
    world.runtime.handle(a_plan(trigger={**SPEC["trigger"], "max_age": "7d"}), an_event(), now=NOW)
    world.wait(FIRST_RETRY)
    note = change(world)
    assert redriven(world) == [(delivery, note)]
    assert contacts_of(world) == [contact]


def test_the_receipt_of_a_redelivery_says_that_it_may_have_arrived() -> None:
    world = killed_at("sent")
    world.wait(LEASE)
    redriven(world, _WEEK)
    receipt = world.runtime.handle(a_plan(), an_event(), now=NOW)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("unconfirmed", "action.expired")
