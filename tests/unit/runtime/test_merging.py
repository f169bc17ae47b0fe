"""Ids that turn out to be one customer's: caps, groups, lists and responses hold over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decision.experiments import is_in
from functions.governance.statements import ConsentSource
from functions.learning.recording import Recorder
from functions.learning.trials import trial_from
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.runtime.receipt import Receipt
from functions.spec.experiment_plan import ExperimentsPlan, Slice
from functions.spec.plan import Plan
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VISITOR = "visitor-7"
CAP = {"name": "cap", "cap": "discount", "at_most": 1, "per": "7d rolling"}
PEACE = {
    "name": "peace", "forbid": "discount", "after": "profile.responses.complained.at", "absent": "never", "for": "30d",
}  # fmt: skip
KEEP = {"marketing": ConsentSource(ended_by=())}


def a_world(store: MemoryProfileStore | None = None, *customers: str) -> Rehearsal:
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    world = Rehearsal(now=NOW, model=model, store=store)
    for customer in customers or (CUSTOMER, VISITOR):
        put_customer(world.store, customer=customer)
    return world


def run(world: Rehearsal, plan: Plan, user: str, *, after: timedelta = timedelta(0)) -> Receipt:
    event = an_event(f"event-{user}-{after}", user_id=user, time=NOW + after)
    return world.runtime.handle(plan, event, now=NOW + after)


def tell(world: Rehearsal, name: str, user: str, *, after: timedelta, **properties: Any) -> list[Any]:
    event = an_event(f"{name}-{after}", name=name, user_id=user, time=NOW + after, properties=properties)
    return list(Recorder(world.store, world.feedback, KEEP).record(event, now=NOW + after))


def test_what_a_visitor_got_counts_for_the_customer_that_he_turns_out_to_be() -> None:
    world, plan = a_world(), a_plan(rails=[CAP])
    assert run(world, plan, VISITOR).outcome == "acted"
    world.store.put_alias(VISITOR, CUSTOMER)
    for user in (VISITOR, CUSTOMER):
        receipt = run(world, plan, user, after=HOUR)
        assert (receipt.profile_id, receipt.outcome, receipt.reason.code) == (
            CUSTOMER,
            "suppressed",
            "rail.blocked",
        )
    assert len(world.channel.deliveries) == 1


def test_an_alias_that_is_made_while_a_decision_is_committed_has_it_made_again() -> None:
    """The visitor's first action is in flight when he turns out to be a customer whose cap is used up."""
    plan = a_plan(rails=[CAP])
    armed: list[bool] = []

    def merge(store: MemoryProfileStore) -> None:
        if armed:
            store.put_alias(VISITOR, CUSTOMER)

    world = a_world(InterruptedStore(merge, merge))
    assert run(world, plan, CUSTOMER).outcome == "acted"
    armed.append(True)
    receipt = run(world, plan, VISITOR, after=HOUR)
    assert (receipt.profile_id, receipt.outcome) == (CUSTOMER, "suppressed")
    assert len(world.channel.deliveries) == 1
    assert world.store.decisions(CUSTOMER)[0].id == receipt.decision_id


def test_whoever_was_held_out_as_a_visitor_stays_held_out() -> None:
    half = Slice("holdout", ((0.0, 0.5),))
    seed = next(
        f"seed-{number}"
        for number in range(100)
        if is_in(replace(half, seed=f"seed-{number}"), [VISITOR])
        and not is_in(replace(half, seed=f"seed-{number}"), [CUSTOMER])
    )
    plan = replace(a_plan(), experiments=ExperimentsPlan(replace(half, seed=seed)))
    world = a_world()
    assert run(world, plan, VISITOR).reason.code == "experiment.holdout"
    assert run(world, plan, CUSTOMER).outcome == "acted"
    world.store.put_alias(VISITOR, CUSTOMER)
    assert run(world, plan, CUSTOMER, after=HOUR).reason.code == "experiment.holdout"


def test_a_complaint_of_a_visitor_keeps_the_peace_with_the_customer() -> None:
    world, plan = a_world(), a_plan(rails=[PEACE])
    run(world, plan, VISITOR)
    tell(world, "action_complained", VISITOR, after=HOUR)
    world.store.put_alias(VISITOR, CUSTOMER)
    assert run(world, plan, CUSTOMER, after=2 * HOUR).reason.code == "rail.blocked"
    assert run(world, plan, CUSTOMER, after=31 * DAY).outcome == "acted"


@pytest.mark.parametrize("named", [True, False])
def test_an_outcome_finds_the_decision_that_was_made_under_another_id(named: bool) -> None:
    world = a_world()
    plan = replace(a_plan(), experiments=ExperimentsPlan(Slice("nobody", ((0.9999, 1.0),))))
    receipt = run(world, plan, VISITOR)
    world.store.put_alias(VISITOR, CUSTOMER)
    properties = {"decision_id": receipt.decision_id} if named else {}
    (found,) = tell(world, "order_completed", CUSTOMER, after=HOUR, **properties)
    assert (found.status, found.decision_id) == ("recorded", receipt.decision_id)
    (trial,) = map(trial_from, world.feedback.trials(VISITOR, since=NOW))
    assert set(trial.outcomes) == {"converted"}


IDS = ("a", "b", "c", "d")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.sampled_from(IDS), st.just("")),
        st.tuples(st.just("alias"), st.sampled_from(IDS), st.sampled_from(IDS)),
    ),
    max_size=14,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_after_any_sequence_of_aliases_no_cap_is_passed_over_what_was_united(
    happened: list[tuple[str, ...]],
) -> None:
    world, plan = a_world(None, *IDS), PLAN
    one_customer = {name: {name} for name in IDS}
    acted: list[tuple[str, timedelta]] = []
    for number, (what, name, other) in enumerate(happened):
        after = number * 20 * HOUR
        if what == "event":
            if run(world, plan, name, after=after).outcome == "acted":
                window = [at for who, at in acted if who in one_customer[name] and after - at < 7 * DAY]
                assert window == []
                acted.append((name, after))
            continue
        alias, target = resolved(world, name), resolved(world, other)
        if alias != target:
            world.store.put_alias(alias, target)
            both = one_customer[alias] | one_customer[target]
            one_customer |= dict.fromkeys(both, both)


PLAN = a_plan(rails=[CAP])


def resolved(world: Rehearsal, name: str) -> str:
    while (target := world.store.resolve_alias(name)) is not None:
        name = target
    return name
