"""Which case a problem is about: cases are known by their names, and a line number says little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from functions.spec.problems import Problem
from functions.spec.source import Source


def with_case_names(source: Source, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems of a file of cases, each that stands in a case with the name of it."""
    cases = source.data.get("cases") if isinstance(source.data, dict) else None
    begins = [
        (place.line, case)
        for index, case in enumerate(cases if isinstance(cases, list) else ())
        if (place := source.values.get(("cases", index))) is not None
    ]
    for problem in problems:
        within = [case for line, case in begins if line <= problem.line]
        name = within[-1].get("name") if within and isinstance(within[-1], dict) else None
        yield replace(problem, message=f"{problem.message}, in the case {name!r}") if name else problem
