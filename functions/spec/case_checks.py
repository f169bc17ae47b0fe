"""Case files against their specs, without running them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from functions.spec.case_names import with_case_names
from functions.spec.cases import CasesFile
from functions.spec.checking import check_document
from functions.spec.loading import CASES_SUFFIX, SpecFolder, read_source
from functions.spec.problems import Problem, closest

UNKNOWN_EVENT: Final = "cases.unknown_event"
UNKNOWN_NAME: Final = "cases.unknown_name"


def cases_path(spec_file: Path) -> Path:
    """Return where the cases of a spec stand: beside it, `<name>.cases.yaml`."""
    return spec_file.with_name(spec_file.stem + CASES_SUFFIX)


def check_cases(loaded: SpecFolder) -> Iterator[Problem]:
    """Yield what is wrong with the case files of a folder."""
    expected = {cases_path(path): name for name, path in loaded.files.items()}
    for path in sorted(loaded.folder.glob("*" + CASES_SUFFIX)):
        source = read_source(path)
        cases, problems = check_document(CasesFile, source)
        yield from with_case_names(source, problems)
        if path not in expected:
            stems = [found.stem for found in loaded.files.values()]
            message = "there is no spec of this name beside the cases"
            hint = closest(path.name.removesuffix(CASES_SUFFIX), stems)
            yield source.problem((), "cases.no_spec", message, hint=hint)
        names: set[str] = set()
        for index, case in enumerate(cases.cases if cases else ()):
            if case.name in names:
                message = "two cases have this name"
                yield source.problem(("cases", index, "name"), "cases.duplicate_name", message)
            names.add(case.name)
