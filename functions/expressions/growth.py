"""How much larger than what it reads the result of an expression may be, found before any document is seen.

Steps one after the other multiply: twenty times `[@, @]` in pipes would be a million copies of the document, and
a long text put in for each letter of each element of an array is as bad. What depends on the document is bounded
where it happens, see `MOST_GROWTH`; here the bounds are multiplied.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from functions.expressions.library.texts import MOST_GROWTH
from functions.expressions.syntax import LOOPING_FUNCTIONS, PROJECTIONS, Node, children

_CHOOSING = frozenset({"coalesce", "if_else", "not_null"})
_HANDING_ON = frozenset(
    {
        "keys",
        "lower",
        "max",
        "merge",
        "min",
        "normalize",
        "one_hot",
        "reverse",
        "sort",
        "substring",
        "to_array",
    }
    | {"trim", "upper", "values"}
)
_ESCAPED = 6  # one character can become \uXXXX
_PART = 4  # a part of one letter becomes an element with its quotes and its comma
_SMALLEST_ELEMENT = 2  # characters of JSON: what stands in each element once weighs that much less


def growth(node: Node, *, looped: bool = False) -> int:
    """Return how many times as large as its input the result of a node may be, as an upper bound.

    Args:
        node: Of a syntax tree.
        looped: Whether the node is evaluated for each element of something.
    """
    kind = node["type"]
    if kind == "literal":
        return max(1, len(json.dumps(node["value"])) // _SMALLEST_ELEMENT) if looped else 1
    below = [growth(child, looped=inside) for child, inside in _parts(node, looped)]
    if kind == "function_expression":
        return _of_function(node, below)
    if kind in ("multi_select_list", "multi_select_dict"):
        return sum(below)
    if kind == "filter_projection":
        base, *inside_each = below
        return base * max(inside_each)
    if kind == "comparator":
        return max(_looked_at(node, below))
    return max(below) if kind in ("or_expression", "and_expression") else math.prod(below)


def largest(node: Node, limit: int, *, looped: bool = False) -> Node:
    """Return the innermost node that is over a limit; the given one is."""
    for child, inside in _parts(node, looped):
        if growth(child, looped=inside) > limit:
            return largest(child, limit, looped=inside)
    return node


def _parts(node: Node, looped: bool) -> Iterator[tuple[Node, bool]]:
    """Yield the children, each with whether it is evaluated for each element of something."""
    for position, child in enumerate(children(node)):
        each = node["type"] == "expref" or (node["type"] in PROJECTIONS and position > 0)
        yield child, looped or each


def _of_function(node: Node, below: list[int]) -> int:
    name, arguments = node["value"], node["children"]
    if name in LOOPING_FUNCTIONS:
        return math.prod(below)
    if name == "join" and len(arguments) == 2 and _is_text(arguments[0]):
        return (1 + len(arguments[0]["value"])) * below[1]
    if name == "replace" and len(arguments) == 3 and all(map(_is_text, arguments[1:])):
        old, new = (len(argument["value"]) for argument in arguments[1:])
        return max(1, math.ceil(new / max(1, old))) * below[0]
    if name in _FACTORS:
        return _FACTORS[name] * sum(below)
    if name in _CHOOSING:
        return max(below, default=1)
    return max(1, sum(below if name in _HANDING_ON else _looked_at(node, below)))


_FACTORS = {"join": MOST_GROWTH, "replace": MOST_GROWTH, "to_string": _ESCAPED, "split": _PART}


def _is_text(node: Node) -> bool:
    return node["type"] == "literal" and isinstance(node["value"], str)


def _looked_at(node: Node, below: list[int]) -> list[int]:
    """Return the growth of each operand where the result is a number or a boolean: literals take no part."""
    pairs = zip(node["children"], below, strict=True)
    return [1 if child["type"] == "literal" else size for child, size in pairs]
