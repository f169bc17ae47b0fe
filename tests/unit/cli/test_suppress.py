"""`functions suppress`: who is on a list, also after everything else was erased."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Command = Callable[..., CompletedProcess[str]]
KEY = {"FUNCTIONS_SECRET_SUPPRESSION_KEY": "correct horse battery staple"}


@pytest.fixture
def keyed(functions: Command) -> Command:
    def call(*arguments: str | Path, stdin: str = "") -> CompletedProcess[str]:
        return functions(*arguments, stdin=stdin, environment=KEY)

    return call


@pytest.fixture
def with_rails(project: Path) -> None:
    """The actions and rails of the samples, whose only list is `do-not-contact`."""
    samples = Path(__file__).parents[3] / "feature_specs"
    for name in ("actions.yaml", "policy.yaml"):
        shutil.copy(samples / name, project / "feature_specs")


def test_a_customer_is_put_on_a_list_and_taken_off(keyed: Command) -> None:
    added = keyed("suppress", "add", "calls", "a", "--until", "2099-01-01T00:00:00Z", "--because", "asked")
    assert (added.returncode, added.stdout, added.stderr) == (0, "", "on calls: a\n")
    shown = keyed("suppress", "check", "a").stdout
    assert shown.startswith("calls  since 20")
    assert shown.endswith(" until 2099-01-01T00:00:00.000Z  asked\n")
    assert keyed("suppress", "remove", "calls", "a").stderr == "now off calls: a\n"
    assert keyed("suppress", "remove", "calls", "a").stderr == "already off calls: a\n"
    assert keyed("suppress", "check", "a").stderr == "a is on no list\n"


def test_many_are_put_on_a_list(keyed: Command) -> None:
    assert keyed("suppress", "import", "calls", "-", stdin="a\n\nb\n").stderr == "2 customers on calls\n"
    for name in "ab":
        assert keyed("suppress", "check", name).stdout.startswith("calls ")


@pytest.mark.parametrize("step", [("add", "calls", "a"), ("import", "calls", "-")])
def test_without_a_key_the_variable_to_set_is_named(functions: Command, step: tuple[str, ...]) -> None:
    done = functions("suppress", *step, stdin="a\n")
    assert done.returncode == 3
    assert "set the variable FUNCTIONS_SECRET_SUPPRESSION_KEY" in done.stderr


def test_an_erasure_leaves_the_mark_and_no_id(keyed: Command, project: Path) -> None:
    keyed("profile", "put", "customer-0042", "--consent", "marketing=granted")
    done = keyed("profile", "delete", "customer-0042", "--suppress", "do-not-contact")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == [
        "on do-not-contact: customer-0042",
        "erased: customer-0042: 1 consent record",
    ]
    assert keyed("profile", "get", "customer-0042").returncode == 1
    assert keyed("suppress", "check", "customer-0042").stdout.startswith("do-not-contact  since ")


def test_an_erasure_without_a_key_erases_nothing(functions: Command) -> None:
    functions("profile", "put", "a", "--consent", "marketing=granted")
    done = functions("profile", "delete", "a", "--suppress", "calls")
    assert done.returncode == 3
    assert functions("profile", "get", "a").returncode == 0


def test_a_list_that_no_rule_asks_for_is_a_slip_unless_it_is_said(keyed: Command, with_rails: None) -> None:
    for step in (("add", "do-not-contct", "a"), ("import", "do-not-contct", "-")):
        done = keyed("suppress", *step, stdin="a\n")
        assert done.returncode == 2
        assert "error[suppress.unknown_list]" in done.stderr
        assert "did you mean 'do-not-contact'?" in done.stderr
    assert keyed("suppress", "check", "a").stdout == ""
    assert keyed("suppress", "add", "do-not-contct", "a", "--new-list").returncode == 0


def test_an_erasure_with_a_misspelt_list_erases_nothing(keyed: Command, with_rails: None) -> None:
    keyed("profile", "put", "a", "--consent", "marketing=granted")
    assert keyed("profile", "delete", "a", "--suppress", "do-not-contct").returncode == 2
    assert keyed("profile", "get", "a").returncode == 0


def test_whoever_is_still_on_another_list_is_told_so(keyed: Command) -> None:
    keyed("suppress", "add", "calls", "a")
    assert keyed("suppress", "remove", "cals", "a").stderr == "already off cals: a; still on calls\n"


def test_lines_that_are_no_text_do_not_stop_an_import(keyed: Command, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_bytes(b"a\n\xff\n" + b"i" * 2_000 + b"\nb\n")
    done = keyed("suppress", "import", "calls", file)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{file}:2: no UTF-8 text",
        f"{file}:3: an id has 1 to 256 characters without controls; no event has another",
        "2 customers on calls, 2 lines refused",
    ]
    for name in "ab":
        assert keyed("suppress", "check", name).stdout.startswith("calls ")


def test_every_step_answers_as_json(keyed: Command) -> None:
    def told(*arguments: str) -> Any:
        return json.loads(keyed("suppress", *arguments, "--json", stdin="b\n").stdout)

    assert told("add", "calls", "a", "--because", "asked") == {"list": "calls", "id": "a"}
    (row,) = told("check", "a")
    assert (row["list"], row["until"], row["because"], row["ended"]) == ("calls", None, "asked", False)
    assert told("remove", "calls", "a") == {"list": "calls", "id": "a", "removed": True, "still_on": []}
    assert told("import", "calls", "-") == {"list": "calls", "customers": 1, "refused": 0}


def test_an_export_holds_the_marks_also_when_all_else_is_erased(keyed: Command) -> None:
    keyed("profile", "put", "a", "--consent", "marketing=granted")
    keyed("suppress", "add", "calls", "a", "--because", "asked")
    keyed("profile", "delete", "a")
    done = keyed("profile", "export", "a")
    document = json.loads(done.stdout)
    (mark,) = document["suppression"]
    assert {**mark, "at": ""} == {"id": "a", "list": "calls", "at": "", "until": None, "because": "asked"}
    keyed("suppress", "remove", "calls", "a")
    assert keyed("profile", "export", "a").returncode == 1


def test_an_export_without_the_key_says_that_marks_are_missing(keyed: Command, functions: Command) -> None:
    keyed("profile", "put", "a", "--consent", "marketing=granted")
    keyed("suppress", "add", "calls", "a")
    done = functions("profile", "export", "a")
    assert (done.returncode, json.loads(done.stdout)["suppression"]) == (0, None)
    assert done.stderr.startswith("suppression marks are not in it: ")
