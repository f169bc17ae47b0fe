"""`functions deploy`: check every spec and run its cases, and only then hand over to `cdk deploy`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from typing import Final

from functions.cli.arguments import add_environment, environment_of, specs_folder
from functions.cli.console import Console
from functions.errors import SettingsError

_EPILOG = """What stands after -- is passed on to cdk.

examples:
  functions deploy
  functions deploy --environment prod -- -c alarm_email=on-call@shop.example
  functions deploy -- --require-approval never
"""

_CDK: Final = "npm install --global aws-cdk@2.1148.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    add_environment(parser)
    parser.add_argument("rest", nargs="*", metavar="ARGUMENT", help="for cdk, after --")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli import test, validate

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
        [*command, *arguments.rest], env=dict(console.environment), check=False
    )
    return 1 if done.returncode else 0


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
