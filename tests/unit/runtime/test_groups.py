"""Groups, propensities and trials, from the event to the receipt and the record."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.analysis.drafts import drawn_of
from functions.analysis.evaluation import Answered
from functions.decision.probabilities import draw, seed_of
from functions.documents import Json
from functions.errors import ModelUnavailableError
from functions.learning.counting import fold_due
from functions.learning.responses import record_event
from functions.learning.trials import Trial, trial_from
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.runtime.receipt import Receipt
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Slice
from functions.spec.plan import Plan
from functions.spec.rails import BudgetRail
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, REGISTRY, SPEC, a_plan, an_event, put_customer
from functions.testing.store_checks.samples import spend

ALL = ((0.0, 1.0),)
HOLDOUT = ExperimentsPlan(Slice("holdout", ALL))
RANDOM = ExperimentsPlan(None, (ExperimentPlan("offers", "offers", {"random": ALL}),))
USUAL = ExperimentsPlan(None, (ExperimentPlan("offers", "offers", {"usual": ALL}),))

ACTIONS = {
    "offer-20": {"channel": "offers", "cost": 9, "value": {"kept": 50}, "chance": {"kept": 0.5}},
    "offer-10": {"channel": "offers", "cost": 1, "value": {"kept": 50}, "chance": {"kept": 0.45}},
}
DECIDE = {
    "when": "churn_risk >= `0.6`",
    "actions": ["offer-20", "offer-10"],
    "do_nothing": {"kept": "subtract(`1`, churn_risk)"},
    "segment": "features.orders",
}


def ranked(**learning: Json) -> Plan:
    policy: dict[str, Json] = {"objectives": {"kept": {}}}
    if learning:
        policy["learning"] = learning
    return a_plan({**REGISTRY, "actions": ACTIONS}, policy=policy, decide=DECIDE)


def a_world(score: str = "0.83") -> Rehearsal:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(score.encode(), "text/csv")))
    put_customer(world.store)
    return world


def run(world: Rehearsal, plan: Plan, event_id: str = "event-1", *, customer: str = CUSTOMER) -> Receipt:
    return world.runtime.handle(plan, an_event(event_id, user_id=customer), now=NOW)


def test_the_holdout_gets_no_action_and_its_score_is_written() -> None:
    world = a_world()
    receipt = run(world, replace(a_plan(), experiments=HOLDOUT))
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "experiment.holdout")
    assert receipt.write_back == {"scores.churn_risk": 0.83}
    assert {one.by for one in receipt.candidates[:-1]} == {"experiment.holdout"}
    assert world.store.load(CUSTOMER).state.contacts == ()


def test_the_holdout_is_told_apart_from_a_condition_that_does_not_hold() -> None:
    assert run(a_world("0.1"), replace(a_plan(), experiments=HOLDOUT)).reason.code == "condition.false"


def test_the_holdout_is_scored_like_everybody_else() -> None:
    plan = replace(a_plan(score="when-actionable"), experiments=HOLDOUT)
    receipt = run(a_world(), plan)
    assert (receipt.reason.code, receipt.scores) == ("experiment.holdout", {"churn_risk": 0.83})
    assert run(a_world("0.1"), plan).reason.code == "condition.false"


def test_a_model_that_fails_takes_as_many_from_the_holdout_as_from_everybody_else() -> None:
    """Else groups would be compared of which one has lost customers and the other has not."""
    half = ExperimentsPlan(Slice("holdout", ((0.0, 0.5),)))
    model = {**SPEC["model"], "fallback": []}
    plan = replace(a_plan(score="when-actionable", model=model), experiments=half)
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelUnavailableError("down")))
    outcomes = set()
    for number in range(30):
        customer = f"customer-{number}"
        put_customer(world.store, customer=customer)
        receipt = world.runtime.handle(plan, an_event(f"event-{number}", user_id=customer), now=NOW)
        assert receipt.assignment is not None
        outcomes.add((receipt.assignment.group, receipt.outcome))
        assert world.feedback.trials(customer, since=NOW) == []
    assert outcomes == {("holdout", "failed"), ("optimised", "failed")}


def poor(*, learns: bool) -> Plan:
    """Return a function whose first action costs what the budget does not have."""
    actions = {
        "gift": {"tags": ["gift"], "channel": "offers", "cost": 3, "value": {"kept": 50}, "chance": {"kept": 0.5}},
        "note": {"tags": ["note"], "channel": "offers", "cost": 0, "value": {"kept": 50}, "chance": {"kept": 0.45}},
        "card": {"tags": ["note"], "channel": "offers", "cost": 0, "value": {"kept": 50}, "chance": {"kept": 0.42}},
    }  # fmt: skip
    policy: dict[str, Json] = {"objectives": {"kept": {}}, "learning": {"floor": 0.1}} if learns else {}
    budget = {
        "name": "money",
        "budget": "gift",
        "at_most": "3 EUR",
        "per": "day",
        "timezone": "UTC",
        "shards": 1,
    }
    plan = a_plan(
        {**REGISTRY, "currency": "EUR", "actions": actions},
        rails=[budget],
        policy=policy,
        decide={"actions": ["gift", "note", "card"], **({"do_nothing": {"kept": 0.1}} if learns else {})},
    )
    return plan if learns else replace(plan, experiments=RANDOM)


def spend_all(world: Rehearsal, plan: Plan) -> None:
    (budget,) = (rail for rail in plan.policy.rails if isinstance(rail, BudgetRail))
    world.store.open_budget("money", "day-2026-11-02", [budget.limit])
    spend(world.store, "money", "day-2026-11-02", budget.limit)


@pytest.mark.parametrize("learns", [True, False])
def test_propensities_are_exact_also_where_the_budget_refuses_what_was_drawn(learns: bool) -> None:
    """Of each candidate, one over its chance where it was drawn and 0 elsewhere is 1 in the mean."""
    world, plan, size = a_world(), poor(learns=learns), 600
    # Of many customers, since every decision reads all contacts of its own.
    customers = [f"customer-{number}" for number in range(60)]
    for customer in customers:
        put_customer(world.store, customer=customer)
    spend_all(world, plan)
    weights: dict[str, float] = defaultdict(float)
    after_gift: Counter[str] = Counter()
    for number in range(size):
        run(world, plan, f"event-{number}", customer=customers[number % len(customers)])
    records = [(one, record) for one in customers for record in world.store.decisions(one, limit=size)]
    assert len(records) == size
    for customer, record in records:
        trial = Trial(customer, record.id, "churn", record.body["action"]["name"] if record.body["action"] else
                      "do-nothing", "random", "other", NOW, NOW, drawn=True)  # fmt: skip
        drawn = drawn_of(Answered(trial, record.body))
        assert drawn is not None
        weights[drawn.action] += 1 / drawn.chances[drawn.action]
        if drawn.action == "gift":
            after_gift[trial.action] += 1
    least = 0.1 if learns else 1 / 3
    assert weights.keys() == ({"gift", "note", "card", "do-nothing"} if learns else {"gift", "note", "card"})
    # Four standard errors of the mean of a weight whose chance is the least.
    bound = 4 * ((1 / least - 1) / size) ** 0.5
    assert all(abs(weight / size - 1) < bound for weight in weights.values())
    # What is drawn in its place is drawn anew, not what the same number would give.
    assert after_gift["gift"] == 0
    assert min(after_gift["note"], after_gift["card"]) > 0.3 * max(after_gift["note"], after_gift["card"])


def test_a_decision_keeps_what_was_drawn_before_the_budget_refused_it() -> None:
    world, plan = a_world(), poor(learns=False)
    spend_all(world, plan)
    for number in range(20):
        experiment = run(world, plan, f"event-{number}").as_document()["experiment"]
        if "first_draw" in experiment:
            third = pytest.approx(1 / 3)
            assert experiment["first_draw"] == {
                "action": "gift",
                "chances": {"gift": third, "note": third, "card": third},
            }
            return
    pytest.fail("no gift was drawn in twenty decisions")


def test_whoever_is_known_by_an_alias_of_the_holdout_is_held_out() -> None:
    half = Slice("holdout", ((0.0, 0.5),))
    world = a_world()
    world.store.put_alias("anonymous-7", CUSTOMER)
    from functions.decision.experiments import is_in

    seed = next(
        f"seed-{number}"
        for number in range(100)
        if is_in(replace(half, seed=f"seed-{number}"), ["anonymous-7"])
        and not is_in(replace(half, seed=f"seed-{number}"), [CUSTOMER])
    )
    plan = replace(a_plan(), experiments=ExperimentsPlan(replace(half, seed=seed)))
    assert run(world, plan).reason.code == "experiment.holdout"
    by_alias = world.runtime.handle(plan, an_event("event-2", user_id="anonymous-7"), now=NOW)
    assert (by_alias.profile_id, by_alias.reason.code) == (CUSTOMER, "experiment.holdout")


def test_the_random_group_is_drawn_by_the_decision_id_and_says_with_which_chance() -> None:
    receipt = run(a_world(), replace(a_plan(), experiments=RANDOM))
    assert receipt.decision_id is not None
    drawn = draw({"offer-20": 0.5, "offer-10": 0.5}, seed_of(receipt.decision_id))
    assert receipt.action is not None
    assert (receipt.action.name, receipt.reason.code) == (drawn, "action.random")
    assert [one.chance for one in receipt.candidates] == [0.5, 0.5, None]
    assert receipt.as_document()["experiment"] == {
        "group": "random",
        "experiment": "offers",
        "bucket": receipt.assignment.bucket if receipt.assignment else None,
        "segment": None,
        "seed": seed_of(receipt.decision_id),
    }


def test_business_as_usual_gets_the_first_although_another_is_worth_more() -> None:
    usual = run(a_world(), replace(ranked(), experiments=USUAL))
    assert usual.action is not None
    assert (usual.action.name, usual.reason.code) == ("offer-20", "action.chosen")
    best = run(a_world(), ranked())
    assert best.action is not None
    # 50·(0.5 − 0.17) − 9 = 7.5 against 50·(0.45 − 0.17) − 1 = 13.
    assert (best.action.name, best.reason.code) == ("offer-10", "action.ranked")
    assert [one.value for one in best.candidates] == [pytest.approx(7.5), pytest.approx(13.0), None]


def test_the_record_keeps_what_was_drawn_from_and_a_replay_decides_the_same() -> None:
    plan = ranked(floor=0.1)
    first, second = a_world(), a_world()
    one, other = run(first, plan), run(second, plan)
    assert one.decision_id is not None
    (record,) = first.store.decisions(CUSTOMER)
    kept = record.body
    assert kept == second.store.decisions(CUSTOMER)[0].body
    assert kept["experiment"]["seed"] == seed_of(one.decision_id)
    chances = {candidate["action"]: candidate["chance"] for candidate in kept["candidates"]}
    assert sum(chances.values()) == pytest.approx(1.0)
    assert min(chances.values()) >= 0.1
    name = draw(chances, kept["experiment"]["seed"])
    assert name == (one.action.name if one.action else "do-nothing")
    assert one.candidates == other.candidates


def test_a_measured_decision_opens_one_trial_however_often_it_is_delivered() -> None:
    world, plan = a_world(), ranked(window="2d")
    run(world, plan)
    run(world, plan)
    (record,) = world.feedback.trials(CUSTOMER, since=NOW)
    trial = trial_from(record)
    assert (trial.function, trial.leaf, trial.group, trial.closes_at) == (
        "churn",
        "5",
        "optimised",
        NOW + timedelta(days=2),
    )
    assert record.due_at == trial.closes_at


def test_a_function_without_objectives_or_experiments_opens_none() -> None:
    world = a_world()
    run(world, a_plan())
    assert world.feedback.trials(CUSTOMER, since=NOW) == []


def test_the_next_decision_reads_the_last_response() -> None:
    world, plan = a_world(), replace(ranked(), experiments=USUAL)
    run(world, plan)
    complaint = an_event("event-9", name="action_complained", time=NOW)
    assert [one.status for one in record_event(world.feedback, complaint, CUSTOMER, now=NOW)] == ["recorded"]
    wary = a_plan(rails=[
        {"name": "calm", "forbid": "all", "after": "profile.responses.complained.at", "absent": "never", "for": "30d"}
    ])  # fmt: skip
    receipt = run(world, wary, "event-2")
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "rail.blocked")


def test_responses_move_the_chances_of_the_next_decision() -> None:
    world, plan = a_world(), ranked(floor=0.01, window="2d")
    before = run(world, plan)
    for number in range(200):
        event = f"event-{number + 10}"
        run(world, plan, event)
    world.wait(timedelta(days=3))
    fold_due(world.feedback, now=NOW + timedelta(days=3), limit=1_000)
    after = run(world, plan, "event-9999")
    # Nobody kept their contract, whatever was offered: what was believed to work is believed less.
    assert (after.candidates[1].value or 0) < (before.candidates[1].value or 0)


class _DiedError(Exception):
    """The process was killed."""


STAGES = ("loaded", "prepared", "invoked", "decided", "committed", "leased", "sent", "settled")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("score", ["0.83", "0.1"])
def test_a_process_that_dies_at_a_stage_leaves_a_trial_with_every_decision(stage: str, score: str) -> None:
    world, plan = a_world(score), ranked(window="2d")

    def die(passed: str) -> None:
        if passed == stage:
            raise _DiedError

    world.on_stage = die
    with suppress(_DiedError):
        run(world, plan)
    decided = [(one.id, one.decided_at) for one in world.store.decisions(CUSTOMER)]
    found = world.feedback.trials(CUSTOMER, since=NOW)
    assert [(one.name, one.at) for one in found] == decided
    assert len(decided) == int(STAGES.index(stage) >= STAGES.index("committed") or stage not in world.stages)
    # Nobody delivers the event again: silence is counted all the same, where something was left to choose.
    closed = len(decided) if score == "0.83" else 0
    assert fold_due(world.feedback, now=NOW + timedelta(days=2)).closed == closed
