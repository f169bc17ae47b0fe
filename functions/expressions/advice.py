"""Warnings: expressions that are allowed and most likely do not mean what their author thinks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from functions.expressions.library.encodings import is_falsy
from functions.expressions.problems import ExpressionProblem
from functions.expressions.signatures import Kind, kind_given, kind_of
from functions.expressions.syntax import PROJECTIONS, Node, Syntax, children

# Results that are never null, false or empty; `length` and `sum` are numbers, and zero is true in JMESPath.
_NEVER_FALSE = frozenset({"abs", "ceil", "floor", "length", "sum", "type"})
_ORDERINGS = frozenset({"lt", "lte", "gt", "gte"})
_MADE = frozenset({"multi_select_list", "multi_select_dict"})
_BINDS_LOOSER = {
    "subexpression": ".b",
    "flatten": "[]",
    "filter_projection": "[?b]",
    "value_projection": ".*",
}
"""What follows a negation without being denied by it, by the node it makes."""


def advice(syntax: Syntax, node: Node, at_root: bool) -> Iterator[ExpressionProblem]:
    """Yield the warnings about one node.

    Args:
        syntax: The expression.
        node: One of its nodes.
        at_root: Whether it is applied to the root document, which is never null.
    """
    if node["type"] in _BINDS_LOOSER:
        yield from _negated_path(syntax, node)
    if node["type"] == "or_expression":
        yield from _unused_fallback(syntax, node, at_root)
    check = _ADVICE.get(node["type"])
    if check is not None:
        yield from check(syntax, node)


def evaluated_at_root(root: Node) -> Iterator[Node]:
    """Yield the nodes that are applied to the root document, and not to what another node gives."""
    yield root
    below = children(root)
    if root["type"] in _APPLIES_THE_REST:
        below = below[:1]
    for child in below:
        if child["type"] != "expref":
            yield from evaluated_at_root(child)


_APPLIES_THE_REST = frozenset({"subexpression", "index_expression", "pipe", *PROJECTIONS})


def _negated_path(syntax: Syntax, node: Node) -> Iterator[ExpressionProblem]:
    first = node["children"][0]
    if first["type"] == "not_expression":
        rest = _BINDS_LOOSER[node["type"]]
        message = f"! binds tighter than what follows: !a{rest} means (!a){rest}, which is always null."
        yield _warning(syntax, first, "expression.negated_path", message, f"Write !(a{rest}).")


def _unused_fallback(syntax: Syntax, node: Node, at_root: bool) -> Iterator[ExpressionProblem]:
    left = node["children"][0]
    hint = "Remove || and what follows it."
    if left["type"] == "function_expression" and left["value"] in _NEVER_FALSE:
        message = f"{left['value']} never gives null, false or empty, so what follows || is never used."
        hint = "It fails on null; give the fallback to its argument."
        if left["value"] in ("length", "sum"):
            hint = f"It fails on null; write {left['value']}(a || `[]`)."
    elif left["type"] == "literal" and not is_falsy(left["value"]):
        message = "This literal is never false, so what follows || is never used."
    elif left["type"] in _MADE and at_root:
        message = "What is made here is never null or empty, so what follows || is never used."
    else:
        return
    yield _warning(syntax, node, "expression.unused_fallback", message, hint)


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
    kinds = {_kind(side) for side in node["children"]}
    if "other" in kinds:
        message = "Only numbers and text have an order; this comparison is always null."
        yield _warning(syntax, node, "expression.no_order", message, "Compare with == or !=.")
    elif kinds >= {"text", "number"}:
        message = "Text and a number have no order; this comparison fails."
        hint = "Compare values of one type; a number stands in backticks: `30`."
        yield _warning(syntax, node, "expression.no_order", message, hint)
    elif "text" in kinds:
        message = "Text in an order is understood by JMESPath for Python, and gives null elsewhere."
        hint = "For instants, use days_between(a, b)."
        yield _warning(syntax, node, "expression.text_order", message, hint)


def _kind(node: Node) -> Kind | None:
    """Return what a side of a comparison is when it is not null; None where that is not known."""
    if node["type"] == "literal":
        return kind_of(node["value"])
    if node["type"] == "function_expression":
        return kind_given(node["value"])
    return "other" if node["type"] in _WITHOUT_ORDER else None


_WITHOUT_ORDER = frozenset({*_MADE, *PROJECTIONS, "comparator", "not_expression"})


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


def _warning(syntax: Syntax, node: Node, code: str, message: str, hint: str) -> ExpressionProblem:
    place = syntax.place_of(node)
    return ExpressionProblem(code, place.offset, max(1, place.length), message, hint, "warning")


_ADVICE: Mapping[str, Callable[[Syntax, Node], Iterator[ExpressionProblem]]] = {
    "comparator": _ordering,
    "literal": _bare_literal,
    **dict.fromkeys(PROJECTIONS, _index_of_each),
}
