"""What was decided and waits is measured by its conditions once more, by the customer of now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.decision.experiments import is_in
from functions.documents import Json
from functions.errors import ActionAmbiguousError, ActionUnavailableError
from functions.profiles.memory import MemoryProfileStore
from functions.runtime.acting import UNKNOWN_FUNCTION
from functions.runtime.in_force import AsBuilt, InForce
from functions.spec.experiment_plan import ExperimentsPlan, Slice
from functions.spec.plan import Plan
from functions.testing.acts import acting_world, contacts_of, entry_of
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    consent,
    put_customer,
)

HOUR = timedelta(hours=1)
NIGHT = {
    "name": "night", "forbid": "all", "between": ["21:00", "08:00"], "timezone": "profile.zone", "otherwise": "UTC",
    "defer": "up to 12h",
}  # fmt: skip
AT_NIGHT, MORNING = datetime(2026, 11, 2, 22, 0, tzinfo=UTC), datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
PATIENT: dict[str, Any] = {"trigger": {**SPEC["trigger"], "max_age": "7d"}}
FEATURES: dict[str, Any] = {
    **SPEC["features"],
    "page": {"from": "event.properties.page", "type": "int", "missing": 0},
    "strict": {"from": "profile.items", "type": "int", "missing": "error"},
}


def conditioned(when: str | None = None, eligible: str | None = None, **sections: Any) -> Plan:
    """Return a function of one action, whose actions wait at night."""
    action = {"tags": ["discount"], "channel": "offers", "payload": {"percent": 10}, "cost": 2}
    registry = {**REGISTRY, "currency": "EUR", "actions": {"offer": {**action, "eligible": eligible}}}
    decide = {"actions": ["offer"], **({"when": when} if when is not None else {})}
    budget = {"name": "money", "budget": "all", "at_most": "10 EUR", "per": "day", "timezone": "UTC"}
    return a_plan(registry, rails=[NIGHT, budget], **{**PATIENT, "decide": decide, **sections})


def deferred(plan: Plan, profile: dict[str, Json] | None = None) -> Rehearsal:
    """Return the morning after an action was put off."""
    world = acting_world()
    world.wait(AT_NIGHT - NOW)
    put_customer(world.store, profile)
    event = an_event(time=AT_NIGHT, properties={"page": 7})
    receipt = world.runtime.handle(plan, event, now=AT_NIGHT)
    assert receipt.reason.code == "action.deferred"
    world.wait(MORNING - AT_NIGHT)
    return world


def ended(world: Rehearsal, *plans: Plan, policy: Plan | None = None) -> tuple[str, str | None]:
    """Redrive in the morning, and say how far the one entry got."""
    rails = (policy or plans[0]).policy
    ((_, done),) = world.runtime.redrive(rails, now=MORNING, plans=plans)
    assert done is not None
    return done.delivery, done.note


def becomes(**fields: Json) -> Callable[[Rehearsal], object]:
    """Return what makes another customer of the one that was decided about."""
    return lambda world: world.store.put_profile(CUSTOMER, a_profile(**fields), updated_at=MORNING)


ORDERED = becomes(last_order_at=(MORNING - HOUR).isoformat())
SENT = ("sent", None)


@pytest.mark.parametrize(
    ("plan", "happens", "end"),
    [
        # What the conditions read of the profile, by features and without.
        (conditioned("features.recency_days > `30`"), becomes(), SENT),
        (conditioned("features.recency_days > `30`"), ORDERED, ("none", "condition.false")),
        (conditioned(eligible="features.orders >= `3`"), becomes(orders=6), SENT),
        (conditioned(eligible="features.orders >= `3`"), becomes(orders=1), ("none", "eligibility.false")),
        (conditioned(eligible="profile.orders >= `3`"), becomes(orders=None), ("none", "eligibility.unknown")),
        (conditioned("sum(profile.list || `[]`) == `0`"), becomes(list=["x"]), ("none", "condition.failed")),
        # What the model has said, and what of the event became a feature, is of the decision.
        (conditioned("churn_risk >= `0.8` && profile.orders > `3`"), becomes(), SENT),
        (conditioned("features.page == `7` && profile.orders > `3`", features=FEATURES), becomes(items=1), SENT),
        # A feature that may not be missing speaks for itself, whatever the condition makes of nothing.
        (
            conditioned(eligible="features.strict != `2`", features=FEATURES),
            becomes(),
            ("none", "feature.missing"),
        ),
        (conditioned(eligible="features.orders == `5`", features=FEATURES), becomes(), SENT),
        # What reads the event was answered by it.
        (conditioned("event.properties.page == `7` && profile.orders == `5`"), becomes(orders=0), SENT),
        # Time passes for conditions, too.
        (conditioned("hours_since(profile.at) < `5`"), becomes(at=AT_NIGHT.isoformat()), ("none", "condition.false")),
        (conditioned(eligible="profile.last_offer == `null`"), becomes(), SENT),
    ],
)  # fmt: skip
def test_an_action_that_waited_leaves_only_while_its_conditions_hold(
    plan: Plan, happens: Callable[[Rehearsal], object], end: tuple[str, str | None]
) -> None:
    world = deferred(plan, a_profile(items=1, at=AT_NIGHT.isoformat()))
    happens(world)
    calls = len(world.model.calls)
    assert ended(world, plan) == end
    assert len(world.model.calls) == calls
    assert len(world.channel.deliveries) == (end == SENT)


def test_what_falls_frees_its_place_and_gives_back_what_it_paid() -> None:
    plan = conditioned("features.recency_days > `30`")
    world = deferred(plan)
    assert sum(world.store.budget_left("money", "day-2026-11-02")) == 800
    ORDERED(world)
    assert ended(world, plan) == ("none", "condition.false")
    assert (entry_of(world).status, contacts_of(world)) == ("released", ["released"])
    assert sum(world.store.budget_left("money", "day-2026-11-02")) == 1000


@pytest.mark.parametrize(("orders", "end"), [(5, SENT), (1, ("none", "eligibility.false"))])
def test_whoever_the_customer_turns_out_to_be_must_meet_them_too(orders: int, end: tuple[str, str]) -> None:
    plan = conditioned(eligible="features.orders >= `3`")
    world = deferred(plan)
    world.store.put_alias(CUSTOMER, "main-1")
    put_customer(world.store, a_profile(orders=orders), customer="main-1")
    assert ended(world, plan) == end


@pytest.mark.parametrize("in_holdout", [CUSTOMER, "main-1", "visitor-1", None])
def test_whoever_is_held_out_under_one_id_gets_nothing_under_any(in_holdout: str | None) -> None:
    """Also not what was decided before the ids became one customer's."""
    ids = (CUSTOMER, "main-1", "visitor-1")
    seed = next(
        seed
        for seed in map(str, range(10_000))
        if [one for one in ids if is_in(Slice(seed, ((0.0, 0.1),)), [one])]
        == ([in_holdout] if in_holdout else [])
    )
    plan = conditioned()
    world = deferred(plan)
    world.store.put_alias("visitor-1", "main-1")
    world.store.put_alias(CUSTOMER, "main-1")
    put_customer(world.store, customer="main-1")
    now = replace(plan, experiments=ExperimentsPlan(Slice(seed, ((0.0, 0.1),))))
    assert ended(world, now) == (("none", "experiment.holdout") if in_holdout else SENT)
    receipt = world.runtime.handle(now, an_event("next", time=MORNING, user_id="main-1"), now=MORNING)
    assert receipt.reason.code == ("experiment.holdout" if in_holdout else "action.chosen")


def test_a_retry_is_asked_too_and_may_have_arrived() -> None:
    plan = conditioned(eligible="features.orders >= `3`")
    for error, delivery in (
        (ActionUnavailableError("down"), "none"),
        (ActionAmbiguousError("?"), "unconfirmed"),
    ):
        world = acting_world()
        world.channel.fail(error)
        world.runtime.handle(plan, an_event(), now=NOW)
        world.wait(HOUR)
        becomes(orders=1)(world)
        ((_, done),) = world.runtime.redrive(plan.policy, now=NOW + HOUR, plans=[plan])
        assert done is not None
        assert (done.delivery, done.note) == (delivery, "eligibility.false")


def test_a_redelivered_event_sends_nothing_whose_conditions_no_longer_hold() -> None:
    plan = conditioned(eligible="features.orders >= `3`")
    world = deferred(plan)
    becomes(orders=1)(world)
    receipt = world.runtime.handle(plan, an_event(time=AT_NIGHT), now=MORNING)
    assert (receipt.outcome, receipt.action and receipt.action.note) == ("duplicate", "eligibility.false")
    assert world.channel.deliveries == []


def test_an_action_of_a_function_that_is_not_there_waits_until_it_expires() -> None:
    plan, other = conditioned(), conditioned(name="other")
    world = deferred(plan)
    assert ended(world, other) == ("queued", UNKNOWN_FUNCTION)
    world.wait(timedelta(days=7))
    ((_, done),) = world.runtime.redrive(plan.policy, now=MORNING + timedelta(days=7), plans=[other])
    assert done is not None
    assert (done.delivery, done.note) == ("none", "action.expired")


class InForceNow(AsBuilt):
    """Another policy was published meanwhile."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def look(self, plan: Plan) -> InForce:
        """Return the function with that policy."""
        return InForce(replace(plan, policy=self._plan.policy))


def test_the_condition_of_the_policy_in_force_is_asked() -> None:
    plan = conditioned(eligible="features.orders >= `3`")
    for eligible, end in (("features.orders >= `6`", ("none", "eligibility.false")), (None, SENT)):
        world = deferred(plan)
        becomes(orders=5 if eligible else 1)(world)
        policy = InForceNow(conditioned(eligible=eligible))
        other = Rehearsal(now=MORNING, store=world.store, policy=policy)
        assert ended(other, plan) == end


class LosingStore(MemoryProfileStore):
    """A store that has lost its decisions."""

    def load(self, profile_id: str, decision_id: str | None = None) -> Any:
        """Find no decision."""
        return replace(super().load(profile_id, decision_id), decision=None)


def test_without_its_decision_nothing_that_the_model_said_is_known() -> None:
    plan = conditioned("churn_risk >= `0.6` && profile.orders > `3`")
    store = LosingStore()
    put_customer(store)
    world = acting_world(store)
    world.channel.fail(ActionUnavailableError("down"))
    world.runtime.handle(plan, an_event(), now=NOW)
    world.wait(HOUR)
    store.put_consent(CUSTOMER, consent(), now=NOW)
    ((_, done),) = world.runtime.redrive(plan.policy, now=NOW + HOUR, plans=[plan])
    assert done is not None
    assert (done.delivery, done.note) == ("none", "condition.false")
