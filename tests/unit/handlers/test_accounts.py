"""Accounts: whatever names one, at any level of the envelopes, is asked about on every path."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.handlers.direct import eventbridge_handler
from functions.handlers.records import sqs_handler, stream_handler
from functions.testing.handler_stage import HandlerStage, handler_stage
from functions.testing.lambda_events import (
    ACCOUNT,
    batch,
    event_body,
    eventbridge_event,
    kinesis_record,
    sqs_record,
)
from functions.testing.sample_function import a_plan

FOREIGN = "999999999999"


def by_bus(account: str) -> Any:
    return eventbridge_event(account=account)


def by_topic(account: str) -> Any:
    arn = f"arn:aws:sns:eu-central-1:{account}:clicks"
    return {"Type": "Notification", "TopicArn": arn, "Message": json.dumps(event_body())}


def by_bus_and_topic(account: str) -> Any:
    return {**by_topic(ACCOUNT), "Message": json.dumps(by_bus(account))}


def by_topic_without_envelope(account: str) -> Any:
    arn = f"arn:aws:sns:eu-central-1:{account}:clicks"
    return {"EventSource": "aws:sns", "Sns": {"TopicArn": arn, "Message": json.dumps(event_body())}}


def by_stream(account: str) -> Any:
    return kinesis_record(
        event_body(), eventSourceARN=f"arn:aws:kinesis:eu-central-1:{account}:stream/clicks"
    )


INNER = [by_bus, by_topic, by_bus_and_topic, by_topic_without_envelope, by_stream]


def run_sqs(stage: HandlerStage, content: Any) -> Any:
    return sqs_handler(stage.worker)(batch(sqs_record(content)), stage.context)


def run_kinesis(stage: HandlerStage, content: Any) -> Any:
    return stream_handler(stage.worker, "aws:kinesis")(batch(kinesis_record(content)), stage.context)


def run_direct(stage: HandlerStage, content: Any) -> Any:
    # A rule that hands over what came to another bus in an envelope of its own.
    return eventbridge_handler(stage.worker)(eventbridge_event(content), stage.context)


@pytest.mark.parametrize("run", [run_sqs, run_kinesis, run_direct])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize(
    ("account", "accepted", "acted"),
    [
        (ACCOUNT, (), True),
        (FOREIGN, (), False),
        (FOREIGN, (FOREIGN, ACCOUNT), True),
        (ACCOUNT, (FOREIGN,), False),
        (FOREIGN, ("*",), True),
    ],
)
def test_every_level_that_names_an_account_is_asked_about(
    run: Callable[[HandlerStage, Any], Any],
    inner: Callable[[str], Any],
    account: str,
    accepted: tuple[str, ...],
    acted: bool,
) -> None:
    stage = handler_stage(a_plan(), accounts=accepted)
    run(stage, inner(account))
    assert stage.acted_on == (["event-1"] if acted else [])
    parked = [attributes["code"] for _, attributes in stage.queue.sent]
    assert parked == ([] if acted else ["event.foreign_account"])


def test_a_level_that_names_no_account_goes_by_what_is_around_it() -> None:
    stage = handler_stage(a_plan())
    envelope = eventbridge_event()
    del envelope["account"]
    run_sqs(stage, envelope)
    assert stage.acted_on == ["event-1"]


@pytest.mark.parametrize("account", [1, "", None, ["123456789012"]])
def test_an_account_that_is_none_is_foreign(account: Any) -> None:
    stage = handler_stage(a_plan())
    run_sqs(stage, eventbridge_event(account=account))
    assert stage.acted_on == []


def test_one_foreign_event_of_a_record_keeps_its_neighbours() -> None:
    stage = handler_stage(a_plan())
    run_sqs(
        stage,
        [by_bus(FOREIGN), eventbridge_event(event_body("event-2"))],
    )
    assert stage.acted_on == ["event-2"]
