"""Expressions for a single use: checked and interpreted, no code is generated for them."""

from __future__ import annotations

from functools import lru_cache

from functions.documents import Json
from functions.expressions.checks import checked
from functions.expressions.interpreter import interpret
from functions.expressions.syntax import Limits


def search(text: str, document: Json, *, limits: Limits | None = None) -> Json:
    """Evaluate an expression on a document.

    Values and errors are those of `compile_expression(text).evaluate(document)`.

    >>> search("round(avg(prices), `1`)", {"prices": [1, 2.5, 3.25]})
    2.2

    Raises:
        ExpressionError: It can't be parsed, calls an unknown function, or is over a limit.
        ValueError: A `jmespath.exceptions.JMESPathError`, such as a wrong type given to a function.
        TypeError: As JMESPath's interpreter, such as when `max_by` compares text with a number.
    """
    _accept(text, limits)
    return interpret(text, document)


@lru_cache(maxsize=256)
def _accept(text: str, limits: Limits | None) -> None:
    checked(text, limits)
