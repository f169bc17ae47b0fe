"""Warnings: expressions that are allowed and most likely do not mean what their author thinks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from functions.expressions.problems import ExpressionProblem
from functions.expressions.syntax import PROJECTIONS, Node, Syntax

# Results that are never null, false or empty; `length` and `sum` are numbers, and zero is true in JMESPath.
_NEVER_FALSE = frozenset({"abs", "ceil", "floor", "length", "sum", "type"})
_ORDERINGS = frozenset({"lt", "lte", "gt", "gte"})


def advice(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    """Yield the warnings about one node."""
    check = _ADVICE.get(node["type"])
    if check is not None:
        yield from check(syntax, node)


def _negated_path(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    first = node["children"][0]
    if first["type"] == "not_expression":
        message = "! binds tighter than a dot: !a.b means (!a).b, which is always null."
        yield _warning(syntax, first, "expression.negated_path", message, "Write !(a.b).")


def _unused_fallback(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    left = node["children"][0]
    call = left["type"] == "function_expression" and left["value"] in _NEVER_FALSE
    if call:
        hint = "It fails on null; give the fallback to its argument."
        if left["value"] in ("length", "sum"):
            hint = f"It fails on null; write {left['value']}(a || `[]`)."
        message = f"{left['value']} never gives null, false or empty, so what follows || is never used."
        yield _warning(syntax, node, "expression.unused_fallback", message, hint)
    elif left["type"] == "literal" and left["value"] not in (None, False, "", [], {}):
        message = "This literal is never false, so what follows || is never used."
        yield _warning(syntax, node, "expression.unused_fallback", message, None)


def _index_of_each(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    inside = node["children"][1]
    while inside["type"] == "subexpression":
        inside = inside["children"][0]
    if inside["type"] != "index_expression":
        return
    for step in inside["children"]:
        if step["type"] == "index":
            message = f"[{step['value']}] applies to each element, not to the array that comes out."
            hint = f"For an element of the result, write: ... | [{step['value']}]"
            yield _warning(syntax, step, "expression.index_of_each", message, hint)
            return


def _ordering(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    if node["value"] not in _ORDERINGS:
        return
    kinds = [_kind(side["value"]) for side in node["children"] if side["type"] == "literal"]
    if "other" in kinds:
        message = "Only numbers and text have an order; this comparison is always null."
        yield _warning(syntax, node, "expression.no_order", message, "Compare with == or !=.")
    elif len(set(kinds)) == 2:
        message = "Text and a number have no order; this comparison always fails."
        yield _warning(syntax, node, "expression.no_order", message, "Compare values of one type.")
    elif "text" in kinds:
        message = "Text in an order is understood by JMESPath for Python, and gives null elsewhere."
        yield _warning(
            syntax, node, "expression.text_order", message, "For instants, use days_between(a, b)."
        )


def _bare_literal(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    place = syntax.place_of(node)
    text = syntax.text[place.offset : place.offset + place.length]
    if not text.startswith("`"):
        return
    try:
        json.loads(text.strip("`").replace("\\`", "`"))
    except ValueError:
        message = "A bare word in backticks is a deprecated way to write text."
        yield _warning(syntax, node, "expression.bare_literal", message, f"Write '{node['value']}'.")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "other"


def _warning(syntax: Syntax, node: Node, code: str, message: str, hint: str | None) -> ExpressionProblem:
    place = syntax.place_of(node)
    return ExpressionProblem(code, place.offset, max(1, place.length), message, hint, "warning")


_ADVICE: Mapping[str, Callable[[Syntax, Node], Iterator[ExpressionProblem]]] = {
    "subexpression": _negated_path,
    "or_expression": _unused_fallback,
    "comparator": _ordering,
    "literal": _bare_literal,
    **dict.fromkeys(PROJECTIONS, _index_of_each),
}
