"""JMESPath expressions over the root document: compiled once, evaluated for every event; `search` for a single use.

The language is JMESPath with a library of functions for features (`FUNCTION_REFERENCE`). Each compiled
expression knows which paths it may read. Nothing here needs YAML or pydantic, and `jmespath` is imported
only when something is compiled or interpreted; the compiler itself only when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from functions.expressions.decoding import Decoder, decoder_for
from functions.expressions.features import CompiledFeatures, Expression
from functions.expressions.loading import load_expression, load_features
from functions.expressions.paths import How, Path, Reads
from functions.expressions.problems import EvaluationFailure, ExpressionError, ExpressionProblem, Severity
from functions.expressions.sealing import ArtifactError

if TYPE_CHECKING:
    from functions.expressions.building import compile_expression, compile_features
    from functions.expressions.checks import check_expression
    from functions.expressions.library.reference import FUNCTION_REFERENCE, LibraryFunction
    from functions.expressions.searching import search
    from functions.expressions.syntax import Limits

__all__ = [
    "FUNCTION_REFERENCE",
    "ArtifactError",
    "CompiledFeatures",
    "Decoder",
    "EvaluationFailure",
    "Expression",
    "ExpressionError",
    "ExpressionProblem",
    "How",
    "LibraryFunction",
    "Limits",
    "Path",
    "Reads",
    "Severity",
    "check_expression",
    "compile_expression",
    "compile_features",
    "decoder_for",
    "load_expression",
    "load_features",
    "search",
]

# Needed where specs are built, not where they run: imported when first asked for.
_BUILD_TIME = {
    "FUNCTION_REFERENCE": "library.reference",
    "LibraryFunction": "library.reference",
    "Limits": "syntax",
    "check_expression": "checks",
    "compile_expression": "building",
    "compile_features": "building",
    "search": "searching",
}


def __getattr__(name: str) -> Any:
    """Import what belongs to build time on first use (PEP 562)."""
    if name not in _BUILD_TIME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_BUILD_TIME[name]}"), name)
