"""Read `model.json`, the declarative form of a model, and say everything that is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from functions.documents import DocumentError, Json, parse_json
from functions.endpoint.scoring import TRANSFORMS, Feature, LogisticScorer, Scorer
from functions.errors import SettingsError

ARTEFACT_NAME = "model.json"
FORMAT = "functions-model/1"
MAX_ARTEFACT_BYTES = 1_048_576

ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
"""Source: the service model of the SageMaker runtime, shape EndpointName; at most 63 characters."""

_MODEL_KEYS = {"format", "name", "version", "kind", "features", "intercept", "output"}
_FEATURE_KEYS = {"name", "unit", "meaning", "minimum", "trained_range", "transform", "weight"}
_OUTPUT_KEYS = {"name", "meaning", "range"}


def load_models(folder: Path) -> dict[str, Scorer]:
    """Read every `<endpoint name>/model.json` of a folder; folders without one are passed over.

    Raises:
        SettingsError: The folder does not exist or holds no model, or a model is malformed; all problems
            of all models are listed.
    """
    paths = sorted(folder.glob(f"*/{ARTEFACT_NAME}"))
    if not paths:
        raise SettingsError(
            f"no model in {folder}", hint=f"A model is a file <folder>/<endpoint name>/{ARTEFACT_NAME}."
        )
    models: dict[str, Scorer] = {}
    problems: list[str] = []
    for path in paths:
        try:
            models[_endpoint_name(path)] = load_model(path)
        except SettingsError as error:
            problems.append(error.message)
    if problems:
        raise SettingsError("\n".join(problems))
    return models


def load_model(path: Path) -> LogisticScorer:
    """Read one `model.json`.

    Raises:
        SettingsError: The file can't be read or is malformed; every problem is listed.
    """
    try:
        document = parse_json(path.read_bytes(), max_bytes=MAX_ARTEFACT_BYTES)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except DocumentError as error:
        raise SettingsError(f"{path}: {error}") from error
    return parse_model(document, where=str(path))


def parse_model(document: Json, *, where: str) -> LogisticScorer:
    """Build a scorer from the JSON document of a model.

    Args:
        document: The parsed document.
        where: What the messages call it.

    Raises:
        SettingsError: The document is malformed; every problem is listed, one per line.
    """
    problems = list(_problems(document))
    if problems:
        raise SettingsError("\n".join(f"{where}: {problem}" for problem in problems))
    return LogisticScorer(
        name=document["name"],
        version=document["version"],
        features=tuple(_feature(entry) for entry in document["features"]),
        intercept=float(document["intercept"]),
        output_name=document["output"]["name"],
    )


def _endpoint_name(path: Path) -> str:
    name = path.parent.name
    if len(name) > 63 or not ENDPOINT_NAME.fullmatch(name):
        raise SettingsError(
            f"{path}: the folder's name is no endpoint name: letters, digits and inner hyphens"
        )
    return name


def _feature(entry: Mapping[str, Json]) -> Feature:
    return Feature(
        name=entry["name"],
        unit=entry["unit"],
        minimum=float(entry["minimum"]),
        trained_range=_pair(entry["trained_range"]),
        transform=entry["transform"],
        weight=float(entry["weight"]),
    )


def _pair(values: list[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _problems(document: Json) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "the model is no JSON object"
        return
    yield from _key_problems("", document, _MODEL_KEYS)
    yield from _choice_problems("format", document, {FORMAT})
    yield from _choice_problems("kind", document, {"logistic-regression"})
    yield from _text_problems("", document, ("name", "version"))
    yield from _number_problems("", document, ("intercept",))
    yield from _features_problems(document.get("features"))
    yield from _output_problems(document.get("output"))


def _features_problems(features: Json) -> Iterator[str]:
    if not isinstance(features, list) or not features:
        yield "features is no list of at least one feature"
        return
    for index, entry in enumerate(features):
        where = f"features[{index}]"
        if isinstance(entry, dict):
            yield from _feature_problems(where + ".", entry)
        else:
            yield f"{where} is no object"
    names = [entry.get("name") for entry in features if isinstance(entry, dict)]
    if any(names.count(name) > 1 for name in names):
        yield "features names a feature twice"


def _feature_problems(where: str, entry: dict[str, Json]) -> Iterator[str]:
    yield from _key_problems(where, entry, _FEATURE_KEYS)
    yield from _text_problems(where, entry, ("name", "unit", "meaning"))
    yield from _number_problems(where, entry, ("minimum", "weight"))
    yield from _range_problems(where + "trained_range", entry.get("trained_range"))
    yield from _choice_problems("transform", entry, set(TRANSFORMS), where)
    minimum = entry.get("minimum")
    if entry.get("transform") == "log1p" and _is_number(minimum) and minimum <= -1:
        yield f"{where}minimum must be above -1: log1p is not defined there"


def _output_problems(output: Json) -> Iterator[str]:
    if not isinstance(output, dict):
        yield "output is no object"
        return
    yield from _key_problems("output.", output, _OUTPUT_KEYS)
    yield from _text_problems("output.", output, ("name", "meaning"))
    if "range" in output and output["range"] != [0, 1]:
        yield "output.range must be [0, 1]: a logistic regression answers with a probability"


def _key_problems(where: str, entry: dict[str, Json], known: set[str]) -> Iterator[str]:
    for key in sorted(known - entry.keys()):
        yield f"{where}{key} is missing"
    for key in sorted(entry.keys() - known):
        yield f"{where}{key} is no key of this format"


def _choice_problems(key: str, entry: dict[str, Json], known: set[str], where: str = "") -> Iterator[str]:
    value = entry.get(key)
    if key in entry and not (isinstance(value, str) and value in known):
        yield f"{where}{key} must be {' or '.join(sorted(known))}"


def _text_problems(where: str, entry: dict[str, Json], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if key in entry and not (isinstance(entry[key], str) and entry[key]):
            yield f"{where}{key} is no text"


def _number_problems(where: str, entry: dict[str, Json], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if key in entry and not _is_number(entry[key]):
            yield f"{where}{key} is no finite number"


def _range_problems(where: str, value: Json) -> Iterator[str]:
    if value is None:
        return  # Reported as missing.
    if not (
        isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] < value[1]
    ):
        yield f"{where} is no pair of finite numbers, the lesser first"


def _is_number(value: Json) -> TypeGuard[float]:
    """Whether a JSON value is a finite number; `true` is none, nor is an integer beyond a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
