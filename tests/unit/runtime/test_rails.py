"""The rails in a runtime: before the model, inside the commit, and again when an action leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from functions.actions.memory import MemoryChannel
from functions.errors import ActionRejectedError, ProfileStoreError
from functions.governance.consent import ConsentRecord
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import ProfileStore, Snapshot
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import (
    CONTRACT,
    CUSTOMER,
    NOW,
    REGISTRY,
    a_plan,
    an_event,
    put_customer,
)
from functions.testing.store_checks.samples import spend

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFER: Final = {"tags": ["discount"], "channel": "offers", "cost": 3}
PRICED: Final = {
    "currency": "EUR",
    "channels": REGISTRY["channels"],
    "actions": {
        "best": {**OFFER, "tags": ["discount", "first"]},
        "second": OFFER,
        "third": OFFER,
        "fourth": OFFER,
        "fifth": OFFER,
        "note": {"tags": ["note"], "channel": "offers", "cost": 0},
    },
}
PATIENT: Final = {"event_pattern": {"detail-type": ["page_view"]}}
"""A trigger without a limit of age."""


def railed(*rules: Mapping[str, Any], actions: Sequence[str] = ("best", "note"), **sections: Any) -> Plan:
    named = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
    settled = {"trigger": PATIENT, "decide": {"actions": list(actions)}, **sections}
    return a_plan(PRICED, rails=named, **settled)


def a_world(store: ProfileStore | None = None, now: datetime = NOW) -> Rehearsal:
    world = Rehearsal(now=now, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store)
    return world


def money(limit: int, what: str = "discount", shards: int = 4) -> dict[str, Any]:
    return {"budget": what, "at_most": f"{limit} EUR", "per": "day", "timezone": "UTC", "shards": shards}


def cap(at_most: int, what: str = "discount") -> dict[str, Any]:
    return {"cap": what, "at_most": at_most, "per": "7d rolling"}


NIGHT: Final = {
    "forbid": "discount",
    "between": ["21:00", "08:00"],
    "timezone": "profile.zone",
    "otherwise": "UTC",
}
DEFERRED: Final = {**NIGHT, "defer": "up to 12h"}
AT_NIGHT: Final = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
MORNING: Final = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)


def taken(receipt: Receipt) -> str | None:
    return receipt.action.name if receipt.action else None


def against(receipt: Receipt, action: str) -> list[tuple[str, str | None]]:
    (candidate,) = (one for one in receipt.candidates if one.action == action)
    return [(one.code, one.rule) for one in candidate.reasons]


def test_the_next_action_is_taken_when_a_rule_forbids_the_first() -> None:
    world = a_world()
    receipt = world.runtime.handle(
        railed(cap(1), {"forbid": "first", "listed": "x"}), an_event("e1"), now=NOW
    )
    assert taken(receipt) == "best"
    again = world.runtime.handle(railed(cap(1), {"forbid": "first", "listed": "x"}), an_event("e2"), now=NOW)
    assert (taken(again), against(again, "best")) == ("note", [("rail.blocked", "rule-0")])


def test_a_receipt_and_the_kept_decision_say_every_reason_in_plain_words() -> None:
    world = a_world()
    plan = railed(
        {"cap": "discount", "at_most": 1, "per": "day", "timezone": "UTC", "because": "One is enough"},
        {"forbid": "discount", "unless": "profile.missing"},
        {"forbid": "note", "after": "profile.last_order_at", "for": "200d"},
        actions=("best", "note"),
    )
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "actions.ruled_out")
    assert receipt.reason.text.endswith("best fell by the rule rule-1. note fell by the rule rule-2.")
    (kept,) = world.store.decisions(CUSTOMER)
    best, note, _ = kept.body["candidates"]
    (why,) = best["reasons"]
    assert why["text"] == (
        "The rule rule-1 can't be judged, because profile.missing is not known, and unknown is no. "
        "No actions tagged discount unless profile.missing is true."
    )
    assert [(one["code"], one["rule"]) for one in note["reasons"]] == [("rail.blocked", "rule-2")]


def test_with_when_actionable_no_model_call_is_paid_when_rails_leave_nothing() -> None:
    world = a_world()
    plan = railed({"forbid": "all", "unless_consent": "marketing"}, cap(1, "all"), score="when-actionable")
    world.runtime.handle(plan, an_event("e1"), now=NOW)
    receipt = world.runtime.handle(plan, an_event("e2"), now=NOW)
    assert (receipt.outcome, receipt.reason.rule, receipt.payload) == ("suppressed", "rule-1", None)
    assert len(world.model.calls) == 1


def test_else_the_score_is_still_written() -> None:
    world = a_world()
    plan = railed(cap(1, "all"))
    world.runtime.handle(plan, an_event("e1"), now=NOW)
    receipt = world.runtime.handle(plan, an_event("e2"), now=NOW)
    assert (receipt.outcome, receipt.write_back) == ("suppressed", {"scores.churn_risk": 0.83})
    assert len(world.model.calls) == 2


def test_a_cap_that_is_reached_between_reading_and_committing_holds() -> None:
    plan = railed(cap(1))

    def another(store: MemoryProfileStore) -> None:
        other = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        assert taken(other.runtime.handle(plan, an_event("other"), now=NOW)) == "best"

    world = a_world(InterruptedStore(another))
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert (taken(receipt), against(receipt, "best")) == ("note", [("rail.blocked", "rule-0")])
    assert len(world.model.calls) == 1


def test_lists_that_can_not_be_read_take_the_action_away() -> None:
    class WithoutLists(MemoryProfileStore):
        def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
            return replace(super().load(profile_id, decision_id), lists=None)

    receipt = a_world(WithoutLists()).runtime.handle(
        railed({"forbid": "discount", "listed": "stop"}), an_event(), now=NOW
    )
    assert (taken(receipt), against(receipt, "best")) == ("note", [("rail.unknown", "rule-0")])


def test_three_actions_are_tried_at_most_and_all_are_told() -> None:
    world = a_world()
    plan = railed(money(3), actions=("best", "second", "third", "fourth", "fifth"))
    world.store.open_budget("rule-0", "day-2026-11-02", [150, 150])
    spend(world.store, "rule-0", "day-2026-11-02", 149, 149)
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert (receipt.outcome, taken(receipt)) == ("suppressed", None)
    assert [one.by for one in receipt.candidates] == [
        "budget.empty", "budget.empty", "budget.empty", "commit.attempts", "commit.attempts", None,
    ]  # fmt: skip


def test_a_budget_opens_with_its_first_payment_and_is_spent_to_the_last_unit_that_can_be() -> None:
    world = a_world()
    plan = railed(money(100, shards=8))
    found = [taken(world.runtime.handle(plan, an_event(f"e{n}"), now=NOW)) for n in range(36)]
    assert found == ["best"] * 33 + ["note"] * 3
    assert sum(world.store.budget_left("rule-0", "day-2026-11-02")) == 100
    tomorrow = world.runtime.handle(plan, an_event("later", time=NOW + DAY), now=NOW + DAY)
    assert taken(tomorrow) == "best"


def test_an_action_draws_on_all_its_budgets_or_on_none() -> None:
    world = a_world()
    plan = railed(money(100), money(4, "first"))
    found = [taken(world.runtime.handle(plan, an_event(f"e{n}"), now=NOW)) for n in range(2)]
    assert found == ["best", "note"]
    left = [sum(world.store.budget_left(f"rule-{n}", "day-2026-11-02")) for n in range(2)]
    assert left == [9700, 100]


def test_a_release_gives_back_the_place_and_the_money_once() -> None:
    world = a_world()
    plan = railed(cap(1), money(3))
    world.channel.fail(ActionRejectedError("no"))
    receipt = world.runtime.handle(plan, an_event("e1"), now=NOW)
    assert receipt.action is not None
    assert receipt.action.delivery == "none"
    assert sum(world.store.budget_left("rule-1", "day-2026-11-02")) == 300
    entry = world.store.outbox_entry(CUSTOMER, str(receipt.decision_id))
    assert entry is not None
    assert not world.store.settle(entry, status="released")
    assert sum(world.store.budget_left("rule-1", "day-2026-11-02")) == 300
    assert taken(world.runtime.handle(plan, an_event("e2"), now=NOW)) == "best"
    assert sum(world.store.budget_left("rule-1", "day-2026-11-02")) == 0


def test_a_deferred_action_waits_in_the_outbox_and_leaves_in_the_morning() -> None:
    world = a_world(now=AT_NIGHT)
    plan = railed(DEFERRED)
    receipt = world.runtime.handle(plan, an_event(time=AT_NIGHT), now=AT_NIGHT)
    assert (receipt.outcome, receipt.reason.code) == ("acted", "action.deferred")
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("queued", "action.deferred")
    (entry,) = world.store.outbox()
    assert (entry.due_at, entry.zones) == (MORNING, {"rule-0": "UTC"})
    assert world.store.load(CUSTOMER).state.contacts[0].at == MORNING
    assert world.runtime.redrive(plan.policy, now=AT_NIGHT) == []
    world.wait(10 * HOUR)
    ((_, done),) = world.runtime.redrive(plan.policy, now=MORNING)
    assert done is not None
    assert done.delivery == "sent"


def _released(world: Rehearsal, plan: Plan, now: datetime) -> tuple[str, str | None]:
    ((_, done),) = world.runtime.redrive(plan.policy, now=now)
    assert done is not None
    return done.delivery, done.note


def _deferred(plan: Plan | None = None) -> Rehearsal:
    world = a_world(now=AT_NIGHT)
    receipt = world.runtime.handle(plan or railed(DEFERRED), an_event(time=AT_NIGHT), now=AT_NIGHT)
    assert receipt.reason.code == "action.deferred"
    world.wait(10 * HOUR)
    return world


def _revoke(world: Rehearsal) -> None:
    world.store.put_consent(CUSTOMER, ConsentRecord("marketing", "revoked", AT_NIGHT), now=NOW)


def _complain(world: Rehearsal) -> None:
    world.store.put_profile(CUSTOMER, {"complaint": MORNING.isoformat()}, updated_at=MORNING)


def _nothing(_: Rehearsal) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "rules", "note"),
    [
        (_revoke, (DEFERRED,), "consent.revoked"),
        (
            _complain,
            (DEFERRED, {"forbid": "all", "after": "profile.complaint", "absent": "never", "for": "1d"}),
            "rail.blocked:rule-1",
        ),
        (_nothing, (DEFERRED, {"valid": "all", "until": "2026-11-03T07:00:00Z"}), "rail.blocked:rule-1"),
        (_nothing, (DEFERRED, {"forbid": "all", "unless_consent": "service"}), "rail.unknown:rule-1"),
    ],
)
def test_what_has_changed_by_the_morning_counts(
    happens: Callable[[Rehearsal], None], rules: tuple[dict[str, Any], ...], note: str
) -> None:
    world = _deferred()
    happens(world)
    named = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
    retention = CONTRACT["purposes"]["retention"]
    contract = {
        **CONTRACT,
        "purposes": {"retention": retention, "other": {**retention, "consent": "service"}},
    }
    now_in_force = a_plan(PRICED, contract, rails=named, decide={"actions": ["best"]})
    assert _released(world, now_in_force, MORNING) == ("none", note)
    assert world.channel.deliveries == []


def test_at_the_act_a_cap_leaves_the_actions_own_place_out() -> None:
    world = _deferred(railed(DEFERRED, cap(1)))
    assert _released(world, railed(DEFERRED, cap(1)), MORNING) == ("sent", None)


def test_a_cap_that_was_tightened_meanwhile_counts_at_the_act() -> None:
    plan = railed(DEFERRED, cap(5))
    world = _deferred(plan)
    other = a_world(world.store, MORNING)
    other.runtime.handle(plan, an_event("other", time=MORNING), now=MORNING)
    assert _released(world, railed(DEFERRED, cap(1)), MORNING) == ("none", "rail.blocked:rule-1")


def _died(plan: Plan, now: datetime) -> Rehearsal:
    """Return a world in which the process died between the commit and the act."""
    world = a_world(now=now)

    def die(stage: str) -> None:
        if stage == "committed":
            raise ProfileStoreError("the process dies here")

    world.on_stage = die
    world.runtime.handle(plan, an_event(time=now), now=now)
    world.on_stage = lambda _: None
    return world


EVENING: Final = datetime(2026, 11, 2, 20, 59, tzinfo=UTC)


def test_an_action_that_comes_into_the_night_waits_or_is_released() -> None:
    world = _died(railed(DEFERRED), EVENING)
    world.wait(HOUR)
    assert _released(world, railed(DEFERRED), EVENING + HOUR) == ("queued", "rail.blocked:rule-0")
    (entry,) = world.store.outbox()
    assert entry.due_at == MORNING
    world = _died(railed(NIGHT), EVENING)
    world.wait(HOUR)
    assert _released(world, railed(NIGHT), EVENING + HOUR) == ("none", "rail.blocked:rule-0")


THREADS: Final = 8


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProfileStore]:
    if request.param == "memory":
        yield MemoryProfileStore()
        return
    with closing(SqliteProfileStore(tmp_path / "profiles.db", busy_timeout_s=60.0)) as opened:
        yield opened


def _at_once(store: ProfileStore, plan: Plan, events: int, customers: int = 1) -> list[Receipt]:
    for number in range(customers):
        put_customer(store, customer=f"customer-{number}")

    def one(number: int) -> Receipt:
        world = Rehearsal(
            now=NOW,
            store=store,
            model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")),
            owner=str(number),
        )
        world.channel = MemoryChannel()
        event = an_event(f"e{number}", user_id=f"customer-{number % customers}")
        return world.runtime.handle(plan, event, now=NOW)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(events)))


def test_a_cap_of_two_acts_exactly_twice_whoever_comes_at_once(store: ProfileStore) -> None:
    receipts = _at_once(store, railed(cap(2, "all"), actions=("best",)), events=16)
    assert sorted(one.outcome for one in receipts) == ["acted"] * 2 + ["suppressed"] * 14
    assert {one.reason.rule for one in receipts if one.outcome == "suppressed"} == {"rule-0"}


def test_a_budget_of_a_hundred_ends_at_ninety_nine_spent_whoever_comes_at_once(store: ProfileStore) -> None:
    receipts = _at_once(store, railed(money(100, shards=5), actions=("best",)), events=45, customers=45)
    assert sorted(one.outcome for one in receipts) == ["acted"] * 33 + ["suppressed"] * 12
    assert sum(store.budget_left("rule-0", "day-2026-11-02")) == 100
