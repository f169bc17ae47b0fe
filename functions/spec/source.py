"""A document that an author wrote: plain JSON data, with the place of every key and value in the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from functions.documents import Json
from functions.spec.problems import Problem
from functions.spec.scalars import Scalar

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or value stands: 1-based line and column, and its length on that line.

    A scalar also knows how it was written, so that any character of it can be found.
    """

    line: int
    column: int
    length: int = 1
    scalar: Scalar | None = None


@dataclass(slots=True)
class Source:
    """One document with the places of everything in it.

    Attributes:
        file: Path as it was given.
        text: Its content.
        data: Plain JSON data; None when the text could not be read.
        problems: What was wrong with the text itself.
        values: Where each value stands.
        keys: Where each key stands.
        lines: The text by lines, as YAML counts them.
    """

    file: str
    text: str
    data: Json = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    lines: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Split the text once: every problem shows a line of it."""
        self.lines = self.text.splitlines()

    def has(self, path: Path) -> bool:
        """Say whether the document has a value at a path."""
        return path in self.values

    def problem(
        self,
        path: Path,
        code: str,
        message: str,
        *,
        hint: str = "",
        at_key: bool = False,
        offset: int = 0,
        length: int = 0,
        warning: bool = False,
    ) -> Problem:
        """Build a problem at the place of `path`, or of the nearest parent that has a place.

        Args:
            path: Keys and indexes from the root of the document.
            code: Stable and dotted.
            message: What is wrong.
            hint: What to do.
            at_key: Point at the key instead of its value.
            offset: Characters into the value, for a fault inside an expression.
            length: Characters to underline; 0 for the whole key or value.
            warning: Whether the build may go on.
        """
        place = self._place(path, at_key=at_key)
        line, column, underlined = place.line, place.column, place.length
        if place.scalar is not None and not at_key and (offset or length):
            line, column = place.scalar.locate(self.lines, offset)
            underlined = length or 1
        return Problem(
            file=self.file,
            line=line,
            column=column,
            code=code,
            message=message,
            hint=hint,
            source=self.line(line),
            length=underlined,
            severity="warning" if warning else "error",
        )

    def _place(self, path: Path, *, at_key: bool) -> Place:
        for end in range(len(path), -1, -1):
            table = self.keys if at_key and end == len(path) else self.values
            place = table.get(path[:end]) or self.keys.get(path[:end])
            if place is not None:
                return place
        return Place(1, 1)

    def line(self, number: int) -> str:
        """Return a line of the text by its 1-based number; tabs become spaces, so carets stand right."""
        return self.lines[number - 1].replace("\t", " ") if 0 < number <= len(self.lines) else ""
