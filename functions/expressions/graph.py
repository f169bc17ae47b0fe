"""Expressions as a graph of operations in which equal sub-expressions are one node.

The graph is what the compiler works on. A context (`@`) is not a node: what stands to the right of a dot or
a pipe is translated with the node to its left as its input. Inside a loop the input is the loop's element.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from functions.expressions.library.reference import FUNCTION_REFERENCE
from functions.expressions.syntax import Node

Id = int
"""A node of the graph, by its number."""

LOOPS = frozenset({"project", "filter", "values", "map"})
"""Operations that run a body for each element. Inputs: the base, the body, and the condition of a filter."""

TOTAL_FUNCTIONS = frozenset({"type", "to_array", "to_string", "to_number", "not_null"})
"""JMESPath's functions that accept every value; all others refuse some."""
_ORDERINGS = frozenset({"lt", "lte", "gt", "gte"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One node: what is done, to which nodes, and with which constants.

    Attributes:
        kind: `root`, `element`, `field`, `index`, `slice`, `literal`, `list`, `dict`, `or`, `and`, `not`,
            `compare`, `call`, `sequence`, `flatten`, one of `LOOPS`, or `sort_by`, `min_by`, `max_by`.
        inputs: The nodes it needs.
        data: Names, numbers, and the JSON text of a literal.
    """

    kind: str
    inputs: tuple[Id, ...] = ()
    data: Any = None


class Graph:
    """The operations of all expressions of one spec.

    Attributes:
        operations: Every node.
        fails: Whether a node can fail on some document.
        refuses: Whether it can fail because a function refuses a value, and not only because text is
            compared with a number, which is rare.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.fails: list[bool] = []
        self.refuses: list[bool] = []
        self._ids: dict[Operation, Id] = {}
        self.root = self.add("root")

    def __getitem__(self, node: Id) -> Operation:
        return self.operations[node]

    def add(self, kind: str, inputs: tuple[Id, ...] = (), data: Any = None) -> Id:
        """Return the node of an operation, the same one for equal operations."""
        operation = Operation(kind, inputs, data)
        found = self._ids.get(operation)
        if found is None:
            found = self._ids[operation] = len(self.operations)
            self.operations.append(operation)
            refuses = _can_refuse(operation) or any(self.refuses[node] for node in inputs)
            unordered = operation.kind == "compare" and operation.data in _ORDERINGS
            self.refuses.append(refuses)
            self.fails.append(refuses or unordered or any(self.fails[node] for node in inputs))
        return found

    def literal(self, node: Id) -> Any:
        """Return the value of a literal."""
        return json.loads(self.operations[node].data)

    def is_literal(self, node: Id) -> bool:
        """Return whether the node is a literal."""
        return self.operations[node].kind == "literal"

    def translate(self, node: Node, at: Id) -> Id:
        """Return the node for a syntax tree whose current value is `at`."""
        translated: Id = _TRANSLATIONS[node["type"]](self, node, at)
        return translated


def _can_refuse(operation: Operation) -> bool:
    if operation.kind == "call":
        return operation.data not in TOTAL_FUNCTIONS and operation.data not in FUNCTION_REFERENCE
    return operation.kind in ("map", "sort_by", "min_by", "max_by")


def _current(_graph: Graph, _node: Node, at: Id) -> Id:
    return at


def _field(graph: Graph, node: Node, at: Id) -> Id:
    return graph.add("field", (at,), node["value"])


def _index(graph: Graph, node: Node, at: Id) -> Id:
    return graph.add("index", (at,), node["value"])


def _slice(graph: Graph, node: Node, at: Id) -> Id:
    return graph.add("slice", (at,), tuple(node["children"]))


def _literal(graph: Graph, node: Node, _at: Id) -> Id:
    return graph.add("literal", (), json.dumps(node["value"]))


def _chain(graph: Graph, node: Node, at: Id) -> Id:
    for child in node["children"]:
        before, at = at, graph.translate(child, at)
        if graph.fails[before]:  # what stands to the left is evaluated even when it is not used
            at = graph.add("sequence", (before, at))
    return at


def _each(graph: Graph, node: Node, at: Id) -> list[Id]:
    return [graph.translate(child, at) for child in node["children"]]


def _several(kind: str, *, named: bool = False) -> Any:
    def translate(graph: Graph, node: Node, at: Id) -> Id:
        return graph.add(kind, tuple(_each(graph, node, at)), node["value"] if named else None)

    return translate


def _list(graph: Graph, node: Node, at: Id) -> Id:
    return graph.add("list", (at, *_each(graph, node, at)))


def _dict(graph: Graph, node: Node, at: Id) -> Id:
    names = tuple(child["value"] for child in node["children"])
    return graph.add("dict", (at, *_each(graph, node, at)), names)


def _flatten(graph: Graph, node: Node, at: Id) -> Id:
    return graph.add("flatten", (graph.translate(node["children"][0], at),))


def _loop(kind: str) -> Any:
    def translate(graph: Graph, node: Node, at: Id) -> Id:
        base = graph.translate(node["children"][0], at)
        element = graph.add("element", (), (base, kind == "values"))
        condition = [graph.translate(child, element) for child in node["children"][2:]]
        return graph.add(kind, (base, graph.translate(node["children"][1], element), *condition))

    return translate


def _function(graph: Graph, node: Node, at: Id) -> Id:
    name, arguments = node["value"], node["children"]
    body = next((argument for argument in arguments if argument["type"] == "expref"), None)
    if body is None:
        return graph.add("call", tuple(_each(graph, node, at)), name)
    array = next(argument for argument in arguments if argument is not body)
    base = graph.translate(array, at)
    element = graph.add("element", (), (base, False))
    keys = graph.add("map", (base, graph.translate(body["children"][0], element)))
    return keys if name == "map" else graph.add(name, (base, keys))


_TRANSLATIONS: dict[str, Any] = {
    "current": _current,
    "identity": _current,
    "field": _field,
    "index": _index,
    "slice": _slice,
    "literal": _literal,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "multi_select_list": _list,
    "multi_select_dict": _dict,
    "key_val_pair": _chain,
    "or_expression": _several("or"),
    "and_expression": _several("and"),
    "not_expression": _several("not"),
    "comparator": _several("compare", named=True),
    "flatten": _flatten,
    "projection": _loop("project"),
    "value_projection": _loop("values"),
    "filter_projection": _loop("filter"),
    "function_expression": _function,
}
