"""Expressions of a document, compiled one by one, with every problem collected at its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from functions.expressions import Expression, check_expression, compile_expression
from functions.expressions.paths import How, format_path
from functions.spec.problems import Problem, closest
from functions.spec.source import Path, Source

DATA_ROOTS = ("event", "profile", "now")
"""What an expression may read before the model has answered."""

RESERVED = (*DATA_ROOTS, "features")
"""Names that an output of a model can't have."""

_WORDS = frozenset({"true", "false", "null"})
"""What other languages write as it is, and an expression as a literal."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that could be compiled, and where it stands.

    Attributes:
        path: Place in its document.
        expression: The expression.
        source: The shared document that it stands in; None for the spec.
    """

    path: Path
    expression: Expression
    source: Source | None = None


class Collector:
    """Gathers the problems of one spec, and what its expressions read.

    Attributes:
        source: The document of the spec.
        problems: In the order of finding.
        reads: Paths that any expression may read.
        compiled: Every expression that reads what it may, in the order of finding.
    """

    def __init__(
        self,
        source: Source,
        *,
        function: str = "",
        features: Collection[str] | None = None,
        cut: Collection[Path] = (),
    ) -> None:
        """Collect for one spec.

        Args:
            source: Its document.
            function: Its name, for problems in a file that it shares.
            features: The names that stand under `features`; None where they are not known.
            cut: Paths that are at fault already; nothing is reported at or below them.
        """
        self.source = source
        self.problems: list[Problem] = []
        self.reads: set[str] = set()
        self.compiled: list[Compiled] = []
        self._function = function
        self._features = features
        self._cut = frozenset(cut)

    @property
    def errors(self) -> int:
        """How many problems stop the build."""
        return sum(problem.severity == "error" for problem in self.problems)

    def add(self, path: Path, code: str, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Collect one error of the spec."""
        if not any(path[:end] in self._cut for end in range(1, len(path) + 1)):
            self.problems.append(self.source.problem(path, code, message, hint=hint, at_key=at_key))

    def found(self, problem: Problem) -> None:
        """Collect a problem that has its place already, once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def check(self, path: Path, text: str, *, source: Source | None = None) -> bool:
        """Collect the problems of an expression's text; returns whether it can be compiled.

        Args:
            path: Where the text stands.
            text: The expression.
            source: The document of `path`; by default the spec's.
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
        return not any(problem.severity == "error" for problem in found)

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
        if not self.check(path, text, source=source):
            return None
        expression = compile_expression(text)
        before = self.errors
        if roots is not None:
            self._check_reads(source, path, expression, tuple(roots))
        if self.errors == before:  # one fault is enough for one expression
            self.compiled.append(Compiled(path, expression, source))
        return expression

    def _check_reads(
        self, shared: Source | None, path: Path, expression: Expression, roots: tuple[str, ...]
    ) -> None:
        where = shared or self.source
        when = f" when {self._function} uses it" if shared and self._function else ""
        self.reads.update(expression.reads)
        for name in _names_below((), expression):
            if name in roots:
                continue
            message = f"{name!r} is nothing that this expression can read{when}"
            hint = self._meant(name, roots)
            if not name:
                message, hint = "the expression reads the whole document", f"read one of {', '.join(roots)}"
            offset, length = _find(name, "", expression.source)
            self.problems.append(
                where.problem(
                    path, "expression.unknown_root", message, hint=hint, offset=offset, length=length
                )
            )
        if self._features is None or "features" not in roots:
            return
        for name in _names_below((".features",), expression):
            if name and name not in self._features:
                offset, length = _find(name, "features.", expression.source)
                self.problems.append(
                    where.problem(
                        path,
                        "expression.unknown_feature",
                        f"there is no feature {name!r}{when}",
                        hint=closest(name, self._features),
                        offset=offset,
                        length=length,
                        # An action is shared: what one function does not have, another may.
                        warning=shared is not None,
                    )
                )

    def _meant(self, name: str, roots: tuple[str, ...]) -> str:
        """Say what was meant by a name that stands where nothing is called so."""
        if name in _WORDS:
            return f"write it in backticks: `{name}`"
        if "features" in roots and name in (self._features or ()):
            return f"did you mean features.{name}?"
        return closest(name, roots)


def _names_below(prefix: tuple[str, ...], expression: Expression) -> list[str]:
    """Return the keys that an expression reads below a path, sorted; an empty one when it reads all of them."""
    names: set[str] = set()
    for path, how in expression.lineage.items():
        if path[: len(prefix)] != prefix:
            continue
        below = path[len(prefix) :]
        if not below and how >= How.SIZE:
            names.add("")
        elif below:
            names.add(below[0][1:] if below[0].startswith(".") else "")
    return sorted(names)


def _find(name: str, before: str, text: str) -> tuple[int, int]:
    """Return offset and length of a name in the text of an expression; all of it where it is not found."""
    written = {name, format_path((f".{name}",))} if name else set()
    for candidate in sorted(written):
        found = re.search(rf"(?<![\w.\"]){re.escape(before)}({re.escape(candidate)})(?!\w)", text)
        if found is not None:
            return found.start(1), len(candidate)
    return 0, max(1, len(text))
