"""What can be wrong with an expression, and what becomes of one that fails on a document.

Messages may quote the expression, which is its author's own text, and never a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """One fault of an expression's text.

    Attributes:
        code: Stable and dotted, such as `expression.unknown_function`.
        offset: 0-based character in the expression's text where the fault begins.
        length: How many characters are at fault; at least 1, for the caret.
        message: What is wrong, as a sentence.
        hint: What to write instead; None where nothing better is known.
        severity: An `error` refuses the expression; a `warning` says that it may not mean what it seems to.
    """

    code: str
    offset: int
    length: int
    message: str
    hint: str | None = None
    severity: Severity = "error"


class ExpressionError(ValueError):
    """An expression can't be compiled.

    Attributes:
        problems: Every error that was found, in the order of the text.
    """

    def __init__(self, problems: tuple[ExpressionProblem, ...], *, name: str | None = None) -> None:
        where = "" if name is None else f"{name}: "
        super().__init__(where + "; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EvaluationFailure:
    """Stands in place of a value when an expression failed on a document.

    Attributes:
        kind: The name of the exception's class, such as `JMESPathTypeError`. Its text is not kept: it
            quotes the document.
    """

    kind: str
