"""`functions validate`: check every spec and print all problems."""

from __future__ import annotations

import argparse

from functions.cli.arguments import add_json
from functions.cli.console import Console, Style
from functions.settings import read_settings

_EPILOG = """examples:
  functions validate
  FUNCTIONS_SPECS=my_specs functions validate --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="folder of the specs; default FUNCTIONS_SPECS"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from pathlib import Path

    from functions.errors import SettingsError
    from functions.spec.case_checks import check_cases
    from functions.spec.loading import load_folder

    folder = Path(arguments.folder) if arguments.folder else read_settings(console.environment).specs
    if not folder.is_dir():
        raise SettingsError(f"the folder {folder} does not exist", hint="give it, or set FUNCTIONS_SPECS")
    loaded = load_folder(folder)
    problems = tuple(sorted({*loaded.problems, *check_cases(loaded)}))
    errors = sum(problem.severity == "error" for problem in problems)
    if arguments.json:
        console.json(
            {
                "functions": sorted(loaded.plans),
                "errors": errors,
                "problems": [problem.as_document() for problem in problems],
            }
        )
        return 1 if errors else 0
    for problem in problems:
        style: Style = "red" if problem.severity == "error" else "yellow"
        head, *rest = problem.render().split("\n")
        console.out(console.paint(head, style))
        for line in rest:
            console.out(line)
    warnings = len(problems) - errors
    verdict = f"{len(loaded.plans)} function{'s' if len(loaded.plans) != 1 else ''} fine"
    if errors:
        verdict += f", {errors} error{'s' if errors != 1 else ''}"
    if warnings:
        verdict += f", {warnings} warning{'s' if warnings != 1 else ''}"
    console.err(verdict)
    return 1 if errors else 0
