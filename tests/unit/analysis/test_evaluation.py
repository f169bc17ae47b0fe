"""Groups compared customer by customer, and drafts judged by what was logged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.analysis.evaluation import (
    Answered,
    declared_shares,
    draft_chances,
    evaluate_groups,
    judge_draft,
)
from functions.documents import Json
from functions.learning.trials import Outcome, Trial
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Slice
from functions.testing.sample_function import REGISTRY, a_plan

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TENTH = ExperimentsPlan(Slice("holdout", ((0.0, 0.5),)))

ACTIONS = {
    "a": {"channel": "offers", "cost": 0, "value": {"kept": 10}, "chance": {"kept": 0.5}},
    "b": {"channel": "offers", "cost": 0, "value": {"kept": 10}, "chance": {"kept": "features.orders"}},
}
DRAFT = a_plan(
    {**REGISTRY, "actions": ACTIONS},
    policy={"objectives": {"kept": {}}},
    decide={"actions": ["a", "b"], "do_nothing": {"kept": 0.1}},
)


def answered(
    number: int,
    *,
    group: str = "optimised",
    action: str = "a",
    amount: float | None = None,
    at: datetime = NOW + DAY,
    chances: dict[str, float] | None = None,
    orders: float = 0.0,
    vetoed: tuple[str, ...] = (),
) -> Answered:
    outcomes = {} if amount is None else {"converted": Outcome("converted", at, amount)}
    trial = Trial(
        f"customer-{number}", f"decision-{number}", "churn", action, group, "other", NOW, NOW + 7 * DAY,
        outcomes=outcomes,
    )  # fmt: skip
    candidates: list[Json] = [
        {
            "action": name,
            "verdict": "vetoed" if name in vetoed else "outranked",
            "chance": (chances or {}).get(name),
        }
        for name in ("a", "b", "do-nothing")
    ]
    return Answered(trial, {"features": {"orders": orders}, "scores": {}, "candidates": candidates})


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


def test_shares_follow_from_holdout_namespace_and_ranges() -> None:
    offers = ExperimentPlan(
        "o", "o", {"random": ((0, 0.2),), "usual": ((0.2, 0.3),)}, Slice("s", ((0, 0.5),))
    )
    plan = ExperimentsPlan(Slice("h", ((0.0, 0.1),)), (offers,))
    assert declared_shares(plan) == pytest.approx(
        {"holdout": 0.1, "random": 0.9 * 0.5 * 0.2, "usual": 0.9 * 0.5 * 0.1, "optimised": 0.765}
    )


EVEN = {"a": 0.5, "b": 0.5}


def test_a_draft_is_judged_by_the_decisions_in_which_it_would_have_done_the_same() -> None:
    # The draft takes b where orders is 1, a where it is 0; both were drawn with one half.
    log = [
        answered(1, action="a", orders=0.0, amount=4.0, chances=EVEN),
        answered(2, action="b", orders=0.0, amount=8.0, chances=EVEN),
        answered(3, action="b", orders=1.0, amount=6.0, chances=EVEN),
        answered(4, action="a", orders=1.0, chances=EVEN),
    ]
    found = judge_draft(log, DRAFT)
    # Weights 2, 0, 2, 0: IPS (2·4 + 2·6)/4 = 5, SNIPS 20/4 = 5. Means: a 2, b 7.
    # DR: (2 + 2·(4−2) + 2 + 7 + 2·(6−7) + 7) / 4 = 20/4.
    assert (found.decisions, found.effective, found.logged) == (4, 2.0, 4.5)
    assert found.ips.value == pytest.approx(5.0)
    assert found.snips.value == pytest.approx(5.0)
    assert found.dr.value == pytest.approx(20 / 4)


def test_a_draft_can_not_choose_what_was_vetoed() -> None:
    one = answered(1, orders=1.0, chances=EVEN, vetoed=("b",))
    assert draft_chances(one, DRAFT) == {"a": 1.0}


def test_decisions_without_a_logged_chance_are_left_out() -> None:
    log = [answered(number, chances=EVEN) for number in range(3)]
    assert judge_draft([*log, answered(9)], DRAFT).decisions == 3
    with pytest.raises(ValueError, match="at least two"):
        judge_draft([answered(9)], DRAFT)
