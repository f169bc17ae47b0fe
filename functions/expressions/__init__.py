"""JMESPath expressions over the root document: compiled once, evaluated for every event.

The language is JMESPath with a library of functions for features (`FUNCTION_REFERENCE`). Each compiled
expression knows which paths it may read. Nothing here needs YAML or pydantic, and `jmespath` is imported
only when something is compiled or interpreted.
"""

from functions.expressions.checks import check_expression
from functions.expressions.features import (
    CompiledFeatures,
    Expression,
    compile_expression,
    compile_features,
)
from functions.expressions.library.reference import FUNCTION_REFERENCE, LibraryFunction
from functions.expressions.problems import EvaluationFailure, ExpressionError, ExpressionProblem, Severity
from functions.expressions.syntax import Limits

__all__ = [
    "FUNCTION_REFERENCE",
    "CompiledFeatures",
    "EvaluationFailure",
    "Expression",
    "ExpressionError",
    "ExpressionProblem",
    "LibraryFunction",
    "Limits",
    "Severity",
    "check_expression",
    "compile_expression",
    "compile_features",
]
