"""Whose fault a failure is: a record is parked for its own faults alone, never for those of rights or credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.errors import ModelDeniedError, ModelReplyError, ProfileStoreError, SettingsError
from functions.governance.gate import Payload
from functions.handlers.direct import eventbridge_handler
from functions.handlers.records import sqs_handler, stream_handler
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.dynamodb_errors import from_code
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import Snapshot
from functions.testing.handler_stage import HandlerStage, handler_stage, without_fallback
from functions.testing.lambda_events import batch, event_body, eventbridge_event, kinesis_record, sqs_record
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan

OPERATORS = ("AccessDeniedException", "ResourceNotFoundException", "ExpiredTokenException", "NobodyKnows")


class BrokenStore(MemoryProfileStore):
    """Answers every read with an error."""

    def __init__(self, error: Callable[[], ProfileStoreError]) -> None:
        super().__init__()
        self._error = error

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        raise self._error()


def stage_without_store(code: str) -> HandlerStage:
    store = BrokenStore(lambda: from_code(code, 300 if code == "NobodyKnows" else 400, "profiles"))
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    return handler_stage(a_plan(), rehearsal=Rehearsal(now=NOW, store=store, model=model))


def metrics(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in text.splitlines():
        document = json.loads(line)
        if "_aws" in document:
            found.update(document)
    return found


@pytest.mark.parametrize("code", OPERATORS)
def test_a_queue_keeps_the_record_while_the_store_refuses_the_function(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_without_store(code)
    reply = sqs_handler(stage.worker)(batch(sqs_record(event_body(), "1")), stage.context)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert stage.queue.sent == []
    # Credentials come back by themselves; for the rest somebody has to be told.
    told = metrics(capsys.readouterr().out).get("Denied", [0.0])
    assert told == ([0.0] if code == "ExpiredTokenException" else [1.0])


@pytest.mark.parametrize("code", OPERATORS)
def test_a_shard_waits_in_order_while_the_store_refuses_the_function(code: str) -> None:
    stage = stage_without_store(code)
    records = [kinesis_record(event_body(f"e{number}"), str(number)) for number in (1, 2)]
    reply = stream_handler(stage.worker, "aws:kinesis")(batch(*records), stage.context)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert stage.queue.sent == []


def test_an_event_that_eventbridge_brings_itself_is_left_to_lambda() -> None:
    stage = stage_without_store("AccessDeniedException")
    with pytest.raises(Exception, match=r"not dealt with: store\.denied"):
        eventbridge_handler(stage.worker)(eventbridge_event(), stage.context)
    assert stage.queue.sent == []


@pytest.mark.parametrize(
    ("error", "parked"),
    [
        (ModelDeniedError("no right"), []),
        (SettingsError("no secret"), []),
        (ModelReplyError("nonsense"), ["model.reply_malformed"]),
    ],
)
def test_a_model_that_may_not_be_called_parks_nothing(error: Exception, parked: list[str]) -> None:
    def refuse(_: Payload) -> ModelReply:
        raise error

    stage = handler_stage(without_fallback(a_plan()), model=MemoryModel(refuse))
    reply: Any = sqs_handler(stage.worker)(batch(sqs_record(event_body(), "1")), stage.context)
    assert [one["itemIdentifier"] for one in reply["batchItemFailures"]] == ([] if parked else ["1"])
    assert [attributes["code"] for _, attributes in stage.queue.sent] == parked
