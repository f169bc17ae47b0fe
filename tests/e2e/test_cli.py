"""The command as users start it: a process of its own, pipes, signals, and what it imports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "functions.cli.main"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the samples, with the customers in the store that is the default there."""
    for name in ("feature_specs", "events", "models"):
        shutil.copytree(ROOT / name, tmp_path / name)
    assert _run(tmp_path, "profile", "import", "feature_specs/profiles.jsonl").returncode == 0
    return tmp_path


def _environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FUNCTIONS_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **(changes or {})}


def _run(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=_environment(environment),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def _loaded(folder: Path, *arguments: str) -> set[str]:
    """Return the top-level modules that a command has loaded when it ends."""
    program = (
        "import atexit, sys; from functions.cli.main import run; from functions.cli.console import Console\n"
        "run(sys.argv[1:], Console(sys.stdin, sys.stderr, sys.stderr, {}))\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"pydantic", "yaml", "jmespath", "boto3", "botocore", "httpx", "sqlite3", "json", "dataclasses"}

    assert _loaded(tmp_path, "--help") & heavy == set()


def test_validate_loads_no_sdk(folder: Path) -> None:
    assert _loaded(folder, "validate") & {"boto3", "botocore", "httpx", "sqlite3", "urllib3"} == set()


def test_the_main_job_loads_no_http_client_of_our_own(folder: Path) -> None:
    loaded = _loaded(folder, "invoke", "churn-retention", "--event", "events/cancellation-page.json")

    assert "botocore" in loaded
    assert loaded & {"httpx", "boto3", "hypothesis", "pytest"} == set()


def test_the_main_job_prints_one_object_and_then_that_it_is_a_duplicate(folder: Path) -> None:
    argv = ("invoke", "churn-retention", "--event", "events/cancellation-page.json", "--json")
    first, second = _run(folder, *argv), _run(folder, *argv)

    receipt, again = json.loads(first.stdout), json.loads(second.stdout)
    assert (first.returncode, first.stderr) == (0, b"")
    assert receipt["outcome"] == "acted"
    assert receipt["payload"]["bytes"] < 100 < 20_000 < receipt["profile"]["bytes"]
    assert (again["outcome"], again["original_outcome"]) == ("duplicate", "acted")
    assert len((folder / ".functions" / "offers.jsonl").read_text().splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {' '.join(COMMAND)} schema | head -c 10"],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b'{\n  "$sche', b"")


def test_output_is_utf8_whatever_the_locale(folder: Path) -> None:
    environment = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    done = _run(folder, "profile", "get", "customer-0042", environment=environment)

    assert json.loads(done.stdout.decode())["profile"]["identity"]["first_name"] == "Zoë"


def test_bytes_that_are_no_utf8_are_the_events_fault(folder: Path) -> None:
    done = _run(folder, "invoke", "churn-retention", "--event", "-", "--json", stdin=b'{"id": "\xff"}')

    assert (done.returncode, json.loads(done.stdout)["reason"]["code"]) == (1, "event.malformed")


def test_the_endpoint_serves_an_unmodified_client_until_it_is_told_to_end(folder: Path) -> None:
    with _endpoint(folder) as (process, url):
        reply = _client(url).invoke_endpoint(
            EndpointName="churn-risk", Body=b"196.6,3.0,398.47", ContentType="text/csv"
        )
        score = json.loads(reply["Body"].read())["predictions"][0]["score"]
        process.send_signal(signal.SIGTERM)
        _, diagnosis = process.communicate(timeout=30)

    assert url.startswith("http://127.0.0.1:")
    assert 0.7 < score < 0.8
    assert process.returncode == 0
    assert "serving the models of" in diagnosis
    assert "Traceback" not in diagnosis


def test_an_endpoint_that_runs_already_is_used(folder: Path) -> None:
    with _endpoint(folder) as (process, url):
        environment = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url}
        done = _run(
            folder,
            *("invoke", "churn-retention", "--event", "events/cancellation-page.json", "--json"),
            environment={**environment, "FUNCTIONS_MODELS": "nowhere"},
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert json.loads(done.stdout)["model"]["rung"] == "model"
    assert process.returncode == 0


def test_a_port_that_is_taken_ends_with_three(folder: Path) -> None:
    with _endpoint(folder) as (_, url):
        done = _run(folder, "endpoint", "--port", url.rpartition(":")[2])

    assert done.returncode == 3
    assert b"can't be bound" in done.stderr


@contextmanager
def _endpoint(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `functions endpoint`; gives the process and the URL that it prints."""
    process = subprocess.Popen(
        [*COMMAND, "endpoint"],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=30)


def _client(url: str) -> Any:
    return boto3.client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
