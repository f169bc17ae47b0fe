"""The scripts for completion, run by the shells they are for."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions.cli.completion import SCRIPTS

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("functions")
BASH, ZSH, FISH = (shutil.which(shell) for shell in ("bash", "zsh", "fish"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a file and a folder, whose names hold a space."""
    (tmp_path / "a file.json").touch()
    (tmp_path / "a folder").mkdir()
    return tmp_path


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "FUNCTIONS_SPECS": str(ROOT / "feature_specs"),
        "FUNCTIONS_MODELS": str(ROOT / "models"),
    }


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["inv"], ["invoke"]),
        (["invoke", "churn"], ["churn-retention"]),
        (["models", "card", "churn"], ["churn-risk"]),
        (["invoke", "x", "--ev"], ["--event"]),
        (["invoke", "x", "--event", "a fi"], ["a file.json"]),
        (["invoke", "x", "--event", "=", "a fi"], ["a file.json"]),
        (["invoke", "x", "--event", "="], ["a file.json", "a folder"]),
        (["validate", "a"], ["a folder"]),
        (["invoke", "x", "--now", ""], []),
        (["bogus", ""], []),
    ],
    ids=" ".join,
)
def test_bash_completes_by_the_script(folder: Path, typed: list[str], expected: list[str]) -> None:
    script = f"""
{SCRIPTS["bash"]}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
complete -p functions | grep -q -- '-F _functions_complete functions' || exit 9
_functions_complete
for word in "${{COMPREPLY[@]}}"; do printf '%s\\n' "$word"; done
"""
    done = subprocess.run(
        [str(BASH), "--norc", "--noprofile", "-uc", script, "bash", str(PROGRAM), *typed],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert (sorted(done.stdout.splitlines()), done.stderr) == (expected, "")


@pytest.mark.skipif(FISH is None, reason="there is no fish here")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("inv", ["invoke"]),
        ("invoke churn", ["churn-retention"]),
        ("models card churn", ["churn-risk"]),
        ("invoke x --ev", ["--event"]),
        ("invoke x --event a", ["a file.json", "a folder/"]),
        ("invoke x --event=a", ["--event=a file.json", "--event=a folder/"]),
        ("new x --model=ht", ["--model=http"]),
        ("validate a", ["a folder/"]),
        ("invoke x --now ", []),
        ("bogus ", []),
    ],
)
def test_fish_completes_by_the_script(folder: Path, typed: str, expected: list[str]) -> None:
    program = f'source script; complete -C "{PROGRAM} {typed}"'
    (folder / "script").write_text(SCRIPTS["fish"])
    done = subprocess.run(
        [str(FISH), "--no-config", "-c", program],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    # Behind a tab fish says what a word is.
    words = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert ([word for word in words if word != "script"], done.stderr) == (expected, "")


@pytest.mark.skipif(FISH is None, reason="there is no fish here")
def test_fish_is_quiet_where_the_program_is_not_installed(folder: Path) -> None:
    (folder / "script").write_text(SCRIPTS["fish"])
    done = subprocess.run(
        [str(FISH), "--no-config", "-c", 'source script; complete -C "functions inv"'],
        cwd=folder,
        env={**_environment(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(ZSH is None, reason="there is no zsh here")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("inv", "invoke "),
        ("invoke churn", "invoke churn-retention "),
        ("models card churn", "models card churn-risk "),
        ("invoke x --ev", "invoke x --event "),
        ("invoke x --event a\\ fi", "invoke x --event a\\ file.json "),
        ("invoke x --event=a\\ fi", "invoke x --event=a\\ file.json "),
        ("new x --model=ht", "new x --model=http "),
        ("validate a", "validate a\\ folder/"),
        ("invoke x --now ", "invoke x --now "),
        ("bogus ", "bogus "),
    ],
)
def test_zsh_completes_by_the_script(folder: Path, typed: str, expected: str) -> None:
    (folder / "script").write_text(SCRIPTS["zsh"])
    keys = (
        "unsetopt beep; autoload -U compinit; compinit -u -D; source script\n"
        "kept() { print -rn -- $BUFFER > line; BUFFER= }; zle -N kept; bindkey '^K' kept\n"
        f"{PROGRAM} {typed}\t\x0bexit\n"
    )
    _type([str(ZSH), "-f"], keys, folder)

    assert (folder / "line").read_text() == f"{PROGRAM} {expected}"


def _type(argv: list[str], keys: str, folder: Path) -> None:
    """Run a shell in a terminal of its own, and type; returns when it has ended."""
    outside, inside = pty.openpty()
    try:
        with subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment(folder),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        ) as process:
            os.close(inside)
            os.write(outside, keys.encode())
            _drain(outside)
            assert process.wait(timeout=60) == 0
    finally:
        os.close(outside)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:  # as Linux says that the other side has gone
        return
