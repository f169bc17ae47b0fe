"""Data against a model of the language: every fault as a problem with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from functions.documents import Json
from functions.spec.problems import Problem, closest
from functions.spec.schema_walk import known_keys
from functions.spec.source import Path, Source
from functions.spec.yaml_reader import MAX_PROBLEMS

M = TypeVar("M", bound=BaseModel)

_CODES = {
    "extra_forbidden": "spec.unknown_key",
    "missing": "spec.missing_key",
    "model_kind": "spec.unknown_kind",
    "channel_kind": "spec.unknown_kind",
    "rule_kind": "policy.unknown_rule",
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
_SENTENCES = {
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of the shape of a document, with the path that is at fault."""

    path: Path
    problem: Problem


def check_document(model: type[M], source: Source) -> tuple[M | None, list[Problem]]:
    """Check a document against its model.

    Returns:
        The value and no problems, or None and every problem.
    """
    value, faults = find_faults(model, source)
    problems = [*source.problems, *(fault.problem for fault in faults)]
    return (None if problems else value), problems


def find_faults(model: type[M], source: Source) -> tuple[M | None, list[Fault]]:
    """Check the shape of a document, apart from what is wrong with its text.

    Returns:
        The value and no faults, or None and what is at fault; None and nothing for an unreadable text.
    """
    if source.problems and source.data is None:
        return None, []
    try:
        return model.model_validate(source.data), []
    except ValidationError as error:
        return None, _faults(model, source, error)


def _faults(model: type[BaseModel], source: Source, error: ValidationError) -> list[Fault]:
    # A value that fits no member of a union is reported once per member; the first tells enough.
    by_place: dict[tuple[Path, str, str], Fault] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        if len(by_place) >= MAX_PROBLEMS:
            break
        path = _path_in(source.data, detail["loc"])
        problem = _problem(model, source, path, detail)
        missing = problem.message if detail["type"] == "missing" else ""
        by_place.setdefault((path, problem.code, missing), Fault(path, problem))
    return list(by_place.values())


def _problem(model: type[BaseModel], source: Source, path: Path, detail: Mapping[str, Any]) -> Problem:
    kind = detail["type"]
    code = _CODES.get(kind, "spec.wrong_type")
    shown = ".".join(str(part) for part in path) or "the document"
    if kind == "extra_forbidden":
        hint = closest(str(path[-1]), known_keys(model, source.data, path[:-1]))
        return source.problem(path, code, f"unknown key {str(path[-1])!r}", hint=hint, at_key=True)
    if kind == "missing":
        name = str(detail["loc"][-1])
        where = f"in {shown}" if path else "in the document"
        return source.problem(path, code, f"the key {name!r} is missing {where}", at_key=bool(path))
    at_key = detail["loc"][-1:] == ("[key]",)
    message = f"{shown}: {'the key ' if at_key else ''}{_sentence(detail)}"
    return source.problem(path, code, message, hint=_hint(source.data, path, detail), at_key=at_key)


def _sentence(detail: Mapping[str, Any]) -> str:
    text = _SENTENCES.get(detail["type"]) or str(detail["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        text = text.removeprefix(prefix)
    text = text.replace("Input should be", "must be").replace("String should", "must")
    return text[:1].lower() + text[1:]


def _hint(data: Json, path: Path, detail: Mapping[str, Any]) -> str:
    value = _value_at(data, path)
    if detail["type"] in ("model_kind", "channel_kind"):
        value = value.get("kind") if isinstance(value, dict) else None
        names = [name.strip() for name in str(detail["msg"]).removeprefix("kind must be ").split(",")]
    elif detail["type"] == "literal_error":
        expected = str(detail.get("ctx", {}).get("expected", ""))
        names = [part.strip().strip("'") for part in expected.replace(" or ", ",").split(",")]
    else:
        return ""
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
