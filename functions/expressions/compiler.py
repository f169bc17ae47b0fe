"""All expressions of one spec to the source of one Python module with one function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from functions.expressions.blocks import Block, Nested, indented
from functions.expressions.emitter import Emitter, Scope
from functions.expressions.graph import Graph, Id
from functions.expressions.loops import wanted_groups
from functions.expressions.operations import EMIT, builtin_call
from functions.expressions.syntax import Node

_RUNTIME = (
    "FailedInLoopError",
    "WRONG_TYPE",
    "collected",
    "flattened",
    "grouped",
    "holds",
    "in_loop",
    "marked",
    "nothing",
    "ordered",
)

# Operations whose value is made by the expression, so that a caller may change it without touching the
# document. Two features never share one.
_MADE = frozenset({"list", "dict", "project", "filter", "values", "map", "call"})
_GIVE_CONTAINERS = frozenset(
    {
        "coalesce",
        "if_else",
        "not_null",
        "to_array",
        "merge",
        "values",
        "keys",
        "reverse",
        "sort",
        "split",
        "one_hot",
    }
)


def compile_source(expressions: Mapping[str, tuple[str, Node]]) -> str:
    """Return a module with `evaluate(root)`, which gives every value by name.

    A value is an `EvaluationFailure` where JMESPath would raise. The function raises `LeaveToInterpreterError`
    for values that JSON does not have. The module expects `slow(position, root)`, which
    interprets one expression, among its globals.

    Args:
        expressions: Text and tree by name, in order.
    """
    graph = Graph()
    nodes = {name: graph.translate(root, graph.root) for name, (_, root) in expressions.items()}
    emitter = Emitter(graph, wanted_groups(graph), EMIT)
    whole = Block()
    shared = emitter.top
    whole.add(shared.block)
    made: set[Id] = set()
    results: list[tuple[str, str]] = []
    for position, (name, node) in enumerate(nodes.items()):
        mine = _made_by(graph, node)
        scope = shared if made.isdisjoint(mine) else emitter.fresh_top(shared.block)
        made |= mine
        shared.block.add(f"# {_on_one_line(name)}: {_on_one_line(expressions[name][0])}")
        results.append((name, _feature(emitter, node, scope, position)))
    return "\n".join(_module(emitter, whole, results)) + "\n"


def _on_one_line(text: str) -> str:
    """Return text that can't end a comment: no line breaks, no control characters, ASCII only."""
    return " ".join(text.split()).encode("unicode_escape").decode()


def _feature(emitter: Emitter, node: Id, scope: Scope, position: int) -> str:
    graph = emitter.graph
    if not graph.fails[node]:
        return emitter.value(node, scope)
    operation = graph[node]
    if operation.kind == "call" and not any(graph.fails[given] for given in operation.inputs):
        return emitter.assign(scope, builtin_call(emitter, node, scope), operation.data)
    result = emitter.names.variable("result")
    region = Nested("while True:")
    inside = Scope(region.block, "region", scope, scope, result, f"slow({position}, root)")
    held = emitter.value(node, inside)
    region.block.add(f"{result} = {held}", "break")
    scope.block.add(region)
    return result


def _made_by(graph: Graph, node: Id) -> set[Id]:
    """Return the nodes that make arrays or objects which may be part of a node's value."""
    found: set[Id] = set()
    pending = [node]
    while pending:
        current = pending.pop()
        operation = graph[current]
        if operation.kind in ("compare", "not") or current in found:
            continue
        if operation.kind == "call" and operation.data not in _GIVE_CONTAINERS:
            continue
        if operation.kind in _MADE or (operation.kind == "literal" and operation.data[0] in "[{"):
            found.add(current)
        pending.extend(operation.inputs)
    return found


def _module(emitter: Emitter, whole: Block, results: list[tuple[str, str]]) -> Iterator[str]:
    names = emitter.names
    body = list(indented(_body(emitter, whole, results)))
    used = set(re.findall(r"\w+", "\n".join(body)))
    yield '"""Generated from the expressions that stand in its comments. Changes are lost."""'
    yield ""
    imports = {("functions.expressions.runtime", name) for name in _RUNTIME if name in used}
    imports |= (
        {("functions.expressions.problems", "EvaluationFailure")} if "EvaluationFailure" in used else set()
    )
    for module, name in sorted(imports | names.imports):
        yield f"from {module} import {name}"
    yield ""
    for code, name in names.constants.items():
        yield f"{name} = {code}"
    yield ""
    yield ""
    yield "def evaluate(root):"
    yield from body


def _body(emitter: Emitter, whole: Block, results: list[tuple[str, str]]) -> Iterator[str]:
    if "now" in emitter.top.known:
        yield 'now = read_instant(root.get("now")) if type(root) is dict else nothing(root)'
    yield from whole.lines()
    yield "return {"
    for name, held in results:
        yield f"    {name!r}: {held},"
    yield "}"
