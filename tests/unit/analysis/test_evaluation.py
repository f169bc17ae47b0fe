"""Groups compared customer by customer, and drafts judged by what was logged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.analysis.evaluation import Answered, declared_shares, evaluate_groups
from functions.learning.trials import Outcome, Trial
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Slice

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TENTH = ExperimentsPlan(Slice("holdout", ((0.0, 0.5),)))


def answered(
    number: int,
    *,
    group: str = "optimised",
    action: str = "a",
    amount: float | None = None,
    converted: bool | None = None,
    at: datetime = NOW + DAY,
) -> Answered:
    converted = amount is not None if converted is None else converted
    outcomes = {"converted": Outcome("converted", at, amount)} if converted else {}
    trial = Trial(
        f"customer-{number}", f"decision-{number}", "churn", action, group, "other", NOW, NOW + 7 * DAY,
        outcomes=outcomes,
    )  # fmt: skip
    return Answered(trial)


def test_lift_is_the_difference_to_the_holdout_customer_by_customer() -> None:
    treated = [answered(number, amount=20.0 if number < 56 else None) for number in range(70)]
    held_out = [
        answered(number, group="holdout", action="do-nothing", amount=10.0 if number < 148 else None)
        for number in range(100, 180)
    ]
    found = evaluate_groups("churn", [*treated, *held_out], TENTH)
    (comparison,) = found.comparisons
    assert (comparison.group, comparison.against) == ("optimised", "holdout")
    assert comparison.rate is not None
    # Newcombe (1998), 56 of 70 against 48 of 80.
    assert (round(comparison.rate.low, 4), round(comparison.rate.high, 4)) == (0.0524, 0.3339)
    assert comparison.amount is not None
    assert comparison.amount.value == pytest.approx(56 * 20 / 70 - 48 * 10 / 80)
    # (70 − 75)²/75 · 2 = 0.667 with one degree of freedom.
    assert found.sample_ratio_p == pytest.approx(0.4142, abs=1e-4)


def test_a_customer_with_several_decisions_counts_once() -> None:
    one = answered(1, amount=5.0)
    again = Answered(replace(one.trial, decision_id="decision-1b", outcomes={}), one.body)
    found = evaluate_groups("churn", [one, again], TENTH)
    assert (found.samples["optimised"].size, found.samples["optimised"].successes) == (1, 1)


def test_whoever_changed_the_group_is_left_out_and_told() -> None:
    found = evaluate_groups("churn", [answered(1), answered(1, group="holdout"), answered(2)], TENTH)
    assert (found.moved, found.samples["optimised"].size) == (1, 1)


def test_a_conversion_after_the_window_does_not_count() -> None:
    found = evaluate_groups("churn", [answered(1, amount=5.0, at=NOW + 8 * DAY)], TENTH)
    assert found.samples["optimised"].successes == 0


def test_an_amount_of_nothing_and_a_refund_are_conversions_and_bring_what_they_bring() -> None:
    log = [answered(1, amount=0.0), answered(2, amount=50.0), answered(3, amount=-50.0), answered(4)]
    found = evaluate_groups("churn", log, TENTH).as_document()
    optimised = found["groups"]["optimised"]
    assert (optimised["customers"], optimised["converted"], optimised["amount"]) == (4, 3, 0.0)


def test_where_no_conversion_tells_an_amount_none_is_compared() -> None:
    log = [
        answered(number, group="holdout" if number < 3 else "optimised", converted=True)
        for number in range(6)
    ]
    found = evaluate_groups("churn", log, TENTH)
    (comparison,) = found.comparisons
    assert (comparison.rate is None, comparison.amount) == (False, None)
    document = found.as_document()
    assert (document["groups"]["holdout"]["amount"], document["conversions_without_amount"]) == (None, 6)


def test_a_conversion_without_an_amount_among_others_brings_nothing_and_is_told() -> None:
    found = evaluate_groups("churn", [answered(1, converted=True), answered(2, amount=8.0)], TENTH)
    assert (found.samples["optimised"].successes, found.samples["optimised"].total) == (2, 8.0)
    assert (found.conversions, found.untold) == (2, 1)


def test_shares_follow_from_holdout_namespace_and_ranges() -> None:
    offers = ExperimentPlan(
        "o", "o", {"random": ((0, 0.2),), "usual": ((0.2, 0.3),)}, Slice("s", ((0, 0.5),))
    )
    plan = ExperimentsPlan(Slice("h", ((0.0, 0.1),)), (offers,))
    assert declared_shares(plan) == pytest.approx(
        {"holdout": 0.1, "random": 0.9 * 0.5 * 0.2, "usual": 0.9 * 0.5 * 0.1, "optimised": 0.765}
    )
