"""From the values of expressions to features a model can be given: typed, bounded, every gap answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.decision.evaluating import evaluate
from functions.documents import Json
from functions.errors import (
    FeatureError,
    FeatureExpressionError,
    FeatureMissingError,
    FeatureNotFiniteError,
    FeatureNullError,
    FeatureRangeError,
    FeatureStaleError,
    FeatureTypeError,
)
from functions.expressions import EvaluationFailure
from functions.spec.feature_plan import FeaturePlan, FeatureState
from functions.spec.plan import Plan
from functions.times import parse_instant

_STATE_ERRORS: Mapping[FeatureState, type[FeatureError]] = {
    "missing": FeatureMissingError,
    "null": FeatureNullError,
    "stale": FeatureStaleError,
    "out_of_range": FeatureRangeError,
    "wrong_type": FeatureTypeError,
}
_STATE_WORDS: Mapping[FeatureState, str] = {
    "missing": "a path it reads does not exist",
    "null": "its value is null",
    "stale": "its value is too old",
    "out_of_range": "its value is out of range",
    "wrong_type": "its value is of another type",
}


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features of one event.

    Attributes:
        values: By name, in the order of the spec.
        imputed: Features whose own value was not used, with why.
    """

    values: Mapping[str, Json]
    imputed: Mapping[str, FeatureState]


def extract_features(plan: Plan, document: Mapping[str, Json], *, now: datetime) -> FeatureSet:
    """Evaluate the features of a plan.

    Args:
        plan: The function.
        document: The root: `event`, `profile` and `now`.
        now: The event's time, for staleness.

    Raises:
        FeatureError: A feature has no usable value and declares `error` for that; it is named.
    """
    raw = plan.values.evaluate(document)
    values: dict[str, Json] = {}
    imputed: dict[str, FeatureState] = {}
    for feature in plan.features:
        value, state = _feature(plan, feature, raw[feature.name], document, now)
        values[feature.name] = value
        if state is not None:
            imputed[feature.name] = state
    return FeatureSet(values, imputed)


def extract_feature(
    plan: Plan, feature: FeaturePlan, document: Mapping[str, Json], *, now: datetime
) -> tuple[Json, FeatureState | None]:
    """Return one feature alone, with why its own value was not used; the arguments are those of `extract_features`.

    Raises:
        FeatureError: As there.
    """
    return _feature(plan, feature, evaluate(plan.values.expressions[feature.name], document), document, now)


def _feature(
    plan: Plan, feature: FeaturePlan, value: Json, document: Mapping[str, Json], now: datetime
) -> tuple[Json, FeatureState | None]:
    if isinstance(value, EvaluationFailure):
        raise FeatureExpressionError(
            f"feature {feature.name}: its expression failed ({value.kind})",
            hint="a function was given a type it does not take; convert or test for it first",
            feature=feature.name,
        )
    if value is None:
        return _answer(feature, plan.values.expressions[feature.name].absence(document), None)
    try:
        typed = _typed(feature, value)
    except (FeatureTypeError, FeatureNotFiniteError):
        if feature.answers["wrong_type"].kind == "error":
            raise
        return _answer(feature, "wrong_type", None)
    if _is_stale(feature, document, now):
        return _answer(feature, "stale", typed)
    if _is_outside(feature, typed):
        return _answer(feature, "out_of_range", typed)
    return typed, None


def _answer(feature: FeaturePlan, state: FeatureState, value: Json) -> tuple[Json, FeatureState]:
    answer = feature.answers[state]
    if answer.kind == "error":
        raise _STATE_ERRORS[state](
            f"feature {feature.name}: {_STATE_WORDS[state]}",
            hint=f"declare an answer to `{'outside' if state == 'out_of_range' else state}` in the spec",
            feature=feature.name,
        )
    if answer.kind == "clip":
        return _clipped(feature, value), state
    return _declared(feature, answer.value), state


def _declared(feature: FeaturePlan, value: Json) -> Json:
    """Return an answer in the type of its feature, so that a model sees one type whatever happened."""
    if value is None or feature.type not in ("float", "int"):
        return value
    return float(value) if feature.type == "float" else int(value)


def _clipped(feature: FeaturePlan, value: Json) -> Json:
    if feature.low is not None and value < feature.low:
        return math.ceil(feature.low) if feature.type == "int" else float(feature.low)
    high = value if feature.high is None else feature.high
    return math.floor(high) if feature.type == "int" else float(high)


def _typed(feature: FeaturePlan, value: Json) -> Json:
    if feature.type == "bool" and isinstance(value, bool):
        return value
    if feature.type in ("string", "category") and isinstance(value, str):
        return _text(feature, value)
    if feature.type in ("float", "int") and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(feature, value)
    raise FeatureTypeError(
        f"feature {feature.name}: the value is a {_json_type(value)}, the spec declares {feature.type}",
        feature=feature.name,
    )


def _text(feature: FeaturePlan, value: str) -> Json:
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no form in which it could leave.
        raise FeatureTypeError(
            f"feature {feature.name}: the value is no Unicode text", feature=feature.name
        ) from None
    return value


def _number(feature: FeaturePlan, value: float) -> Json:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FeatureNotFiniteError(f"feature {feature.name}: the value is not finite", feature=feature.name)
    if feature.type == "float":
        return number
    if not number.is_integer():
        raise FeatureTypeError(
            f"feature {feature.name}: the value has a fraction, the spec declares int", feature=feature.name
        )
    return int(value)


def _json_type(value: Json) -> str:
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "list", dict: "object"}
    return names.get(type(value), "value of no JSON type")


def _is_outside(feature: FeaturePlan, value: Json) -> bool:
    if feature.categories:
        return value not in feature.categories
    low, high = feature.low, feature.high
    return (low is not None and value < low) or (high is not None and value > high)


def _is_stale(feature: FeaturePlan, document: Mapping[str, Json], now: datetime) -> bool:
    """Say whether a value is too old; one whose instant can't be told is."""
    if feature.as_of is None or feature.stale_after is None:
        return False
    try:
        return now - parse_instant(evaluate(feature.as_of, document)) >= feature.stale_after
    except ValueError:
        return True
