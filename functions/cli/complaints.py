"""What is wrong with the lines of a file, said until it is enough."""

from __future__ import annotations

from typing import Final

from functions.cli.console import Console

_SHOWN: Final = 20


class Complaints:
    """Counts what was refused, and says why for the first ones.

    A file of another form is wrong in every line; a thousand lines of the same text hide the summary.
    """

    def __init__(self, console: Console) -> None:
        self.count = 0
        self._console: Final = console

    def add(self, text: str) -> None:
        """Count a fault, and say it unless enough were said."""
        self.count += 1
        if self.count <= _SHOWN:
            self._console.progress("")
            self._console.err(text)

    def conclude(self) -> None:
        """Say how many faults were not told."""
        if self.count > _SHOWN:
            self._console.err(f"and {self.count - _SHOWN:,} more")
