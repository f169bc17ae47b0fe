"""Evaluate one expression on one document, where a failure is an answer like any other."""

from __future__ import annotations

from functions.documents import Json
from functions.expressions import EvaluationFailure, Expression

EVALUATION_ERRORS = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError)
"""What an expression can raise on some document: JMESPath's own errors, and Python's below them."""


def evaluate(expression: Expression, document: Json) -> Json | EvaluationFailure:
    """Return the value of an expression, or a failure that names the kind of error and no value."""
    try:
        return expression.evaluate(document)
    except EVALUATION_ERRORS as error:
        return EvaluationFailure(type(error).__name__)
