"""Cases that run again when a file changes, with a sleep that changes files instead of waiting."""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.cli.console import Console
from functions.cli.test import add_arguments, run
from functions.cli.watching import MOST_LOOKS, POLL_S, SETTLE_S, stamps, watch
from functions.errors import SettingsError, UnknownFunctionError

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)


class Sleep:
    """Acts in the place of waiting: a step for each poll, then Ctrl-C."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = iter(steps)
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds == POLL_S:
            step = next(self.steps, None)
            if step is None:
                raise KeyboardInterrupt
            step()


class Watched:
    """Something to run that notes why it ran."""

    def __init__(self, *codes: int) -> None:
        self.codes = iter(codes)
        self.changes: list[list[str] | None] = []

    def __call__(self, changed: Collection[Path] | None) -> int:
        self.changes.append(None if changed is None else sorted(path.name for path in changed))
        return next(self.codes)


def _console() -> Console:
    return Console(io.StringIO(), io.StringIO(), io.StringIO(), {})


def _err(console: Console) -> str:
    assert isinstance(console.stderr, io.StringIO)
    return console.stderr.getvalue()


def _nothing() -> None:
    """Stand for a poll in which no file changes."""


def _watch(run: Watched, folder: Path, sleep: Sleep, console: Console | None = None) -> int:
    return watch(run, lambda: folder.glob("*"), console=console or _console(), clock=lambda: NOW, sleep=sleep)


def test_nothing_runs_again_while_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    watched, sleep = Watched(0), Sleep(_nothing, _nothing)

    assert _watch(watched, tmp_path, sleep) == 0
    assert watched.changes == [None]
    assert sleep.slept == [POLL_S] * 3


def test_a_changed_a_new_and_a_removed_file_each_start_a_run(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch()
    console = _console()
    watched = Watched(0, 1, 0, 1)

    code = _watch(
        watched, tmp_path, Sleep(lambda: first.write_text("x"), second.touch, first.unlink), console
    )

    assert watched.changes == [None, ["first"], ["second"], ["first"]]
    assert code == 1
    assert _err(console) == (
        "watching 1 file; end with Ctrl-C\n"
        "\n2026-11-22 09:15:00  changed: first\nwatching 1 file; end with Ctrl-C\n"
        "\n2026-11-22 09:15:00  changed: second\nwatching 2 files; end with Ctrl-C\n"
        "\n2026-11-22 09:15:00  changed: first\nwatching 1 file; end with Ctrl-C\n\n"
    )


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("one")

    def replace() -> None:
        other.write_text("two")
        kept = file.stat()
        os.utime(other, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        other.replace(file)

    watched = Watched(0, 0)
    _watch(watched, tmp_path, Sleep(replace))

    assert watched.changes == [None, ["file"]]


def test_a_file_that_an_editor_removes_and_writes_anew_starts_one_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    polls = Sleep(file.unlink)

    def sleep(seconds: float) -> None:
        polls(seconds)
        if seconds == SETTLE_S and not file.exists():
            file.write_text("newer")

    watched = Watched(0, 0)
    watch(watched, lambda: [file], console=_console(), clock=lambda: NOW, sleep=sleep)

    assert watched.changes == [None, ["file"]]
    assert polls.slept == [POLL_S, SETTLE_S, SETTLE_S, POLL_S]


def test_a_file_that_never_rests_does_not_hold_up_the_run(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.touch()
    polls = Sleep(_nothing)

    def sleep(seconds: float) -> None:
        polls(seconds)
        if len(polls.slept) <= MOST_LOOKS:
            file.write_text(file.read_text() + "x")

    watched = Watched(0, 0)
    watch(watched, lambda: [file], console=_console(), clock=lambda: NOW, sleep=sleep)

    assert watched.changes == [None, ["log"]]


def test_a_change_during_a_run_starts_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    runs = Watched(0, 0)

    def slow(changed: Collection[Path] | None) -> int:
        if changed is None:
            file.write_text("changed while the run was reading")
        return runs(changed)

    watch(slow, lambda: [file], console=_console(), clock=lambda: NOW, sleep=Sleep(_nothing))

    assert runs.changes == [None, ["file"]]


def test_ctrl_c_in_the_first_run_ends_with_130(tmp_path: Path) -> None:
    def interrupted(_: Collection[Path] | None) -> int:
        raise KeyboardInterrupt

    assert watch(interrupted, list, console=_console(), clock=lambda: NOW, sleep=Sleep()) == 130


def test_a_file_that_does_not_exist_has_no_stamp(tmp_path: Path) -> None:
    assert stamps([tmp_path / "none"]) == {tmp_path / "none": None}


class Desk:
    """`functions test --watch` over a copy of the first sample."""

    def __init__(self, project: Path) -> None:
        self.specs = project / "feature_specs"
        self.spec = self.specs / "churn-retention.yaml"
        self.cases = self.specs / "churn-retention.cases.yaml"
        second = self.spec.read_text().replace("name: churn-retention", "name: second")
        (self.specs / "second.yaml").write_text(second)
        (self.specs / "second.cases.yaml").write_text(self.cases.read_text())

    def watch(self, *argv: str, steps: Collection[Callable[[], object]] = ()) -> tuple[int, str, str]:
        """Return exit code, output and diagnosis."""
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        out, err = io.StringIO(), io.StringIO()
        console = Console(io.StringIO(), out, err, {"FUNCTIONS_SPECS": str(self.specs)})
        arguments = parser.parse_args(["--watch", *argv])
        code = run(arguments, console, clock=lambda: NOW, sleep=Sleep(*steps))
        return code, out.getvalue(), err.getvalue()

    def edit(self, path: Path, old: str, new: str) -> Callable[[], object]:
        """Return a step that replaces a text in a file."""

        def step() -> None:
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))

        return step

    def touch(self, path: Path) -> Callable[[], object]:
        """Return a step that makes a file look changed."""
        return lambda: path.write_text(path.read_text() + "\n")


@pytest.fixture
def desk(project: Path) -> Desk:
    return Desk(project)


def _rounds(out: str) -> Iterator[set[str]]:
    """Yield which functions were tested in each round of a watch with `--json`."""
    for line in out.splitlines():
        yield {row["function"] for row in json.loads(line)}


def test_a_watch_runs_the_cases_that_a_changed_file_touches(desk: Desk, project: Path) -> None:
    both = {"churn-retention", "second"}
    event = next(path for path in (project / "events").glob("*.json") if path.name in desk.cases.read_text())
    steps = [
        desk.touch(desk.spec),
        desk.touch(desk.specs / "second.cases.yaml"),
        desk.touch(desk.specs / "actions.yaml"),
        desk.touch(desk.specs / "contract.yaml"),
        desk.touch(event),
        (desk.specs / "profiles.jsonl").unlink,
    ]

    code, out, err = desk.watch("--json", steps=steps)

    assert code == 0
    assert list(_rounds(out)) == [both, {"churn-retention"}, {"second"}, both, both, both]
    assert "2026-11-22 09:15:00  changed: second.cases.yaml" in err
    assert f"changed: {event.name}" in err


def test_a_watch_of_one_function_leaves_the_others_alone(desk: Desk) -> None:
    code, out, err = desk.watch("second", "--json", steps=[desk.touch(desk.spec)])

    assert code == 0
    assert list(_rounds(out)) == [{"second"}]
    assert "no function that is tested here depends on it" in err


def test_a_new_function_is_tested_as_soon_as_it_has_cases(desk: Desk) -> None:
    third = desk.spec.read_text().replace("name: churn-retention", "name: third")
    steps = [
        lambda: (desk.specs / "third.yaml").write_text(third),
        lambda: (desk.specs / "third.cases.yaml").write_text(desk.cases.read_text()),
    ]

    code, out, err = desk.watch("--json", steps=steps)

    assert code == 0
    assert list(_rounds(out))[-1] == {"third"}
    assert "there are no cases" in err


def test_a_broken_spec_is_reported_and_the_watch_goes_on(desk: Desk) -> None:
    steps = [
        desk.edit(desk.spec, "purpose: retention", "purpose: retentoin"),
        desk.edit(desk.spec, "purpose: retentoin", "purpose: retention"),
    ]

    broken, _, err = desk.watch(steps=steps[:1])
    assert broken == 1
    assert "churn-retention.yaml" in err
    assert "retentoin" in err

    assert desk.watch(steps=steps[1:])[0] == 0
    code, out, _ = desk.watch("--json", steps=[desk.edit(desk.spec, "version: 1", "version: 9"), steps[0]])
    assert code == 1
    assert len(list(_rounds(out))) == 1


def test_the_watch_ends_with_the_code_of_the_last_run(desk: Desk) -> None:
    fail = desk.edit(desk.spec, "churn_risk >= `0.6`", "churn_risk >= `2`")
    mend = desk.edit(desk.spec, "churn_risk >= `2`", "churn_risk >= `0.6`")

    assert desk.watch(steps=[fail])[0] == 1
    code, out, _ = desk.watch(steps=[mend])
    assert code == 0
    assert "FAIL" in out


def test_a_misspelt_name_is_no_reason_to_wait(desk: Desk) -> None:
    with pytest.raises(UnknownFunctionError):
        desk.watch("secnod")


def test_a_function_that_disappears_is_waited_for(desk: Desk) -> None:
    code, _, err = desk.watch("second", steps=[(desk.specs / "second.yaml").unlink])

    assert code == 1
    assert "no function is called 'second'" in err


def test_a_folder_that_is_none_is_no_reason_to_wait(desk: Desk, tmp_path: Path) -> None:
    desk.specs = tmp_path / "nowhere"

    with pytest.raises(SettingsError):
        desk.watch()
