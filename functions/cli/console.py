"""Standard output is the result, standard error the diagnosis; colours only on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    """Where a command writes."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environment: Mapping[str, str]) -> None:
        self.stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.environment = environment

    def out(self, text: str = "") -> None:
        """Write one line of the result."""
        self._stdout.write(text + "\n")

    def err(self, text: str) -> None:
        """Write one line of the diagnosis."""
        self._stderr.write(text + "\n")

    def json(self, document: Json, *, compact: bool = False) -> None:
        """Write one JSON document: indented, or on one line."""
        if compact:
            self.out(json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        else:
            self.out(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))

    def paint(self, text: str, *styles: Style, stream: Literal["out", "err"] = "out") -> str:
        """Return text in a style where the stream is a terminal, else the text."""
        if not styles or not self._has_colour(self._stdout if stream == "out" else self._stderr):
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    @property
    def interactive(self) -> bool:
        """Whether somebody watches standard error, for progress."""
        return self._stderr.isatty() and self.environment.get("TERM") != "dumb"

    def progress(self, text: str) -> None:
        """Replace the last line of a terminal; nothing elsewhere."""
        if self.interactive:
            self._stderr.write(f"\r\x1b[K{text}")
            self._stderr.flush()

    def flush(self) -> None:
        """Hand everything to the system; raises `BrokenPipeError` when the reader has gone."""
        self._stdout.flush()
        self._stderr.flush()

    def _has_colour(self, stream: TextIO) -> bool:
        # https://no-color.org
        if self.environment.get("NO_COLOR"):
            return False
        return stream.isatty() and self.environment.get("TERM") != "dumb"
