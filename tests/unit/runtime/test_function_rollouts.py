"""A spec that is tried in the place of another one, with a model and actions of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from functions.build.artifact import plan_from_artifact, plan_to_artifact
from functions.decision.experiments import bucket
from functions.documents import Json
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.runtime.receipt import Receipt
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Mode, RolloutPlan, Slice
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, put_customer

CUSTOMERS = [f"customer-{number}" for number in range(40)]
SEED, SHARE = "next", 0.4
INSIDE = [one for one in CUSTOMERS if bucket(SEED, one) < SHARE]
OUTSIDE = [one for one in CUSTOMERS if bucket(SEED, one) >= SHARE]


def _plans(mode: Mode) -> tuple[Plan, Plan]:
    """Return the function, and the one that is tried in its place, as their artefacts have them."""
    rollout = RolloutPlan("churn-next", "churn", mode, Slice(SEED, ((0.0, SHARE),)))
    everything = ExperimentsPlan(rollouts=(rollout,))
    live, tried = a_plan(), a_plan(name="churn-next", decide={"actions": ["offer-10"]})
    return (
        _built(replace(live, experiments=everything.of("churn"))),
        _built(replace(tried, experiments=everything.of("churn-next"))),
    )


def _built(plan: Plan) -> Plan:
    return plan_from_artifact(plan_to_artifact(plan)).plan


def _stage() -> Rehearsal:
    stage = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    for customer in CUSTOMERS:
        put_customer(stage.store, customer=customer)
    return stage


def _handle(stage: Rehearsal, plan: Plan, customer: str) -> Receipt:
    return stage.runtime.handle(plan, an_event(f"event-of-{customer}", user_id=customer), now=NOW)


def _sent(stage: Rehearsal) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in stage.channel.deliveries:
        found.setdefault(one.message.profile_id, []).append(one.message.action)
    return found


def test_in_a_canary_each_customer_belongs_to_one_of_the_two() -> None:
    stage = _stage()
    live, tried = _plans("canary")
    for customer in CUSTOMERS:
        for plan, own in ((live, customer in OUTSIDE), (tried, customer in INSIDE)):
            receipt = _handle(stage, plan, customer)
            if own:
                assert receipt.outcome == "acted"
            else:
                assert (receipt.outcome, receipt.reason.code) == ("rejected", "rollout.elsewhere")
                assert not receipt.dead_letter
    assert _sent(stage) == {one: ["offer-10" if one in INSIDE else "offer-20"] for one in CUSTOMERS}


def test_an_event_is_decided_once_also_while_only_one_of_the_two_knows_of_the_canary() -> None:
    stage = _stage()
    _, tried = _plans("canary")
    customer = INSIDE[0]
    assert _handle(stage, a_plan(), customer).outcome == "acted"
    assert _handle(stage, tried, customer).outcome == "duplicate"
    assert _sent(stage) == {customer: ["offer-20"]}


def test_a_function_in_the_shadow_asks_its_model_and_does_and_writes_nothing() -> None:
    stage = _stage()
    _, tried = _plans("shadow")
    receipt = _handle(stage, tried, INSIDE[0])
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "rollout.shadow")
    assert receipt.scores == {"churn_risk": 0.83}
    (offer, *_) = receipt.candidates
    assert (offer.action, offer.by) == ("offer-10", "rollout.shadow")
    assert receipt.write_back == {}
    snapshot = stage.store.load(INSIDE[0], receipt.decision_id)
    assert snapshot.decision is not None
    assert (dict(snapshot.state.scores), snapshot.state.contacts) == ({}, ())
    assert _sent(stage) == {}
    assert stage.store.outbox(due_before=NOW + timedelta(days=9), limit=10) == []


def test_beside_a_shadow_the_function_decides_about_everybody() -> None:
    stage = _stage()
    live, tried = _plans("shadow")
    for customer in CUSTOMERS:
        shadow = _handle(stage, tried, customer)
        assert shadow.outcome == ("suppressed" if customer in INSIDE else "rejected")
        assert _handle(stage, live, customer).outcome == "acted"
    assert _sent(stage) == {one: ["offer-20"] for one in CUSTOMERS}


def test_what_is_tried_has_the_groups_of_that_in_whose_place_it_is() -> None:
    groups: dict[Json, tuple[tuple[float, float], ...]] = {"random": ((0.0, 0.5),)}
    own = ExperimentPlan("offers", "s", groups, functions=("churn",))
    rollout = RolloutPlan("churn-next", "churn", "canary", Slice(SEED, ((0.0, 0.1),)))
    plan = ExperimentsPlan(experiments=(own,), rollouts=(rollout,))
    assert plan.of("churn-next").experiments == plan.of("churn").experiments == (own,)
    assert plan.of("another") == ExperimentsPlan()
