"""What failed or was rejected is kept beside the decisions, and never in their way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from functions.errors import ModelTimeoutError, StoreContendedError, StoreUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.runtime.attempts import KEEP_ATTEMPTS, MAX_ATTEMPTS, Attempts
from functions.runtime.engine import Runtime
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, put_customer

PLAN = a_plan(model={**SPEC["model"], "fallback": []})


def _down(_: object) -> ModelReply:
    raise ModelTimeoutError("the model did not answer in time")


def _stage(store: MemoryProfileStore | None = None, model: MemoryModel | None = None) -> Rehearsal:
    stage = Rehearsal(now=NOW, store=store, model=model or MemoryModel(_down))
    put_customer(stage.store)
    return stage


def _kept(stage: Rehearsal, owner: str = CUSTOMER) -> list[tuple[str, str, int]]:
    attempts = Attempts(stage.feedback, stage.ports.wall).of([owner])
    return [(one.event_id or "", one.code, one.times) for one in attempts]


def test_an_event_that_failed_is_kept_once_however_often_it_is_delivered() -> None:
    stage = _stage()
    for _ in range(3):
        receipt = stage.runtime.handle(PLAN, an_event("event-1"), now=NOW)
    (attempt,) = Attempts(stage.feedback, stage.ports.wall).of([CUSTOMER])

    assert receipt.outcome == attempt.outcome == "failed"
    assert (attempt.function, attempt.decision_id) == (PLAN.name, receipt.decision_id)
    assert (attempt.code, attempt.text) == (receipt.reason.code, receipt.reason.text)
    assert (attempt.event_name, attempt.at, attempt.times) == (receipt.event_name, NOW, 3)


def test_an_attempt_is_not_in_the_way_of_the_decision() -> None:
    stage = _stage()
    stage.runtime.handle(PLAN, an_event("event-1"), now=NOW)
    stage.model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))

    assert stage.runtime.handle(PLAN, an_event("event-1"), now=NOW).outcome == "acted"


def test_an_event_from_the_future_is_kept_under_the_key_that_it_gives() -> None:
    stage = _stage()
    event = replace(an_event("event-1"), time=NOW + timedelta(days=1))

    assert stage.runtime.handle(PLAN, event, now=NOW).outcome == "rejected"
    assert _kept(stage) == [("event-1", "event.from_future", 1)]


def test_an_event_for_another_function_is_no_attempt() -> None:
    stage = _stage()
    assert stage.runtime.handle(PLAN, replace(an_event("event-1"), name="x"), now=NOW).outcome == "rejected"
    assert _kept(stage) == []


def test_the_last_ones_are_kept_and_forgotten_after_a_month() -> None:
    stage = _stage()
    for number in range(MAX_ATTEMPTS + 2):
        stage.runtime.handle(PLAN, an_event(f"event-{number}"), now=NOW)
    (record,) = stage.feedback.read_feedback([("attempts", CUSTOMER, "-")])

    assert len(_kept(stage)) == MAX_ATTEMPTS
    assert record.keep_until is not None
    assert record.keep_until >= NOW + KEEP_ATTEMPTS
    assert "event-1" not in [event for event, *_ in _kept(stage)]


def test_a_store_that_is_down_is_not_asked_once_more() -> None:
    def unavailable(_: object) -> None:
        raise StoreUnavailableError("the store does not answer")

    stage = _stage(InterruptedStore(unavailable), MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    assert stage.runtime.handle(PLAN, an_event("event-1"), now=NOW).outcome == "failed"
    assert _kept(stage) == []


class _Failing(MemoryFeedbackStore):
    """Refuses the first writes, as if others had been first; or every one with an error."""

    def __init__(self, refusals: int, error: Exception | None = None) -> None:
        super().__init__()
        self.refusals, self.error = refusals, error

    def write_feedback(self, records: object) -> bool:
        if self.error is not None:
            raise self.error
        self.refusals -= 1
        return self.refusals < 0 and super().write_feedback(records)  # type: ignore[arg-type]


def test_a_write_that_lost_a_race_is_tried_again_and_a_failure_changes_no_receipt() -> None:
    for feedback, times in ((_Failing(2), 1), (_Failing(99), 0), (_Failing(0, StoreContendedError("x")), 0)):
        stage = _stage()
        stage.ports = replace(stage.ports, feedback=feedback)
        receipt = Runtime(stage.ports).handle(PLAN, an_event("event-1"), now=NOW)
        assert receipt.reason.code == "model.timeout"
        assert len(Attempts(feedback, stage.ports.wall).of([CUSTOMER])) == times


def test_a_record_of_another_form_holds_nothing_that_can_be_told() -> None:
    feedback = MemoryFeedbackStore()
    odd = FeedbackRecord("attempts", CUSTOMER, "-", NOW, {"attempts": [{"form": 2}]})
    assert feedback.write_feedback([odd])
    assert Attempts(feedback, lambda: NOW).of([CUSTOMER]) == []


def test_a_replay_keeps_no_attempts() -> None:
    stage = _stage()
    assert stage.runtime.handle(PLAN, an_event("event-1"), now=NOW, generation=7).outcome == "failed"
    assert _kept(stage) == []
