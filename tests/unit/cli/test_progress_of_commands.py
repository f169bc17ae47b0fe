"""What may take long says how far it is: on a terminal, gone when it is done, and nothing in a pipe."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.console import Console
from functions.cli.main import run

Command = Callable[..., CompletedProcess[str]]

ERASE = "\r\x1b[K"
NAME = "churn-retention"


@pytest.fixture
def plenty(project: Path) -> Path:
    """A second function, a file of several events, one of several records, and a log of events."""
    specs = project / "feature_specs"
    for suffix in (".yaml", ".cases.yaml"):
        text = (specs / f"{NAME}{suffix}").read_text()
        (specs / f"second{suffix}").write_text(text.replace(f"name: {NAME}", "name: second"))
    event = json.loads((project / "events" / "cancellation-page.json").read_text())
    records = [
        {"profile_id": f"c-{n}", "updated_at": "2026-11-02T09:00:00Z", "profile": {}} for n in range(3)
    ]
    (project / "records.json").write_text(json.dumps(records))
    (project / "events.json").write_text(json.dumps([event, event]))
    (project / "events.jsonl").write_text(f"{json.dumps(event)}\n" * 2)
    return project


COMMANDS = [
    (["validate"], "1 spec, 50%"),
    (["build", "--output", "{project}/plans"], "1 spec, 50%"),
    (["build", "--check", "--output", "{project}/plans"], "1 spec, 50%"),
    (["report", "--to", "{project}/report"], "1 spec, 50%"),
    (["report", "--to", "{project}/report"], "1 page, 50%"),
    (["test"], "1 spec, 50%"),
    (["contract", "suggest", "--profiles", "{project}/feature_specs/profiles.jsonl"], "0 profiles, "),
    (["profile", "import", "{project}/feature_specs/profiles.jsonl"], "1 profile, "),
    (["ingest", "--event", "{project}/records.json"], "1 record, 33%"),
    (["invoke", NAME, "--event", "{project}/events.json"], "1 event, 50%"),
    (["replay", "--events", "{project}/events.jsonl", "--name", "again"], "1 event, 50%; replay again"),
    (["replay", "--events", "{project}/events.json", "--name", "again"], "1 event, 50%; replay again"),
]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    COMMANDS,
    ids=[f"{given[0]}-{number}" for number, (given, _) in enumerate(COMMANDS)],
)
def test_a_long_work_says_how_far_it_is_where_somebody_watches(
    functions: Command, plenty: Path, arguments: list[str], shown: str
) -> None:
    given = [one.format(project=plenty) for one in arguments]
    stores = [{"FUNCTIONS_STORE": f"sqlite:///{plenty}/{name}.db"} for name in ("piped", "watched", "plain")]
    piped, watched, plain = (
        functions(*given, tty=index > 0, environment={**store, **({"NO_COLOR": "1"} if index != 1 else {})})
        for index, store in enumerate(stores)
    )

    assert "\r" not in piped.stderr + piped.stdout
    for done in (watched, plain):
        assert f"{ERASE}{shown}" in done.stderr
        # What is left on the screen is what a pipe gets: the last of the lines between two line feeds.
        assert all(line.rpartition(ERASE)[2].count(shown) == 0 for line in done.stderr.split("\n"))
    assert "\x1b[" not in plain.stderr.replace(ERASE, "")
    assert watched.returncode == piped.returncode


def test_a_single_thing_has_no_progress(functions: Command, project: Path) -> None:
    assert "\r" not in functions("validate", tty=True).stderr


def test_on_a_real_terminal_the_line_is_shown_and_taken_away(plenty: Path) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        environment = {"FUNCTIONS_SPECS": str(plenty / "feature_specs"), "NO_COLOR": "1"}
        assert run(["validate"], Console(io.StringIO(), io.StringIO(), terminal, environment)) == 0
    shown = _all_that_came(ours)
    os.close(ours)
    assert shown.startswith(f"{ERASE}1 spec, 50%")
    assert shown.replace("\r\n", "\n").rpartition(ERASE)[2] == "2 functions fine\n"


def _all_that_came(terminal: int) -> str:
    """Read until the other side, which is closed, has given all; Linux then says that the terminal is gone."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()
