import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.endpoint.scoring import TRANSFORMS, Feature, LogisticScorer, ScoringError, sigmoid

finite = st.floats(min_value=0, max_value=1e6)
weights = st.floats(min_value=-5, max_value=5)


def feature(
    name: str = "a", *, weight: float = 1.0, transform: str = "identity", minimum: float = 0.0
) -> Feature:
    return Feature(name, "days", minimum, (0.0, 100.0), transform, weight)


def scorer(*features: Feature, intercept: float = 0.0) -> LogisticScorer:
    return LogisticScorer("m", "1", features or (feature(),), intercept, "risk")


def test_a_score_is_the_sigmoid_of_the_weighted_sum_computed_by_hand() -> None:
    model = scorer(feature("a", weight=0.5), feature("b", weight=-2.0, transform="log1p"), intercept=1.0)
    [score] = model.score([[4.0, math.e - 1]])
    # 1 + 0.5 * 4 - 2 * ln(e) = 1
    assert score == pytest.approx(0.7310585786300049, abs=1e-15)


def test_scores_come_in_the_order_of_the_rows() -> None:
    assert scorer().score([[0.0], [1.0], [0.0]]) == [0.5, sigmoid(1.0), 0.5]


def test_no_rows_give_no_scores() -> None:
    assert scorer().score([]) == []


@given(
    st.lists(st.tuples(finite, weights, st.sampled_from(sorted(TRANSFORMS))), min_size=1, max_size=6), weights
)
def test_the_evaluator_equals_a_reference_in_exact_fractions(
    terms: list[tuple[float, float, str]], intercept: float
) -> None:
    model = scorer(
        *(feature(f"f{index}", weight=weight, transform=how) for index, (_, weight, how) in enumerate(terms)),
        intercept=intercept,
    )
    exact = Fraction(intercept) + sum(
        Fraction(weight) * Fraction(math.log1p(value) if how == "log1p" else value)
        for value, weight, how in terms
    )
    # Beyond 700 either way, exp leaves the range of a float, and the answer is 0 or 1 to 300 digits.
    expected = 1 / (1 + math.exp(-max(-700.0, min(700.0, float(exact)))))
    assert model.score([[value for value, _, _ in terms]]) == [pytest.approx(expected, rel=1e-9, abs=1e-300)]


@given(st.floats(allow_nan=False))
def test_a_sigmoid_is_a_probability_whatever_the_log_odds(log_odds: float) -> None:
    assert 0.0 <= sigmoid(log_odds) <= 1.0


@given(st.floats(min_value=-30, max_value=30))
def test_a_sigmoid_and_that_of_the_opposite_sum_to_one(log_odds: float) -> None:
    assert sigmoid(log_odds) + sigmoid(-log_odds) == pytest.approx(1.0)


@pytest.mark.parametrize("row", [[], [1.0, 2.0]])
def test_a_row_of_another_length_is_refused(row: list[float]) -> None:
    with pytest.raises(ScoringError, match=rf"row 2 has {len(row)} values; this model reads 1"):
        scorer().score([[1.0], row])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.5])
def test_a_value_the_model_is_not_defined_for_is_refused_by_name_and_never_shown(value: float) -> None:
    with pytest.raises(ScoringError) as caught:
        scorer(feature("recency_days")).score([[value]])
    assert str(caught.value) == "row 1: recency_days is below its minimum or not finite"


@pytest.mark.parametrize("signs", [(1.0, 1.0), (1.0, -1.0)])
def test_a_sum_beyond_a_float_is_refused(signs: tuple[float, float]) -> None:
    model = scorer(*(feature(f"f{index}", weight=10 * sign) for index, sign in enumerate(signs)))
    with pytest.raises(ScoringError, match="row 1 is too large to be scored"):
        model.score([[1e308, 1e308]])


def test_the_names_are_those_of_the_features_in_order() -> None:
    assert scorer(feature("b"), feature("a")).feature_names == ("b", "a")
