"""An archive that is replayed into a queue: decided anew, once for each event, and counted apart."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.events.replays import generation_of
from functions.handlers.direct import eventbridge_handler
from functions.handlers.records import sqs_handler
from functions.testing.handler_stage import HandlerStage, handler_stage
from functions.testing.lambda_events import batch, event_body, eventbridge_event, sqs_record
from functions.testing.sample_function import CUSTOMER, a_plan

DAY = timedelta(days=1)


def run(stage: HandlerStage, *names: str | None) -> None:
    """Deliver three events, as live ones for None, or by the replay of a name."""
    for name in names:
        marks = {} if name is None else {"replay-name": name}
        records = [sqs_record(eventbridge_event(event_body(f"e{n}"), **marks), f"m{n}") for n in range(3)]
        reply: Any = sqs_handler(stage.worker)(batch(*records), stage.context)
        assert reply == {"batchItemFailures": []}


def decided(stage: HandlerStage) -> list[tuple[str, int]]:
    kept = stage.rehearsal.store.decisions(CUSTOMER, limit=100)
    return sorted((one.body["event"]["id"], one.body.get("generation", 0)) for one in kept)


def test_replays_of_an_archive_decide_each_event_once_for_each_and_send_nothing() -> None:
    stage = handler_stage(a_plan())
    run(stage, None)
    stage.rehearsal.wait(DAY)
    run(stage, "first", "first", "second", "second")

    generations = sorted((generation_of("first"), generation_of("second")))
    assert decided(stage) == [(f"e{n}", one) for n in range(3) for one in (0, *generations)]
    assert stage.acted_on == ["e0", "e1", "e2"]
    assert stage.queue.sent == []


def test_what_a_replay_decides_is_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())
    stage.rehearsal.wait(DAY)
    run(stage, "first")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in lines if "_aws" in line]
    counted = {one["Name"] for one in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert (counted, metrics["Replayed"]) == ({"Replayed"}, [3])
    assert {line["receipt"]["generation"] for line in lines if "receipt" in line} == {generation_of("first")}


def test_replay_that_does_not_say_which_is_parked() -> None:
    stage = handler_stage(a_plan())
    sqs_handler(stage.worker)(batch(sqs_record(eventbridge_event(**{"replay-name": None}))), stage.context)

    assert [attributes["code"] for _, attributes in stage.queue.sent] == ["event.malformed"]
    assert stage.acted_on == []


def test_replay_that_invokes_the_function_itself_decides_anew_as_well() -> None:
    stage = handler_stage(a_plan())
    handle = eventbridge_handler(stage.worker)
    handle(eventbridge_event(), stage.context)
    handle(eventbridge_event(**{"replay-name": "first"}), stage.context)

    assert decided(stage) == [("event-1", 0), ("event-1", generation_of("first"))]
    assert stage.acted_on == ["event-1"]
