"""The gate: lint, format, types, import contracts and the sizes of the house."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
    ],
    ids=" ".join,
)
def test_the_checker_finds_nothing(command: tuple[str, ...]) -> None:
    done = _run(*command)

    assert done.returncode == 0, done.stdout + done.stderr


def _modules() -> Iterator[Path]:
    for folder in ("functions", "infra", "benchmarks", "models"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_module_is_longer_than_a_person_reads() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in _modules()}

    assert {name: length for name, length in lengths.items() if length > MAX_MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno - _docstring_lines(node) > MAX_FUNCTION_LINES
    }

    assert too_long == set()


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return (first.end_lineno or 0) - first.lineno + 1
    return 0


def test_no_lock_file_names_an_address() -> None:
    texts = [path.read_text() for path in (ROOT / "requirements").glob("*.txt")]

    assert len(texts) >= 2
    assert not [text for text in texts if "://" in text or "index-url" in text or "find-links" in text]
