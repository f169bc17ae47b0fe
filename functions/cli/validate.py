"""`functions validate`: check every spec and print all problems."""

from __future__ import annotations

import argparse

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console, counted

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
    from functions.spec.case_checks import check_cases
    from functions.spec.loading import load_folder

    loaded = load_folder(specs_folder(console, arguments.folder))
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
        head, *rest = problem.render().split("\n")
        console.out(console.paint(head, "red" if problem.severity == "error" else "yellow"))
        for line in rest:
            console.out(line)
    if not loaded.files and not errors:
        console.err(f"there is no spec in {loaded.folder}")
        return 1
    console.err(_verdict(len(loaded.plans), errors, len(problems) - errors))
    return 1 if errors else 0


def _verdict(functions: int, errors: int, warnings: int) -> str:
    parts = [f"{counted(functions, 'function')} fine"]
    if errors:
        parts.append(counted(errors, "error"))
    if warnings:
        parts.append(counted(warnings, "warning"))
    return ", ".join(parts)
