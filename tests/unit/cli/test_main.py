"""Finding a command, helping, failing with a sentence and a code."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli import main
from functions.cli.arguments import count, instant
from functions.cli.console import counted
from functions.cli.main import COMMANDS

Command = Callable[..., CompletedProcess[str]]


def test_help_names_every_command_on_one_line_each(functions: Command) -> None:
    done = functions("--help")

    assert done.returncode == 0
    assert done.stderr == ""
    for name, text in COMMANDS.items():
        assert re.search(rf"^    {name} +{re.escape(text)}$", done.stdout, re.MULTILINE), name
    assert "exit codes: 0 fine, 1 problems found, 2 wrong usage, 3 wrong environment" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(functions: Command, command: str) -> None:
    done = functions(command, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: functions {command}")
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", ["get", "put", "import", "delete"])
def test_every_profile_action_explains_itself(functions: Command, command: str) -> None:
    assert functions("profile", command, "--help").stdout.startswith(f"usage: functions profile {command}")


def test_without_a_command_the_help_goes_to_standard_error(functions: Command) -> None:
    done = functions()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: functions")


def test_the_version_is_that_of_the_distribution(functions: Command) -> None:
    assert re.fullmatch(r"functions \d+\.\d+\.\d+\n", functions("--version").stdout)


def test_an_unknown_command_gets_a_suggestion(functions: Command) -> None:
    done = functions("invok", "churn-retention")

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no command 'invok'; did you mean 'invoke'?" in done.stderr


def test_an_unknown_command_like_none_gets_the_usage_alone(functions: Command) -> None:
    done = functions("qqq")

    assert done.returncode == 2
    assert "did you mean" not in done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["invoke", "churn-retention"],
        ["invoke", "--event", "x.json"],
        ["invoke", "churn-retention", "--event", "x.json", "--bogus"],
        ["invoke", "churn-retention", "--event", "x.json", "--now", "soon"],
        ["invoke", "churn-retention", "--event", "x.json", "--now", "9" * 40],
        ["profile"],
        ["profile", "list"],
        ["profile", "put", "someone"],
        ["profile", "put", "someone", "--consent", "marketing"],
        ["profile", "put", "someone", "--consent", "marketing=maybe"],
        ["decisions"],
        ["decisions", "--profile", "someone", "--limit", "-3"],
        ["decisions", "--profile", "someone", "--limit", "0"],
        ["outbox", "--limit", "many"],
        ["schema", "poem"],
        ["endpoint", "--port", "http"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_and_says_so_on_standard_error(functions: Command, argv: list[str]) -> None:
    done = functions(*argv)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"functions {argv[0]}" in done.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FUNCTIONS_LEASE": "0s"}, "FUNCTIONS_LEASE"),
        ({"FUNCTIONS_EVENT_SKEW": "soon"}, "FUNCTIONS_EVENT_SKEW"),
        ({"FUNCTIONS_ENDPOINT": "moon"}, "FUNCTIONS_ENDPOINT"),
        ({"FUNCTIONS_STORE": "redis://me:hunter2@host"}, "FUNCTIONS_STORE"),
        ({"FUNCTIONS_STORE": "no.such.module:Store"}, "FUNCTIONS_STORE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_ends_with_three_and_names_the_variable(
    functions: Command, environment: dict[str, str], message: str
) -> None:
    done = functions("profile", "get", "someone", environment=environment)

    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "argv", [["validate"], ["test"], ["explain", "x"], ["build"], ["outbox", "--redrive"]]
)
def test_a_folder_of_specs_that_is_none_ends_with_three(
    functions: Command, tmp_path: Path, argv: list[str]
) -> None:
    missing = tmp_path / "nowhere"
    file = tmp_path / "file"
    file.touch()

    gone = functions(*argv, environment={"FUNCTIONS_SPECS": str(missing)})
    wrong = functions(*argv, environment={"FUNCTIONS_SPECS": str(file)})

    assert (gone.returncode, gone.stdout) == (3, "")
    assert f"the folder of specs {missing} does not exist" in gone.stderr
    assert f"looked in {Path.cwd()}; FUNCTIONS_SPECS names it" in gone.stderr
    assert wrong.returncode == 3
    assert f"the folder of specs {file} is no folder" in wrong.stderr


def test_errors_are_coloured_on_a_terminal_only(functions: Command) -> None:
    plain = functions("profile", "get", "nobody")
    coloured = functions("profile", "get", "nobody", tty=True)
    refused = functions("profile", "get", "nobody", tty=True, environment={"NO_COLOR": "1"})
    dumb = functions("profile", "get", "nobody", tty=True, environment={"TERM": "dumb"})

    assert plain.stderr.startswith("error[profile.unknown] there is no profile 'nobody'\n  = looked in ")
    assert coloured.stderr.startswith(
        "\x1b[31;1merror[profile.unknown]\x1b[0m there is no profile 'nobody'\n"
    )
    assert refused.stderr == dumb.stderr == plain.stderr


def test_progress_is_for_terminals(functions: Command, project: Path) -> None:
    file = project / "feature_specs" / "profiles.jsonl"

    assert "\r" not in functions("profile", "import", file).stderr
    assert "\r" in functions("profile", "import", file, tty=True).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-02T09:15:00Z", "2026-11-02T09:15:00+00:00"),
        ("2026-11-02T10:15:00+01:00", "2026-11-02T09:15:00+00:00"),
        ("1793610900", "2026-11-02T09:15:00+00:00"),
        ("1793610900.5", "2026-11-02T09:15:00.500000+00:00"),
    ],
)
def test_a_time_is_iso_text_or_epoch_seconds(text: str, expected: str) -> None:
    assert instant(text).isoformat() == expected


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "²", "1" * 10, "one"])
def test_a_count_is_a_small_whole_number_of_at_least_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        count(text)


def test_things_are_counted_in_english() -> None:
    assert [counted(0, "error"), counted(1, "error"), counted(2_000, "error")] == [
        "0 errors",
        "1 error",
        "2,000 errors",
    ]


def test_exit_codes_are_the_documented_ones() -> None:
    assert (main.EXIT_FINE, main.EXIT_PROBLEMS, main.EXIT_USAGE, main.EXIT_ENVIRONMENT) == (0, 1, 2, 3)
