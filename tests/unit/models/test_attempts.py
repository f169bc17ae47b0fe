"""Several attempts inside one deadline."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelReplyError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from functions.models.attempts import Attempted, invoke_with_retries
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.testing.models import cleared_payload

REPLY = ModelReply(b"0.5", "text/csv")


class FakeTime:
    """A clock that moves when somebody sleeps, or by `cost_s` with every model call."""

    def __init__(self, cost_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.pauses: list[float] = []
        self._cost_s = cost_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    def answering(self, *answers: ModelReply | ModelError) -> MemoryModel:
        queue = list(answers)

        def answer(_: object) -> ModelReply | ModelError:
            self.now_s += self._cost_s
            return queue.pop(0)

        return MemoryModel(answer)


def attempt(
    model: MemoryModel,
    clock: FakeTime,
    *,
    timeout_s: float = 1.0,
    max_attempts: int = 5,
    jitter: Callable[[], float] = lambda: 0.5,
) -> Attempted:
    return invoke_with_retries(
        model,
        cleared_payload(),
        inference_id="decision-1",
        timeout_s=timeout_s,
        max_attempts=max_attempts,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        jitter=jitter,
    )


def test_first_answer_ends_it() -> None:
    clock = FakeTime(cost_s=0.01)
    attempted = attempt(clock.answering(REPLY), clock)
    assert attempted.outcome == REPLY
    assert (attempted.attempts, round(attempted.latency_ms)) == (1, 10)
    assert clock.pauses == []


@pytest.mark.parametrize("error", [ModelUnavailableError, ModelThrottledError, ModelTimeoutError])
def test_retryable_error_is_tried_again(error: type[ModelError]) -> None:
    clock = FakeTime()
    attempted = attempt(clock.answering(error("busy"), REPLY), clock)
    assert (attempted.outcome, attempted.attempts) == (REPLY, 2)


@pytest.mark.parametrize("error", [ModelRejectedError, ModelDeniedError, ModelReplyError, ModelError])
def test_error_that_a_retry_cannot_cure_ends_it(error: type[ModelError]) -> None:
    clock = FakeTime()
    model = clock.answering(error("no"), REPLY)
    attempted = attempt(model, clock)
    assert isinstance(attempted.outcome, error)
    assert (attempted.attempts, len(model.calls)) == (1, 1)


def test_pauses_double_and_are_drawn_by_jitter() -> None:
    clock = FakeTime()
    attempt(clock.answering(*[ModelUnavailableError("down")] * 5), clock, jitter=lambda: 1.0)
    assert clock.pauses == [0.02, 0.04, 0.08, 0.16]


def test_last_error_is_the_outcome_when_attempts_are_used_up() -> None:
    clock = FakeTime()
    attempted = attempt(
        clock.answering(ModelUnavailableError("down"), ModelThrottledError("busy")), clock, max_attempts=2
    )
    assert isinstance(attempted.outcome, ModelThrottledError)
    assert attempted.attempts == 2


def test_each_attempt_gets_what_is_left_of_the_time() -> None:
    clock = FakeTime(cost_s=0.3)
    model = clock.answering(ModelUnavailableError("down"), ModelUnavailableError("down"), REPLY)
    attempt(model, clock, timeout_s=1.0, jitter=lambda: 0.0)
    assert [round(call.timeout_s, 3) for call in model.calls] == [1.0, 0.7, 0.4]


def test_same_payload_and_inference_id_are_sent_each_time() -> None:
    clock = FakeTime()
    model = clock.answering(ModelUnavailableError("down"), REPLY)
    attempt(model, clock)
    assert {(call.payload.body, call.inference_id) for call in model.calls} == {
        (b"12.5,3.0,249.99", "decision-1")
    }


def test_pause_that_would_outlast_the_deadline_is_not_begun() -> None:
    clock = FakeTime(cost_s=0.095)
    attempted = attempt(
        clock.answering(ModelUnavailableError("down"), REPLY), clock, timeout_s=0.1, jitter=lambda: 0.9
    )
    assert isinstance(attempted.outcome, ModelUnavailableError)
    assert (attempted.attempts, clock.pauses) == (1, [])


def test_without_time_the_model_is_not_called() -> None:
    clock = FakeTime()
    model = clock.answering(REPLY)
    attempted = attempt(model, clock, timeout_s=0.0)
    assert isinstance(attempted.outcome, ModelTimeoutError)
    assert (attempted.attempts, model.calls) == (0, [])
