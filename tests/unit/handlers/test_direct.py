"""One event of EventBridge, which invokes the function itself."""

from __future__ import annotations

from typing import Any

import pytest

from functions.errors import UnhandledRecordError
from functions.handlers.direct import eventbridge_handler
from functions.models.memory import MemoryModel
from functions.testing.handler_stage import handler_stage, without_fallback
from functions.testing.lambda_events import event_body, eventbridge_event, sqs_record
from functions.testing.sample_function import a_plan


def test_event_is_decided() -> None:
    stage = handler_stage(a_plan())
    assert eventbridge_handler(stage.worker)(eventbridge_event(), stage.context) is None
    assert stage.acted_on == ["event-1"]


def test_failure_that_may_heal_fails_the_invocation_so_that_lambda_repeats_it() -> None:
    stage = handler_stage(without_fallback(a_plan()), model=MemoryModel())
    with pytest.raises(UnhandledRecordError, match=r"model\.unavailable") as raised:
        eventbridge_handler(stage.worker)(eventbridge_event(), stage.context)
    assert raised.value.__context__ is None
    assert stage.queue.sent == []


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (eventbridge_event({"hello": "world"}), "event.unknown_envelope"),
        (eventbridge_event({**event_body(), "id": None}), "event.no_id"),
        (eventbridge_event("text"), "event.malformed"),
        (eventbridge_event(account="999999999999"), "event.foreign_account"),
        (eventbridge_event(account=None), "event.foreign_account"),
        (sqs_record(event_body()), "event.unknown_envelope"),
        (None, "event.unknown_envelope"),
        ([], "event.unknown_envelope"),
    ],
)
def test_poison_event_parks_with_its_code(event: Any, code: str) -> None:
    stage = handler_stage(a_plan())
    assert eventbridge_handler(stage.worker)(event, stage.context) is None
    assert [attributes["code"] for _, attributes in stage.queue.sent] == [code]
    assert stage.acted_on == []


def test_poison_event_fails_the_invocation_where_there_is_no_dead_letter_queue() -> None:
    stage = handler_stage(a_plan(), parking=False)
    with pytest.raises(UnhandledRecordError, match=r"event\.no_id"):
        eventbridge_handler(stage.worker)(eventbridge_event({**event_body(), "id": None}), stage.context)


def test_foreign_error_fails_the_invocation_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())

    def burst(_: str) -> None:
        raise KeyError("secret-value")

    stage.rehearsal.on_stage = burst
    with pytest.raises(UnhandledRecordError, match="internal") as raised:
        eventbridge_handler(stage.worker)(eventbridge_event(), stage.context)
    assert raised.value.__context__ is None
    assert "secret-value" not in capsys.readouterr().out
