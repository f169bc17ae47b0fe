"""Batches: a poison record parks alone, a failure fails alone, and streams keep their order."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from zlib import compress, decompress

import pytest

from functions.errors import ActionUnavailableError, ModelUnavailableError, UnhandledRecordError
from functions.events.decoding import MAX_EVENT_BYTES
from functions.handlers.records import sqs_handler, stream_handler
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.testing.handler_stage import HandlerStage, handler_stage, without_fallback
from functions.testing.lambda_events import (
    QUEUE_ARN,
    batch,
    dynamodb_record,
    event_body,
    eventbridge_event,
    kinesis_record,
    sqs_record,
)
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, put_customer

HIGH = ModelReply(b"0.83", "text/csv")
DOWN = ModelUnavailableError("down")
OTHER_ACCOUNT = QUEUE_ARN.replace("123456789012", "999999999999")
TOPIC_ARN = QUEUE_ARN.replace(":sqs:", ":sns:")


def failures(reply: Any) -> list[str]:
    return [one["itemIdentifier"] for one in reply["batchItemFailures"]]


def run_sqs(stage: HandlerStage, *records: Any) -> list[str]:
    return failures(sqs_handler(stage.worker)(batch(*records), stage.context))


def run_kinesis(stage: HandlerStage, *records: Any) -> list[str]:
    return failures(stream_handler(stage.worker, "aws:kinesis")(batch(*records), stage.context))


def run_dynamodb(stage: HandlerStage, *records: Any) -> list[str]:
    return failures(stream_handler(stage.worker, "aws:dynamodb")(batch(*records), stage.context))


def codes(stage: HandlerStage) -> list[str]:
    return [attributes["code"] for _, attributes in stage.queue.sent]


def test_every_good_record_of_a_batch_is_decided() -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, *(sqs_record(event_body(f"e{n}"), f"m{n}") for n in range(3))) == []
    assert stage.acted_on == ["e0", "e1", "e2"]


def as_it_came(body: str, attributes: dict[str, str]) -> str:
    """Return what was parked; what is too large for the queue is compressed there."""
    if attributes.pop("form", None) is None:
        return body
    return decompress(base64.b64decode(body), wbits=31).decode()


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


POISON: list[tuple[str, Any, str]] = [
    ("no JSON", "{", "event.malformed"),
    ("neither JSON nor base64", "%%%", "event.malformed"),
    ("base64 of no JSON", base64.b64encode(b"hello").decode(), "event.malformed"),
    ("a broken compressed body", base64.b64encode(compress(b"{}")[:-2]).decode(), "event.malformed"),
    (
        "a body that inflates beyond its limit",
        base64.b64encode(compress(b" " * 20_000_000)).decode(),
        "event.too_large",
    ),
    ("an oversized event", event_body(properties={"x": "y" * MAX_EVENT_BYTES}), "event.too_large"),
    ("too many levels", deep(200), "event.too_large"),
    ("a dialect that nobody knows", {"hello": "world"}, "event.unknown_envelope"),
    ("no id", {**event_body(), "id": None}, "event.no_id"),
    ("no key", event_body(user_id=None), "event.no_key"),
    ("from the future", event_body(time="2026-11-02T10:15:00Z"), "event.from_future"),
    ("a poison event inside EventBridge", eventbridge_event({"hello": "world"}), "event.unknown_envelope"),
    ("NaN", '{"id": "e", "name": "page_view", "time": NaN}', "event.malformed"),
]


@pytest.mark.parametrize(("content", "code"), [one[1:] for one in POISON], ids=[one[0] for one in POISON])
def test_poison_record_of_a_queue_parks_alone_with_its_code(content: Any, code: str) -> None:
    stage = handler_stage(a_plan())
    poison = sqs_record(content, "2")
    assert run_sqs(stage, sqs_record(event_body("e1"), "1"), poison, sqs_record(event_body("e3"), "3")) == []
    assert stage.acted_on == ["e1", "e3"]
    ((body, attributes),) = stage.queue.sent
    # As it came, so that it can be sent again as it is.
    assert as_it_came(body, attributes) == poison["body"]
    assert attributes == {"code": code, "function": "churn", "source": "aws:sqs"}


@pytest.mark.parametrize(("content", "code"), [one[1:] for one in POISON], ids=[one[0] for one in POISON])
def test_poison_record_of_a_stream_parks_alone_with_its_code(content: Any, code: str) -> None:
    stage = handler_stage(a_plan())
    # A text that begins like JSON would not be base64 at all, so it is encoded as a producer would.
    encode = isinstance(content, str) and content.startswith("{")
    poison = kinesis_record(base64.b64encode(content.encode()).decode() if encode else content, "2")
    first, last = kinesis_record(event_body("e1"), "1"), kinesis_record(event_body("e3"), "3")
    assert run_kinesis(stage, first, poison, last) == []
    assert stage.acted_on == ["e1", "e3"]
    ((body, attributes),) = stage.queue.sent
    assert json.loads(as_it_came(body, attributes)) == poison
    assert attributes == {"code": code, "function": "churn", "source": "aws:kinesis"}


def test_parked_record_of_a_stream_can_be_sent_to_a_queue_of_the_function() -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, sqs_record(kinesis_record(event_body()))) == []
    assert stage.acted_on == ["event-1"]


@pytest.mark.parametrize("kind", ["sqs", "kinesis"])
def test_poison_record_is_reported_where_there_is_no_dead_letter_queue(kind: str) -> None:
    stage = handler_stage(a_plan(), parking=False)
    if kind == "sqs":
        assert run_sqs(stage, sqs_record("{", "1"), sqs_record(event_body(), "2")) == ["1"]
        assert stage.acted_on == ["event-1"]
    else:
        # The record blocks what is behind it until Lambda gives it up: order goes before speed.
        assert run_kinesis(stage, kinesis_record("%", "1"), kinesis_record(event_body(), "2")) == ["1"]
        assert stage.acted_on == []


def test_poison_record_is_reported_when_the_dead_letter_queue_does_not_take_it() -> None:
    stage = handler_stage(a_plan())
    stage.queue.error = ActionUnavailableError("down")
    assert run_sqs(stage, sqs_record("{", "1"), sqs_record(event_body(), "2")) == ["1"]
    assert stage.acted_on == ["event-1"]


def test_event_that_matches_no_trigger_is_done_with() -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, sqs_record(event_body(name="other"))) == []
    assert stage.queue.sent == []


def test_failure_that_may_heal_is_reported_and_its_neighbours_are_not() -> None:
    plan = without_fallback(a_plan())
    attempts = plan.model.max_attempts if plan.model else 0
    stage = handler_stage(plan, model=MemoryModel([HIGH, *[DOWN] * attempts, HIGH]))
    assert run_sqs(stage, *(sqs_record(event_body(f"e{n}"), f"m{n}") for n in range(3))) == ["m1"]
    assert stage.acted_on == ["e0", "e2"]
    assert stage.queue.sent == []


def test_redelivery_of_a_whole_batch_acts_on_nothing_twice() -> None:
    stage = handler_stage(a_plan())
    records = [sqs_record(event_body(f"e{n}"), f"m{n}") for n in range(3)]
    assert run_sqs(stage, *records) == run_sqs(stage, *records) == []
    assert stage.acted_on == ["e0", "e1", "e2"]


def test_batch_of_which_nothing_succeeds_is_reported_record_by_record() -> None:
    stage = handler_stage(without_fallback(a_plan()), model=MemoryModel())
    assert run_sqs(stage, *(sqs_record(event_body(f"e{n}"), f"m{n}") for n in range(3))) == ["m0", "m1", "m2"]


def test_fifo_queue_keeps_the_order_of_a_group_and_not_of_others() -> None:
    stage = handler_stage(without_fallback(a_plan()))
    attempts = stage.worker.plan.model.max_attempts if stage.worker.plan.model else 0
    stage.rehearsal.model = MemoryModel([*[DOWN] * attempts, HIGH])
    put_customer(stage.rehearsal.store, customer="customer-2")

    def record(event_id: str, customer: str) -> Any:
        return sqs_record(
            event_body(event_id, user_id=customer),
            event_id,
            eventSourceARN=QUEUE_ARN + ".fifo",
            attributes={"MessageGroupId": customer},
        )

    reported = run_sqs(stage, record("a1", CUSTOMER), record("a2", CUSTOMER), record("b1", "customer-2"))
    assert reported == ["a1", "a2"]
    assert stage.acted_on == ["b1"]


def test_poison_record_of_a_fifo_group_parks_and_the_group_goes_on() -> None:
    stage = handler_stage(a_plan())
    fifo = {"eventSourceARN": QUEUE_ARN + ".fifo", "attributes": {"MessageGroupId": CUSTOMER}}
    assert run_sqs(stage, sqs_record("{", "1", **fifo), sqs_record(event_body(), "2", **fifo)) == []
    assert (codes(stage), stage.acted_on) == (["event.malformed"], ["event-1"])


@pytest.mark.parametrize("kind", ["kinesis", "dynamodb"])
def test_first_failure_of_a_stream_ends_the_batch_and_is_where_lambda_goes_on(kind: str) -> None:
    plan = without_fallback(
        a_plan(trigger={"event_pattern": {"detail-type": ["page_view", "profile_changed"]}})
    )
    stage = handler_stage(plan)
    attempts = plan.model.max_attempts if plan.model else 0
    stage.rehearsal.model = model = MemoryModel([HIGH, *[DOWN] * attempts, HIGH, HIGH])
    if kind == "kinesis":
        records = [kinesis_record(event_body(f"e{n}"), str(n)) for n in range(1, 4)]
        run: Callable[..., list[str]] = run_kinesis
        ids = ["e1", "e2", "e3"]
    else:
        records = [dynamodb_record(str(n)) for n in range(1, 4)]
        run = run_dynamodb
        ids = ["dynamodb:change-1", "dynamodb:change-2", "dynamodb:change-3"]

    assert run(stage, *records) == ["2"]
    assert stage.acted_on == ids[:1]
    assert run(stage, *records[1:]) == []
    assert stage.acted_on == ids
    assert len(model.calls) == attempts + 3


@pytest.mark.parametrize("sort", ["STATE", "CONSENT", "DECISION#1", "OUTBOX#1", "ALIAS"])
def test_what_decisions_write_does_not_fire_a_function(sort: str) -> None:
    stage = handler_stage(a_plan(trigger={"event_pattern": {"detail-type": ["profile_changed"]}}))
    assert run_dynamodb(stage, dynamodb_record(sort=sort)) == []
    assert stage.rehearsal.stages == []


@pytest.mark.parametrize("sort", ["PROFILE", None])
def test_change_of_a_profile_fires_a_function(sort: str | None) -> None:
    stage = handler_stage(a_plan(trigger={"event_pattern": {"detail-type": ["profile_changed"]}}))
    assert run_dynamodb(stage, dynamodb_record(sort=sort)) == []
    assert stage.acted_on == ["dynamodb:change-1"]


def test_change_that_is_none_parks_with_its_code() -> None:
    stage = handler_stage(a_plan())
    assert run_dynamodb(stage, dynamodb_record("7", eventName="UNHEARD")) == []
    assert codes(stage) == ["event.malformed"]


@pytest.mark.parametrize(
    ("run", "record"),
    [
        (run_sqs, sqs_record(event_body(), eventSourceARN=OTHER_ACCOUNT)),
        (run_kinesis, kinesis_record(event_body(), eventSourceARN=OTHER_ACCOUNT)),
        (run_dynamodb, dynamodb_record(eventSourceARN=OTHER_ACCOUNT)),
        (run_sqs, sqs_record(event_body(), eventSourceARN=None)),
    ],
)
def test_record_of_another_account_is_not_read(run: Callable[..., list[str]], record: Any) -> None:
    stage = handler_stage(a_plan())
    assert run(stage, record) == []
    assert codes(stage) == ["event.foreign_account"]
    assert stage.rehearsal.stages == []


@pytest.mark.parametrize("accounts", [("*",), ("999999999999",)])
def test_record_of_an_accepted_account_is_read(accounts: tuple[str, ...]) -> None:
    stage = handler_stage(a_plan(), accounts=accounts)
    assert run_sqs(stage, sqs_record(event_body(), eventSourceARN=OTHER_ACCOUNT)) == []
    assert stage.acted_on == ["event-1"]


def test_record_of_another_source_is_not_read() -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, sqs_record(event_body(), eventSource="aws:s3")) == []
    assert run_kinesis(stage, sqs_record(event_body())) == []
    assert codes(stage) == ["event.unknown_envelope"] * 2
    assert stage.rehearsal.stages == []


@pytest.mark.parametrize("event", [None, [], {}, {"Records": []}, {"Records": [3]}, {"Records": "x"}])
def test_invocation_without_records_fails(event: Any) -> None:
    stage = handler_stage(a_plan())
    for handler in (sqs_handler(stage.worker), stream_handler(stage.worker, "aws:kinesis")):
        with pytest.raises(UnhandledRecordError, match="no records"):
            handler(event, stage.context)


ENVELOPES: list[tuple[str, Any]] = [
    ("EventBridge in SQS", eventbridge_event()),
    (
        "SNS in SQS",
        {"Type": "Notification", "TopicArn": TOPIC_ARN, "Message": json.dumps(event_body())},
    ),
    (
        "EventBridge in SNS in SQS",
        {"Type": "Notification", "TopicArn": TOPIC_ARN, "Message": json.dumps(eventbridge_event())},
    ),
    ("compressed", base64.b64encode(compress(json.dumps(event_body()).encode())).decode()),
]


@pytest.mark.parametrize("content", [one[1] for one in ENVELOPES], ids=[one[0] for one in ENVELOPES])
def test_envelope_inside_an_envelope_is_taken_off(content: Any) -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, sqs_record(content)) == []
    assert stage.acted_on == ["event-1"]


def test_record_with_several_events_parks_for_one_and_decides_the_others() -> None:
    stage = handler_stage(a_plan())
    assert run_sqs(stage, sqs_record([event_body("a"), {"hello": "world"}, event_body("b")])) == []
    assert (codes(stage), stage.acted_on) == (["event.unknown_envelope"], ["a", "b"])


def test_record_is_not_parked_while_an_event_in_it_may_still_succeed() -> None:
    stage = handler_stage(without_fallback(a_plan()), model=MemoryModel())
    assert run_sqs(stage, sqs_record([event_body("a"), {"hello": "world"}])) == ["message-1"]
    assert stage.queue.sent == []


@pytest.mark.parametrize(("run", "record"), [(run_sqs, sqs_record), (run_kinesis, kinesis_record)])
def test_no_record_is_begun_when_time_is_short(run: Callable[..., list[str]], record: Any) -> None:
    stage = handler_stage(a_plan())
    # One look before each act, and one before each record but the first.
    stage.context.remaining_ms = [60_000, 60_000, 60_000, 1_000]
    reported = run(stage, *(record(event_body(f"e{n}"), str(n)) for n in range(4)))
    assert stage.acted_on == ["e0", "e1"]
    assert reported == (["2", "3"] if run is run_sqs else ["2"])


def test_first_record_is_taken_however_short_time_is() -> None:
    stage = handler_stage(a_plan())
    stage.context.remaining_ms = [1]
    assert run_sqs(stage, sqs_record(event_body("a"), "1"), sqs_record(event_body("b"), "2")) == ["2"]
    assert [one.event_id for one in stage.rehearsal.store.decisions(CUSTOMER)] == ["a"]


@pytest.mark.parametrize(("run", "record"), [(run_sqs, sqs_record), (run_kinesis, kinesis_record)])
def test_error_that_nobody_foresaw_fails_its_record_alone(run: Any, record: Any) -> None:
    stage = handler_stage(a_plan())

    def burst(name: str) -> None:
        if name == "prepared" and stage.rehearsal.stages.count("prepared") == 1:
            raise ZeroDivisionError("secret-value")

    stage.rehearsal.on_stage = burst
    reported = run(stage, record(event_body("a"), "1"), record(event_body("b"), "2"))
    assert reported == ["1"]
    assert stage.acted_on == (["b"] if run is run_sqs else [])


def test_lease_is_held_by_the_invocation_and_not_by_the_snapshot() -> None:
    stage = handler_stage(a_plan())
    owners: list[str | None] = []

    def look(name: str) -> None:
        if name == "leased":
            (entry,) = stage.rehearsal.store.outbox()
            owners.append(entry.lease_owner)

    stage.rehearsal.on_stage = look
    run_sqs(stage, sqs_record(event_body()))
    assert owners == ["request-1:unique"]
    assert stage.rehearsal.ports.owner == "rehearsal"


def test_clock_of_a_producer_is_corrected_by_the_time_at_which_the_queue_took_the_record() -> None:
    stage = handler_stage(a_plan())
    sent = NOW.isoformat()
    segment = {
        "type": "page",
        "messageId": "segment-1",
        "userId": CUSTOMER,
        "name": "Cancel",
        "originalTimestamp": sent,
        "sentAt": sent,
    }
    run_sqs(stage, sqs_record(segment, attributes={"SentTimestamp": "1793610910000"}))
    (decision,) = stage.rehearsal.store.decisions(CUSTOMER)
    assert decision.body["event"]["time"] == "2026-11-02T09:15:10.000Z"
