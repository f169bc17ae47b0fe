"""Problems of a document that an author wrote: all at once, each with its place and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from functions.errors import FunctionsError
from functions.spec.problem_codes import PROBLEM_CODES


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in one place.

    Attributes:
        file: Path as it was given.
        line: 1-based; 0 when the fault has no place in the text.
        column: 1-based.
        code: Stable and dotted; stands in `PROBLEM_CODES`.
        message: What is wrong.
        hint: What to do; empty where the message says it.
        source: The line of the file.
        length: Characters to underline.
        severity: An `error` stops the build, a `warning` does not.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    source: str = ""
    length: int = 1
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        """Refuse a code that the reference does not explain."""
        if self.code not in PROBLEM_CODES:
            raise ValueError(f"the table of problem codes lacks {self.code}")

    def render(self) -> str:
        """Return the problem as text: place, message, the line with a caret, and the hint."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        lines = [f"{place}: {self.severity}[{self.code}] {self.message}"]
        if self.source.strip():
            # A very long line is cut to a window around the fault.
            start = max(0, self.column - 60) if len(self.source) > 120 else 0
            shown = self.source[start : start + 120]
            number = f"{self.line:>5} | "
            lines.append(number + shown)
            column = self.column - 1 - start
            carets = min(max(1, self.length), max(1, len(shown) - column))
            lines.append(" " * (len(number) + column) + "^" * carets)
        if self.hint:
            lines.append(f"      = {self.hint}")
        return "\n".join(lines)

    def as_document(self) -> dict[str, str | int]:
        """Return the JSON form, as editors and CI read it."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
        }


class SpecError(FunctionsError):
    """One or more documents of a folder of specs can't be used.

    Attributes:
        problems: Every fault that was found, sorted by file and place.
    """

    code = "spec.invalid"
    who = "author"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        errors = sum(problem.severity == "error" for problem in self.problems)
        first = self.problems[0].render() if self.problems else ""
        super().__init__(
            f"{errors} problem{'s' if errors != 1 else ''} in the specs, the first one:\n{first}"
        )


def closest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean …?` for the closest known name, or the known names when none is close."""
    names = sorted(set(known))
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if matches:
        return f"did you mean {matches[0]!r}?"
    if names and len(names) <= 12:
        return "known here: " + ", ".join(names)
    return ""
