"""One blocking call under a deadline of wall time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class OverdueError(TimeoutError):
    """The deadline came before the answer; the call goes on and nobody waits for it."""


def within(timeout_s: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or stop waiting at the deadline.

    Socket timeouts bound one read each, so a server that drips bytes, and a name that resolves slowly,
    can outlast any of them. Here the call runs in a daemon thread of its own and the wait is bounded,
    not the call: an abandoned call holds its thread and its connection until its own socket timeouts
    end it. It never keeps the process alive.

    Args:
        timeout_s: The longest wait, in seconds; nothing is called when none is left.
        call: The blocking call. It sees the context variables of the caller, so that tracing works.

    Raises:
        OverdueError: No answer in time.
        BaseException: Whatever `call` raised.
    """
    if timeout_s <= 0:
        raise OverdueError("no time is left")
    answers: SimpleQueue[T] = SimpleQueue()
    failures: list[BaseException] = []
    context = contextvars.copy_context()

    def run() -> None:
        try:
            answers.put(context.run(call))
        except BaseException as failure:  # noqa: BLE001 - carried over to the thread that waits
            failures.append(failure)
            answers.put(None)  # type: ignore[arg-type]

    threading.Thread(target=run, name="outbound-call", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except Empty:
        raise OverdueError("no answer before the deadline") from None
    if failures:
        raise failures.pop()
    return answer
