"""Features of a spec: what their parts promise each other, and their plan."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.documents import Json
from functions.expressions import Expression
from functions.spec.feature_plan import CLIP, ERROR, Answer, FeaturePlan, FeatureState
from functions.spec.fields import literal_value
from functions.spec.language import Feature
from functions.spec.problems import Problem
from functions.spec.source import Path, Source

_SCORE = re.compile(r"profile\.scores\.[A-Za-z_]\w*\.value")
_NUMERIC = ("float", "int")
_STATE_KEYS = ("missing", "null", "stale", "outside", "wrong_type")


def check_feature(source: Source, path: Path, name: str, feature: Feature) -> Iterator[Problem]:
    """Yield what is wrong with one feature beyond the shape of its keys."""
    yield from _check_bounds(source, path, name, feature)
    yield from _check_staleness(source, path, name, feature)
    for key in _STATE_KEYS:
        answer = getattr(feature, key)
        if key in feature.model_fields_set and answer not in _words(key):
            value = literal_value(answer)
            if not _fits(feature, value):
                message = f"{name}: the answer to {key} is no {feature.type}"
                yield source.problem((*path, key), "feature.answer_type", message)


def is_score(feature: Feature) -> bool:
    """Say whether a feature is the value of a score, which has an instant of its own."""
    return _SCORE.fullmatch(feature.from_.strip()) is not None


def _check_bounds(source: Source, path: Path, name: str, feature: Feature) -> Iterator[Problem]:
    if feature.range is not None and feature.type not in _NUMERIC:
        message = f"{name}: only a float or an int has a range"
        yield source.problem((*path, "range"), "feature.range", message, at_key=True)
    if feature.range is not None and feature.range[0] > feature.range[1]:
        message = f"{name}: the range ends before it begins"
        yield source.problem((*path, "range"), "feature.range", message)
    if feature.type == "int" and any(not bound.is_integer() for bound in feature.range or ()):
        message = f"{name}: the range of an int begins and ends with whole numbers"
        yield source.problem((*path, "range"), "feature.range", message)
    if (feature.type == "category") != (feature.categories is not None):
        message = f"{name}: a category lists its `categories`, and only a category does"
        yield source.problem((*path, "type"), "feature.categories", message)
    if feature.outside == "clip" and feature.range is None:
        message = f"{name}: `outside: clip` needs a range"
        yield source.problem((*path, "outside"), "feature.range", message)


def _check_staleness(source: Source, path: Path, name: str, feature: Feature) -> Iterator[Problem]:
    if feature.stale_after is None:
        for key in ("stale", "as_of"):
            if key in feature.model_fields_set:
                message = f"{name}: `{key}` has no effect without `stale_after`"
                yield source.problem((*path, key), "feature.staleness", message, at_key=True)
        return
    if "stale" not in feature.model_fields_set:
        message = f"{name}: `stale_after` needs the answer `stale`"
        yield source.problem((*path, "stale_after"), "feature.staleness", message, at_key=True)
    if feature.as_of is None and not is_score(feature):
        message = f"{name}: `stale_after` needs `as_of`, the instant of the value"
        hint = "only profile.scores.NAME.value has an instant of its own"
        yield source.problem((*path, "stale_after"), "feature.staleness", message, hint=hint, at_key=True)


def _words(key: str) -> tuple[str, ...]:
    """Return the words that are no values under a key."""
    return ("error", "clip") if key == "outside" else ("error",)


def _fits(feature: Feature, value: Json) -> bool:
    if value is None:
        return True
    if feature.type == "bool":
        return isinstance(value, bool)
    if feature.type in ("string", "category"):
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return feature.type == "float" or isinstance(value, int) or value.is_integer()


def feature_plan(name: str, feature: Feature, as_of: Expression | None) -> FeaturePlan:
    """Compile one feature that has no problems."""
    low, high = feature.range if feature.range is not None else (None, None)
    missing = _answer(feature.missing)
    null = _answer(feature.null) if "null" in feature.model_fields_set else missing
    answers: dict[FeatureState, Answer] = {
        "missing": missing,
        "null": null,
        "stale": _answer(feature.stale),
        "out_of_range": CLIP if feature.outside == "clip" else _answer(feature.outside),
        "wrong_type": _answer(feature.wrong_type),
    }
    return FeaturePlan(
        name=name,
        type=feature.type,
        low=low,
        high=high,
        categories=tuple(feature.categories or ()),
        as_of=as_of,
        stale_after=feature.stale_after,
        answers=answers,
        unit=feature.unit,
    )


def _answer(value: Json) -> Answer:
    if value == "error":
        return ERROR
    return Answer("value", literal_value(value))
