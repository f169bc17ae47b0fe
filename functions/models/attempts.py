"""Several attempts at one model call, inside one deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from functions.errors import ModelError, ModelTimeoutError
from functions.governance.gate import Payload
from functions.models.model import Model, ModelReply

FIRST_PAUSE_S: Final = 0.020
"""Longest pause before the second attempt; it doubles with each further one."""

LONGEST_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Attempted:
    """How a call ended.

    Attributes:
        outcome: The reply, or the error of the last attempt.
        attempts: How often the model was called.
        latency_ms: From the first call to the end of the last, pauses included.
    """

    outcome: ModelReply | ModelError
    attempts: int
    latency_ms: float


def invoke_with_retries(
    model: Model,
    payload: Payload,
    *,
    inference_id: str,
    timeout_s: float,
    max_attempts: int,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    jitter: Callable[[], float],
) -> Attempted:
    """Call a model until it answers, an error can't be cured by a retry, or time or attempts are used up.

    Pauses are drawn evenly between nothing and a bound that doubles ("full jitter"), so that callers
    who failed together don't come back together. A pause that would outlast the deadline is not begun.

    Args:
        model: The model.
        payload: What the gate built; the same at every attempt.
        inference_id: The same at every attempt.
        timeout_s: Wall time of all of it, in seconds.
        max_attempts: Calls at the most; 1 for no retry.
        monotonic: A clock that never goes back, in seconds.
        sleep: Waits for that many seconds.
        jitter: Gives a number from 0 to below 1.

    Returns:
        The outcome; model errors are returned, not raised.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    begin = monotonic()
    deadline = begin + timeout_s
    outcome: ModelReply | ModelError = ModelTimeoutError("no time was left to call the model")
    attempts = 0
    while attempts < max_attempts:
        left_s = deadline - monotonic()
        if left_s <= 0:
            break
        attempts += 1
        try:
            outcome = model.invoke(payload, inference_id=inference_id, timeout_s=left_s)
            break
        except ModelError as error:
            outcome = error
        pause_s = jitter() * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1))
        if not outcome.retryable or attempts == max_attempts or monotonic() + pause_s >= deadline:
            break
        sleep(pause_s)
    return Attempted(outcome, attempts, (monotonic() - begin) * 1000)
