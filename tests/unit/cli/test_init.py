"""`functions init`: from an empty folder to a function that acts, by nothing but what is told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.console import Console
from functions.cli.main import run


@pytest.fixture(autouse=True)
def empty(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, and the place of the process."""
    with chdir(tmp_path):
        yield tmp_path


def _functions(*arguments: str) -> CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(arguments, Console(io.StringIO(), out, err, {}))
    return CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def test_the_way_from_nothing_to_an_action_is_the_one_that_is_told() -> None:
    nothing = _functions("new", "welcome-back")
    assert nothing.returncode == 3
    assert "`functions init` begins one" in nothing.stderr

    begun = _functions("init")
    assert begun.returncode == 0, begun.stderr
    assert "next: functions profile import feature_specs/profiles.jsonl\n" in begun.stderr
    for told in (
        ("profile", "import", "feature_specs/profiles.jsonl"),
        ("new", "welcome-back"),
        ("validate",),
        ("test",),
    ):
        done = _functions(*told)
        assert done.returncode == 0, (told, done.stderr)
    receipt = json.loads(
        _functions("invoke", "welcome-back", "--event", "events/welcome-back.json", "--json").stdout
    )
    assert (receipt["outcome"], receipt["action"]["name"]) == ("acted", "say-hello")


def test_nothing_is_overwritten(empty: Path) -> None:
    (empty / "feature_specs").mkdir()
    (empty / "feature_specs" / "actions.yaml").write_text("mine")
    done = _functions("init")

    assert (done.returncode, done.stdout) == (3, "")
    assert "feature_specs/actions.yaml exists, and nothing is overwritten" in done.stderr
    assert [path.name for path in (empty / "feature_specs").iterdir()] == ["actions.yaml"]


def test_what_was_written_is_told_as_json(empty: Path) -> None:
    written = json.loads(_functions("init", "--json").stdout)["written"]
    found = [str(path.relative_to(empty)) for path in empty.rglob("*") if path.is_file()]
    assert sorted(written) == sorted(found)
