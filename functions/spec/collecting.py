"""Expressions of a document, compiled one by one, with every problem collected at its place."""

from __future__ import annotations

from collections.abc import Iterable

from functions.expressions import Expression, check_expression, compile_expression
from functions.spec.problems import Problem, closest
from functions.spec.source import Path, Source


class Collector:
    """Gathers the problems of one spec, and what its expressions read.

    Attributes:
        source: The document of the spec.
        problems: In the order of finding.
        reads: Paths that any expression may read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.reads: set[str] = set()

    @property
    def errors(self) -> int:
        """How many problems stop the build."""
        return sum(problem.severity == "error" for problem in self.problems)

    def add(self, path: Path, code: str, message: str, hint: str = "") -> None:
        """Collect one error of the spec."""
        self.problems.append(self.source.problem(path, code, message, hint=hint))

    def expression(
        self, path: Path, text: str, roots: Iterable[str] | None, *, source: Source | None = None
    ) -> Expression | None:
        """Compile one expression; problems are collected at `path`.

        Args:
            path: Where the text stands.
            text: The expression.
            roots: Names that it may begin with; None for a document of another kind.
            source: The document of `path`; by default the spec's.

        Returns:
            None when the expression has errors.
        """
        where = source or self.source
        found = check_expression(text)
        for problem in found:
            self.problems.append(
                where.problem(
                    path,
                    problem.code,
                    problem.message,
                    hint=problem.hint or "",
                    offset=problem.offset,
                    length=problem.length,
                    warning=problem.severity == "warning",
                )
            )
        if any(problem.severity == "error" for problem in found):
            return None
        expression = compile_expression(text)
        if roots is not None:
            self._check_roots(where, path, expression, tuple(roots))
        return expression

    def _check_roots(self, where: Source, path: Path, expression: Expression, roots: tuple[str, ...]) -> None:
        for read in expression.reads:
            root = read.split(".", 1)[0].split("[", 1)[0].strip('"')
            if root in roots:
                self.reads.add(read)
                continue
            message = f"{root!r} is nothing that this expression can read"
            if not root:
                message = "the expression reads the whole document"
            offset = max(0, expression.source.find(root))
            self.problems.append(
                where.problem(
                    path,
                    "expression.unknown_root",
                    message,
                    hint=closest(root, roots),
                    offset=offset,
                    length=max(1, len(root)),
                )
            )
