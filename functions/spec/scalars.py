"""Where a character of a YAML scalar stands in its file: through quotes, escapes and folded lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BLOCK = ("|", ">")
_QUOTES = ("'", '"')
_TOKEN = {
    "'": re.compile(r"''|."),
    '"': re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|."),
}
_BLANK = " \t"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as it was written.

    Attributes:
        text: Its value.
        style: The sign it begins with, `'`, `"`, `|` or `>`; empty for a plain one.
        line: 1-based, where it begins.
        column: 1-based, of the sign or the first character.
        end_line: 1-based, where it ends.
        end_column: 1-based, behind its last character.
    """

    text: str
    style: str
    line: int
    column: int
    end_line: int
    end_column: int

    def locate(self, lines: Sequence[str], offset: int) -> tuple[int, int]:
        """Return line and column of a character of the value; behind the last one for a later offset.

        Args:
            lines: Of the whole file.
            offset: 0-based, into the value.
        """
        if self.style in _QUOTES:
            return self._in_quotes(lines, offset)
        behind = (self.line, self.column)
        done = 0
        for number, first, raw in self._raw_lines(lines):
            # What folding and indentation change is blank space at the ends of lines, and nothing else.
            content = raw.strip(_BLANK)
            begin = self.text.find(content, done)
            if not content or begin < 0:
                continue
            column = first + len(raw) - len(raw.lstrip(_BLANK))
            done = begin + len(content)
            if offset < done:
                return number, column + max(0, offset - begin)
            behind = (number, column + len(content))
        return behind

    def _in_quotes(self, lines: Sequence[str], offset: int) -> tuple[int, int]:
        produced = 0
        number, column = self.line, self.column
        breaks, escaped = 0, False
        for number, first, raw in self._raw_lines(lines):
            content = raw.strip(_BLANK) if number not in (self.line, self.end_line) else raw
            content = content.lstrip(_BLANK) if number > self.line else content
            column = first + len(raw) - len(raw.lstrip(_BLANK)) if number > self.line else first
            if number > self.line and not content and number < self.end_line:
                breaks += 1
                continue
            if number > self.line:  # one break is a space, each further one a break, an escaped one nothing
                produced += breaks if breaks or escaped else 1
            breaks, escaped = 0, False
            for token in _TOKEN[self.style].finditer(content):
                if token[0] == "\\":  # the end of the line is escaped
                    escaped = True
                elif produced >= offset:
                    return number, column + token.start()
                else:
                    produced += 1
            column += len(content)
        return number, column

    def _raw_lines(self, lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        """Yield line number, column and text of what lies inside the quotes or below the block's sign."""
        quote = 1 if self.style in _QUOTES else 0
        for number in range(self.line + (self.style in _BLOCK), min(self.end_line, len(lines)) + 1):
            start = self.column - 1 + quote if number == self.line else 0
            end = self.end_column - 1 - quote if number == self.end_line else None
            yield number, start + 1, lines[number - 1][start:end]
