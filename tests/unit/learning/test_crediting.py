"""What groups are compared by, and what is learned from: a conversion has two addresses."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.decision.posteriors import Counter
from functions.documents import Json
from functions.errors import ActionRejectedError, ActionUnavailableError
from functions.governance.statements import ConsentSource
from functions.learning.counting import Folded, fold_due
from functions.learning.recording import Recorder
from functions.learning.trials import Trial, counter_name, trial_from
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.feedback import FeedbackRecord
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, REGISTRY, a_plan, an_event, put_customer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFER: Mapping[str, Json] = {
    "tags": ["discount"], "channel": "offers", "cost": 1, "value": {"kept": 50}, "chance": {"kept": 0.5},
}  # fmt: skip
DECIDE: Mapping[str, Json] = {
    "when": "churn_risk >= `0.6`",
    "actions": ["offer-20"],
    "do_nothing": {"kept": 0.1},
    "segment": "features.orders",
}
ONCE = {"name": "once", "cap": "discount", "at_most": 1, "per": "7d rolling"}
KEEP = {"marketing": ConsentSource(ended_by=())}


def learning(floor: float = 0.0, half_life: str | None = None, **more: Any) -> Plan:
    policy = {"floor": floor, **({"half_life": half_life} if half_life else {})}
    return a_plan(
        {**REGISTRY, "currency": "EUR", "actions": {"offer-20": OFFER}},
        policy={"objectives": {"kept": {}}, "learning": policy},
        decide=DECIDE,
        **more,
    )


class World(Rehearsal):
    """One customer, whose score can be told."""

    def __init__(self, score: str = "0.9") -> None:
        super().__init__(now=NOW, model=MemoryModel(lambda _: ModelReply(score.encode(), "text/csv")))
        put_customer(self.store)

    def decide(self, plan: Plan, number: int = 1, *, after: timedelta = timedelta(0), **more: int) -> Receipt:
        event = an_event(f"event-{number}", time=NOW + after)
        return self.runtime.handle(plan, event, now=NOW + after, **more)

    def convert(self, after: timedelta, **properties: Json) -> list[str]:
        at = NOW + after
        event = an_event(f"order-{after}", name="order_completed", time=at, properties=properties)
        return [one.status for one in Recorder(self.store, self.feedback, KEEP).record(event, now=at)]

    def trials(self) -> list[Trial]:
        """Return the trials, the newest first."""
        return [trial_from(record) for record in self.feedback.trials(CUSTOMER, since=NOW - DAY)]

    def counted(self, action: str = "offer-20") -> Counter:
        name = counter_name("churn", "5", action, "kept")
        for record in self.feedback.read_feedback([("counter", name, "-")]):
            return Counter(record.body["trials"], record.body["total"], record.body["squares"])
        return Counter()


def scored(world: World, score: str) -> None:
    world.model = MemoryModel(lambda _: ModelReply(score.encode(), "text/csv"))


def test_a_capped_decision_takes_no_conversion_from_the_offer_that_earned_it() -> None:
    world, plan = World(), learning(rails=[ONCE])
    assert world.decide(plan).outcome == "acted"
    assert world.decide(plan, 2, after=HOUR).outcome == "suppressed"
    assert world.convert(2 * HOUR) == ["recorded", "credited"]
    fold_due(world.feedback, now=NOW + 9 * DAY)
    assert (world.counted(), world.counted("do-nothing")) == (Counter(1, 1, 1), Counter())


def test_a_condition_that_does_not_hold_teaches_nothing_of_doing_nothing() -> None:
    world, plan = World("0.1"), learning()
    assert world.decide(plan).reason.code == "condition.false"
    world.convert(HOUR)
    assert fold_due(world.feedback, now=NOW + 9 * DAY) == Folded()
    assert world.counted("do-nothing") == Counter()
    (trial,) = world.trials()
    assert (trial.drawn, set(trial.outcomes), trial.credits) == (False, {"converted"}, {})


def test_an_event_that_came_too_late_teaches_nothing() -> None:
    world, plan = World(), learning()
    event = an_event(time=NOW)
    assert world.runtime.handle(plan, event, now=NOW + HOUR).reason.code == "event.too_old"
    assert fold_due(world.feedback, now=NOW + 9 * DAY) == Folded()


def test_a_replay_opens_no_trial() -> None:
    world, plan = World(), learning()
    first = world.decide(plan)
    world.runtime.handle(plan, an_event("event-1"), now=NOW + DAY, generation=1)
    assert [trial.decision_id for trial in world.trials()] == [first.decision_id]
    assert world.convert(DAY + HOUR) == ["recorded"]
    fold_due(world.feedback, now=NOW + 9 * DAY)
    assert (world.counted(), world.counted("do-nothing")) == (Counter(1, 1, 1), Counter())


def test_an_event_that_only_a_replay_brought_in_time_is_learned_from() -> None:
    world, plan = World(), learning()
    assert world.decide(plan, generation=1).outcome == "acted"
    assert [trial.drawn for trial in world.trials()] == [True]


@pytest.mark.parametrize(("group", "teaches"), [("random", True), ("usual", False), ("optimised", True)])
def test_only_what_was_drawn_teaches(group: Any, teaches: bool) -> None:
    everybody = ExperimentsPlan(None, (ExperimentPlan("o", "o", {group: ((0.0, 1.0),)}),))
    world, plan = World(), replace(learning(), experiments=everybody)
    assert world.decide(plan).outcome == "acted"
    (trial,) = world.trials()
    assert (trial.group, trial.drawn, bool(trial.lessons)) == (group, teaches, teaches)


def test_an_action_that_never_left_teaches_nothing() -> None:
    world, plan = World(), learning()
    world.channel.fail(ActionRejectedError("no"))
    receipt = world.decide(plan)
    assert receipt.action is not None
    assert receipt.action.delivery == "none"
    assert world.convert(HOUR) == ["recorded"]
    fold_due(world.feedback, now=NOW + 9 * DAY)
    assert world.counted() == Counter()
    (trial,) = world.trials()
    assert (trial.void, set(trial.outcomes)) == (True, {"converted"})


def test_what_was_counted_of_an_action_is_taken_back_when_it_never_left() -> None:
    world, plan = World(), learning()
    world.channel.fail(ActionUnavailableError("down"))
    world.decide(plan)
    fold_due(world.feedback, now=NOW + 7 * DAY)
    assert world.counted() == Counter(1, 0, 0)
    world.wait(8 * DAY)
    ((_, performed),) = world.runtime.redrive(plan.policy, now=NOW + 8 * DAY)
    assert performed is not None
    assert performed.delivery == "none"
    assert fold_due(world.feedback, now=NOW + 8 * DAY) == Folded(trials=1, corrected=1)
    assert world.counted() == Counter()


def test_a_click_is_no_answer_to_an_action_that_never_left() -> None:
    world, plan = World(), learning()
    sent = world.decide(plan)
    world.channel.fail(ActionRejectedError("no"))
    world.decide(plan, 2, after=HOUR)
    event = an_event("click", name="action_clicked", time=NOW + 2 * HOUR)
    (found,) = Recorder(world.store, world.feedback, KEEP).record(event, now=NOW + 2 * HOUR)
    assert (found.status, found.decision_id) == ("recorded", sent.decision_id)


def test_a_decision_that_ended_before_the_model_was_asked_is_of_its_own_segment() -> None:
    world, plan = World(), learning(rails=[ONCE], score="when-actionable")
    world.decide(plan)
    capped = world.decide(plan, 2, after=HOUR)
    assert capped.model is not None
    assert (capped.model.rung, capped.segment) == ("none", "5")
    assert [trial.leaf for trial in world.trials()] == ["5", "5"]


def test_what_was_learned_fades_by_the_half_life_of_the_policy() -> None:
    def believed(half_life: str | None) -> float | None:
        world, plan = World(), learning(half_life=half_life)
        counted = {"trials": 60.0, "total": 60.0, "squares": 60.0}
        name = counter_name("churn", "5", "offer-20", "kept")
        assert world.feedback.write_feedback([FeedbackRecord("counter", name, "-", NOW - 2 * DAY, counted)])
        return world.decide(plan).candidates[0].value

    # The guess of 0.5 counts for 20 responses; 60 of two days ago for as many, or for 15 after two half-lives.
    assert believed(None) == pytest.approx(50 * ((10 + 60) / 80 - 0.1) - 1)
    assert believed("1d") == pytest.approx(50 * ((10 + 15) / 35 - 0.1) - 1)


def test_what_is_learned_of_an_offer_is_true_however_many_are_not_at_risk() -> None:
    """Seven of ten stay on their own and are never asked about; they say nothing of those who are."""
    chance, plan = random.Random(5), learning()
    world = World()
    for number in range(400):
        at_risk = chance.random() < 0.3
        scored(world, "0.9" if at_risk else "0.1")
        customer = f"customer-{number}"
        put_customer(world.store, customer=customer)
        event = an_event(f"event-{number}", user_id=customer)
        receipt = world.runtime.handle(plan, event, now=NOW)
        stays = (0.5 if receipt.action else 0.1) if at_risk else 0.95
        if chance.random() < stays:
            order = an_event(f"order-{number}", name="order_completed", user_id=customer, time=NOW + HOUR)
            Recorder(world.store, world.feedback, KEEP).record(order, now=NOW + HOUR)
    fold_due(world.feedback, now=NOW + 8 * DAY, limit=1_000)
    scored(world, "0.9")
    later = NOW + 9 * DAY
    put_customer(world.store, customer="probe")
    receipt = Runtime(world.ports).handle(plan, an_event("probe", user_id="probe", time=later), now=later)
    # 50 · (0.5 − 0.1) − 1
    assert receipt.candidates[0].value == pytest.approx(19, abs=5)
