"""What can be known to be wrong with an expression before any document is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from functions.expressions.advice import advice, evaluated_at_root
from functions.expressions.growth import growth, largest
from functions.expressions.interpreter import builtin_arities
from functions.expressions.library.reference import FUNCTION_REFERENCE
from functions.expressions.problems import ExpressionError, ExpressionProblem
from functions.expressions.signatures import BUILTIN_SIGNATURES
from functions.expressions.syntax import Limits, Node, Place, Syntax, children, every, parse

_EXPREF_POSITION = {"map": 0, "sort_by": 1, "min_by": 1, "max_by": 1}


def check_expression(text: str, limits: Limits | None = None) -> tuple[ExpressionProblem, ...]:
    """Return every problem of an expression, errors and warnings, in the order of the text."""
    try:
        syntax = parse(text, limits)
    except ExpressionError as error:
        return error.problems
    return problems_of(syntax, limits or Limits())


def checked(text: str, limits: Limits | None = None, *, name: str | None = None) -> Syntax:
    """Parse an expression and refuse it when it has errors; warnings pass.

    Raises:
        ExpressionError: With every error that was found.
    """
    try:
        syntax = parse(text, limits)
    except ExpressionError as error:
        raise ExpressionError(error.problems, name=name) from None
    errors = tuple(p for p in problems_of(syntax, limits or Limits()) if p.severity == "error")
    if errors:
        raise ExpressionError(errors, name=name)
    return syntax


def problems_of(syntax: Syntax, limits: Limits) -> tuple[ExpressionProblem, ...]:
    """Return the problems of an expression that could be parsed, in the order of the text."""
    at_root = set(map(id, evaluated_at_root(syntax.root)))
    found = list(_walk(syntax, syntax.root, None))
    found += [problem for node in every(syntax.root) for problem in advice(syntax, node, id(node) in at_root)]
    if growth(syntax.root) > limits.growth:
        found.append(
            _problem(
                "expression.too_much_growth",
                syntax.place_of(largest(syntax.root, limits.growth)),
                f"The result may be more than {limits.growth:,} times as large as what is read.",
                "Select fewer fields before a pipe, and put shorter text into each element of an array.",
            )
        )
    return tuple(sorted(found, key=lambda problem: problem.offset))


def _walk(syntax: Syntax, node: Node, parent: Node | None) -> Iterator[ExpressionProblem]:
    check = _CHECKS.get(node["type"])
    if check is not None:
        yield from check(syntax, node, parent)
    for child in children(node):
        yield from _walk(syntax, child, node)


def _check_function(syntax: Syntax, node: Node, _: Node | None) -> Iterator[ExpressionProblem]:
    name, given, place = node["value"], len(node["children"]), syntax.place_of(node)
    arities = _arities()
    if name not in arities:
        close = get_close_matches(name, arities, n=1)
        hint = f"Did you mean {close[0]}?" if close else "The reference of specs lists every function."
        yield _problem("expression.unknown_function", place, f"There is no function {name}.", hint)
        return
    least, most = arities[name]
    if given < least or (most is not None and given > most):
        message = f"{name} takes {_count(least, most)}, {given} given."
        yield _problem("expression.arity", place, message, _signature_hint(name))
        return
    if name in _EXPREF_POSITION and node["children"][_EXPREF_POSITION[name]]["type"] != "expref":
        position = "first" if _EXPREF_POSITION[name] == 0 else "second"
        message = f"{name} takes an expression as its {position} argument."
        yield _problem("expression.type", place, message, "Write & before it: &name.")


def _check_expref(syntax: Syntax, node: Node, parent: Node | None) -> Iterator[ExpressionProblem]:
    if parent is not None and parent["type"] == "function_expression":
        position = _EXPREF_POSITION.get(parent["value"])
        if position is None and parent["value"] not in _arities():
            return  # the function itself is already reported
        if position is not None and parent["children"].index(node) == position:
            return
    message = "& can only stand before the expression argument of map, sort_by, min_by and max_by."
    yield _problem("expression.misplaced_reference", syntax.place_of(node), message, "Remove the &.")


def _check_slice(syntax: Syntax, node: Node, _: Node | None) -> Iterator[ExpressionProblem]:
    if node["children"][2] == 0:
        message = "The step of a slice can't be 0."
        hint = "Write a step such as 2, or -1 for the reverse order, or none."
        yield _problem("expression.slice_step", syntax.place_of(node), message, hint)


def _check_literal(syntax: Syntax, node: Node, _: Node | None) -> Iterator[ExpressionProblem]:
    if not _is_finite(node["value"]):
        message = "NaN and Infinity are no JSON numbers."
        hint = "Write a number, or `null` for none."
        yield _problem("expression.not_finite", syntax.place_of(node), message, hint)


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_is_finite, value))
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return True


def _arities() -> Mapping[str, tuple[int, int | None]]:
    ours = {name: (function.least, function.most) for name, function in FUNCTION_REFERENCE.items()}
    return {**builtin_arities(), **ours}


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'' if least == 1 else 's'}"
    if least == most:
        return f"{least} argument{'' if least == 1 else 's'}"
    return f"{least} to {most} arguments"


def _signature_hint(name: str) -> str:
    ours = FUNCTION_REFERENCE.get(name)
    return BUILTIN_SIGNATURES[name] if ours is None else ours.signature


def _problem(code: str, place: Place, message: str, hint: str) -> ExpressionProblem:
    return ExpressionProblem(code, place.offset, max(1, place.length), message, hint)


_CHECKS: Mapping[str, Callable[[Syntax, Node, Node | None], Iterator[ExpressionProblem]]] = {
    "function_expression": _check_function,
    "expref": _check_expref,
    "slice": _check_slice,
    "literal": _check_literal,
}
