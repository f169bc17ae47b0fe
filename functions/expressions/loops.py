"""Loops in generated code: projections, filters and `map`, fused when they run over the same array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from functions.expressions.blocks import Loop
from functions.expressions.conditions import SYMBOLS, test
from functions.expressions.emitter import Emitter, Scope
from functions.expressions.graph import Graph, Id

GROUP_FROM = 3
"""So many filters for different text under one key of one array share one pass that groups the array."""


@dataclass(frozen=True, slots=True)
class Equality:
    """The part of a filter that asks for one text under one key of the element.

    Attributes:
        key: The key.
        text: The text.
        rest: The conditions that remain, in their order.
    """

    key: str
    text: str
    rest: tuple[Id, ...]


def wanted_groups(graph: Graph) -> dict[tuple[Id, str], tuple[str, ...]]:
    """Return the texts that filters ask for, by array and key, where they are enough for grouping."""
    asked: dict[tuple[Id, str], dict[str, None]] = {}
    for operation in graph.operations:
        equality = _equality(graph, operation.inputs) if operation.kind == "filter" else None
        if equality is not None:
            asked.setdefault((operation.inputs[0], equality.key), {})[equality.text] = None
    return {key: tuple(texts) for key, texts in asked.items() if len(texts) >= GROUP_FROM}


def collect(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Add what makes the array of a loop's results; return its variable, null when there is no loop."""
    return _accumulate(emitter, node, scope, counting=False)


def count(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Add what counts a loop's results without keeping them; return the variable."""
    operation = emitter.graph[node]
    equality = _grouping(emitter, node)
    if equality is not None and not equality.rest and emitter.graph[operation.inputs[1]].kind == "element":
        base = operation.inputs[0]
        groups = _groups(emitter, scope, base, emitter.value(base, scope), equality)
        return emitter.assign(
            scope, f"None if {groups} is None else len({groups}[{equality.text!r}])", "count"
        )
    return _accumulate(emitter, node, scope, counting=True)


def _accumulate(emitter: Emitter, node: Id, scope: Scope, *, counting: bool) -> str:
    operation = emitter.graph[node]
    owner = _owner(emitter, node, scope)
    held = emitter.value(operation.inputs[0], scope)
    known = (counting, node)
    loop, inner, conditions = _open(
        emitter, node, owner, held, shared=owner is not scope or _is_shared(emitter, node, scope)
    )
    target = owner.known.get(known)
    if target is None:
        target = owner.known[known] = emitter.names.variable("count" if counting else "found")
        loop.starts.append((target, "0" if counting else "[]"))
        _fill(emitter, node, inner, conditions, f"{target} += 1" if counting else f"{target}.append({{}})")
    if loop.flag is not None:
        emitter.leave_if(scope, loop.flag, scope.slow)
    if loop.failed is not None:
        mine = tuple(sorted(_orderings(emitter.graph, operation.inputs[1:])))
        emitter.leave_if(scope, f"{loop.failed} and not {loop.failed}.isdisjoint({mine})", scope.slow)
    if operation.kind == "map":
        emitter.leave_if(scope, f"{target} is None", "WRONG_TYPE")
    return target


def _fill(emitter: Emitter, node: Id, inner: Scope, conditions: tuple[Id, ...], keep: str) -> None:
    operation = emitter.graph[node]
    for condition in conditions:
        inner = inner.branch(f"if {test(emitter, condition, inner)}:")
    result = emitter.value(operation.inputs[1], inner)
    sure = emitter.graph[operation.inputs[1]].kind == "element" and any(
        _is_of_object(emitter.graph, condition, operation.inputs[1]) for condition in operation.inputs[2:]
    )
    if operation.kind != "map" and not sure:
        inner = inner.branch(f"if {result} is not None:")
    inner.block.add(keep.format(result))


def _orderings(graph: Graph, parts: tuple[Id, ...]) -> set[Id]:
    """Return the comparisons that can fail while the parts of a loop are evaluated."""
    found: set[Id] = set()
    for part in parts:
        if graph.fails[part]:
            operation = graph[part]
            if operation.kind == "compare" and operation.data in SYMBOLS:
                found.add(part)
            found |= _orderings(graph, operation.inputs)
    return found


def _is_of_object(graph: Graph, condition: Id, element: Id) -> bool:
    """Return whether a condition can only hold when the element is an object, and so not null."""
    operation = graph[condition]
    if operation.kind == "field":
        return operation.inputs == (element,) or _is_of_object(graph, operation.inputs[0], element)
    if operation.kind == "and":
        return any(_is_of_object(graph, side, element) for side in operation.inputs)
    if operation.kind != "compare" or operation.data == "ne":
        return False
    left, right = operation.inputs
    if operation.data == "eq" and not any(_is_value(graph, side) for side in operation.inputs):
        return False
    return _is_of_object(graph, left, element) or _is_of_object(graph, right, element)


def _is_value(graph: Graph, node: Id) -> bool:
    return graph.is_literal(node) and graph.literal(node) is not None


def _owner(emitter: Emitter, node: Id, scope: Scope) -> Scope:
    """Return where the loop stands. One that fails in comparisons only is shared; its users look which failed."""
    graph, (base, *inside) = emitter.graph, emitter.graph[node].inputs
    if scope.hoist is None or graph.fails[base] or any(graph.refuses[part] for part in inside):
        return scope
    return scope.hoist


def _is_shared(emitter: Emitter, node: Id, scope: Scope) -> bool:
    inside = emitter.graph[node].inputs[1:]
    return scope.place == "loop" or not any(emitter.graph.fails[part] for part in inside)


def _open(
    emitter: Emitter, node: Id, owner: Scope, held: str, *, shared: bool
) -> tuple[Loop, Scope, tuple[Id, ...]]:
    """Return a loop to add to, the scope of its body, and the conditions that remain to be tested."""
    operation = emitter.graph[node]
    base, *inside = operation.inputs
    fails = any(emitter.graph.fails[part] for part in inside)
    equality = _grouping(emitter, node)
    over = operation.kind == "values"
    wanted = None if equality is None else (equality.key, equality.text)
    key: Any = (base, over, wanted, fails)
    conditions = tuple(inside[1:]) if equality is None else equality.rest
    found = owner.loops.get(key)
    if found is None or not shared:
        loop = (
            _group_loop(emitter, owner, base, held, equality)
            if equality
            else _plain_loop(emitter, held, over)
        )
        if fails and owner.place != "loop":
            failed = emitter.names.variable("failed")
            if any(emitter.graph.refuses[part] for part in inside):
                loop.flag = failed
            else:
                loop.failed = failed
        owner.block.add(loop)
        element = emitter.graph.add("element", (), (base, over))
        # Without a parent: what stands after the loop is not visible in what is added to it later, and
        # JMESPath lets a loop's body see nothing but the element.
        found = (
            loop,
            Scope(loop.body, "loop", failed=loop.failed or owner.failed, known={element: loop.element}),
        )
        if shared:
            owner.loops[key] = found
    return *found, conditions


def _plain_loop(emitter: Emitter, held: str, over_values: bool) -> Loop:
    element = emitter.names.variable("each")
    if over_values:
        return Loop(held, element, f"type({held}) is dict", f"{held}.values()")
    return Loop(held, element, f"type({held}) is list", held)


def _grouping(emitter: Emitter, node: Id) -> Equality | None:
    """Return what a filter asks of its group, when its array is grouped."""
    operation = emitter.graph[node]
    equality = _equality(emitter.graph, operation.inputs) if operation.kind == "filter" else None
    grouped = equality is not None and (operation.inputs[0], equality.key) in emitter.groups
    return equality if grouped else None


def _group_loop(emitter: Emitter, owner: Scope, base: Id, held: str, equality: Equality) -> Loop:
    groups = _groups(emitter, owner, base, held, equality)
    element = emitter.names.variable("each")
    return Loop(groups, element, f"{groups} is not None", f"{groups}[{equality.text!r}]")


def _groups(emitter: Emitter, owner: Scope, base: Id, held: str, equality: Equality) -> str:
    key = ("groups", base, equality.key)
    groups = owner.find(key)
    if groups is None:
        otherwise = f"None if {held} is None else nothing({held})"
        wanted = emitter.groups[base, equality.key]
        code = f"grouped({held}, {equality.key!r}, {wanted!r}) if type({held}) is list else {otherwise}"
        groups = owner.known[key] = emitter.assign(owner, code, f"by_{equality.key}")
    return groups


def _equality(graph: Graph, inputs: tuple[Id, ...]) -> Equality | None:
    """Return the equality that a filter's condition begins with, if it begins with one."""
    base, _, condition = inputs
    rest: tuple[Id, ...] = ()
    while graph[condition].kind == "and":
        condition, second = graph[condition].inputs
        rest = (second, *rest)
    if graph[condition].kind != "compare" or graph[condition].data != "eq":
        return None
    sides = sorted(graph[condition].inputs, key=graph.is_literal)
    field, literal = graph[sides[0]], sides[1]
    if field.kind != "field" or graph[field.inputs[0]].data != (base, False):
        return None
    text = graph.literal(literal) if graph.is_literal(literal) else None
    return Equality(field.data, text, rest) if isinstance(text, str) else None
