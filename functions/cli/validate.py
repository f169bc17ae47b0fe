"""`functions validate`: check every spec and print all problems."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console, counted
from functions.cli.progress import through

if TYPE_CHECKING:
    from functions.spec.problems import Problem

_EPILOG = """examples:
  functions validate
  functions validate feature_specs/churn-retention.yaml
  FUNCTIONS_SPECS=my_specs functions validate --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="folder of the specs, or one file of it; default FUNCTIONS_SPECS",
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.case_checks import check_cases
    from functions.spec.loading import load_folder
    from functions.testing.case_contents import check_contents

    folder, only = _asked(arguments.folder, console)
    loaded = load_folder(folder, each=through(console, "spec"))
    problems = tuple(sorted({*loaded.problems, *check_cases(loaded), *check_contents(loaded)}))
    if only is not None:
        problems = tuple(problem for problem in problems if _is_about(problem, only))
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
    fine = [name for name in loaded.plans if only is None or loaded.files[name] == only]
    console.err(_verdict(len(fine), errors, len(problems) - errors))
    return 1 if errors else 0


def _asked(path: str | None, console: Console) -> tuple[Path, Path | None]:
    """Return the folder of the specs, and the one file of it that was asked for."""
    if path is None or not Path(path).is_file():
        return specs_folder(console, path), None
    return specs_folder(console, str(Path(path).parent)), Path(path)


def _is_about(problem: Problem, only: Path) -> bool:
    """Say whether a problem is one of a file: its own, or one of the files that all specs share."""
    from functions.spec.loading import is_shared_file

    return Path(problem.file) == only or is_shared_file(Path(problem.file).name)


def _verdict(functions: int, errors: int, warnings: int) -> str:
    parts = [f"{counted(functions, 'function')} fine"]
    if errors:
        parts.append(counted(errors, "error"))
    if warnings:
        parts.append(counted(warnings, "warning"))
    return ", ".join(parts)
