"""Rows of names and numbers for people: aligned, the first column to the left, the others to the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from functions.cli.console import Console


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> Iterator[str]:
    """Yield the lines of a table."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for index, row in enumerate((header, *rows)):
        first, *others = row
        cells = [
            first.ljust(widths[0]),
            *(text.rjust(width) for text, width in zip(others, widths[1:], strict=True)),
        ]
        line = "  ".join(cells).rstrip()
        yield console.paint(line, "dim") if index == 0 else line
