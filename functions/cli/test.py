"""`functions test`: run the cases beside the specs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.errors import UnknownFunctionError

if TYPE_CHECKING:
    from functions.spec.loading import SpecFolder
    from functions.testing.cases import CaseResult

_EPILOG = """Cases stand beside a spec in NAME.cases.yaml: what is given, and what the receipt
must say. Nothing leaves this machine: the store and the channel are in memory,
the model's reply is part of the case.

examples:
  functions test
  functions test churn-retention
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions to test; default all")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError, closest

    loaded = load_folder(specs_folder(console))
    if loaded.errors:
        raise SpecError(loaded.errors)
    for name in arguments.names:
        if name not in loaded.plans:
            raise UnknownFunctionError(f"no function is called {name!r}", hint=closest(name, loaded.plans))
    results = [
        (name, result) for name in arguments.names or sorted(loaded.plans) for result in _cases(loaded, name)
    ]
    if not results:
        console.err("there are no cases: write NAME.cases.yaml beside the spec")
        return 1
    failed = sum(not result.passed for _, result in results)
    if arguments.json:
        console.json(
            [
                {
                    "function": name,
                    "case": result.name,
                    "passed": result.passed,
                    "differences": list(result.differences),
                }
                for name, result in results
            ]
        )
        return 1 if failed else 0
    for name, result in results:
        mark = console.paint("pass", "green") if result.passed else console.paint("FAIL", "red", "bold")
        console.out(f"{mark}  {name}: {result.name}")
        for difference in result.differences:
            console.out(f"        {difference}")
    console.err(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _cases(loaded: SpecFolder, name: str) -> Iterator[CaseResult]:
    from functions.spec.case_checks import cases_path
    from functions.spec.cases import CasesFile
    from functions.spec.checking import check_document
    from functions.spec.loading import read_source
    from functions.spec.problems import SpecError
    from functions.testing.cases import run_case

    path = cases_path(loaded.files[name])
    if not path.exists():
        return
    cases, problems = check_document(CasesFile, read_source(path))
    if cases is None:
        raise SpecError(problems)
    for case in cases.cases:
        yield run_case(loaded.plans[name], case, folder=loaded.folder)
