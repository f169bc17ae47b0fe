"""One event of EventBridge, and the drain of the outbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.actions.memory import MemoryChannel
from functions.errors import ActionUnavailableError, StoreUnavailableError, UnhandledRecordError
from functions.handlers.direct import eventbridge_handler
from functions.handlers.draining import RESERVE_MS, ROUND, schedule_handler
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.spec.plan import Policy
from functions.testing.handler_stage import HandlerStage, handler_stage, without_fallback
from functions.testing.lambda_events import event_body, eventbridge_event, sqs_record
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, consent, put_customer


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


NO_POLICY = Policy("none", None, (), {})


def waiting(count: int) -> HandlerStage:
    """Return a stage whose outbox has that many actions, due an hour from now."""
    plan = a_plan(trigger={"event_pattern": {"detail-type": ["page_view"]}})
    rehearsal = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(rehearsal.store)
    rehearsal.channel.fail(*[ActionUnavailableError("down")] * count)
    for number in range(count):
        rehearsal.runtime.handle(plan, an_event(f"e{number}"), now=NOW)
    rehearsal.wait(timedelta(hours=1))
    return handler_stage(plan, rehearsal=rehearsal)


def drain(stage: HandlerStage) -> Any:
    return schedule_handler(stage.worker, stage.worker.plan.policy)({}, stage.context)


def test_schedule_sends_what_waits() -> None:
    stage = waiting(ROUND * 2 + 3)
    assert drain(stage) == {"handled": ROUND * 2 + 3}
    assert len(set(stage.acted_on)) == ROUND * 2 + 3
    assert drain(stage) == {"handled": 0}


def test_schedule_stops_between_rounds_when_time_is_short() -> None:
    stage = waiting(ROUND * 2)
    stage.context.remaining_ms = [RESERVE_MS - 1]
    assert drain(stage) == {"handled": ROUND}
    assert drain(stage) == {"handled": ROUND}
    assert len(stage.acted_on) == ROUND * 2


def test_schedule_releases_what_the_customer_no_longer_wants(capsys: pytest.CaptureFixture[str]) -> None:
    stage = waiting(1)
    stage.rehearsal.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    assert drain(stage) == {"handled": 1}
    assert stage.acted_on == []
    out = capsys.readouterr().out
    assert '"note":"consent.revoked"' in out
    assert "ActionReleased" in out


def test_schedule_notes_how_long_an_action_waits_that_it_could_not_send(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = waiting(1)
    stage.rehearsal.channel.fail(ActionUnavailableError("down"))
    drain(stage)
    (waited,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "OutboxAge" in line)
    stage.rehearsal.wait(timedelta(minutes=10))
    drain(stage)

    assert waited["OutboxAge"][0] >= 0
    # What was sent waits no more.
    assert "OutboxAge" not in capsys.readouterr().out


def test_schedule_ends_when_every_channel_is_down() -> None:
    stage = waiting(ROUND + 1)
    stage.rehearsal.channel.fail(*[ActionUnavailableError("down")] * 100)
    assert drain(stage) == {"handled": ROUND}


def test_schedule_ends_when_others_hold_what_is_due() -> None:
    stage = waiting(ROUND)
    now = NOW + timedelta(hours=1)
    store = stage.rehearsal.store
    for entry in store.outbox():
        store.lease(CUSTOMER, entry.decision_id, owner="other", now=now, until=now + timedelta(minutes=1))
    assert drain(stage) == {"handled": ROUND}
    assert stage.acted_on == []


class BrokenStore(MemoryProfileStore):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def outbox(self, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailableError("down"), "store.unavailable"), (KeyError("secret"), "internal")],
)
def test_schedule_fails_when_the_outbox_cannot_be_listed(error: Exception, code: str) -> None:
    stage = handler_stage(a_plan(), rehearsal=Rehearsal(now=NOW, store=BrokenStore(error)))
    with pytest.raises(UnhandledRecordError, match=code) as raised:
        drain(stage)
    assert raised.value.__context__ is None


def test_channel_of_another_function_is_found() -> None:
    stage = waiting(1)
    other: Callable[[], Any] = lambda: schedule_handler(stage.worker, NO_POLICY)({}, stage.context)  # noqa: E731
    assert other() == {"handled": 1}
    assert stage.acted_on == []
    stage.rehearsal.wait(timedelta(hours=2))
    assert drain(stage) == {"handled": 1}
    assert len(stage.acted_on) == 1
    assert isinstance(stage.channel, MemoryChannel)
