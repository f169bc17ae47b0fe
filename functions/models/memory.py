"""A model without a network, for tests and rehearsals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.errors import ModelError, ModelUnavailableError
from functions.governance.gate import Payload
from functions.models.model import ModelReply

Answer = ModelReply | ModelError
"""What one call gives: the reply, or the error that is raised."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call as it arrived."""

    payload: Payload
    inference_id: str
    timeout_s: float


class MemoryModel:
    """Answers from a queue, or by a function of the payload, and remembers every call.

    Args:
        answers: The answers in order, or a function that gives one for a payload. A call after the last
            answer raises `ModelUnavailableError`.
    """

    def __init__(self, answers: Iterable[Answer] | Callable[[Payload], Answer] = ()) -> None:
        self._queue: deque[Answer] = deque(() if callable(answers) else answers)
        self._answer = answers if callable(answers) else None
        self.calls: list[RecordedCall] = []

    def queue(self, *answers: Answer) -> None:
        """Add answers behind those that wait."""
        self._queue.extend(answers)

    def invoke(self, payload: Payload, *, inference_id: str, timeout_s: float) -> ModelReply:
        """Give the next answer.

        Raises:
            ModelError: The answer is one, or none is left.
        """
        self.calls.append(RecordedCall(payload, inference_id, timeout_s))
        if self._answer is not None:
            answer = self._answer(payload)
        elif self._queue:
            answer = self._queue.popleft()
        else:
            raise ModelUnavailableError("no answer is left in memory")
        if isinstance(answer, ModelError):
            raise answer
        return answer
