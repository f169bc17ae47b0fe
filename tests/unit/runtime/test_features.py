"""From values to features: types, bounds, and an answer to every gap."""

import math
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from functions.profiles.store import CommitRequest, DecisionRecord, Score, StateUpdate
from functions.runtime.features import FeatureSet, extract_features
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer

ABSENT = object()


def _plan(**feature: Any) -> Plan:
    features = {"x": {"from": "profile.x", **feature}}
    return a_plan(features=features, model=None, write_back=None, decide={})


def _extract(plan: Plan, value: Any = ABSENT) -> FeatureSet:
    profile = {} if value is ABSENT else {"x": value}
    return extract_features(plan, {"profile": profile, "event": {}}, now=NOW)


@pytest.mark.parametrize(
    ("kind", "value", "feature"),
    [
        ("float", 1, 1.0),
        ("float", -0.5, -0.5),
        ("float", 10**308, 1e308),
        ("int", 7, 7),
        ("int", 7.0, 7),
        ("int", 2**60 + 1, 2**60 + 1),
        ("int", 10**300 + 1, 10**300 + 1),
        ("bool", False, False),
        ("string", "", ""),
        ("string", "été 😀", "été 😀"),
    ],
)
def test_a_value_of_the_declared_type_is_the_feature(kind: str, value: Any, feature: Any) -> None:
    found = _extract(_plan(type=kind), value).values["x"]
    assert (found, type(found)) == (feature, type(feature))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float", True),
        ("float", "1.0"),
        ("float", [1.0]),
        ("float", {}),
        ("int", False),
        ("int", 1.5),
        ("int", "1"),
        ("bool", 1),
        ("bool", 0.0),
        ("bool", "true"),
        ("string", 1),
        ("string", True),
        ("string", "half a pair \ud800"),
        ("string", ["a"]),
    ],
)
def test_a_value_of_another_type_is_an_error_and_never_converted(kind: str, value: Any) -> None:
    with pytest.raises(FeatureTypeError, match=r"^feature x: ") as caught:
        _extract(_plan(type=kind, missing=None), value)
    caught.value.message.encode()


@pytest.mark.parametrize("kind", ["float", "int"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**309, -(10**400)])
def test_what_is_not_finite_is_an_error_also_where_a_range_would_clip_it(kind: str, value: Any) -> None:
    with pytest.raises(FeatureNotFiniteError, match=r"^feature x: the value is not finite$"):
        _extract(_plan(type=kind, range=[0, 10], outside="clip", missing=0), value)


def test_missing_and_null_are_two_states_with_answers_of_their_own() -> None:
    plan = _plan(type="float", missing=1, null=2)
    assert _extract(plan) == FeatureSet({"x": 1.0}, {"x": "missing"})
    assert _extract(plan, None) == FeatureSet({"x": 2.0}, {"x": "null"})
    assert _extract(plan, 3) == FeatureSet({"x": 3.0}, {})


def test_the_answer_to_missing_stands_for_null_unless_null_has_its_own() -> None:
    assert _extract(_plan(type="int", missing=1), None) == FeatureSet({"x": 1}, {"x": "null"})


def test_null_can_be_an_answer() -> None:
    assert _extract(_plan(type="int", missing=None)) == FeatureSet({"x": None}, {"x": "missing"})


@pytest.mark.parametrize(("value", "error"), [(ABSENT, FeatureMissingError), (None, FeatureNullError)])
def test_a_gap_without_an_answer_is_an_error_that_names_the_feature_and_the_key_to_declare(
    value: Any, error: type[FeatureError]
) -> None:
    with pytest.raises(error, match=r"^feature x: ") as caught:
        _extract(_plan(type="int"), value)
    assert "declare an answer" in str(caught.value.hint)


@pytest.mark.parametrize(("value", "clipped"), [(-1, 0.0), (11.5, 10.0), (-(10**300), 0.0), (1e300, 10.0)])
def test_a_value_out_of_range_is_clipped_to_the_near_bound(value: float, clipped: float) -> None:
    found = _extract(_plan(type="float", range=[0, 10], outside="clip"), value)
    assert found == FeatureSet({"x": clipped}, {"x": "out_of_range"})
    assert type(found.values["x"]) is float


@pytest.mark.parametrize("value", [0, 10, 5])
def test_both_bounds_belong_to_the_range(value: int) -> None:
    assert _extract(_plan(type="int", range=[0, 10]), value) == FeatureSet({"x": value}, {})


def test_an_int_is_clipped_to_an_int() -> None:
    found = _extract(_plan(type="int", range=[0, 10], outside="clip"), 99).values["x"]
    assert (found, type(found)) == (10, int)


def test_a_value_out_of_range_can_have_an_answer_or_be_an_error() -> None:
    assert _extract(_plan(type="int", range=[0, 9], outside=5), 10).values == {"x": 5}
    assert _extract(_plan(type="int", range=[0, 9], outside=None), 10).values == {"x": None}
    with pytest.raises(FeatureRangeError, match=r"^feature x: its value is out of range$"):
        _extract(_plan(type="int", range=[0, 9]), 10)


def test_a_category_outside_its_list_is_out_of_range() -> None:
    plan = _plan(type="category", categories=["gold", "silver"], outside="silver")
    assert _extract(plan, "gold") == FeatureSet({"x": "gold"}, {})
    assert _extract(plan, "Gold") == FeatureSet({"x": "silver"}, {"x": "out_of_range"})


@pytest.mark.parametrize(("kind", "answer", "value"), [("float", 365, 365.0), ("int", 3.0, 3)])
def test_an_answer_has_the_type_of_its_feature(kind: str, answer: float, value: float) -> None:
    found = _extract(_plan(type=kind, missing=answer)).values["x"]
    assert (found, type(found)) == (value, type(value))


def test_an_expression_that_fails_is_an_error_that_names_the_feature_and_no_value() -> None:
    plan = a_plan(
        features={"x": {"from": "abs(to_string(profile.x))", "type": "float", "missing": 0}},
        model=None,
        write_back=None,
        decide={},
    )
    with pytest.raises(FeatureExpressionError, match=r"^feature x: its expression failed") as caught:
        _extract(plan, "s3cret")
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"


def test_features_keep_the_order_of_the_spec() -> None:
    features = {name: {"from": f"profile.{name}", "type": "int", "missing": 0} for name in "zam"}
    plan = a_plan(features=features, model=None, write_back=None, decide={})
    assert list(_extract(plan).values) == ["z", "a", "m"]


def _stale_plan(**more: Any) -> Plan:
    return _plan(type="float", as_of="profile.at", stale_after="7d", stale=-1, **more)


@pytest.mark.parametrize(
    ("at", "stale"),
    [
        ((NOW - timedelta(days=7)).isoformat(), True),
        ((NOW - timedelta(days=7) + timedelta(milliseconds=1)).isoformat(), False),
        ((NOW + timedelta(days=1)).isoformat(), False),
        (None, True),
        ("last week", True),
        (True, True),
        ([], True),
        (10**400, True),
        (math.nan, True),
        ((NOW - timedelta(days=1)).timestamp() * 1000, False),
    ],
)
def test_a_value_is_stale_from_its_age_on_and_when_its_age_can_not_be_told(at: Any, stale: bool) -> None:
    found = extract_features(_stale_plan(), {"profile": {"x": 5, "at": at}}, now=NOW)
    assert found == (FeatureSet({"x": -1.0}, {"x": "stale"}) if stale else FeatureSet({"x": 5.0}, {}))


def test_a_value_whose_instant_fails_to_evaluate_is_stale() -> None:
    plan = _plan(type="float", as_of="abs(to_string(profile.at))", stale_after="7d", stale=-1)
    assert extract_features(plan, {"profile": {"x": 5}}, now=NOW).imputed == {"x": "stale"}


def test_a_stale_value_without_an_answer_is_an_error() -> None:
    plan = _plan(type="float", as_of="profile.at", stale_after="7d", stale="error")
    with pytest.raises(FeatureStaleError, match=r"^feature x: its value is too old$"):
        extract_features(plan, {"profile": {"x": 5}}, now=NOW)


def _with_score(age: timedelta, expires_in: timedelta | None) -> Receipt:
    """Run a function whose features are a score of an earlier decision and one that came with the profile."""
    features = {
        "earlier": {
            "from": "profile.scores.s.value",
            "type": "float",
            "stale_after": "1d",
            "stale": -1,
            "missing": -2,
        },
        "upstream": {"from": "profile.scores.churn", "type": "float", "missing": -2},
    }
    world = Rehearsal(now=NOW)
    put_customer(world.store, {"scores": {"churn": 1}})
    expires_at = NOW + expires_in if expires_in is not None else None
    score = Score(0.7, NOW - age, expires_at, "earlier", "decision-0", "churn-risk")
    decision = DecisionRecord(
        "decision-0", "earlier", "event-0", CUSTOMER, NOW, "no_action", "actions.none", {}, NOW + timedelta(1)
    )
    world.store.commit(CommitRequest(decision, state=StateUpdate({"s": score})))
    plan = a_plan(features=features, model=None, write_back=None, decide={})
    return world.runtime.handle(plan, an_event(), now=NOW)


@pytest.mark.parametrize(
    ("age", "expires_in", "value", "imputed"),
    [
        (timedelta(hours=23), None, 0.7, {}),
        (timedelta(days=1), None, -1.0, {"earlier": "stale"}),
        (timedelta(hours=1), timedelta(milliseconds=1), 0.7, {}),
        (timedelta(hours=1), timedelta(0), -2.0, {"earlier": "missing"}),
    ],
)
def test_a_score_as_a_feature_is_stale_by_its_own_instant_and_missing_once_expired(
    age: timedelta, expires_in: timedelta | None, value: float, imputed: dict[str, str]
) -> None:
    receipt = _with_score(age, expires_in)
    assert (receipt.features["earlier"], receipt.imputed) == (value, imputed)


@pytest.mark.parametrize("expires_in", [None, timedelta(0)])
def test_scores_of_decisions_stand_beside_those_that_came_with_the_profile(
    expires_in: timedelta | None,
) -> None:
    assert _with_score(timedelta(hours=1), expires_in).features["upstream"] == 1.0


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["gold", "silver", "2026-11-02T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)

ANY_PLAN = a_plan(
    features={
        "number": {
            "from": "profile.a",
            "type": "float",
            "range": [-5, 5],
            "outside": "clip",
            "missing": 1,
            "null": None,
            "as_of": "profile.at",
            "stale_after": "1d",
            "stale": 2,
        },
        "count": {"from": "profile.b", "type": "int", "range": [0, 9], "outside": 9, "missing": 0},
        "flag": {"from": "profile.c", "type": "bool", "missing": False},
        "text": {"from": "profile.d", "type": "string", "missing": ""},
        "tier": {"from": "profile.e", "type": "category", "categories": ["gold", "silver"], "outside": None},
        "made": {"from": "sum(profile.f[].x)", "type": "float", "missing": 0},
    },
    model=None,
    write_back=None,
    decide={},
)
FITS: Mapping[str, Any] = MappingProxyType(
    {
        "number": lambda x: x is None or (type(x) is float and -5 <= x <= 5),
        "count": lambda x: type(x) is int and 0 <= x <= 9,
        "flag": lambda x: type(x) is bool,
        "text": lambda x: type(x) is str and x.encode() is not None,
        "tier": lambda x: x in ("gold", "silver", None),
        "made": lambda x: type(x) is float and math.isfinite(x),
    }
)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*"abcdef", "at"), JSON)))
def test_whatever_the_profile_features_fit_their_declaration_or_an_error_names_one(profile: Any) -> None:
    try:
        found = extract_features(ANY_PLAN, {"profile": profile, "event": {}}, now=NOW)
    except FeatureError as error:
        name = error.message.removeprefix("feature ").split(":")[0]
        assert name in FITS
        return
    assert list(found.values) == list(FITS)
    assert {name: fits(found.values[name]) for name, fits in FITS.items()} == dict.fromkeys(FITS, True)
    assert found.imputed.keys() <= FITS.keys()
