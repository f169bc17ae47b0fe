"""From texts to compiled expressions: parse, check, find what is read, generate and compile code."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, MappingProxyType

from functions.expressions.checks import checked
from functions.expressions.compiler import compile_source
from functions.expressions.features import CompiledFeatures, Expression, Program
from functions.expressions.lineage import format_reads, read_paths
from functions.expressions.loading import program_of
from functions.expressions.paths import merge_reads
from functions.expressions.syntax import Limits, Node


def compile_expression(text: str, *, limits: Limits | None = None) -> Expression:
    """Compile one expression.

    Raises:
        ExpressionError: It can't be parsed, calls an unknown function, or is over a limit.
    """
    root = checked(text, limits).root
    source = compile_source({"value": (text, root)})
    return _expression(text, root, program_of(compile_code(source), lambda _: text))


def compile_features(features: Mapping[str, str], *, limits: Limits | None = None) -> CompiledFeatures:
    """Compile the expressions of one spec, by name, into one function.

    Raises:
        ExpressionError: One of them has errors; the message begins with its name.
    """
    roots = {name: checked(text, limits, name=name).root for name, text in features.items()}
    expressions = {name: _expression(features[name], root) for name, root in roots.items()}
    lineage = merge_reads(expression.lineage for expression in expressions.values())
    source = compile_source({name: (features[name], root) for name, root in roots.items()})
    program = program_of(compile_code(source), list(features.values()).__getitem__)
    return CompiledFeatures(MappingProxyType(expressions), MappingProxyType(lineage), source, program)


def compile_code(source: str) -> CodeType:
    """Return the code object of a generated module."""
    return compile(source, "<generated features>", "exec", dont_inherit=True)


def _expression(text: str, root: Node, program: Program | None = None) -> Expression:
    lineage = read_paths(root)
    return Expression(text, MappingProxyType(lineage), format_reads(lineage), program)
