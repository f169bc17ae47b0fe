"""Faults on purpose: what a real endpoint does on a bad day, as values that a test hands to the server."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from functions.endpoint.replies import ErrorKind


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one invocation. The parts combine: late *and* truncated, say.

    Attributes:
        latency_ms: Wait before answering.
        error: Answer with this error of the service instead of asking the model.
        original_status: With `ModelError`, what the container answered; 0: it timed out.
        message: With `error`, its message; as `OriginalMessage` too, where it is a `ModelError`.
        score: Give every row this score, sane or not; NaN and infinity are written as Python writes them.
        content_type: Name this content type, whatever the body is.
        body: Send these bytes in the place of the body.
        truncate_to: Send this many bytes of the body and hang up, although the header promised all.
        drip_ms: Send the body byte by byte with this pause before each.
        drop: Hang up without an answer.
    """

    latency_ms: float = 0
    error: ErrorKind | None = None
    original_status: int = 500
    message: str = "a fault on purpose"
    score: float | None = None
    content_type: str | None = None
    body: bytes | None = None
    truncate_to: int | None = None
    drip_ms: float = 0
    drop: bool = False


class Faults:
    """A script of faults, one per invocation in the order of arrival; safe to use from several threads.

    Args:
        script: What happens to the next invocations; None stands for an invocation that goes well.
        afterwards: What happens to every invocation once the script is through.
    """

    def __init__(self, script: Iterable[Fault | None] = (), *, afterwards: Fault | None = None) -> None:
        self._script = deque(script)
        self._afterwards = afterwards
        self._lock = threading.Lock()

    def push(self, *faults: Fault | None) -> None:
        """Append to the script."""
        with self._lock:
            self._script.extend(faults)

    def take(self) -> Fault:
        """Remove and return what happens to the next invocation; a `Fault()` does nothing."""
        with self._lock:
            fault = self._script.popleft() if self._script else self._afterwards
        return fault or Fault()
