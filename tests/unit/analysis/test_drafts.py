"""Drafts judged by what chance has tried, and by nothing else."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.analysis.drafts import draft_chances, drawn_of, judge_draft
from functions.analysis.evaluation import Answered
from functions.documents import Json
from functions.learning.trials import Outcome, Trial
from functions.testing.sample_function import REGISTRY, a_plan

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EVEN = {"a": 0.5, "b": 0.5}
ACTIONS = {
    "a": {"channel": "offers", "cost": 0, "value": {"kept": 10}, "chance": {"kept": 0.5}},
    "b": {"channel": "offers", "cost": 0, "value": {"kept": 10}, "chance": {"kept": "features.orders"}},
}


def a_draft(**policy: Json) -> Any:
    """Return a ranking that takes b where orders is 1, a where it is 0, and nothing where a is out too."""
    return a_plan(
        {**REGISTRY, "actions": ACTIONS},
        policy={"objectives": {"kept": {}}, **policy},
        decide={"actions": ["a", "b"], "do_nothing": {"kept": 0.1}},
    )


DRAFT = a_draft()


def answered(
    number: int,
    *,
    action: str = "a",
    amount: float | None = None,
    converted: bool | None = None,
    chances: Mapping[str, float] = EVEN,
    orders: float = 0.0,
    vetoed: tuple[str, ...] = (),
    **more: Any,
) -> Answered:
    converted = amount is not None if converted is None else converted
    outcomes = {"converted": Outcome("converted", NOW + DAY, amount)} if converted else {}
    trial = Trial(
        f"customer-{number}", f"decision-{number}", "churn", action, "random", "other", NOW, NOW + 7 * DAY,
        drawn=more.pop("drawn", True), outcomes=more.pop("outcomes", outcomes), credits=outcomes,
    )  # fmt: skip
    candidates: list[Json] = [
        {
            "action": name,
            "verdict": "vetoed" if name in vetoed else "outranked",
            "chance": chances.get(name),
        }
        for name in sorted({"a", "b", "do-nothing", *chances})
    ]
    body = {"features": {"orders": orders}, "scores": {}, "candidates": candidates, **more}
    return Answered(trial, body)


def test_a_draft_is_judged_by_the_decisions_in_which_it_would_have_done_the_same() -> None:
    log = [
        answered(1, action="a", orders=0.0, amount=4.0),
        answered(2, action="b", orders=0.0, amount=8.0),
        answered(3, action="b", orders=1.0, amount=6.0),
        answered(4, action="a", orders=1.0),
    ]
    found = judge_draft(log, DRAFT)
    # Weights 2, 0, 2, 0: IPS (2·4 + 2·6)/4 = 5, SNIPS 20/4 = 5. Means: a 2, b 7.
    # DR: (2 + 2·(4−2) + 2 + 7 + 2·(6−7) + 7) / 4 = 20/4.
    assert (found.decisions, found.effective, found.logged) == (4, 2.0, 4.5)
    assert found.ips.value == pytest.approx(5.0)
    assert found.snips.value == pytest.approx(5.0)
    assert found.dr.value == pytest.approx(20 / 4)


def test_a_draft_can_not_choose_what_was_vetoed() -> None:
    one = answered(1, orders=1.0, chances={"a": 0.5, "do-nothing": 0.5}, vetoed=("b",))
    drawn = drawn_of(one)
    assert drawn is not None
    assert draft_chances(one, drawn, DRAFT) == {"a": 1.0}


def test_decisions_that_chance_did_not_make_say_nothing_of_another_choice() -> None:
    """Half of the log always takes a, which brings nothing; b, which the draft takes, always brings 1."""
    chance, log = random.Random(1), []
    for number in range(2_000):
        if number % 2:
            log.append(answered(number, action="a", chances={"a": 1.0}, orders=1.0, drawn=False))
        else:
            action = chance.choice("ab")
            log.append(answered(number, action=action, orders=1.0, amount=1.0 if action == "b" else None))
    found = judge_draft(log, DRAFT)
    assert (found.decisions, found.undrawn, found.untried) == (1_000, 1_000, 0)
    assert found.ips.low < 1.0 < found.ips.high
    assert found.snips.value == pytest.approx(1.0)
    assert found.dr.value == pytest.approx(1.0, abs=0.02)


def test_a_choice_of_one_is_none() -> None:
    assert drawn_of(answered(1, chances={"a": 1.0})) is None
    assert drawn_of(answered(1, chances={})) is None
    assert drawn_of(answered(1, drawn=False)) is None


def test_where_the_draft_does_what_chance_never_tried_nothing_is_said_and_it_is_counted() -> None:
    log = [
        *(answered(number, orders=0.0, amount=1.0) for number in range(3)),
        *(answered(number, orders=1.0, chances={"a": 0.5, "do-nothing": 0.5}) for number in range(10, 14)),
    ]
    found = judge_draft(log, DRAFT)
    assert (found.decisions, found.untried) == (3, 4)
    with pytest.raises(ValueError, match="in 4 the draft would do what chance never tried"):
        judge_draft(log[3:], DRAFT)


def test_what_the_draft_does_not_know_it_does_not_do() -> None:
    one = answered(1, action="gone", chances={"gone": 0.5, "do-nothing": 0.5}, vetoed=("a", "b"))
    drawn = drawn_of(one)
    assert drawn is not None
    assert draft_chances(one, drawn, DRAFT) == {"do-nothing": 1.0}


def test_what_the_budget_refused_was_drawn_and_brought_what_came_in_its_place() -> None:
    first = {"action": "b", "chances": EVEN}
    one = answered(
        1,
        action="a",
        chances={"a": 1.0},
        orders=1.0,
        amount=6.0,
        vetoed=("b",),
        experiment={"first_draw": first},
    )
    found = judge_draft([one, answered(2, action="a", orders=1.0)], DRAFT)
    # The draft draws b as well, at twice the odds.
    assert found.decisions == 2
    assert found.ips.value == pytest.approx(6.0)


def test_a_draw_is_judged_by_what_is_credited_to_it() -> None:
    one = answered(1, amount=4.0, outcomes={})
    assert judge_draft([one, answered(2)], DRAFT).logged == 2.0


def test_refunds_count_and_conversions_are_counted_where_no_amount_was_told() -> None:
    refunded = judge_draft([answered(1, amount=-50.0), answered(2, amount=0.0)], DRAFT)
    assert (refunded.unit, refunded.logged) == ("amount", -25.0)
    untold = judge_draft([answered(1, converted=True), answered(2)], DRAFT)
    assert (untold.unit, untold.logged) == ("conversion", 0.5)
    mixed = judge_draft([answered(1, converted=True), answered(2, amount=8.0)], DRAFT)
    assert (mixed.unit, mixed.logged) == ("amount", 4.0)


def test_ten_decisions_of_one_customer_are_worth_no_more_than_one() -> None:
    chance, once = random.Random(3), []
    for number in range(200):
        amount = chance.choice((None, 2.0, 9.0))
        once.append(
            answered(number, action=chance.choice("ab"), orders=chance.choice((0.0, 1.0)), amount=amount)
        )
    often = [
        replace(one, trial=replace(one.trial, decision_id=f"{one.trial.decision_id}-{time}"))
        for one in once
        for time in range(10)
    ]
    few, many = judge_draft(once, DRAFT), judge_draft(often, DRAFT)
    assert (many.decisions, many.customers) == (2_000, 200)
    for name in ("ips", "snips", "dr"):
        narrow, wide = getattr(many, name), getattr(few, name)
        assert (narrow.value, narrow.low, narrow.high) == pytest.approx((wide.value, wide.low, wide.high))


def test_a_draft_that_learns_is_judged_by_what_it_declares_and_says_so() -> None:
    log = [
        answered(number, chances={"a": 0.4, "b": 0.4, "do-nothing": 0.2}, amount=float(number))
        for number in range(4)
    ]
    assert judge_draft(log, a_draft(learning={})).by_priors
    assert not judge_draft(log, DRAFT).by_priors


def test_one_customer_is_too_few() -> None:
    with pytest.raises(ValueError, match="two customers at least"):
        judge_draft([answered(1), answered(1)], DRAFT)
