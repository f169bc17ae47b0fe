"""Wall time of each stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the time of named stages, and of the whole."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._begin = monotonic()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block under a name."""
        begin = self._monotonic()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + (self._monotonic() - begin) * 1000

    def timings(self) -> dict[str, float]:
        """Return milliseconds by stage, and `total` since the stopwatch was made."""
        return {**self._stages, "total": self.elapsed_s() * 1000}

    def elapsed_s(self) -> float:
        """Return seconds since the stopwatch was made."""
        return self._monotonic() - self._begin
