"""Documents cut down to what expressions read.

Evaluating on the pruned document gives the same values and the same failures. What is cut away inside an
array whose size matters leaves a null behind, and so does a key that matters for being there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from functions.documents import Json
from functions.expressions.paths import ELEMENTS, VALUES, How, Reads


@dataclass(slots=True)
class Need:
    """What is needed at one place of a document, and below it.

    Attributes:
        how: Of the value itself.
        fields: Of single keys of an object.
        values: Of the values under every key.
        elements: Of the elements of an array.
    """

    how: How = How.TYPE
    fields: dict[str, Need] = field(default_factory=dict)
    values: Need | None = None
    elements: Need | None = None


def need_of(reads: Reads) -> Need:
    """Return the tree of what is needed."""
    root = Need()
    for path, how in reads.items():
        at = root
        for step in path:
            at = _below(at, step)
        at.how = max(at.how, how)
    return root


def prune(document: Json, reads: Reads) -> Json:
    """Return the document without what is not read. Parts that are kept whole are not copied."""
    return pruned(document, need_of(reads))


def pruned(value: Json, need: Need) -> Json:
    """Return a value without what is not needed."""
    if need.how is How.VALUE:
        return value
    if isinstance(value, dict):
        return _pruned_object(value, need)
    if isinstance(value, list):
        return _pruned_array(value, need)
    return value


def _below(need: Need, step: str) -> Need:
    if step == ELEMENTS:
        need.elements = need.elements or Need()
        return need.elements
    if step == VALUES:
        need.values = need.values or Need()
        return need.values
    return need.fields.setdefault(step[1:], Need())


def _pruned_object(value: dict[str, Json], need: Need) -> dict[str, Json]:
    if need.values is not None:
        return {key: _both(held, need.values, need.fields.get(key)) for key, held in value.items()}
    kept = {key: pruned(value[key], need.fields[key]) for key in value if key in need.fields}
    if need.how is How.SIZE:
        return {key: kept.get(key) for key in value}
    if need.how is How.NULLNESS and value and not kept:
        return dict.fromkeys(list(value)[:1])
    return kept


def _pruned_array(value: list[Json], need: Need) -> list[Json]:
    if need.elements is not None:
        return [pruned(element, need.elements) for element in value]
    if need.how is How.SIZE:
        return [None] * len(value)
    return [None] if need.how is How.NULLNESS and value else []


def _both(value: Json, every: Need, one: Need | None) -> Json:
    return pruned(value, every if one is None else _merged(every, one))


def _merged(left: Need, right: Need) -> Need:
    """Return what both need of the same value."""
    return Need(
        max(left.how, right.how),
        {
            key: _merged(left.fields[key], right.fields[key])
            if key in left.fields and key in right.fields
            else (left.fields.get(key) or right.fields[key])
            for key in [*left.fields, *right.fields]
        },
        _merged_or_one(left.values, right.values),
        _merged_or_one(left.elements, right.elements),
    )


def _merged_or_one(left: Need | None, right: Need | None) -> Need | None:
    return _merged(left, right) if left is not None and right is not None else left or right
