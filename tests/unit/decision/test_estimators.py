"""Estimators against published figures and examples worked out by hand."""

from __future__ import annotations

import math
import random

import pytest

from functions.decision.estimators import (
    Z_95,
    Logged,
    Sample,
    chi_square_tail,
    difference_of_means,
    difference_of_rates,
    doubly_robust,
    effective_size,
    inverse_propensity,
    sample_ratio_p,
    self_normalised,
    wilson,
)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, 81 of 263, method 3.
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_newcombes_interval_is_the_published_one() -> None:
    # Newcombe (1998), table II, 56 of 70 against 48 of 80, method 10.
    found = difference_of_rates(Sample(70, 56), Sample(80, 48))
    assert found.value == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_an_empty_group_has_no_rate() -> None:
    with pytest.raises(ValueError, match="observation"):
        difference_of_rates(Sample(10, 1), Sample(0, 0))


def test_the_difference_of_means_is_worked_out_by_hand() -> None:
    # 4 and 6 against 1 and 3: means 5 and 2, both variances 2, both squared errors 1.
    found = difference_of_means(Sample(2, 2, 10.0, 52.0), Sample(2, 2, 4.0, 10.0))
    assert found.value == pytest.approx(3.0)
    assert found.high - found.value == pytest.approx(Z_95 * math.sqrt(2))


# Three decisions. Weights 0.8/0.5 = 1.6, 0.2/0.5 = 0.4, 0.5/0.25 = 2.
HAND = [
    Logged(reward=1.0, propensity=0.5, target=0.8, predicted=0.6, expected=0.7),
    Logged(reward=0.0, propensity=0.5, target=0.2, predicted=0.1, expected=0.5),
    Logged(reward=2.0, propensity=0.25, target=0.5, predicted=1.5, expected=1.2),
]


def test_inverse_propensity_is_worked_out_by_hand() -> None:
    found = inverse_propensity(HAND)
    # (1.6·1 + 0.4·0 + 2·2) / 3 = 5.6 / 3
    assert found.value == pytest.approx(5.6 / 3)
    scatter = sum((one - 5.6 / 3) ** 2 for one in (1.6, 0.0, 4.0))
    assert found.high - found.value == pytest.approx(Z_95 * math.sqrt(scatter / 2 / 3))


def test_the_self_normalised_estimate_is_worked_out_by_hand() -> None:
    found = self_normalised(HAND)
    # 5.6 / (1.6 + 0.4 + 2) = 1.4
    assert found.value == pytest.approx(1.4)
    error = math.sqrt(3 / 2 * ((1.6 * -0.4) ** 2 + (0.4 * -1.4) ** 2 + (2 * 0.6) ** 2)) / 4
    assert found.value - found.low == pytest.approx(Z_95 * error)


def test_the_doubly_robust_estimate_is_worked_out_by_hand() -> None:
    # 0.7 + 1.6·0.4 = 1.34; 0.5 + 0.4·(−0.1) = 0.46; 1.2 + 2·0.5 = 2.2; together 4.0
    assert doubly_robust(HAND).value == pytest.approx(4.0 / 3)


def test_the_effective_size_is_worked_out_by_hand() -> None:
    # 4² / (2.56 + 0.16 + 4)
    assert effective_size(HAND) == pytest.approx(16 / 6.72)


def test_a_policy_that_is_the_logged_one_brings_what_was_logged() -> None:
    logged = [Logged(reward, 0.3, 0.3) for reward in (0.0, 1.0, 1.0, 0.0)]
    for estimator in (inverse_propensity, self_normalised, doubly_robust):
        assert estimator(logged).value == pytest.approx(0.5)
    assert effective_size(logged) == pytest.approx(4)


def test_a_policy_that_never_does_what_was_done_can_not_be_judged_by_weights() -> None:
    with pytest.raises(ValueError, match="never"):
        self_normalised([Logged(1.0, 0.5, 0.0)] * 2)


@pytest.mark.parametrize(
    "logged", [[], HAND[:1], [*HAND, Logged(1.0, 0.0, 0.5)]], ids=["nothing", "one", "impossible"]
)
def test_estimates_need_propensities(logged: list[Logged]) -> None:
    for estimator in (inverse_propensity, self_normalised, doubly_robust):
        with pytest.raises(ValueError, match="propensities"):
            estimator(logged)


def test_every_estimator_finds_the_value_of_a_policy_that_was_never_run() -> None:
    """Action A pays with 0.2, B with 0.6; logged half and half, judged for a policy that does B in 9 of 10."""
    source = random.Random(11)
    logged = []
    for _ in range(20_000):
        is_b = source.random() < 0.5
        reward = float(source.random() < (0.6 if is_b else 0.2))
        logged.append(Logged(reward, 0.5, 0.9 if is_b else 0.1, 0.5 if is_b else 0.3, 0.48))
    for estimator in (inverse_propensity, self_normalised, doubly_robust):
        found = estimator(logged)
        assert found.low < 0.9 * 0.6 + 0.1 * 0.2 < found.high


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"),
    # Abramowitz and Stegun, table 26.8.
    [(3.84146, 1, 0.05), (5.99146, 2, 0.05), (7.81473, 3, 0.05), (10.8276, 1, 0.001), (13.2767, 4, 0.01)],
)
def test_the_chi_square_tail_is_the_tabulated_one(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, rel=1e-4)


def test_groups_of_the_declared_sizes_pass_the_sample_ratio_check() -> None:
    assert sample_ratio_p({"a": 500, "b": 500}, {"a": 0.5, "b": 0.5}) == 1.0
    assert sample_ratio_p({"a": 910, "b": 90}, {"a": 0.9, "b": 0.1}) == pytest.approx(0.2918, abs=1e-4)


def test_groups_that_lost_members_fail_the_sample_ratio_check() -> None:
    # (900 − 1000)² / 1000 · 2 = 20 with one degree of freedom.
    assert sample_ratio_p({"a": 1100, "b": 900}, {"a": 0.5, "b": 0.5}) == pytest.approx(7.7e-6, rel=0.01)


def test_without_customers_or_with_one_group_there_is_nothing_to_check() -> None:
    assert sample_ratio_p({}, {"a": 0.5, "b": 0.5}) == 1.0
    assert sample_ratio_p({"a": 5}, {"a": 1.0, "b": 0.0}) == 1.0
