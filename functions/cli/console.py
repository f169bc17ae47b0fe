"""Standard output is the result, standard error the diagnosis; colours only on a terminal."""

from __future__ import annotations

import re
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


# What a terminal takes for a command, or shows in another order: controls but tab and line feed, marks of direction,
# and bytes that are no UTF-8. Our own colours stay.
_OURS = r"\x1b\[(?:0|[12]|3[1236])(?:;(?:[12]|3[1236]))*m"
_UNSAFE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)"
_PLAIN, _COLOURED = re.compile(f"()(?:{_UNSAFE})"), re.compile(f"({_OURS})|(?:{_UNSAFE})")


def printable(text: str, *, coloured: bool = False) -> str:
    """Return text with everything escaped that a terminal would obey; as JSON it means the same as before."""
    return (_COLOURED if coloured else _PLAIN).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[1] or f"\\u{ord(found[0]):04x}"


class Console:
    """Where a command reads and writes, and the environment it runs in."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environment: Mapping[str, str]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environment = environment
        self._shows_progress = False

    def out(self, text: str = "") -> None:
        """Write one line of the result."""
        self.progress("")
        self.stdout.write(printable(text, coloured=self._has_colour(self.stdout)) + "\n")

    def err(self, text: str) -> None:
        """Write one line of the diagnosis."""
        self.progress("")
        self.stderr.write(printable(text, coloured=self._has_colour(self.stderr)) + "\n")

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
        """Replace the last line of a terminal, or take it away; nothing elsewhere. Whatever is written takes it away."""
        if not text and not self._shows_progress:
            return
        if self.stderr.isatty() and self.environment.get("TERM") != "dumb":
            self._shows_progress = bool(text)
            self.stderr.write(f"\r\x1b[K{printable(text)}")
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
