"""Streams that are full, closed or of a terminal: every command ends with a code, and never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command under a shell, which closes and redirects its streams."""
    command = [sys.executable, "-m", "functions", *arguments]
    line = f'exec "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [("--help",), ("invoke", "--help"), ("models",), ("schema", "spec")], ids=" ".join
)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_a_result_that_nobody_gets_is_no_success(redirection: str, arguments: tuple[str, ...]) -> None:
    done = _run(redirection, *arguments)

    assert done.returncode == 3
    assert done.stderr.startswith("error[system.refused] the system refused: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_a_diagnosis_that_nobody_gets_ends_with_a_code(redirection: str) -> None:
    done = _run(redirection, "validate", "/nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize(
    "arguments",
    [("invoke", "churn-retention", "--event", "-"), ("profile", "import", "-"), ("ingest", "--event", "-")],
    ids=" ".join,
)
def test_a_closed_standard_input_is_said(arguments: tuple[str, ...]) -> None:
    done = _run("<&-", *arguments)

    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "not readable" in done.stderr


def test_no_stream_at_all_is_no_traceback() -> None:
    assert _run("<&- >&- 2>&-", "models").returncode == 3
