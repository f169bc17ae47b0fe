"""How each operation of the graph is written in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.expressions import loops, runtime
from functions.expressions.blocks import Fields
from functions.expressions.conditions import SYMBOLS, operand, order_in_loop, plain_order, test, truth
from functions.expressions.emitter import Emitter, Scope
from functions.expressions.graph import LOOPS, TOTAL_FUNCTIONS, Id
from functions.expressions.library import windows
from functions.expressions.library.instants import read_duration, read_instant
from functions.expressions.library.reference import FUNCTION_REFERENCE

_OR_NULL = "None if {0} is None else nothing({0})"
_BUILTINS: Mapping[str, Callable[..., object]] = {
    name.removeprefix("jp_"): function for name, function in vars(runtime).items() if name.startswith("jp_")
}
_WINDOWS: Mapping[str, Callable[..., object]] = {
    "count_within": windows.count_in,
    "sum_within": windows.sum_in,
    "avg_within": windows.avg_in,
    "max_within": windows.max_in,
}
_BY = {"sort_by": runtime.sorted_by, "min_by": runtime.least_by, "max_by": runtime.greatest_by}


def _field(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    (holder,) = operation.inputs
    held = emitter.value(holder, scope)
    reads = scope.fields.get(holder)
    if reads is None:
        reads = scope.fields[holder] = Fields(held)
        scope.block.add(reads)
    target = emitter.names.variable(operation.data)
    reads.reads.append((target, operation.data))
    return target


def _index(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    held = _subscriptable(emitter, operation.inputs[0], scope)
    position: int = operation.data
    enough = f"len({held}) > {position}" if position >= 0 else f"len({held}) >= {-position}"
    found = f"({held}[{position}] if {enough} else None)"
    return emitter.assign(scope, f"{found} if type({held}) is list else {_OR_NULL.format(held)}", "item")


def _slice(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    held = _subscriptable(emitter, operation.inputs[0], scope)
    bounds = ":".join("" if bound is None else str(bound) for bound in operation.data)
    return emitter.assign(
        scope, f"{held}[{bounds}] if type({held}) is list else {_OR_NULL.format(held)}", "part"
    )


def _subscriptable(emitter: Emitter, node: Id, scope: Scope) -> str:
    held = emitter.value(node, scope)
    # Python warns about `None[0]` even where it is never run.
    return emitter.names.constant(held) if held in ("None", "True", "False") else held


def _flatten(emitter: Emitter, node: Id, scope: Scope) -> str:
    held = emitter.value(emitter.graph[node].inputs[0], scope)
    code = f"flattened({held}) if type({held}) is list else {_OR_NULL.format(held)}"
    return emitter.assign(scope, code, "flat")


def _literal(emitter: Emitter, node: Id, scope: Scope) -> str:
    value = emitter.graph.literal(node)
    if isinstance(value, list | dict):
        return emitter.assign(scope, repr(value), "literal")  # made anew: the caller may change it
    return repr(value) if value is None or isinstance(value, bool) else emitter.names.constant(repr(value))


def _list(emitter: Emitter, node: Id, scope: Scope) -> str:
    return _select(emitter, node, scope, lambda held: f"[{', '.join(held)}]")


def _dict(emitter: Emitter, node: Id, scope: Scope) -> str:
    names = emitter.graph[node].data
    return _select(
        emitter,
        node,
        scope,
        lambda held: "{" + ", ".join(f"{n!r}: {h}" for n, h in zip(names, held, strict=True)) + "}",
    )


def _select(emitter: Emitter, node: Id, scope: Scope, display: Callable[[list[str]], str]) -> str:
    at, *items = emitter.graph[node].inputs
    held = emitter.value(at, scope)
    if not emitter.graph.fails[node]:
        made = display([emitter.value(item, scope) for item in items])
        return emitter.assign(scope, f"None if {held} is None else {made}", "made")
    target = emitter.assign(scope, "None", "made")
    inner = scope.inside(f"if {held} is not None:")  # nothing is evaluated for null
    made = display([emitter.value(item, inner) for item in items])
    inner.block.add(f"{target} = {made}")
    return target


def _or(emitter: Emitter, node: Id, scope: Scope) -> str:
    return _choose(emitter, node, scope, "if not {}:")


def _and(emitter: Emitter, node: Id, scope: Scope) -> str:
    return _choose(emitter, node, scope, "if {}:")


def _choose(emitter: Emitter, node: Id, scope: Scope, head: str) -> str:
    left, right = emitter.graph[node].inputs
    first = emitter.value(left, scope)
    target = emitter.assign(scope, first, "chosen")
    inner = scope.inside(head.format(truth(emitter, left, first)))
    second = emitter.value(right, inner)
    inner.block.add(f"{target} = {second}")
    return target


def _not(emitter: Emitter, node: Id, scope: Scope) -> str:
    return emitter.assign(scope, f"not {test(emitter, emitter.graph[node].inputs[0], scope)}", "denied")


def _compare(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    if operation.data not in SYMBOLS:
        return emitter.assign(scope, test(emitter, node, scope), "same")
    left, right = (operand(emitter, side, scope) for side in operation.inputs)
    plain = plain_order(emitter, operation.inputs, (left, right))
    code = f"{left} {SYMBOLS[operation.data]} {right} if {plain} else "
    if scope.place == "loop":
        return emitter.assign(scope, code + order_in_loop(operation.data, node, left, right, scope), "order")
    return emitter.checked(scope, f"{code}ordered({operation.data!r}, {left}, {right})", "order")


def _sequence(emitter: Emitter, node: Id, scope: Scope) -> str:
    before, after = emitter.graph[node].inputs
    if emitter.graph[after].inputs[:1] != (before,):  # else it is evaluated there, and first
        emitter.value(before, scope)
    return emitter.value(after, scope)


def _call(emitter: Emitter, node: Id, scope: Scope) -> str:
    name = emitter.graph[node].data
    if name in ("coalesce", "not_null"):
        return _first_not_null(emitter, node, scope)
    if name == "if_else":
        condition, then, otherwise = emitter.graph[node].inputs
        held = truth(emitter, condition, emitter.value(condition, scope))
        chosen = [emitter.value(branch, scope) for branch in (then, otherwise)]
        return emitter.assign(scope, f"{chosen[0]} if {held} else {chosen[1]}", "chosen")
    if name in _WINDOWS and emitter.graph.is_literal(emitter.graph[node].inputs[1]):
        return _window(emitter, node, scope)
    if name in FUNCTION_REFERENCE:
        return emitter.assign(scope, library_call(emitter, node, scope), name)
    if name in TOTAL_FUNCTIONS:
        return emitter.assign(scope, builtin_call(emitter, node, scope), name)
    return emitter.checked(scope, builtin_call(emitter, node, scope), name)


def _first_not_null(emitter: Emitter, node: Id, scope: Scope) -> str:
    held = [emitter.value(argument, scope) for argument in emitter.graph[node].inputs]
    code = "".join(f"{value} if {value} is not None else " for value in held[:-1]) + held[-1]
    return emitter.assign(scope, code, "first")


def _window(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Write a window over an array whose times are read once for all windows over it."""
    operation = emitter.graph[node]
    items, field, *value, duration = operation.inputs
    held = emitter.value(items, scope)
    key = ("instants", items, field)
    instants = scope.find(key)
    if instants is None:
        code = f"{emitter.names.helper(windows.instants_of)}({held}, {_argument(emitter, field, scope)})"
        instants = scope.known[key] = emitter.assign(scope, code, "instants")
    length = f"{emitter.names.helper(read_duration)}({_argument(emitter, duration, scope)})"
    if emitter.graph.is_literal(duration):
        length = emitter.names.constant(length)
    arguments = [instants, now(emitter), length]
    arguments += [held, *(_argument(emitter, field, scope) for field in value)] if value else []
    helper = emitter.names.helper(_WINDOWS[operation.data])
    return emitter.assign(scope, f"{helper}({', '.join(arguments)})", operation.data)


def library_call(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Return the call of one of the library's functions."""
    operation = emitter.graph[node]
    function = FUNCTION_REFERENCE[operation.data]
    arguments = [_argument(emitter, argument, scope) for argument in operation.inputs]
    if function.needs_now:
        arguments.insert(0, now(emitter))
    return f"{emitter.names.helper(function.implementation)}({', '.join(arguments)})"


def builtin_call(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Return the call of one of JMESPath's functions; it may give a failure."""
    operation = emitter.graph[node]
    if operation.data == "length" and emitter.graph[operation.inputs[0]].kind in LOOPS - {"map"}:
        count = loops.count(emitter, operation.inputs[0], scope)
        return f"WRONG_TYPE if {count} is None else {count}"
    held = [emitter.value(argument, scope) for argument in operation.inputs]
    return f"{emitter.names.helper(_BUILTINS[operation.data])}({', '.join(held)})"


def now(emitter: Emitter) -> str:
    """Return the variable of the event's time, read once."""
    found = emitter.top.known.get("now")
    if found is None:
        emitter.names.helper(read_instant)
        found = emitter.top.known["now"] = "now"
    return found


def _argument(emitter: Emitter, node: Id, scope: Scope) -> str:
    """Return an argument that the function only looks at, so that a literal need not be made anew."""
    if emitter.graph.is_literal(node):
        value = emitter.graph.literal(node)
        return emitter.names.constant(repr(value)) if isinstance(value, list | dict) else repr(value)
    return emitter.value(node, scope)


def _by(emitter: Emitter, node: Id, scope: Scope) -> str:
    operation = emitter.graph[node]
    base, keys = (emitter.value(given, scope) for given in operation.inputs)
    return emitter.checked(
        scope, f"{emitter.names.helper(_BY[operation.kind])}({base}, {keys})", operation.kind
    )


EMIT: Mapping[str, Callable[[Emitter, Id, Scope], str]] = {
    "field": _field,
    "index": _index,
    "slice": _slice,
    "flatten": _flatten,
    "literal": _literal,
    "list": _list,
    "dict": _dict,
    "or": _or,
    "and": _and,
    "not": _not,
    "compare": _compare,
    "sequence": _sequence,
    "call": _call,
    "project": loops.collect,
    "filter": loops.collect,
    "values": loops.collect,
    "map": loops.collect,
    "sort_by": _by,
    "min_by": _by,
    "max_by": _by,
}
"""The function that writes each kind of operation; it returns the variable or constant of the value."""
