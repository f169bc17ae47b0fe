"""JSON documents with leaves that expressions fill: `{from: expression}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.documents import Json
from functions.expressions import Expression
from functions.spec.source import Path


def leaf_expression(node: Json) -> str | None:
    """Return the expression of a leaf `{from: expression}`, None for anything else."""
    if isinstance(node, Mapping) and set(node) == {"from"} and isinstance(node["from"], str):
        return node["from"]
    return None


def leaves(template: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path and the expression of every leaf of a template."""
    text = leaf_expression(template)
    if text is not None:
        yield (*path, "from"), text
    elif isinstance(template, Mapping):
        for key, child in template.items():
            yield from leaves(child, (*path, key))
    elif isinstance(template, list):
        for index, child in enumerate(template):
            yield from leaves(child, (*path, index))


def fill(template: Json, expressions: Mapping[str, Expression], document: Json) -> Json:
    """Return the template with every leaf replaced by the value of its expression.

    Raises:
        ValueError: An expression failed; see `Expression.evaluate`.
    """
    text = leaf_expression(template)
    if text is not None:
        return expressions[text].evaluate(document)
    if isinstance(template, Mapping):
        return {key: fill(child, expressions, document) for key, child in template.items()}
    if isinstance(template, list):
        return [fill(child, expressions, document) for child in template]
    return template
