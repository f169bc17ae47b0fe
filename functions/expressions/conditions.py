"""Truth in generated code: comparisons, and what JMESPath takes for true.

A condition is an expression of Python that is true or false as Python means it. Zero is true in JMESPath;
null, false, and empty text, arrays and objects are false.
"""

from __future__ import annotations

from functions.expressions.emitter import Emitter, Scope
from functions.expressions.graph import Id, Operation

SYMBOLS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
"""Python's symbol for each ordering operator."""

_BOOLEAN_CALLS = frozenset({"starts_with", "ends_with", "contains"})
_CHEAP = frozenset({"compare", "field", "literal", "element", "root", "index", "and", "or", "not"})


def test(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Return a condition that holds when the node's value is true."""
    found = scope.find(node)
    operation = emitter.graph[node]
    if found is not None:
        return truth(emitter, node, found)
    if operation.kind == "compare":
        if operation.data in ("eq", "ne"):
            return _equality(emitter, node, scope)
        if scope.place == "loop":
            return _order_in_loop(emitter, node, scope)
    if operation.kind in ("and", "or") and _is_cheap(emitter, operation.inputs[1], scope):
        left, right = (test(emitter, side, scope) for side in operation.inputs)
        return f"({left} {operation.kind} {right})"
    if operation.kind == "not":
        return f"(not {test(emitter, operation.inputs[0], scope)})"
    return truth(emitter, node, emitter.value(node, scope))


def truth(emitter: Emitter, node: Id, held: str) -> str:
    """Return a condition that holds when the variable with the node's value is true."""
    operation = emitter.graph[node]
    if operation.kind in ("compare", "not") or _is_boolean_call(operation):
        return held
    if operation.kind == "literal":
        value = emitter.graph.literal(node)
        return str(not (value is None or value is False or value in ("", [], {})))
    return f"({held} or ({held} is not None and {held} is not False and holds({held})))"


def _is_boolean_call(operation: Operation) -> bool:
    # A field may have the name of a function, and holds anything.
    return operation.kind == "call" and operation.data in _BOOLEAN_CALLS


def plain_order(emitter: Emitter, sides: tuple[Id, ...], held: tuple[str, ...]) -> str:
    """Return a condition under which Python compares two values as JMESPath does: both are numbers."""
    checks = [
        f"(type({value}) is int or type({value}) is float)"
        for side, value in zip(sides, held, strict=True)
        if not (emitter.graph.is_literal(side) and _is_number(emitter.graph.literal(side)))
    ]
    return " and ".join(checks) or "True"


def order_in_loop(operator: str, node: Id, left: str, right: str, scope: Scope) -> str:
    """Return the comparison, in a loop, of two values that are not both numbers."""
    code = f"ordered({operator!r}, {left}, {right})"
    return f"marked({scope.failed}, {node}, {code})" if scope.failed else f"in_loop({code})"


def operand(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Return one side of a comparison: a literal as it is written in Python, else the variable."""
    if emitter.graph.is_literal(node):
        return repr(emitter.graph.literal(node))
    return emitter.value(node, scope)


def _is_cheap(emitter: Emitter, node: Id, scope: Scope) -> bool:
    """Return whether a condition can be one expression, what it needs being read beforehand."""
    operation = emitter.graph[node]
    if operation.kind not in _CHEAP:
        return False
    if emitter.graph.fails[node] and scope.place != "loop":
        return False
    if operation.kind == "compare" and any(emitter.graph.fails[side] for side in operation.inputs):
        return False
    return all(_is_cheap(emitter, side, scope) for side in operation.inputs)


def _order_in_loop(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    left, right = (operand(emitter, side, scope) for side in operation.inputs)
    plain = plain_order(emitter, operation.inputs, (left, right))
    code = f"{left} {SYMBOLS[operation.data]} {right} if {plain}"
    missing = " or ".join(
        f"{held} is None"
        for side, held in zip(operation.inputs, (left, right), strict=True)
        if not emitter.graph.is_literal(side)
    )
    unless = f"False if {missing} else " if missing else ""
    return f"({code} else {unless}{order_in_loop(operation.data, node, left, right, scope)})"


def _equality(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    left, right = operation.inputs
    if emitter.graph.is_literal(left):
        left, right = right, left
    held = emitter.value(left, scope)
    if emitter.graph.is_literal(right) and not emitter.graph.is_literal(left):
        code = _equals_literal(held, emitter.graph.literal(right))
    else:
        other = emitter.value(right, scope)
        code = f"({held} == {other} and (type({held}) is bool) is (type({other}) is bool))"
    return code if operation.data == "eq" else f"(not {code})"


def _equals_literal(held: str, value: object) -> str:
    """Return the comparison with a constant. One and true are equal in Python, and not in JSON."""
    if value is None or isinstance(value, bool):
        return f"({held} is {value})"
    if _is_number(value) and value in (0, 1):
        return f"({held} == {value!r} and {held} is not {bool(value)})"
    return f"({held} == {value!r})"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
