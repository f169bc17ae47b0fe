"""How far a long work is, on a terminal: how many, and where the end is known, which share and how long still."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from functions.cli.console import Console, counted

T = TypeVar("T")

_EVERY_S: Final = 0.1
_SURE_AFTER_S: Final = 1.0
"""How long a pace is watched before it is believed."""


class Progress:
    """One line that is written anew; nothing where nobody watches.

    Args:
        console: Where to.
        noun: What is counted.
        total: How much there is to do, in the units of `done`; None where nobody knows.
        note: Is told behind it.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        console: Console,
        noun: str,
        *,
        total: float | None = None,
        note: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console: Final = console
        self._noun: Final = noun
        self._total: Final = total
        self._note: Final = note
        self._clock: Final = clock
        self._began: Final = clock()
        self._next = self._began

    def show(self, number: int, done: float | None = None) -> None:
        """Say how far it is, unless that was said just now.

        Args:
            number: How many are done.
            done: How much of the total that is; by default the number itself.
        """
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        share = self._share(number if done is None else done, now - self._began)
        self._console.progress(counted(number, self._noun) + share + self._note)

    def each(self, things: Iterable[T]) -> Iterator[T]:
        """Yield things, and say after each how many that are; the line is gone at the end, however it comes."""
        try:
            for number, one in enumerate(things, 1):
                yield one
                self.show(number)
        finally:
            self.end()

    def end(self) -> None:
        """Take the line away."""
        self._console.progress("")

    def _share(self, done: float, elapsed: float) -> str:
        if not self._total:
            return ""
        share = min(done / self._total, 1.0)
        left = f", {_duration(elapsed / share - elapsed)} left" if share and elapsed >= _SURE_AFTER_S else ""
        return f", {share:.0%}{left}"


def through(console: Console, noun: str) -> Callable[[Collection[T]], Iterable[T]]:
    """Return what yields things one by one and says how far it is; of a single thing there is nothing to say."""

    def each(things: Collection[T]) -> Iterable[T]:
        return Progress(console, noun, total=len(things)).each(things) if len(things) > 1 else things

    return each


def size_of(path: str) -> int | None:
    """Return how many bytes a file has; None for what has no end that is known, such as standard input."""
    file = Path(path)
    return file.stat().st_size if path != "-" and file.is_file() else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
