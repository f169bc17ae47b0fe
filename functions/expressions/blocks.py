"""Pieces of generated Python: blocks of lines to which later expressions can still add.

That is how work is shared: a second field of the same object joins the first one's type check, and a second
loop over the same array joins the first one's loop, wherever in the program they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


class Piece(Protocol):
    """Something that prints lines."""

    def lines(self) -> Iterator[str]:
        """Yield the lines, without the indentation of what they stand in."""


@dataclass(slots=True)
class Block:
    """Pieces one after the other."""

    pieces: list[str | Piece] = field(default_factory=list)

    def add(self, *pieces: str | Piece) -> None:
        """Append lines or pieces."""
        self.pieces.extend(pieces)

    def lines(self) -> Iterator[str]:
        """Yield every line."""
        for piece in self.pieces:
            if isinstance(piece, str):
                yield piece
            else:
                yield from piece.lines()


@dataclass(slots=True)
class Nested:
    """A block under a head such as `if found:`."""

    head: str
    block: Block = field(default_factory=Block)

    def lines(self) -> Iterator[str]:
        """Yield the head and the block under it."""
        yield self.head
        yield from indented(self.block.lines())


@dataclass(slots=True)
class Fields:
    """Reads of several keys of one object, under one check that it is one.

    Attributes:
        holder: The variable that holds the object.
        reads: Target variable and key.
    """

    holder: str
    reads: list[tuple[str, str]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the reads; all are null when the value is no object."""
        otherwise = f"None if {self.holder} is None else nothing({self.holder})"
        if len(self.reads) == 1:
            ((target, key),) = self.reads
            yield f"{target} = {self.holder}.get({key!r}) if type({self.holder}) is dict else {otherwise}"
            return
        yield f"if type({self.holder}) is dict:"
        for target, key in self.reads:
            yield f"    {target} = {self.holder}.get({key!r})"
        yield "else:"
        yield f"    {' = '.join(target for target, _ in self.reads)} = {otherwise}"


@dataclass(slots=True)
class Loop:
    """One pass over an array or the values of an object, for everything that asked for it.

    Attributes:
        holder: The variable that holds the array or object.
        element: The variable of the element.
        check: The condition under which there is something to loop over.
        iterate: What is looped over.
        starts: Result variable and its value before the loop; all are null when the check fails.
        body: What is done with an element.
        flag: The variable that tells that an element made the loop fail; None when none can.
        failed: The variable of the comparisons that failed, where nothing else can and the loop goes on.
    """

    holder: str
    element: str
    check: str
    iterate: str
    starts: list[tuple[str, str]] = field(default_factory=list)
    body: Block = field(default_factory=Block)
    flag: str | None = None
    failed: str | None = None

    def lines(self) -> Iterator[str]:
        """Yield the loop, and what stands for its results when there is nothing to loop over."""
        if self.flag is not None:
            yield f"{self.flag} = False"
        if self.failed is not None:
            yield f"{self.failed} = set()"
        simple = self._simple()
        if simple is not None:
            otherwise = f"None if {self.holder} is None else nothing({self.holder})"
            yield f"{self.starts[0][0]} = {simple} if {self.check} else {otherwise}"
            return
        yield f"if {self.check}:"
        yield from indented(f"{target} = {start}" for target, start in self.starts)
        yield from indented(self._loop())
        yield "else:"
        targets = " = ".join(target for target, _ in self.starts)
        yield f"    {targets} = None if {self.holder} is None else nothing({self.holder})"

    def _simple(self) -> str | None:
        """Return an expression for a loop that only collects what is under one key of each element."""
        if self.iterate != self.holder:  # values, or a group, which is small: a plain loop is faster
            return None
        if self.flag is not None or len(self.starts) != 1 or len(self.body.pieces) != 2:
            return None
        reads, keep = self.body.pieces
        if not isinstance(reads, Fields) or len(reads.reads) != 1 or not isinstance(keep, Nested):
            return None
        ((target, key),) = reads.reads
        wanted = [f"if {target} is not None:", f"    {self.starts[0][0]}.append({target})"]
        return f"collected({self.iterate}, {key!r})" if list(keep.lines()) == wanted else None

    def _loop(self) -> Iterator[str]:
        loop = Nested(f"for {self.element} in {self.iterate}:", self.body).lines()
        if self.flag is None:
            yield from loop
            return
        yield "try:"
        yield from indented(loop)
        yield "except FailedInLoopError:"
        yield f"    {self.flag} = True"


def indented(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines one level further in."""
    return ("    " + line for line in lines)
