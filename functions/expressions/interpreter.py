"""The slow path and the oracle: JMESPath's own interpreter with the library's functions added.

`sum` and `avg` differ from JMESPath's on purpose: they are exactly rounded. `join` is bounded.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache, lru_cache
from typing import Any

from functions.documents import Json
from functions.expressions.library.arithmetic import exact_mean, exact_sum
from functions.expressions.library.instants import read_instant
from functions.expressions.library.texts import joined


def interpret(text: str, document: Json) -> Json:
    """Evaluate an expression on a document. It is parsed on first use, and must have been checked before.

    Raises:
        jmespath.exceptions.JMESPathError: As JMESPath defines, such as a wrong type given to a function. The
            value, which JMESPath would quote, is left out.
        TypeError: As JMESPath's interpreter does, such as when `max_by` compares text with a number.
    """
    from jmespath import exceptions, visitor

    options = visitor.Options(custom_functions=_functions_class()(document))
    try:
        return _interpreter_class()(options).visit(_tree(text), document)
    except exceptions.JMESPathTypeError as error:
        refused = exceptions.JMESPathTypeError(
            error.function_name, _NOT_SHOWN, error.actual_type, error.expected_types
        )
    raise refused  # here, so that the one with the value is not its context


_NOT_SHOWN = "a value of the document"


def builtin_arities() -> dict[str, tuple[int, int | None]]:
    """Return the fewest and most arguments of each of JMESPath's own functions."""
    from jmespath.functions import Functions

    return {
        name: (
            len(entry["signature"]),
            None if entry["signature"][-1].get("variadic") else len(entry["signature"]),
        )
        for name, entry in Functions.FUNCTION_TABLE.items()
    }


@lru_cache(maxsize=1024)
def _tree(text: str) -> Any:
    from jmespath import parser

    from functions.expressions.syntax import quiet

    with quiet():
        return parser.Parser().parse(text).parsed


@cache
def _interpreter_class() -> Any:
    from jmespath import visitor

    class Interpreter(visitor.TreeInterpreter):
        """JMESPath's interpreter, whose trees are kept: what a caller does to a value must not reach them."""

        def visit_literal(self, node: Any, value: Json) -> Json:
            return deepcopy(super().visit_literal(node, value))

    return Interpreter


@cache
def _functions_class() -> Any:
    """Make the class on first use: loaded features need neither `jmespath` nor the table of functions."""
    from jmespath.functions import Functions, signature

    from functions.expressions.library.reference import FUNCTION_REFERENCE

    class LibraryFunctions(Functions):
        """JMESPath's functions and ours, for the evaluation of one document."""

        def __init__(self, document: Json) -> None:
            self._now = read_instant(document.get("now")) if isinstance(document, dict) else None

        def call_function(self, function_name: str, resolved_args: Any) -> Any:
            ours = FUNCTION_REFERENCE.get(function_name)
            if ours is None:
                return super().call_function(function_name, resolved_args)
            if ours.needs_now:
                return ours.implementation(self._now, *resolved_args)
            return ours.implementation(*resolved_args)

        @signature({"types": ["string"]}, {"types": ["array-string"]})
        def _func_join(self, separator: str, texts: list[str]) -> Any:
            return joined(separator, texts)

        @signature({"types": ["array-number"]})
        def _func_sum(self, numbers: list[Any]) -> Any:
            return exact_sum(numbers)

        @signature({"types": ["array-number"]})
        def _func_avg(self, numbers: list[Any]) -> Any:
            return exact_mean(numbers)

    return LibraryFunctions
