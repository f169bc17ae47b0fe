"""Traces: that something failed is told, and never in which words."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType

import pytest

from functions.handlers.telemetry import Subsegment, quiet_span

SECRET = "s3cr3t"


class Part(AbstractContextManager[Subsegment]):
    """Writes down what the SDK of X-Ray does when a subsegment ends."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self.told = name, told

    def __enter__(self) -> Part:
        self.told.append(f"begin {self.name}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.told.append(f"end {self.name}" if error is None else f"error {error}")

    def add_fault_flag(self) -> None:
        self.told.append("fault")


class Recorder:
    """Takes down what would be sent."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def in_subsegment(self, name: str) -> Part:
        return Part(name, self.told)


def test_a_span_that_ends_well_says_so() -> None:
    recorder = Recorder()
    with quiet_span(recorder)("decide"):
        recorder.told.append("inside")
    assert recorder.told == ["begin ## decide", "inside", "end ## decide"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_span_that_ends_in_an_error_tells_that_and_no_word_of_it(error: type[BaseException]) -> None:
    recorder = Recorder()
    with pytest.raises(error, match=SECRET), quiet_span(recorder)("decide"):
        raise error(SECRET)
    assert recorder.told == ["begin ## decide", "fault", "end ## decide"]


def test_a_span_of_what_failed_without_an_error_is_marked() -> None:
    recorder = Recorder()
    with quiet_span(recorder)("decide") as failed:
        failed()
    assert recorder.told == ["begin ## decide", "fault", "end ## decide"]
