"""Read `model.json`, the declarative form of a model, and say everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from functions.documents import DocumentError, Json, parse_json
from functions.endpoint.checks import (
    choice_problems,
    is_number,
    key_problems,
    name_problems,
    number_problems,
    range_problems,
    text_problems,
)
from functions.endpoint.json_artefacts import JSON_KINDS, build_json_model, json_model_problems
from functions.endpoint.json_models import JsonModel
from functions.endpoint.scoring import TRANSFORMS, Feature, LogisticScorer, Scorer
from functions.errors import SettingsError

ARTEFACT_NAME = "model.json"
FORMAT = "functions-model/1"
TABULAR_KIND = "logistic-regression"
MAX_ARTEFACT_BYTES = 1_048_576

ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
"""Source: the service model of the SageMaker runtime, shape EndpointName; at most 63 characters."""

_MODEL_KEYS = {"format", "name", "version", "kind", "features", "intercept", "output"}
_FEATURE_KEYS = {"name", "unit", "meaning", "minimum", "trained_range", "transform", "weight"}
_OUTPUT_KEYS = {"name", "meaning", "range"}


Served = Scorer | JsonModel
"""What a folder of models holds: rows in and scores out, or a JSON document in and one out."""


def load_models(folder: Path) -> dict[str, Served]:
    """Read every `<name>/model.json` of a folder; folders without one are passed over.

    Raises:
        SettingsError: The folder does not exist or holds no model, or a model is malformed; all problems
            of all models are listed.
    """
    paths = sorted(folder.glob(f"*/{ARTEFACT_NAME}"))
    if not paths:
        raise SettingsError(
            f"no model in {folder}", hint=f"A model is a file <folder>/<endpoint name>/{ARTEFACT_NAME}."
        )
    models: dict[str, Served] = {}
    problems: list[str] = []
    for path in paths:
        try:
            models[_endpoint_name(path)] = load_served(path)
        except SettingsError as error:
            problems.append(error.message)
    if problems:
        raise SettingsError("\n".join(problems))
    return models


def load_model(path: Path) -> LogisticScorer:
    """Read the `model.json` of a model that answers rows with scores.

    Raises:
        SettingsError: The file can't be read or is malformed; every problem is listed.
    """
    return parse_model(_read(path), where=str(path))


def load_served(path: Path) -> Served:
    """Read one `model.json` of any kind.

    Raises:
        SettingsError: The file can't be read or is malformed; every problem is listed.
    """
    document = _read(path)
    kind = document.get("kind") if isinstance(document, dict) else None
    if not (isinstance(kind, str) and kind in JSON_KINDS):
        return parse_model(document, where=str(path))
    problems = [*choice_problems("format", document, {FORMAT}), *json_model_problems(document)]
    if problems:
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in problems))
    return build_json_model(document)


def stand_ins(folder: Path) -> dict[str, str]:
    """Return which URLs are answered by a model of a folder: URL to the model's name.

    A folder that does not exist, or holds no model, answers for none.

    Raises:
        SettingsError: A model is malformed, or two stand in for one URL.
    """
    if not any(folder.glob(f"*/{ARTEFACT_NAME}")):
        return {}
    found: dict[str, str] = {}
    for name, model in load_models(folder).items():
        url = model.stands_in_for if isinstance(model, JsonModel) else None
        if url is None:
            continue
        if url in found:
            raise SettingsError(f"the models {found[url]} and {name} in {folder} stand in for one URL")
        found[url] = name
    return found


def _read(path: Path) -> Json:
    try:
        return parse_json(path.read_bytes(), max_bytes=MAX_ARTEFACT_BYTES)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except DocumentError as error:
        raise SettingsError(f"{path}: {error}") from error


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
    yield from key_problems("", document, _MODEL_KEYS)
    yield from choice_problems("format", document, {FORMAT})
    yield from choice_problems("kind", document, {TABULAR_KIND} | JSON_KINDS)
    yield from text_problems("", document, ("name", "version"))
    yield from number_problems("", document, ("intercept",))
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
    yield from name_problems("features", features)


def _feature_problems(where: str, entry: dict[str, Json]) -> Iterator[str]:
    yield from key_problems(where, entry, _FEATURE_KEYS)
    yield from text_problems(where, entry, ("name", "unit", "meaning"))
    yield from number_problems(where, entry, ("minimum", "weight"))
    yield from range_problems(where + "trained_range", entry.get("trained_range"))
    yield from choice_problems("transform", entry, set(TRANSFORMS), where)
    minimum = entry.get("minimum")
    if entry.get("transform") == "log1p" and is_number(minimum) and minimum <= -1:
        yield f"{where}minimum must be above -1: log1p is not defined there"


def _output_problems(output: Json) -> Iterator[str]:
    if not isinstance(output, dict):
        yield "output is no object"
        return
    yield from key_problems("output.", output, _OUTPUT_KEYS)
    yield from text_problems("output.", output, ("name", "meaning"))
    if "range" in output and output["range"] != [0, 1]:
        yield "output.range must be [0, 1]: a logistic regression answers with a probability"
