"""Standard output is the result, standard error the diagnosis; colours only on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Every command pays for what this module imports, `functions --help` too.
    from typing import Literal, TextIO

    from functions.documents import Json

    Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_CODES: Mapping[Style, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


class Console:
    """Where a command reads and writes, and the environment it runs in."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environment: Mapping[str, str]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environment = environment

    def out(self, text: str = "") -> None:
        """Write one line of the result."""
        self.stdout.write(text + "\n")

    def err(self, text: str) -> None:
        """Write one line of the diagnosis."""
        self.stderr.write(text + "\n")

    def json(self, document: Json, *, compact: bool = False) -> None:
        """Write one JSON document: indented, or on one line."""
        import json

        if compact:
            self.out(json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        else:
            self.out(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))

    def paint(self, text: str, *styles: Style, stream: Literal["out", "err"] = "out") -> str:
        """Return text in a style where the stream is a terminal, else the text."""
        if not styles or not self._has_colour(self.stdout if stream == "out" else self.stderr):
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def progress(self, text: str) -> None:
        """Replace the last line of a terminal; nothing elsewhere."""
        if self.stderr.isatty() and self.environment.get("TERM") != "dumb":
            self.stderr.write(f"\r\x1b[K{text}")
            self.stderr.flush()

    def flush(self) -> None:
        """Hand everything to the system; raises `BrokenPipeError` when the reader has gone."""
        self.stdout.flush()
        self.stderr.flush()

    def _has_colour(self, stream: TextIO) -> bool:
        # https://no-color.org
        if self.environment.get("NO_COLOR"):
            return False
        return stream.isatty() and self.environment.get("TERM") != "dumb"


def counted(number: int, noun: str) -> str:
    """Write a number of things: `1 error`, `2 errors`."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
