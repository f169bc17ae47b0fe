"""How long the command line takes as a whole process, against the least that could do the same.

    python benchmarks/invoke.py [--pairs 15]

Both sides run in turns, in one run, so that drift of the machine cancels out; the figure is the median of the
ratios of the pairs. Processes write bytecode as Python does by default, and run once before anything is measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPECS = 50


@dataclass(frozen=True, slots=True)
class Pair:
    """Two commands that are compared, and the most that the ratio of their times should be."""

    name: str
    ours: Sequence[str]
    theirs: Sequence[str]
    limit: float | None


def pairs() -> list[Pair]:
    """Return what is measured."""
    functions = [sys.executable, "-m", "functions.cli.main"]
    event = ["--event", "events/cancellation-page.json", "--new-id", "--json"]
    client = "import boto3; boto3.client('sagemaker-runtime', region_name='us-east-1')"
    usage = "import argparse; argparse.ArgumentParser().parse_args(['--help'])"
    return [
        Pair(
            "invoke, against making a boto3 client",
            [*functions, "invoke", "churn-retention", *event],
            [sys.executable, "-c", client],
            2.0,
        ),
        Pair(
            "--help, against argparse alone",
            [*functions, "--help"],
            [sys.executable, "-c", usage],
            1.5,
        ),
        Pair(
            f"validate {SPECS} specs, against importing pydantic and yaml",
            [*functions, "validate", "many_specs"],
            [sys.executable, "-c", "import pydantic, yaml; pydantic.BaseModel"],
            None,
        ),
    ]


def prepare(folder: Path) -> None:
    """Copy the samples, make a folder of many specs, and fill the store."""
    for name in ("feature_specs", "events", "models"):
        shutil.copytree(ROOT / name, folder / name)
    many = folder / "many_specs"
    many.mkdir()
    for name in ("contract.yaml", "actions.yaml"):
        shutil.copy(ROOT / "feature_specs" / name, many)
    text = (ROOT / "feature_specs" / "churn-retention.yaml").read_text()
    for number in range(SPECS):
        name = f"churn-retention-{number}"
        (many / f"{name}.yaml").write_text(text.replace("name: churn-retention", f"name: {name}"))
    seconds(
        [sys.executable, "-m", "functions.cli.main", "profile", "import", "feature_specs/profiles.jsonl"],
        folder,
    )


def seconds(command: Sequence[str], folder: Path) -> float:
    """Run a command to its end and return how long it took."""
    hidden = ("AWS_", "FUNCTIONS_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def measure(pair: Pair, folder: Path, count: int) -> str:
    """Run a pair in turns and return its line of the report."""
    for command in (pair.ours, pair.theirs):
        seconds(command, folder)
    times = [(seconds(pair.ours, folder), seconds(pair.theirs, folder)) for _ in range(count)]
    ratio = statistics.median(ours / theirs for ours, theirs in times)
    ours, theirs = (statistics.median(side) * 1_000 for side in zip(*times, strict=True))
    verdict = (
        "" if pair.limit is None else f", at most {pair.limit}: {'met' if ratio <= pair.limit else 'MISSED'}"
    )
    return f"{pair.name}: {ratio:.2f} ({ours:.0f} ms / {theirs:.0f} ms){verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the command line in pairs.")
    parser.add_argument("--pairs", type=int, default=15, metavar="N", help="pairs of each; default 15")
    count: int = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for pair in pairs():
            print(measure(pair, folder, count), flush=True)


if __name__ == "__main__":
    main()
