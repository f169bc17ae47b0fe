"""Every command and every action of one: answers as JSON, shows examples, and suggests what was meant."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Final

import pytest

from functions.cli.main import COMMANDS
from functions.cli.parsing import Parser

Command = Callable[..., CompletedProcess[str]]

WITHOUT_JSON: Final = {
    "completion": "prints a script for a shell",
    "endpoint": "serves until it is ended",
    "schema": "prints JSON as always",
}
"""Commands that have no answer of their own that a program would read, with why."""


def _parsers() -> Iterator[tuple[str, Parser]]:
    """Yield the parser of every command, and in the place of a command with actions those of its actions."""
    for command in COMMANDS:
        parser = Parser(prog=f"functions {command}")
        importlib.import_module(f"functions.cli.{command}").add_arguments(parser)
        parser.share_examples()
        yield from _below(command, parser)


def _below(name: str, parser: Parser) -> Iterator[tuple[str, Parser]]:
    actions = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for one in actions:
        for action, inner in one.choices.items():
            yield from _below(f"{name} {action}", inner)
    if not actions:
        yield name, parser


PARSERS: Final = dict(_parsers())


@pytest.mark.parametrize("name", [name for name in PARSERS if name not in WITHOUT_JSON])
def test_every_command_answers_as_json(name: str) -> None:
    assert "--json" in PARSERS[name].format_help()


@pytest.mark.parametrize("name", WITHOUT_JSON)
def test_no_exception_is_out_of_date(name: str) -> None:
    assert "--json" not in PARSERS[name].format_help()


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_shows_how_the_command_is_used(name: str) -> None:
    help_text = PARSERS[name].format_help()
    assert "examples:\n" in help_text
    assert f"functions {name}" in help_text.partition("examples:\n")[2]
    assert max(map(len, help_text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (["profile", "gett", "a"], "there is no 'gett'; did you mean 'get'?"),
        (["profile", "put", "a", "--consnt", "marketing=denied"], "--consnt; did you mean '--consent'?"),
        (["decisions", "--profle=a"], "no option --profle; did you mean '--profile'?"),
        (["switch", "off", "acton", "x"], "there is no 'acton'; did you mean 'action'?"),
        (["profile", "put", "a", "--consent", "marketing=revokt"], "did you mean 'revoked'?"),
        (["schema", "polcy"], "did you mean 'policy'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_answered_by_what_was_meant(functions: Command, argv: list[str], suggestion: str) -> None:
    done = functions(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert suggestion in done.stderr


def test_what_stands_after_two_dashes_is_no_option(functions: Command) -> None:
    assert "there is no option" not in functions("profile", "get", "--", "--consnt").stderr
