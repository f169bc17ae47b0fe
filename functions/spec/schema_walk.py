"""Questions to the JSON Schema of a document: which keys are known at a place, and where expressions stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from functions.documents import Json
from functions.spec.fields import EXPRESSION_FORMAT
from functions.spec.source import Path

_Schema = Mapping[str, Any]


@lru_cache(maxsize=8)
def schema_of(model: type[BaseModel]) -> _Schema:
    """Return the JSON Schema of a model; made once, since it costs more than checking a document."""
    return model.model_json_schema(by_alias=True)


def known_keys(model: type[BaseModel], data: Json, path: Path) -> set[str]:
    """Return the keys that may stand in the mapping at `path`."""
    root = schema_of(model)
    places: list[_Schema] = [root]
    for part in path:
        places = [child for place in places for child in _children(root, place, data, part)]
        data = data[part]
    return {key for place in places for option in _options(root, place, data) for key in _properties(option)}


def expressions_in(model: type[BaseModel], data: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text at or below `path`, which exists, that the schema knows as an expression."""
    root = schema_of(model)
    places: list[_Schema] = [root]
    for part in path:
        places = [child for place in places for child in _children(root, place, data, part)]
        data = data[part]
    yield from _expressions(root, places, data, path)


def _expressions(
    root: _Schema, places: Iterable[_Schema], data: Json, path: Path
) -> Iterator[tuple[Path, str]]:
    options = [option for place in places for option in _options(root, place, data)]
    if isinstance(data, str):
        if any(option.get("format") == EXPRESSION_FORMAT for option in options):
            yield path, data
        return
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for part, child in below:
        found = [place for option in options for place in _children(root, option, data, part)]
        if found:
            yield from _expressions(root, found, child, (*path, part))


def _properties(option: _Schema) -> Mapping[str, _Schema]:
    found: Mapping[str, _Schema] = option.get("properties", {})
    return found


def _children(root: _Schema, place: _Schema, data: Json, part: str | int) -> Iterator[_Schema]:
    for option in _options(root, place, data):
        if isinstance(part, int):
            child = option.get("items")
        else:
            child = _properties(option).get(part) or option.get("additionalProperties")
            child = child or next(iter(option.get("patternProperties", {}).values()), None)
        if isinstance(child, Mapping):
            yield child


def _options(root: _Schema, place: _Schema, data: Json) -> Iterator[_Schema]:
    """Yield a schema and all that it may be instead; where there is a `kind`, only what is of that kind."""
    if "$ref" in place:
        place = root["$defs"][str(place["$ref"]).rsplit("/", 1)[-1]]
    yield place
    for group in ("anyOf", "oneOf", "allOf"):
        options = [found for option in place.get(group, ()) for found in _options(root, option, data)]
        kind = data.get("kind") if isinstance(data, dict) else None
        meant = [option for option in options if _is_of_kind(option, kind)]
        yield from meant or options


def _is_of_kind(option: _Schema, kind: Json) -> bool:
    declared = _properties(option).get("kind")
    if declared is None or not isinstance(kind, str):
        return False
    if "const" in declared:
        return bool(declared["const"] == kind)
    return re.search(declared.get("pattern", "(?!)"), kind) is not None
