"""The seam: expressions that were compiled once, evaluated on many documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from functions.documents import Json
from functions.expressions.interpreter import interpret
from functions.expressions.paths import Reads, exists, key
from functions.expressions.problems import EvaluationFailure
from functions.expressions.runtime import LeaveToInterpreterError
from functions.expressions.sealing import seal

_NOW = (key("now"),)

_EVALUATION_ERRORS = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError)
"""What JMESPath's interpreter raises on some document, its own errors being of `ValueError`."""

Program = Callable[[Json], dict[str, Json]]
"""Generated code: the root document in, every value by name out."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression. Safe to share between threads.

    One that belongs to `CompiledFeatures` has no code of its own: evaluated alone, it is interpreted.

    Attributes:
        source: The text as its author wrote it.
        lineage: Every path that may be read, with what is needed of it.
        reads: The same paths in writing; one that ends at a container means the whole subtree.
    """

    source: str
    lineage: Reads = field(compare=False, repr=False)
    reads: tuple[str, ...] = field(compare=False)
    _program: Program | None = field(compare=False, repr=False, default=None)

    def evaluate(self, document: Json) -> Json:
        """Return the value of the expression for a root document.

        Raises:
            ValueError: A `jmespath.exceptions.JMESPathError`, such as a wrong type given to a function.
            TypeError: As JMESPath's interpreter, such as when `max_by` compares text with a number.
        """
        if self._program is None:
            return interpret(self.source, document)
        try:
            (value,) = self._program(document).values()
        except (LeaveToInterpreterError, *_EVALUATION_ERRORS):
            return interpret(self.source, document)
        return interpret(self.source, document) if type(value) is EvaluationFailure else value

    def absence(self, document: Json) -> Literal["missing", "null"]:
        """Say why the result was null: `null` when every path exists that is read, else `missing`.

        Paths through arrays and wildcards exist when the container does. `now` is not counted.
        """
        paths = (path for path in self.lineage if path and path != _NOW)
        return "null" if all(exists(path, document) for path in paths) else "missing"


@dataclass(frozen=True, slots=True)
class CompiledFeatures:
    """The expressions of one spec as one generated function. Safe to share between threads.

    Documents are JSON: values of exactly the types that `json.loads` gives. Others are accepted, and left to
    JMESPath's interpreter.

    Attributes:
        expressions: Each by name, in the order of declaration.
        lineage: What all of them read together.
        code: The generated source, to be read.
    """

    expressions: Mapping[str, Expression]
    lineage: Reads = field(repr=False)
    code: str = field(repr=False)
    _program: Program = field(compare=False, repr=False)

    def evaluate(self, document: Json, strict: bool = False) -> dict[str, Json | EvaluationFailure]:
        """Return every value by name, in the order of declaration.

        Args:
            document: The root: `event`, `profile`, `features`, model outputs and `now`.
            strict: Raise for the first expression that fails instead of putting a failure in its place.

        Raises:
            ValueError: With `strict`, a `jmespath.exceptions.JMESPathError`.
            TypeError: With `strict`, as JMESPath's interpreter.
        """
        try:
            values = self._program(document)
        except (LeaveToInterpreterError, *_EVALUATION_ERRORS):
            values = {name: value_or_failure(one.source, document) for name, one in self.expressions.items()}
        if strict:
            for name, value in values.items():
                if type(value) is EvaluationFailure:
                    values[name] = interpret(self.expressions[name].source, document)
        return values

    def to_artifact(self) -> dict[str, Json]:
        """Return a JSON form that `load_features` reads without parsing or generating anything.

        Shape:
            `format`, `engine` (hash of this package's source), `python` (version of the bytecode), `hash`,
            `code` (source), `bytecode` (base64), and `expressions` (JSON text, so that it is parsed only when
            asked for): name, text, paths in writing, and lineage as pairs of path and need.
        """
        expressions = [
            [name, one.source, list(one.reads), [[list(path), int(how)] for path, how in one.lineage.items()]]
            for name, one in self.expressions.items()
        ]
        return seal(self.code, json.dumps(expressions))


def value_or_failure(text: str, document: Json) -> Json | EvaluationFailure:
    """Return the value of an expression as JMESPath's interpreter finds it, or how it failed."""
    try:
        return interpret(text, document)
    except _EVALUATION_ERRORS as error:
        return EvaluationFailure(type(error).__name__)
