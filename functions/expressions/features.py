"""The seam: compile expressions once, evaluate them on many documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from functions.documents import Json
from functions.expressions.checks import checked
from functions.expressions.interpreter import interpret
from functions.expressions.lineage import Reads, format_reads, merge_reads, read_paths
from functions.expressions.paths import exists, key
from functions.expressions.problems import EvaluationFailure
from functions.expressions.syntax import Limits, Node

_NOW = (key("now"),)


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression. Safe to share between threads.

    Attributes:
        source: The text as its author wrote it.
        lineage: Every path that may be read, with what is needed of it.
        reads: The same paths in writing; one that ends at a container means the whole subtree.
    """

    source: str
    lineage: Reads = field(compare=False)
    reads: tuple[str, ...] = field(compare=False)
    _root: Node = field(compare=False, repr=False)

    def evaluate(self, document: Json) -> Json:
        """Return the value of the expression for a root document.

        Raises:
            ValueError: A `jmespath.exceptions.JMESPathError`, such as a wrong type given to a function.
            TypeError: As JMESPath's interpreter, such as when `max_by` compares text with a number.
        """
        return interpret(self._root, document)

    def absence(self, document: Json) -> Literal["missing", "null"]:
        """Say why the result was null: `null` when every path exists that is read, else `missing`.

        Paths through arrays and wildcards exist when the container does. `now` is not counted.
        """
        paths = (path for path in self.lineage if path and path != _NOW)
        return "null" if all(exists(path, document) for path in paths) else "missing"


@dataclass(frozen=True, slots=True)
class CompiledFeatures:
    """The expressions of one spec, evaluated together. Safe to share between threads.

    Attributes:
        expressions: Each by name, in the order of declaration.
        lineage: What all of them read together.
    """

    expressions: Mapping[str, Expression]
    lineage: Reads

    def evaluate(self, document: Json, strict: bool = False) -> dict[str, Json | EvaluationFailure]:
        """Return every value by name, in the order of declaration.

        Args:
            document: The root: `event`, `profile`, `features`, model outputs and `now`.
            strict: Raise for the first expression that fails instead of putting a failure in its place.

        Raises:
            ValueError: With `strict`, a `jmespath.exceptions.JMESPathError`.
            TypeError: With `strict`, as JMESPath's interpreter.
        """
        return {
            name: _value_or_failure(expression, document, strict)
            for name, expression in self.expressions.items()
        }


def compile_expression(text: str, *, limits: Limits | None = None) -> Expression:
    """Compile one expression.

    Raises:
        ExpressionError: It can't be parsed, calls an unknown function, or is over a limit.
    """
    return _expression(text, None, limits)


def compile_features(features: Mapping[str, str], *, limits: Limits | None = None) -> CompiledFeatures:
    """Compile the expressions of one spec, by name.

    Raises:
        ExpressionError: One of them has errors; the message begins with its name.
    """
    expressions = {name: _expression(text, name, limits) for name, text in features.items()}
    lineage = merge_reads(expression.lineage for expression in expressions.values())
    return CompiledFeatures(MappingProxyType(expressions), lineage)


def _expression(text: str, name: str | None, limits: Limits | None) -> Expression:
    root = checked(text, limits, name=name).root
    lineage = read_paths(root)
    return Expression(text, lineage, format_reads(lineage), root)


def _value_or_failure(expression: Expression, document: Json, strict: bool) -> Json | EvaluationFailure:
    try:
        return expression.evaluate(document)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        if strict:
            raise
        return EvaluationFailure(type(error).__name__)
