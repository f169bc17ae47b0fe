"""One blocking call under a deadline."""

from __future__ import annotations

import contextvars
import threading

import pytest

from functions.outbound.deadline import OverdueError, within


def test_answer_in_time_is_returned() -> None:
    assert within(5.0, lambda: 42) == 42


def test_nothing_is_a_good_answer_too() -> None:
    assert within(5.0, lambda: None) is None


def test_exception_of_the_call_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 / 0)


def test_call_that_blocks_is_left_at_the_deadline() -> None:
    release, begun = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        release.wait()

    try:
        with pytest.raises(OverdueError):
            within(0.05, block)
        assert begun.is_set()
    finally:
        release.set()


def test_thread_of_an_abandoned_call_does_not_keep_the_process_alive() -> None:
    daemons: list[bool] = []
    within(5.0, lambda: daemons.append(threading.current_thread().daemon))
    assert daemons == [True]


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_without_time_nothing_is_called(timeout_s: float) -> None:
    called: list[int] = []
    with pytest.raises(OverdueError):
        within(timeout_s, lambda: called.append(1))
    assert called == []


def test_call_sees_the_context_of_its_caller() -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace")
    trace.set("segment-1")
    assert within(5.0, trace.get) == "segment-1"
