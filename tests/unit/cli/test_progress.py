"""Progress: a share and the time left where the end is known, on a terminal only."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from functions.cli.console import Console
from functions.cli.progress import Progress, size_of


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().split("\r\x1b[K")[1:]


def _shown(total: float | None, *steps: tuple[float, int, float | None]) -> list[str]:
    """Return what is shown at seconds, with a number and what is done."""
    clock, terminal = _Clock(), _Terminal()
    progress = Progress(
        Console(io.StringIO(), io.StringIO(), terminal, {}), "profile", total=total, clock=clock
    )
    for seconds, number, done in steps:
        clock.seconds = seconds
        progress.show(number, done)
    progress.end()
    return _lines(terminal)


def test_a_share_is_told_at_once_and_the_time_left_once_the_pace_is_known() -> None:
    assert _shown(400, (0.5, 1, 4), (2.0, 20, 100), (150.0, 40, 200)) == [
        "1 profile, 1%",
        "20 profiles, 25%, 6 s left",
        "40 profiles, 50%, 2 min 30 s left",
        "",
    ]


def test_without_an_end_only_the_number_is_told() -> None:
    assert _shown(None, (5.0, 1_234, None)) == ["1,234 profiles", ""]


def test_the_number_is_the_share_where_nothing_else_is_said() -> None:
    assert _shown(4, (2.0, 1, None)) == ["1 profile, 25%, 6 s left", ""]


def test_the_line_is_not_written_faster_than_anybody_reads() -> None:
    assert _shown(None, (0.0, 1, None), (0.05, 2, None), (0.11, 3, None)) == ["1 profile", "3 profiles", ""]


def test_nothing_is_written_where_nobody_watches() -> None:
    stream = io.StringIO()
    progress = Progress(Console(io.StringIO(), io.StringIO(), stream, {}), "profile", total=2)
    progress.show(1)
    progress.end()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("name", "size"), [("file", 3), ("-", None), ("nowhere", None), (".", None)])
def test_only_a_file_has_a_size(tmp_path: Path, name: str, size: int | None) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert size_of(name if name == "-" else str(tmp_path / name)) == size
