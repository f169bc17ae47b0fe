"""`functions decisions export`: every decision of a store in a file."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.profiles.memory import MemoryProfileStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import CommitRequest, DecisionLog, ProfileStore
from functions.testing.store_checks.samples import a_decision

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.usefixtures("samples")
def test_export_writes_every_decision_as_a_line(functions: Command, project: Path) -> None:
    for name in ("cancellation-page", "page-view-consent-withdrawn"):
        functions("invoke", "churn-retention", "--event", project / "events" / f"{name}.json")
    target = project / "log.jsonl.gz"
    done = functions("decisions", "export", "--to", target)
    again = project / "again.jsonl.gz"
    functions("decisions", "export", "--to", again)

    assert (done.returncode, done.stdout) == (0, f"2 decisions to {target}\n")
    lines = [json.loads(line) for line in gzip.decompress(target.read_bytes()).splitlines()]
    assert [(line["outcome"], line["decided_at"][:10]) for line in lines] == [
        ("acted", "2026-11-02"),
        ("suppressed", "2026-11-02"),
    ]
    assert lines[1]["features"] == {}
    assert target.read_bytes() == again.read_bytes()
    assert not list(project.glob("*.part"))


@pytest.mark.usefixtures("samples")
def test_export_of_one_customer_has_no_other(functions: Command, project: Path) -> None:
    functions("invoke", "churn-retention", "--event", project / "events" / "cancellation-page.json")
    target = project / "log.jsonl.gz"

    for profile, number in (("customer-0042", 1), ("customer-0001", 0)):
        done = functions("decisions", "export", "--profile", profile, "--to", target, "--json")
        assert json.loads(done.stdout) == {"decisions": number, "to": str(target)}


@pytest.mark.usefixtures("samples")
def test_only_a_name_in_gz_is_packed(functions: Command, project: Path) -> None:
    functions("invoke", "churn-retention", "--event", project / "events" / "cancellation-page.json")
    functions("decisions", "export", "--to", project / "log.jsonl")

    assert json.loads((project / "log.jsonl").read_text())["outcome"] == "acted"


def test_nothing_beside_the_target_is_touched_and_a_link_stays_a_link(
    functions: Command, project: Path
) -> None:
    folder = project / "exports"
    folder.mkdir()
    (folder / "log.jsonl.part").write_text("mine")
    (folder / "link.jsonl").symlink_to(folder / "log.jsonl")
    done = functions("decisions", "export", "--to", folder / "link.jsonl")

    assert done.returncode == 0
    assert (folder / "link.jsonl").is_symlink()
    assert (folder / "log.jsonl.part").read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["link.jsonl", "log.jsonl", "log.jsonl.part"]
    assert stat.S_IMODE((folder / "log.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("command", [("decisions", "export"), ("profile", "export", "a")])
def test_what_is_no_file_is_not_replaced(functions: Command, project: Path, command: tuple[str, ...]) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted")
    pipe = project / "pipe"
    os.mkfifo(pipe)
    done = functions(*command, "--to", pipe)

    assert done.returncode == 3
    assert "pipe can't be written: it is no regular file" in done.stderr
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        ((), {}, 2, "give --profile, whose"),
        (("export",), {}, 2, "give --to"),
        (("export", "--to", "/nowhere/log.gz"), {}, 3, "/nowhere/log.gz can't be written"),
        (
            ("export", "--to", "log.gz"),
            {"FUNCTIONS_STORE": "functions.profiles.memory_operator:MemoryOperatorStore"},
            3,
            "this store can't list every decision",
        ),
    ],
)
def test_what_can_not_be_exported_is_said(
    functions: Command, arguments: tuple[str, ...], environment: dict[str, str], code: int, said: str
) -> None:
    done = functions("decisions", *arguments, environment=environment)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def _filled(store: ProfileStore, number: int) -> list[str]:
    for index in range(number):
        store.commit(CommitRequest(a_decision(f"customer-{index % 7}", f"{index:032d}")))
    assert isinstance(store, DecisionLog)
    return sorted(record.id for record in store.every_decision())


@pytest.mark.parametrize("number", [0, 1, 501])
def test_every_store_lists_every_decision_it_keeps(number: int, tmp_path: Path) -> None:
    wanted = [f"{index:032d}" for index in range(number)]
    with closing(SqliteProfileStore(tmp_path / "store.db")) as store:
        assert _filled(store, number) == wanted
    assert _filled(MemoryProfileStore(), number) == wanted
