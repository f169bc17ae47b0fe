"""Run what the pages show: `python docs/transcript.py README.md docs/*.md` renews the outputs they show.

A block that begins with ```console is a session: lines with `$ ` are commands, what follows is what they print,
both streams as a terminal shows them. A line `...` stands for any lines. A command with `--watch` runs on: a later
block without a command shows what it prints next, and the next command ends it.

A block that begins with ```diff is a change of a file: `--- PATH` names it, lines with `-` go, lines with `+` come,
all others are there to find the place by. Blocks of one page follow each other in one folder, which is a copy of
what the samples need.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

ROOT = Path(__file__).parents[1]
ANY = "..."

_SAMPLES: Final = ("feature_specs", "events", "models", "Makefile")
_BLOCK = re.compile(r"(?<=^```)(console|diff)\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_WATCHING = "; end with Ctrl-C"
"""Ends the last line that a watch prints before it waits."""
_PATIENCE_S: Final = 120
_VOLATILE: Final = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<hash>"),
    (re.compile(r"\b\d+\.\d ms\b"), "<ms> ms"),
    (re.compile(r"(?<=<ms> ms: )[a-z]+ \d+\.\d(, [a-z]+ \d+\.\d)*"), "<stages>"),
    (
        re.compile(r'"(latency_ms|load|features|connect|model|decide|commit|act|total)": \d+(\.\d+)?'),
        r'"\1": <ms>',
    ),
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?=  changed: )"), "<time>"),
    (re.compile(r"(?<=^watching )\d+(?= files;)"), "<count>"),
    (re.compile(r"(?<=http://127\.0\.0\.1:)\d{4,5}\b"), "<port>"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page, and the lines it shows below; without a command, what the last one prints next."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file: the lines before, which stand in it exactly once, and after."""

    path: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Return the text of the file after the change."""
        before, after = ("".join(f"{line}\n" for line in lines) for lines in (self.before, self.after))
        if text.count(before) != 1:
            raise ValueError(f"{self.path} does not hold exactly once:\n{before}")
        return text.replace(before, after)


def blocks(page: str) -> list[list[Step] | list[Edit]]:
    """Return what every block of a page is about: the steps of a session, or the changes of files."""
    return [
        list(_steps(match[2])) if match[1] == "console" else list(_edits(match[2]))
        for match in _BLOCK.finditer(page)
    ]


def sessions(page: str) -> list[list[Step]]:
    """Return the steps of every session of a page."""
    return [list(_steps(match[2])) for match in _BLOCK.finditer(page) if match[1] == "console"]


def _edits(block: str) -> Iterator[Edit]:
    for part in re.split(r"^--- ", block, flags=re.MULTILINE)[1:]:
        path, *lines = part.splitlines()
        yield Edit(
            path,
            tuple(line[1:] for line in lines if not line.startswith("+")),
            tuple(line[1:] for line in lines if not line.startswith("-")),
        )


def _steps(block: str) -> Iterator[Step]:
    command: list[str] = []
    shown: list[str] = []
    for line in block.splitlines():
        if command and command[-1].endswith("\\"):
            command.append(line)
        elif line.startswith("$ "):
            if command or shown:
                yield Step("\n".join(command), tuple(shown))
            command, shown = [line.removeprefix("$ ")], []
        else:
            shown.append(line)
    if command or shown:
        yield Step("\n".join(command), tuple(shown))


class Folder:
    """A copy of the samples in a temporary folder, where the commands of a page run and its changes are made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch: subprocess.Popen[str] | None = None
        for name in _SAMPLES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, path / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, path / name)

    def run(self, command: str) -> list[str]:
        """Return the lines that a command prints on both streams. `make test` is not run: it runs this.

        A command with `--watch` runs on until the next one; no command means what it prints next.
        """
        if not command:
            return self._next_of_watch()
        self.end_watch()
        if command == "make test":
            return []
        programs = Path(sys.executable).parent
        if command.startswith("make "):
            # What is installed is there; only the recipe counts.
            command += f" BIN={programs} -o .venv/run -o .venv/dev"
        process = subprocess.Popen(  # noqa: S603 - the commands are those of our own pages
            ["/bin/bash", "-c", command],
            cwd=self._path,
            env=_environment(programs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if command.endswith(" --watch"):
            self._watch = process
            return self._next_of_watch()
        with process, _limited(process):
            return self._lines(process)

    def apply(self, edits: Sequence[Edit]) -> None:
        """Change files as a page says; each is written once and whole, as editors save, since a watch may look."""
        for name in dict.fromkeys(edit.path for edit in edits):
            path = self._path / name
            text = path.read_text(encoding="utf-8")
            for edit in edits:
                text = edit.applied(text) if edit.path == name else text
            saved = path.with_name(f"{path.name}.saved")
            saved.write_text(text, encoding="utf-8")
            saved.replace(path)

    def end_watch(self) -> None:
        """End a command that runs on, as Ctrl-C does."""
        if self._watch is not None:
            with self._watch as process, _limited(process):
                os.killpg(process.pid, signal.SIGINT)
                self._lines(process)
            self._watch = None

    def __enter__(self) -> Self:
        """Return the folder; nothing that it started runs on after the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        self.end_watch()

    def _next_of_watch(self) -> list[str]:
        if self._watch is None:
            raise ValueError("no command runs that could print this")
        with _limited(self._watch):
            lines = self._lines(self._watch)
        return lines[1:] if lines[:1] == [""] else lines

    def _lines(self, process: subprocess.Popen[str]) -> list[str]:
        """Return what a process prints until it ends, or waits as a watch does."""
        lines = []
        for line in process.stdout or ():
            lines.append(line.replace(f"{self._path}/", "").rstrip("\n"))
            if line.rstrip("\n").endswith(_WATCHING) and process is self._watch:
                break
        return lines


@contextmanager
def _limited(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process that takes too long."""
    timer = threading.Timer(_PATIENCE_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _environment(programs: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "FUNCTIONS_", "MAKE"))
    }
    return {
        **kept,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",  # both streams in the order of a terminal
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }


def normalised(lines: Sequence[str]) -> list[str]:
    """Return lines without what is different at every run: times, ids, ports."""
    return [_normal(line) for line in lines]


def _normal(line: str) -> str:
    for pattern, name in _VOLATILE:
        line = pattern.sub(name, line)
    return line.rstrip()


def agrees(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Say whether what a page shows is what was printed."""
    pattern = "".join(r"(?:.*\n)*?" if line == ANY else re.escape(line) + r"\n" for line in normalised(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in normalised(printed))) is not None


def renewed(page: str) -> str:
    """Return a page whose sessions show what their commands print now."""
    with tempfile.TemporaryDirectory() as name, Folder(Path(name)) as folder:
        return _BLOCK.sub(lambda match: "".join(_renewed_block(match, folder)), page)


def _renewed_block(match: re.Match[str], folder: Folder) -> Iterator[str]:
    yield f"{match[1]}\n"
    if match[1] == "console":
        yield from _renewed_steps(match[2], folder)
        return
    folder.apply(list(_edits(match[2])))
    yield match[2]


def _renewed_steps(block: str, folder: Folder) -> Iterator[str]:
    for step in _steps(block):
        printed = folder.run(step.command)
        if step.command:
            yield f"$ {step.command}\n"
        lines = step.shown if agrees(step.shown, printed) else printed
        yield from (f"{line}\n" for line in lines)


def main(paths: Sequence[str]) -> int:
    """Renew pages in place."""
    for name in paths:
        path = Path(name)
        text = path.read_text(encoding="utf-8")
        new = renewed(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
