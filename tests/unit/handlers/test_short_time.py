"""A receiver that is slow: events are decided all the same, and what does not fit is left to the schedule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.actions.channel import ActionMessage
from functions.errors import ActionAmbiguousError, ActionError
from functions.handlers.draining import schedule_handler
from functions.handlers.records import sqs_handler
from functions.runtime.haste import SETTLE_S, SLOW_S
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.handler_stage import HandlerStage, StageContext, handler_stage
from functions.testing.lambda_events import batch, event_body, sqs_record
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import REGISTRY, SPEC, a_plan, put_customer

BATCH = 10
TIMEOUT_S = 5.0
NO_ANSWER = ActionAmbiguousError("no answer in time")


@dataclass
class Receiver:
    """Takes its time, and may give no answer in the end."""

    world: Rehearsal
    seconds: float
    error: ActionError | None = None
    asked: list[str] = field(default_factory=list)

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        self.asked.append(message.event_id)
        self.world.wait(timedelta(seconds=self.seconds))
        if self.error is not None:
            raise self.error


class Countdown(StageContext):
    """A Lambda context whose time runs with the clock of the world."""

    def __init__(self, world: Rehearsal, seconds: float) -> None:
        super().__init__()
        self._world = world
        self._end = world.ports.wall() + timedelta(seconds=seconds)

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - self._world.ports.wall()).total_seconds() * 1000)


def calling(plan: Plan) -> Plan:
    """Return a plan whose channels call somebody, for five seconds at the most."""
    channels = {name: ChannelPlan(name, "sqs", {"timeout": f"{TIMEOUT_S}s"}) for name in plan.channels}
    return replace(plan, policy=replace(plan.policy, channels=channels))


PLAN = calling(a_plan(trigger={"event_pattern": {"detail-type": ["page_view"]}, "max_age": "1h"}))


def stage_with(
    seconds: float, error: ActionError | None = None, plan: Plan = PLAN
) -> tuple[HandlerStage, Receiver]:
    stage = handler_stage(plan)
    world = stage.rehearsal
    receiver = Receiver(world, seconds, error)
    ports = replace(world.ports, channel=lambda _: receiver)
    for number in range(BATCH):
        put_customer(world.store, customer=f"c{number}")
    return replace(stage, worker=replace(stage.worker, ports=ports)), receiver


def deliver(stage: HandlerStage, seconds: float, count: int = BATCH) -> Any:
    """Deliver a batch, and return what is reported as failed."""
    now = stage.rehearsal.ports.wall().isoformat()
    records = [sqs_record(event_body(f"e{n}", user_id=f"c{n}", time=now), str(n)) for n in range(count)]
    context = Countdown(stage.rehearsal, seconds)
    return sqs_handler(stage.worker)(batch(*records), context)["batchItemFailures"]


@pytest.mark.parametrize("error", [NO_ANSWER, None])
def test_every_event_of_a_batch_is_decided_whatever_its_receiver_does(error: ActionError | None) -> None:
    stage, receiver = stage_with(TIMEOUT_S, error)
    assert deliver(stage, 15.0) == []
    assert all(stage.rehearsal.store.decisions(f"c{number}") for number in range(BATCH))
    assert receiver.asked == ["e0"]
    receiver.seconds, receiver.error = 0.01, None
    stage.rehearsal.wait(timedelta(minutes=1))
    schedule_handler(stage.worker, PLAN.policy, [PLAN])({}, Countdown(stage.rehearsal, 60.0))
    assert set(receiver.asked) == {f"e{number}" for number in range(BATCH)}


def test_a_receiver_that_answers_at_once_gets_every_action_at_once() -> None:
    stage, receiver = stage_with(0.05)
    assert deliver(stage, 15.0) == []
    assert len(receiver.asked) == BATCH


def test_a_receiver_that_was_slow_is_asked_again_in_the_next_batch() -> None:
    stage, receiver = stage_with(SLOW_S + 0.1)
    deliver(stage, 60.0, count=2)
    assert receiver.asked == ["e0"]
    stage, receiver = stage_with(SLOW_S)
    deliver(stage, 60.0, count=2)
    assert receiver.asked == ["e0", "e1"]


def test_an_act_whose_timeout_does_not_fit_is_left_to_the_schedule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage, receiver = stage_with(0.01)
    deliver(stage, TIMEOUT_S + SETTLE_S - 0.001, count=1)
    assert receiver.asked == []
    assert '"delivery":"queued"' in capsys.readouterr().out
    stage, receiver = stage_with(0.01)
    deliver(stage, TIMEOUT_S + SETTLE_S, count=1)
    assert receiver.asked == ["e0"]


def test_a_score_whose_channel_is_slow_is_told_by_the_schedule() -> None:
    registry = {**REGISTRY, "channels": {**REGISTRY["channels"], "platform": {"kind": "memory"}}}
    told = {"scores.churn_risk": {**SPEC["write_back"]["scores.churn_risk"], "notify": "platform"}}
    plan = calling(a_plan(registry, write_back=told, decide={}))
    stage, receiver = stage_with(TIMEOUT_S, NO_ANSWER, plan)
    assert deliver(stage, 15.0) == []
    assert all(stage.rehearsal.store.decisions(f"c{number}") for number in range(BATCH))
    assert len(receiver.asked) == 1
    assert len(stage.rehearsal.store.outbox()) == BATCH
