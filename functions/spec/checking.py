"""Data against a model of the language: every fault as a problem with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from functions.documents import Json
from functions.spec.problems import Problem, closest
from functions.spec.source import Path, Source

M = TypeVar("M", bound=BaseModel)

_CODES = {
    "extra_forbidden": "spec.unknown_key",
    "missing": "spec.missing_key",
    "model_kind": "spec.unknown_kind",
    "literal_error": "spec.wrong_value",
    "string_pattern_mismatch": "spec.wrong_value",
    "value_error": "spec.wrong_value",
    "too_short": "spec.wrong_value",
    "too_long": "spec.wrong_value",
    "greater_than": "spec.wrong_value",
    "greater_than_equal": "spec.wrong_value",
    "less_than_equal": "spec.wrong_value",
    "string_too_short": "spec.wrong_value",
    "string_too_long": "spec.wrong_value",
}


def check_document(model: type[M], source: Source) -> tuple[M | None, list[Problem]]:
    """Check a document against its model.

    Returns:
        The value and no problems, or None and every problem.
    """
    if source.problems:
        return None, list(source.problems)
    try:
        return model.model_validate(source.data), []
    except ValidationError as error:
        return None, _problems(model, source, error)


def _problems(model: type[BaseModel], source: Source, error: ValidationError) -> list[Problem]:
    # A value that fits no member of a union is reported once per member; the first tells enough.
    by_place: dict[tuple[Path, str], Problem] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = _path_in(source.data, detail["loc"])
        problem = _problem(model, source, path, detail)
        by_place.setdefault((path, problem.code), problem)
    return list(by_place.values())


def _problem(model: type[BaseModel], source: Source, path: Path, detail: Mapping[str, Any]) -> Problem:
    kind = detail["type"]
    code = _CODES.get(kind, "spec.wrong_type")
    shown = ".".join(str(part) for part in path) or "the document"
    if kind == "extra_forbidden":
        known = set(_known_keys(model.model_json_schema(by_alias=True), path[:-1]))
        hint = closest(str(path[-1]), known)
        return source.problem(path, code, f"unknown key {str(path[-1])!r}", hint=hint, at_key=True)
    if kind == "missing":
        name = str(detail["loc"][-1])
        where = f"in {shown}" if path else "in the document"
        return source.problem(path, code, f"the key {name!r} is missing {where}", at_key=bool(path))
    return source.problem(path, code, f"{shown}: {_sentence(detail)}", hint=_hint(source.data, path, detail))


def _sentence(detail: Mapping[str, Any]) -> str:
    text = str(detail["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        text = text.removeprefix(prefix)
    text = text.replace("Input should be", "must be").replace("String should", "must")
    return text[:1].lower() + text[1:]


def _hint(data: Json, path: Path, detail: Mapping[str, Any]) -> str:
    if detail["type"] != "literal_error":
        return ""
    value = _value_at(data, path)
    expected = str(detail.get("ctx", {}).get("expected", ""))
    names = [part.strip().strip("'") for part in expected.replace(" or ", ",").split(",")]
    hint = closest(value, names) if isinstance(value, str) else ""
    return hint if hint.startswith("did you mean") else ""


def _path_in(data: Json, location: tuple[str | int, ...]) -> Path:
    """Drop what is no key of the document from a location: tags of unions and names of validators."""
    path: list[str | int] = []
    here = data
    for part in location:
        in_dict = isinstance(here, dict) and part in here
        in_list = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if in_dict or in_list:
            here = here[part]
            path.append(part)
    return tuple(path)


def _value_at(data: Json, path: Path) -> Json:
    for part in path:
        data = data[part]
    return data


def _known_keys(schema: Mapping[str, Any], path: Path) -> Iterator[str]:
    """Yield the keys that a JSON Schema allows at a path."""
    places = [schema]
    for part in path:
        places = [child for place in places for child in _descend(schema, place, part)]
    for place in places:
        for option in _options(schema, place):
            yield from option.get("properties", {})


def _descend(
    root: Mapping[str, Any], place: Mapping[str, Any], part: str | int
) -> Iterator[Mapping[str, Any]]:
    for option in _options(root, place):
        if isinstance(part, int):
            child = option.get("items")
        else:
            child = option.get("properties", {}).get(part) or option.get("additionalProperties")
            child = child or next(iter(option.get("patternProperties", {}).values()), None)
        if isinstance(child, Mapping):
            yield child


def _options(root: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in place:
        place = root["$defs"][str(place["$ref"]).rsplit("/", 1)[-1]]
    yield place
    for group in ("anyOf", "oneOf", "allOf"):
        for option in place.get(group, ()):
            yield from _options(root, option)
