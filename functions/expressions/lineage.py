"""Which parts of a document an expression may read, and what it needs to know of each.

Found by evaluating the expression on descriptions of values instead of values. The answer may name more
than is read, never less: evaluating on a document pruned to it gives the same result and the same error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from functions.expressions.paths import ELEMENTS, VALUES, How, Path, Reads, format_path, key
from functions.expressions.syntax import Node


@dataclass(frozen=True, slots=True)
class Part:
    """A value that stands in the document at `path`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Made:
    """An array or object that the expression makes.

    Attributes:
        elements: What an array's elements may be; empty for an object.
        fields: What an object's fields may be; empty for an array.
    """

    elements: tuple[Part | Made, ...] = ()
    fields: tuple[tuple[str, tuple[Part | Made, ...]], ...] = ()


Described = tuple[Part | Made, ...]
"""What a value may be: any of these, or a scalar that is not in the document."""


def read_paths(root: Node) -> dict[Path, How]:
    """Return what an expression may read of the root document."""
    reader = _Reader()
    reader.need(reader.visit(root, (Part(()),)), How.VALUE)
    return reader.found


def format_reads(reads: Reads) -> tuple[str, ...]:
    """Return the paths in writing, sorted, without those that others already imply.

    A path that ends at a container means the whole subtree, so that a reader may compare prefixes only.
    Arrays inside arrays are written as one `[]`.
    """
    whole = {path for path, how in reads.items() if how is How.VALUE}
    kept = {path for path in whole if not any(path[:end] in whole for end in range(len(path)))}
    for path in reads:
        inside = any(path[:end] in kept for end in range(len(path) + 1))
        through = any(other[: len(path)] == path and other != path for other in reads)
        if path and not inside and not through:
            kept.add(path)
    return tuple(sorted({format_path(_one_level(path)) for path in kept}))


def _one_level(path: Path) -> Path:
    return tuple(step for before, step in pairwise(("", *path)) if not before == step == ELEMENTS)


class _Reader:
    """Walks a tree with a description of the current value, and notes what must be known."""

    def __init__(self) -> None:
        self.found: dict[Path, How] = {}

    def need(self, described: Described, how: How) -> None:
        for part in described:
            if isinstance(part, Part):
                self.found[part.path] = max(how, self.found.get(part.path, how))
            elif how is How.VALUE:  # less than that is settled by how it was made
                self.need(part.elements, how)
                for _, field in part.fields:
                    self.need(field, how)

    def visit(self, node: Node, at: Described) -> Described:
        return _VISITS[node["type"]](self, node, at)

    def chain(self, node: Node, at: Described) -> Described:
        for child in node["children"]:
            at = self.visit(child, at)
        return at

    def projection(self, node: Node, at: Described) -> Described:
        base = self.visit(node["children"][0], at)
        inside = _values(base) if node["type"] == "value_projection" else _elements(base)
        self.need(inside, How.TYPE)  # how many there are; what is flattened or sliced comes here as well
        if node["type"] == "filter_projection":
            self.need(self.visit(node["children"][2], inside), How.NULLNESS)
        result = self.visit(node["children"][1], inside)
        self.need(result, How.TYPE)  # nulls are left out
        return (Made(elements=result),)

    def flatten(self, node: Node, at: Described) -> Described:
        base = self.visit(node["children"][0], at)
        elements = _elements(base)
        return (Made(elements=_union(elements, _elements(elements))),)

    def multi_select_list(self, node: Node, at: Described) -> Described:
        self.need(at, How.TYPE)
        return (Made(elements=_union(*(self.visit(child, at) for child in node["children"]))),)

    def multi_select_dict(self, node: Node, at: Described) -> Described:
        self.need(at, How.TYPE)
        fields = {child["value"]: self.visit(child["children"][0], at) for child in node["children"]}
        return (Made(fields=tuple(fields.items())),)

    def comparator(self, node: Node, at: Described) -> Described:
        left, right = node["children"]
        for side, other in ((left, right), (right, left)):
            with_null = other["type"] == "literal" and other["value"] is None
            self.need(self.visit(side, at), How.TYPE if with_null else How.VALUE)
        return ()

    def either(self, node: Node, at: Described) -> Described:
        left = self.visit(node["children"][0], at)
        self.need(left, How.NULLNESS)
        return _union(left, self.visit(node["children"][1], at))

    def negation(self, node: Node, at: Described) -> Described:
        self.need(self.visit(node["children"][0], at), How.NULLNESS)
        return ()

    def function(self, node: Node, at: Described) -> Described:
        name, arguments = node["value"], node["children"]
        if any(argument["type"] == "expref" for argument in arguments):
            return self.looping(node, at)
        if name.endswith("_within"):
            return self.window(node, at)
        given = [self.visit(argument, at) for argument in arguments]
        if name in _NOW_FUNCTIONS:
            self.need((Part((key("now"),)),), How.VALUE)
        if name in _PASSING:
            needed, result = _PASSING[name]
            for described, how in zip(given, needed(len(given)), strict=True):
                self.need(described, how)
            return result(given)
        for described in given:
            self.need(described, How.VALUE)
        return ()

    def looping(self, node: Node, at: Described) -> Described:
        """Handle `map(&e, array)` and `sort_by`, `min_by`, `max_by` with `(array, &e)`."""
        first, second = node["children"]
        array, expref = (second, first) if first["type"] == "expref" else (first, second)
        base = self.visit(array, at)
        self.need(_elements(base), How.TYPE)
        computed = self.visit(expref["children"][0], _elements(base))
        if node["value"] == "map":
            return (Made(elements=computed),)
        self.need(computed, How.VALUE)
        return (Made(elements=_elements(base)),) if node["value"] == "sort_by" else _elements(base)

    def window(self, node: Node, at: Described) -> Described:
        self.need((Part((key("now"),)),), How.VALUE)
        items, *names, _ = node["children"]
        base = self.visit(items, at)
        known = [name["value"] for name in names if name["type"] == "literal"]
        known = [name for name in known if isinstance(name, str)]
        self.need(_elements(base), How.TYPE)
        if len(known) < len(names):
            self.need(base, How.VALUE)
        for name in known:
            self.need(_field(_elements(base), name), How.VALUE)
        for argument in node["children"][1:]:
            self.need(self.visit(argument, at), How.VALUE)
        return ()


def _union(*several: Described) -> Described:
    return tuple(dict.fromkeys(part for described in several for part in described))


def _field(described: Described, name: str) -> Described:
    return _union(
        *(
            (Part((*part.path, key(name))),) if isinstance(part, Part) else dict(part.fields).get(name, ())
            for part in described
        )
    )


def _elements(described: Described) -> Described:
    return _union(
        *((Part((*part.path, ELEMENTS)),) if isinstance(part, Part) else part.elements for part in described)
    )


def _values(described: Described) -> Described:
    return _union(
        *(
            (Part((*part.path, VALUES)),)
            if isinstance(part, Part)
            else _union(*(field for _, field in part.fields))
            for part in described
        )
    )


def _array_of(values: Described) -> Described:
    return (Made(elements=values),)


def _all(how: How) -> Callable[[int], list[How]]:
    return lambda count: [how] * count


_NOW_FUNCTIONS = frozenset({"days_since", "hours_since", "minutes_since"})

# Functions that need less than the whole of their arguments, or whose result holds parts of them: what each
# argument must tell, and what the result may be. All others need their arguments in full and give scalars.
_PASSING: Mapping[str, tuple[Callable[[int], list[How]], Callable[[list[Described]], Described]]] = {
    "type": (_all(How.TYPE), lambda _: ()),
    "length": (_all(How.SIZE), lambda _: ()),
    "keys": (_all(How.SIZE), lambda _: ()),
    "values": (_all(How.SIZE), lambda given: _array_of(_values(given[0]))),
    "not_null": (_all(How.TYPE), lambda given: _union(*given)),
    "coalesce": (_all(How.TYPE), lambda given: _union(*given)),
    "if_else": (lambda _: [How.NULLNESS, How.TYPE, How.TYPE], lambda given: _union(*given[1:])),
    "to_array": (_all(How.TYPE), lambda given: _union(given[0], _array_of(given[0]))),
    "reverse": (_all(How.TYPE), lambda given: given[0]),
    # All but the first may also be arrays of pairs, whose contents then decide.
    "merge": (lambda count: [How.SIZE] + [How.VALUE] * (count - 1), lambda given: _union(*given)),
}

_VISITS: Mapping[str, Callable[[_Reader, Node, Described], Described]] = {
    "current": lambda _reader, _node, at: at,
    "identity": lambda _reader, _node, at: at,
    "literal": lambda _reader, _node, _at: (),
    "field": lambda _reader, node, at: _field(at, node["value"]),
    "index": lambda _reader, _node, at: _elements(at),
    "slice": lambda _reader, _node, at: (Made(elements=_elements(at)),),
    "subexpression": _Reader.chain,
    "index_expression": _Reader.chain,
    "pipe": _Reader.chain,
    "projection": _Reader.projection,
    "value_projection": _Reader.projection,
    "filter_projection": _Reader.projection,
    "flatten": _Reader.flatten,
    "multi_select_list": _Reader.multi_select_list,
    "multi_select_dict": _Reader.multi_select_dict,
    "comparator": _Reader.comparator,
    "or_expression": _Reader.either,
    "and_expression": _Reader.either,
    "not_expression": _Reader.negation,
    "function_expression": _Reader.function,
}
