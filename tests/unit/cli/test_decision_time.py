"""`functions invoke --now`: which times a decision can be taken at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    "time",
    ["1969-12-31T23:59:59.999Z", "9000-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59-12:00", "x"],
)
def test_a_time_that_no_decision_is_taken_at_is_wrong_usage(
    functions: Command, project: Path, time: str
) -> None:
    event = project / "events" / "cancellation-page.json"
    done = functions("invoke", "churn-retention", "--event", event, "--now", time)

    assert (done.returncode, done.stdout) == (2, "")
    assert "argument --now: give a time" in done.stderr


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("time", ["8999-12-31T23:59:59.999Z", "2026-11-02T09:15:10Z"])
def test_any_other_time_is_taken(functions: Command, project: Path, time: str) -> None:
    event = project / "events" / "cancellation-page.json"
    done = functions("invoke", "churn-retention", "--event", event, "--now", time, "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["outcome"] in ("acted", "suppressed")
