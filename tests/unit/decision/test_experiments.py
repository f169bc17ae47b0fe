"""Group assignment: GrowthBook's hash, and groups that depend on nothing but the id."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decision.experiments import OPTIMISED, assign, bucket, is_within
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Group, Slice

# Source: https://github.com/growthbook/growthbook-python/blob/main/tests/cases.json, section "hash", version 2;
# the same file tests every SDK of GrowthBook. The last is of section "feature", "creates experiments properly".
PUBLISHED = [
    ("seed", "a", 0.0505),
    ("seed", "b", 0.2696),
    ("foo", "ab", 0.2575),
    ("foo", "def", 0.2019),
    ("89123klj", "8952klfjas09ujkasdf", 0.124),
    ("90850943850283058242805", "123", 0.7516),
    ("()**(%$##$%#$#", '___)((*":&', 0.0128),
    ("feature", "123", 0.5231),
]

HOLDOUT = Slice("holdout-2026", ((0.0, 0.1),))
OFFERS = ExperimentPlan("offers", "offers-1", {"random": ((0.0, 0.2),), "usual": ((0.2, 0.5),)})
CUSTOMERS = [f"customer-{number:05}" for number in range(4_000)]


@pytest.mark.parametrize(("seed", "value", "expected"), PUBLISHED)
def test_the_bucket_is_the_one_that_growthbook_publishes(seed: str, value: str, expected: float) -> None:
    assert bucket(seed, value) == expected


@given(st.text(), st.text())
def test_every_bucket_is_one_of_ten_thousand(seed: str, value: str) -> None:
    where = bucket(seed, value)
    assert 0 <= where < 1
    assert round(where * 10_000) / 10_000 == where


def test_a_range_holds_its_first_number_and_not_its_last() -> None:
    assert is_within(0.1, [(0.1, 0.2)])
    assert not is_within(0.2, [(0.1, 0.2)])
    assert is_within(0.2, [(0.1, 0.2), (0.2, 0.3)])


def test_without_experiments_everybody_is_optimised() -> None:
    assert assign(ExperimentsPlan(), "customer-1") == OPTIMISED


def test_groups_have_the_shares_that_were_declared() -> None:
    plan = ExperimentsPlan(HOLDOUT, (OFFERS,))
    found = Counter(assign(plan, customer).group for customer in CUSTOMERS)
    shares = {group: number / len(CUSTOMERS) for group, number in found.items()}
    expected: dict[Group, float] = {"holdout": 0.1, "random": 0.18, "usual": 0.27, "optimised": 0.45}
    assert set(shares) == set(expected)
    # Four standard errors of the largest share are 0.032.
    assert all(abs(shares[group] - share) < 0.032 for group, share in expected.items())


def test_the_holdout_comes_before_every_experiment() -> None:
    plan = ExperimentsPlan(Slice("all", ((0.0, 1.0),)), (OFFERS,))
    assert {assign(plan, customer).group for customer in CUSTOMERS[:50]} == {"holdout"}


def test_experiments_in_disjoint_ranges_of_a_namespace_share_no_customer() -> None:
    first = ExperimentPlan("first", "a", {"random": ((0.0, 1.0),)}, Slice("space", ((0.0, 0.5),)))
    second = ExperimentPlan("second", "b", {"usual": ((0.0, 1.0),)}, Slice("space", ((0.5, 1.0),)))
    plan = ExperimentsPlan(None, (first, second))
    found = {assign(plan, customer).experiment for customer in CUSTOMERS}
    assert found == {"first", "second"}
    for customer in CUSTOMERS:
        in_first = bucket("space", customer) < 0.5
        assert assign(plan, customer).experiment == ("first" if in_first else "second")


def test_whoever_is_outside_of_every_namespace_is_optimised() -> None:
    narrow = ExperimentPlan("narrow", "a", {"random": ((0.0, 1.0),)}, Slice("space", ((0.0, 0.01),)))
    outside = next(customer for customer in CUSTOMERS if bucket("space", customer) >= 0.01)
    assert assign(ExperimentsPlan(None, (narrow,)), outside) == OPTIMISED


def test_whoever_was_held_out_under_another_id_stays_held_out() -> None:
    plan = ExperimentsPlan(HOLDOUT)
    inside = next(one for one in CUSTOMERS if bucket(HOLDOUT.seed, one) < 0.1)
    outside = next(one for one in CUSTOMERS if bucket(HOLDOUT.seed, one) >= 0.1)
    assert assign(plan, outside).group == "optimised"
    assert assign(plan, outside, known_as=[inside]).group == "holdout"
    assert assign(plan, outside, held_out=True).group == "holdout"


def test_the_mark_means_nothing_once_there_is_no_holdout() -> None:
    assert assign(ExperimentsPlan(), "customer-1", held_out=True) == OPTIMISED


def test_an_experiment_of_other_functions_is_left_out() -> None:
    named = ExperimentPlan("named", "s", {"random": ((0.0, 1.0),)}, functions=("churn-retention",))
    plan = ExperimentsPlan(HOLDOUT, (named,))
    assert plan.of("churn-retention").experiments == (named,)
    assert plan.of("watch-next") == ExperimentsPlan(HOLDOUT, ())
