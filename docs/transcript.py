"""Run what the pages show: `python docs/transcript.py README.md docs/*.md` renews the outputs they show.

A block that begins with ```console is a session: lines with `$ ` are commands, what follows is what they print,
both streams as a terminal shows them. A line `...` stands for any lines. Sessions of one page follow each other in
one folder, which is a copy of what the samples need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]
ANY = "..."

_SAMPLES: Final = ("feature_specs", "events", "models", "Makefile")
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
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
    (re.compile(r"(?<=http://127\.0\.0\.1:)\d{4,5}\b"), "<port>"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page, and the lines it shows below."""

    command: str
    shown: tuple[str, ...]


def sessions(page: str) -> list[list[Step]]:
    """Return the steps of every session of a page."""
    return [list(_steps(match[0])) for match in _BLOCK.finditer(page)]


def _steps(block: str) -> Iterator[Step]:
    command: list[str] = []
    shown: list[str] = []
    for line in block.splitlines():
        if command and command[-1].endswith("\\"):
            command.append(line)
        elif line.startswith("$ "):
            if command:
                yield Step("\n".join(command), tuple(shown))
            command, shown = [line.removeprefix("$ ")], []
        else:
            shown.append(line)
    if command:
        yield Step("\n".join(command), tuple(shown))


class Folder:
    """A copy of the samples in a temporary folder, where the commands of a page run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for name in _SAMPLES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, path / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, path / name)

    def run(self, command: str) -> list[str]:
        """Return the lines that a command prints on both streams. `make test` is not run: it runs this."""
        if command == "make test":
            return []
        programs = Path(sys.executable).parent
        if command.startswith("make "):
            # What is installed is there; only the recipe counts.
            command += f" BIN={programs} -o .venv/run -o .venv/dev"
        done = subprocess.run(  # noqa: S603 - the commands are those of our own pages
            ["/bin/bash", "-c", command],
            cwd=self._path,
            env=_environment(programs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout.replace(f"{self._path}/", "").splitlines()


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
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name))
        return _BLOCK.sub(lambda match: "".join(_renewed_steps(match[0], folder)), page)


def _renewed_steps(block: str, folder: Folder) -> Iterator[str]:
    for step in _steps(block):
        printed = folder.run(step.command)
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
