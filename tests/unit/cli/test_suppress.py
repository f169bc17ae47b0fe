"""`functions suppress`: who is on a list, also after everything else was erased."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]
KEY = {"FUNCTIONS_SECRET_SUPPRESSION_KEY": "correct horse battery staple"}


@pytest.fixture
def keyed(functions: Command) -> Command:
    def call(*arguments: str | Path, stdin: str = "") -> CompletedProcess[str]:
        return functions(*arguments, stdin=stdin, environment=KEY)

    return call


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
