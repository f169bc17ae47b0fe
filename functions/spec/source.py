"""A document that an author wrote: plain JSON data, with the place of every key and value in the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from functions.documents import Json
from functions.spec.problems import Problem

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or value stands: 1-based line and column, its length, and whether text maps one to one."""

    line: int
    column: int
    length: int = 1
    verbatim: bool = False


@dataclass(slots=True)
class Source:
    """One document with the places of everything in it.

    Attributes:
        file: Path as it was given.
        data: Plain JSON data; None when the text could not be read.
        problems: What was wrong with the text itself.
        values: Where each value stands.
        keys: Where each key stands.
    """

    file: str
    text: str
    data: Json = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)

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
        inside = place.verbatim and not at_key
        return Problem(
            file=self.file,
            line=place.line,
            column=place.column + (offset if inside else 0),
            code=code,
            message=message,
            hint=hint,
            source=self.line(place.line),
            length=(length or 1) if inside and (offset or length) else place.length,
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
        lines = self.text.splitlines()
        return lines[number - 1].replace("\t", " ") if 0 < number <= len(lines) else ""
