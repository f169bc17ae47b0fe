"""`functions deploy`: check every spec and run its cases, and only then hand over to `cdk deploy`."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from functions.cli.arguments import add_environment, add_json, environment_of, specs_folder
from functions.cli.console import Console
from functions.errors import SettingsError

_EPILOG = """What stands after -- is passed on to cdk.

examples:
  functions deploy
  functions deploy --environment prod -- -c alarm_email=on-call@shop.example
  functions deploy -- --require-approval never
"""

_STANDARD_ERROR: Final = 2
_CDK: Final = "npm install --global aws-cdk@2.1148.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    add_environment(parser)
    add_json(parser)
    parser.add_argument("rest", nargs="*", metavar="ARGUMENT", help="for cdk, after --")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli import test, validate

    if arguments.json:
        return _as_json(arguments, console)
    environment, specs = environment_of(arguments, console), specs_folder(console)
    cdk = _cdk(console)
    if validate.run(argparse.Namespace(folder=None, json=False), console):
        return 1
    if test.run(argparse.Namespace(names=[], watch=False, json=False), console):
        console.err("nothing is deployed")
        return 1
    console.flush()
    command = [cdk, "deploy", "--all", "-c", f"environment={environment}", "-c", f"specs={specs}"]
    done = subprocess.run(  # noqa: S603 - what the operator has installed, with what the operator gave
        [*command, *arguments.rest],
        env=dict(console.environment),
        # Of a command that answers as JSON nothing else may stand on standard output.
        stdout=_STANDARD_ERROR if console.stdout is console.stderr else None,
        check=False,
    )
    return 1 if done.returncode else 0


def _as_json(arguments: argparse.Namespace, console: Console) -> int:
    """Deploy with everything that is said on standard error, and print what the stacks give out."""
    diagnosis = Console(console.stdin, console.stderr, console.stderr, console.environment)
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs.json"
        rest = [*arguments.rest, "--outputs-file", str(outputs)]
        given = {**vars(arguments), "json": False, "rest": rest}
        code = run(argparse.Namespace(**given), diagnosis)
        stacks = json.loads(outputs.read_text(encoding="utf-8")) if outputs.is_file() else {}
    environment = environment_of(arguments, console)
    console.json({"environment": environment, "deployed": code == 0, "stacks": stacks})
    return code


def _cdk(console: Console) -> str:
    """Return the path of the command `cdk`.

    Raises:
        SettingsError: It is not installed, or this is no folder to deploy from.
    """
    if not Path("cdk.json").is_file():
        raise SettingsError(
            "there is no cdk.json here", hint=f"looked in {Path.cwd()}; run it where the folder infra is"
        )
    found = shutil.which("cdk", path=console.environment.get("PATH", ""))
    if found is None:
        raise SettingsError("the command cdk is not installed", hint=f"{_CDK}; Node comes with npm.")
    return found
