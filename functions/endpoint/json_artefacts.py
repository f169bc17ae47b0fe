"""Read the `model.json` of a model behind plain HTTP: the kinds `ranking` and `logistic-outputs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from functions.documents import Json
from functions.endpoint.checks import (
    choice_problems,
    is_number,
    key_problems,
    name_problems,
    number_problems,
    range_problems,
    text_problems,
)
from functions.endpoint.json_models import Item, JsonModel, LogisticOutputs, Ranking
from functions.endpoint.scoring import TRANSFORMS, Feature, LogisticScorer

_COMMON_KEYS = {"format", "name", "version", "kind", "features"}
_OPTIONAL_KEYS = frozenset({"stands_in_for"})
_RANKED_FEATURE_KEYS = {"name", "unit", "meaning", "range"}
_ITEM_KEYS = {"id", "title", "bias", "weights"}
_FEATURE_KEYS = {"name", "unit", "meaning", "minimum", "trained_range", "transform"}
_OUTPUT_KEYS = {"name", "meaning", "intercept", "weights"}
_URL = re.compile(r"https?://[^\s@]+")
_MOST_ITEMS = 100


def json_model_problems(document: dict[str, Json]) -> Iterator[str]:
    """Yield everything that is wrong with the document of a kind of `JSON_KINDS`."""
    keys, parts = _CHECKS[document["kind"]]
    yield from key_problems("", document, _COMMON_KEYS | keys, _OPTIONAL_KEYS)
    yield from text_problems("", document, ("name", "version"))
    url = document.get("stands_in_for")
    if url is not None and not (isinstance(url, str) and _URL.fullmatch(url)):
        yield "stands_in_for is no http or https URL without credentials"
    yield from parts(document)


def build_json_model(document: Mapping[str, Json]) -> JsonModel:
    """Build a model from a document without problems."""
    return _BUILDERS[document["kind"]](document)


def _ranking_problems(document: dict[str, Json]) -> Iterator[str]:
    yield from _list_problems("features", document.get("features"), _ranked_feature_problems)
    names = _names(document)
    yield from _list_problems(
        "items", document.get("items"), lambda where, entry: _item_problems(where, entry, names)
    )
    yield from name_problems("items", _entries(document, "items"), "id")
    most = document.get("max_items")
    if "max_items" in document and (
        isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _MOST_ITEMS
    ):
        yield f"max_items is no whole number from 1 to {_MOST_ITEMS}"


def _ranked_feature_problems(where: str, entry: dict[str, Json]) -> Iterator[str]:
    yield from key_problems(where, entry, _RANKED_FEATURE_KEYS)
    yield from text_problems(where, entry, ("name", "unit", "meaning"))
    yield from range_problems(where + "range", entry.get("range"))


def _item_problems(where: str, entry: dict[str, Json], names: set[str]) -> Iterator[str]:
    yield from key_problems(where, entry, _ITEM_KEYS)
    yield from text_problems(where, entry, ("id", "title"))
    yield from number_problems(where, entry, ("bias",))
    yield from _weight_problems(where + "weights", entry.get("weights"), names, complete=False)


def _outputs_problems(document: dict[str, Json]) -> Iterator[str]:
    yield from _list_problems("features", document.get("features"), _feature_problems)
    names = _names(document)
    yield from _list_problems(
        "outputs", document.get("outputs"), lambda where, entry: _output_problems(where, entry, names)
    )
    yield from name_problems("outputs", _entries(document, "outputs"))


def _feature_problems(where: str, entry: dict[str, Json]) -> Iterator[str]:
    yield from key_problems(where, entry, _FEATURE_KEYS)
    yield from text_problems(where, entry, ("name", "unit", "meaning"))
    yield from number_problems(where, entry, ("minimum",))
    yield from range_problems(where + "trained_range", entry.get("trained_range"))
    yield from choice_problems("transform", entry, set(TRANSFORMS), where)
    minimum = entry.get("minimum")
    if entry.get("transform") == "log1p" and is_number(minimum) and minimum <= -1:
        yield f"{where}minimum must be above -1: log1p is not defined there"


def _output_problems(where: str, entry: dict[str, Json], names: set[str]) -> Iterator[str]:
    yield from key_problems(where, entry, _OUTPUT_KEYS)
    yield from text_problems(where, entry, ("name", "meaning"))
    yield from number_problems(where, entry, ("intercept",))
    yield from _weight_problems(where + "weights", entry.get("weights"), names, complete=True)


def _weight_problems(where: str, weights: Json, names: set[str], *, complete: bool) -> Iterator[str]:
    if weights is None:
        return  # Reported as missing.
    if not isinstance(weights, dict):
        yield f"{where} is no object"
        return
    yield from (f"{where}.{name} is no feature of this model" for name in sorted(weights.keys() - names))
    if complete:
        yield from (f"{where}.{name} is missing" for name in sorted(names - weights.keys()))
    yield from number_problems(where + ".", weights, tuple(weights))


def _list_problems(
    where: str, entries: Json, check: Callable[[str, dict[str, Json]], Iterator[str]]
) -> Iterator[str]:
    if not isinstance(entries, list) or not entries:
        yield f"{where} is no list of at least one {where.removesuffix('s')}"
        return
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield from check(f"{where}[{index}].", entry)
        else:
            yield f"{where}[{index}] is no object"
    if where == "features":
        yield from name_problems(where, entries)


def _entries(document: Mapping[str, Json], key: str) -> list[Json]:
    entries = document.get(key)
    return entries if isinstance(entries, list) else []


def _names(document: Mapping[str, Json]) -> set[str]:
    names = (entry.get("name") for entry in _entries(document, "features") if isinstance(entry, dict))
    return {name for name in names if isinstance(name, str)}


def _ranking(document: Mapping[str, Json]) -> Ranking:
    return Ranking(
        name=document["name"],
        version=document["version"],
        stands_in_for=document.get("stands_in_for"),
        ranges={
            entry["name"]: (float(entry["range"][0]), float(entry["range"][1]))
            for entry in document["features"]
        },
        items=tuple(
            Item(entry["id"], entry["title"], float(entry["bias"]), _weights(entry))
            for entry in document["items"]
        ),
        max_items=document["max_items"],
    )


def _logistic_outputs(document: Mapping[str, Json]) -> LogisticOutputs:
    return LogisticOutputs(
        name=document["name"],
        version=document["version"],
        stands_in_for=document.get("stands_in_for"),
        outputs={entry["name"]: _scorer(document, entry) for entry in document["outputs"]},
    )


def _scorer(document: Mapping[str, Json], output: Mapping[str, Json]) -> LogisticScorer:
    weights = _weights(output)
    features = tuple(
        Feature(
            name=entry["name"],
            unit=entry["unit"],
            minimum=float(entry["minimum"]),
            trained_range=(float(entry["trained_range"][0]), float(entry["trained_range"][1])),
            transform=entry["transform"],
            weight=weights[entry["name"]],
        )
        for entry in document["features"]
    )
    return LogisticScorer(
        document["name"], document["version"], features, float(output["intercept"]), output["name"]
    )


def _weights(entry: Mapping[str, Json]) -> dict[str, float]:
    return {name: float(weight) for name, weight in entry["weights"].items()}


_CHECKS: Mapping[str, tuple[set[str], Callable[[dict[str, Json]], Iterator[str]]]] = {
    "ranking": ({"items", "max_items"}, _ranking_problems),
    "logistic-outputs": ({"outputs"}, _outputs_problems),
}
_BUILDERS: Mapping[str, Callable[[Mapping[str, Json]], JsonModel]] = {
    "ranking": _ranking,
    "logistic-outputs": _logistic_outputs,
}

JSON_KINDS = frozenset(_CHECKS)
"""Kinds of model that are served behind plain HTTP."""
