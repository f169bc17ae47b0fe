"""`functions test`: run the cases beside the specs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.cli.progress import Progress, through
from functions.errors import FunctionsError, UnknownFunctionError

if TYPE_CHECKING:
    from functions.runtime.receipt import Receipt
    from functions.spec.cases import CasesFile
    from functions.spec.loading import SpecFolder
    from functions.testing.cases import CaseResult

_EPILOG = """Cases stand beside a spec in NAME.cases.yaml: what is given, and what the receipt
must say. Nothing leaves this machine: the store and the channel are in memory,
the model's reply is part of the case.

With --watch the cases of a spec run again when it, its cases or an event file of
theirs changes, and all of them when a file changes that the specs share.

examples:
  functions test
  functions test churn-retention
  functions test churn-retention --watch
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions to test; default all")
    parser.add_argument(
        "--watch", action="store_true", help="run again whenever a file changes, until Ctrl-C"
    )
    add_json(parser)


def run(
    arguments: argparse.Namespace,
    console: Console,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run the command; `clock` and `sleep` are those of a watch."""
    if arguments.watch:
        from functions.cli.watching import watch

        cases = _WatchedCases(arguments, console)
        return watch(cases.run, cases.files, console=console, clock=clock, sleep=sleep)
    loaded = _load(arguments, console)
    return _run_cases(loaded, arguments.names or sorted(loaded.plans), arguments, console)


def _load(arguments: argparse.Namespace, console: Console) -> SpecFolder:
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError, closest

    loaded = load_folder(specs_folder(console), each=through(console, "spec"))
    if loaded.errors:
        raise SpecError(loaded.errors)
    for name in arguments.names:
        if name not in loaded.plans:
            raise UnknownFunctionError(f"no function is called {name!r}", hint=closest(name, loaded.plans))
    return loaded


def _run_cases(
    loaded: SpecFolder, names: Sequence[str], arguments: argparse.Namespace, console: Console
) -> int:
    results, progress = [], Progress(console, "case", total=_number_of_cases(loaded, names))
    for function in names:
        for result in _cases(loaded, function):
            results.append((function, result))
            progress.show(len(results))
    progress.end()
    if not results:
        console.err("there are no cases: write NAME.cases.yaml beside the spec")
        return 1
    failed = sum(not result.passed for _, result in results)
    if arguments.json:
        rows = [
            {
                "function": name,
                "case": result.name,
                "passed": result.passed,
                "differences": list(result.differences),
            }
            for name, result in results
        ]
        # A watch is a stream: one document on each line.
        console.json(rows, compact=arguments.watch)
        return 1 if failed else 0
    for name, result in results:
        mark = console.paint("pass", "green") if result.passed else console.paint("FAIL", "red", "bold")
        console.out(f"{mark}  {name}: {result.name}")
        for difference in result.differences:
            console.out(f"        {difference}")
        if result.differences and result.receipt is not None:
            console.out(f"        {_verdict(result.receipt)}")
    console.err(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _verdict(receipt: Receipt) -> str:
    """Say what the function made of a case that failed: mostly that explains every difference."""
    return f"the receipt: {receipt.outcome.replace('_', ' ')}. {receipt.reason.text} [{receipt.reason.code}]"


def _number_of_cases(loaded: SpecFolder, names: Sequence[str]) -> int:
    files = (_read_cases(loaded, name) for name in names)
    return sum(len(file.cases) for file in files if file is not None)


def _cases(loaded: SpecFolder, name: str) -> Iterator[CaseResult]:
    from functions.testing.cases import run_case

    cases = _read_cases(loaded, name)
    for case in cases.cases if cases else ():
        yield run_case(loaded.plans[name], case, folder=loaded.folder)


def _read_cases(loaded: SpecFolder, name: str) -> CasesFile | None:
    from functions.spec.case_checks import cases_path
    from functions.spec.case_names import with_case_names
    from functions.spec.cases import CasesFile
    from functions.spec.checking import check_document
    from functions.spec.loading import read_source
    from functions.spec.problems import SpecError

    path = cases_path(loaded.files[name])
    if not path.exists():
        return None
    source = read_source(path)
    cases, problems = check_document(CasesFile, source)
    if cases is None:
        raise SpecError(with_case_names(source, problems))
    return cases


class _WatchedCases:
    """The cases of a folder between two runs: which files they depend on, and which run when one changes."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self._arguments, self._console = arguments, console
        self._events: dict[str, set[Path]] = {}
        self._code = 0

    def files(self) -> Iterator[Path]:
        """Yield the files of the folder, and the event files that the cases name."""
        folder = specs_folder(self._console)
        yield from sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))
        yield from sorted(set().union(*self._events.values()))

    def run(self, changed: Collection[Path] | None) -> int:
        """Run what is touched by a change, all for None; what is wrong with a spec does not end the watch."""
        from functions.spec.problems import SpecError

        try:
            self._code = self._run(changed)
            return self._code
        except SpecError as error:
            for problem in error.problems:
                self._console.err(problem.render())
        except FunctionsError as error:
            if changed is None:
                raise
            self._console.err(f"error[{error.code}] {error.message}")
        self._code = 1
        return self._code

    def _run(self, changed: Collection[Path] | None) -> int:
        from functions.spec.case_checks import cases_path

        loaded = _load(self._arguments, self._console)
        names = self._arguments.names or sorted(loaded.plans)
        own = {name: {path, cases_path(path)} for name, path in loaded.files.items()}
        for name in names:
            self._events[name] = set(_event_files(loaded, name))
            own[name] |= self._events[name]
        if changed is not None and set(changed) <= set().union(*own.values()):
            names = [name for name in names if own[name] & set(changed)]
            if not names:
                self._console.err("no function that is tested here depends on it")
                return self._code
        return _run_cases(loaded, names, self._arguments, self._console)


def _event_files(loaded: SpecFolder, name: str) -> Iterator[Path]:
    cases = _read_cases(loaded, name)
    for case in cases.cases if cases else ():
        if isinstance(case.given.event, str):
            yield loaded.folder / case.given.event
