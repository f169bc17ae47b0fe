"""What stands next on a command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.completion import SCRIPTS, Completion, complete, function_names
from functions.cli.main import COMMANDS
from functions.spec.loading import spec_files

Command = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
NAMES = {path.stem for path in spec_files(ROOT / "feature_specs")}
MODELS = {path.parent.name for path in (ROOT / "models").glob("*/model.json")}


@pytest.fixture
def surroundings() -> Mapping[str, str]:
    return {"FUNCTIONS_SPECS": str(ROOT / "feature_specs"), "FUNCTIONS_MODELS": str(ROOT / "models")}


def _words(found: Completion) -> set[str]:
    assert found.kind == "words"
    return set(found.words)


def test_the_first_word_is_a_command(surroundings: Mapping[str, str]) -> None:
    assert _words(complete([""], surroundings)) == set(COMMANDS) == _words(complete([], surroundings))
    assert _words(complete(["inv"], surroundings)) == {"invoke"}
    assert _words(complete(["--"], surroundings)) == {"--help", "--version"}


@pytest.mark.parametrize("command", ["invoke", "explain", "test"])
def test_functions_are_offered_by_name(surroundings: Mapping[str, str], command: str) -> None:
    assert _words(complete([command, ""], surroundings)) == NAMES
    assert _words(complete([command, "churn"], surroundings)) == {"churn-retention"}


def test_an_argument_that_was_given_is_not_offered_again_but_a_list_goes_on(
    surroundings: Mapping[str, str],
) -> None:
    assert _words(complete(["invoke", "churn-retention", ""], surroundings)) == set()
    assert _words(complete(["test", "churn-retention", ""], surroundings)) == NAMES


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("models card ", MODELS),
        ("models --json card ", MODELS),
        ("models ", {"card"}),
        ("profile ", {"get", "put", "import", "export", "delete"}),
        ("schema ", {"spec", "contract", "actions", "policy", "experiments", "cases"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("invoke x --ev", {"--event"}),
        ("invoke -- --ev", set()),
        ("invoke --event - ", NAMES),
        ("explain x --", {"--help", "--json", "--code", "--policy"}),
        ("models card churn-risk --j", {"--json"}),
        ("invoke x --now ", set()),
        ("invoke x --bogus ", set()),
        ("bogus ", set()),
        ("settings ", set()),
    ],
)
def test_words_follow_the_arguments_of_the_command(
    surroundings: Mapping[str, str], words: str, expected: set[str]
) -> None:
    assert _words(complete(words.split(" "), surroundings)) == expected


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["invoke", "x", "--event", ""], "files"),
        (["invoke", "x", "--event=ev"], "files"),
        (["invoke", "x", "--event", "="], "files"),
        (["invoke", "x", "--event", "=", "ev"], "files"),
        (["profile", "import", ""], "files"),
        (["validate", ""], "folders"),
        (["build", "--output", ""], "folders"),
    ],
)
def test_files_and_folders_are_left_to_the_shell(
    surroundings: Mapping[str, str], words: list[str], kind: str
) -> None:
    assert complete(words, surroundings) == Completion("files" if kind == "files" else "folders")


def test_names_are_those_of_the_files_whatever_is_in_them(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "a.cases.yaml", "contract.yaml", "actions.yaml", "c.json", "d.yxml"):
        (tmp_path / name).write_text("{ no: yaml")

    assert set(function_names(tmp_path)) == {"a", "b"} == {path.stem for path in spec_files(tmp_path)}
    assert list(function_names(tmp_path / "nowhere")) == []


def test_every_command_can_be_completed(surroundings: Mapping[str, str]) -> None:
    for command in COMMANDS:
        assert "--help" in _words(complete([command, "--"], surroundings)), command


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_asks_the_command_for_its_own_shell(functions: Command, shell: str) -> None:
    done = functions("completion", shell)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"completion {shell} --words" in done.stdout
    assert functions("completion", shell, "--words", "=invoke", "=").stdout.split() == [
        "words",
        "churn-retention",
    ]
    assert "words\n--event\n" in functions("completion", shell, "--words", "=invoke", "=x", "=--").stdout


def test_a_shell_that_is_not_known_is_wrong_usage(functions: Command) -> None:
    assert functions("completion", "tcsh").returncode == 2
    assert functions("completion").returncode == 2


@pytest.mark.parametrize(("shell", "flag"), [("zsh", "-n"), ("fish", "--no-execute"), ("bash", "-n")])
def test_a_script_is_one_for_its_shell(tmp_path: Path, shell: str, flag: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "script"
    script.write_text(SCRIPTS[shell])

    done = subprocess.run([program, flag, str(script)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
