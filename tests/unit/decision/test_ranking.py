"""The ranking: every term apart, do-nothing among the candidates, ties by the order of the spec."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decision.ranking import Estimate, Valued, Worth, rank, value_of
from functions.spec.ranking_plan import ObjectivePlan, RankingPlan, clamped

REVENUE = ObjectivePlan("revenue")
RETENTION = ObjectivePlan("retention", weight=2.0)
PLAN = RankingPlan((REVENUE, RETENTION), risk_aversion=3.0)


def a_worth(chance: float | None = 0.3, value: float | None = 100.0, **more: float | None) -> Worth:
    return Worth({"revenue": Estimate(chance, value)}, **more)


def test_the_value_of_an_action_is_worked_out_by_hand() -> None:
    worth = Worth({"revenue": Estimate(0.30, 100.0), "retention": Estimate(0.80, 40.0)}, cost=12.0, risk=0.5)
    valued = value_of("offer", worth, {"revenue": 0.10, "retention": 0.75}, PLAN)
    # 1·100·(0.30−0.10) = 20; 2·40·(0.80−0.75) = 4; 20 + 4 − 12 − 3·0.5 = 10.5
    assert valued.net == pytest.approx(10.5)
    assert valued.terms["revenue"].gain == pytest.approx(20.0)
    assert valued.terms["retention"].gain == pytest.approx(4.0)
    assert (valued.cost, valued.risk, valued.lever) == (12.0, 1.5, 1.0)
    assert valued.as_document()["objectives"]["revenue"]["otherwise"] == 0.10


def test_what_would_have_happened_anyway_counts_for_nothing() -> None:
    assert value_of("offer", a_worth(0.106), {"revenue": 0.106}, PLAN).net == 0


def test_a_lever_multiplies_the_gain_and_neither_cost_nor_risk() -> None:
    plan = RankingPlan((REVENUE,), levers={"offer": 1.5})
    valued = value_of("offer", a_worth(0.3, 100.0, cost=5.0), {"revenue": 0.1}, plan)
    assert valued.net == pytest.approx(1.5 * 20 - 5)


@pytest.mark.parametrize(("lever", "expected"), [(0.1, 0.5), (0.7, 0.7), (9.0, 2.0)])
def test_a_lever_is_held_within_its_limits(lever: float, expected: float) -> None:
    assert clamped(lever, (0.5, 2.0)) == expected


@pytest.mark.parametrize(
    ("worth", "otherwise", "lacking"),
    [
        (a_worth(None), 0.1, ("revenue",)),
        (a_worth(math.nan), 0.1, ("revenue",)),
        (a_worth(math.inf), 0.1, ("revenue",)),
        (a_worth(1.01), 0.1, ("revenue",)),
        (a_worth(-0.01), 0.1, ("revenue",)),
        (a_worth(0.3, None), 0.1, ("revenue",)),
        (a_worth(0.3, math.inf), 0.1, ("revenue",)),
        (a_worth(0.3), None, ("revenue",)),
        (a_worth(0.3), math.nan, ("revenue",)),
        (a_worth(0.3, cost=None), 0.1, ("cost",)),
        (a_worth(0.3, cost=-1.0), 0.1, ("cost",)),
        (a_worth(0.3, risk=math.nan), 0.1, ("risk",)),
        (a_worth(1.0, 1.7e308, cost=0.0), 0.0, ()),
    ],
)
def test_a_term_that_is_missing_or_no_number_leaves_an_action_without_value(
    worth: Worth, otherwise: float | None, lacking: tuple[str, ...]
) -> None:
    valued = value_of("offer", worth, {"revenue": otherwise}, PLAN)
    assert valued.lacking == lacking
    assert (valued.net is None) == bool(lacking)


def test_a_sum_that_overflows_leaves_an_action_without_value() -> None:
    worth = Worth({"revenue": Estimate(1.0, 1.7e308), "retention": Estimate(1.0, 0.85e308)})
    valued = value_of("offer", worth, {"revenue": 0.0, "retention": 0.0}, PLAN)
    assert (valued.net, valued.lacking) == (None, ("net",))


def test_an_expected_amount_may_be_any_number() -> None:
    plan = RankingPlan((ObjectivePlan("revenue", kind="amount"),))
    worth = Worth({"revenue": Estimate(31.5)}, cost=2.0)
    assert value_of("offer", worth, {"revenue": 30.0}, plan).net == pytest.approx(-0.5)


def test_the_best_comes_first_and_what_brings_less_than_nothing_comes_last() -> None:
    valued = {"small": Valued(1.0), "loss": Valued(-1.0), "large": Valued(5.0), "unknown": Valued(None)}
    assert rank(valued, PLAN) == (["large", "small"], ["loss", "unknown"])


def test_equal_actions_keep_the_order_of_the_spec() -> None:
    assert rank({"b": Valued(2.0), "a": Valued(2.0)}, PLAN) == (["b", "a"], [])
    assert rank({"a": Valued(2.0), "b": Valued(2.0)}, PLAN) == (["a", "b"], [])


def test_an_action_that_equals_do_nothing_is_not_worth_doing() -> None:
    assert rank({"a": Valued(0.0)}, PLAN) == ([], ["a"])


def lexicographic(*objectives: ObjectivePlan) -> RankingPlan:
    return RankingPlan(objectives, by="lexicographic")


def worth_two(name: str, revenue: float, retention: float, plan: RankingPlan, cost: float = 0.0) -> Valued:
    worth = Worth({"revenue": Estimate(revenue), "retention": Estimate(retention)}, cost=cost)
    return value_of(name, worth, {"revenue": 0.0, "retention": 0.0}, plan)


def test_the_second_objective_decides_among_those_close_to_the_best_on_the_first() -> None:
    plan = lexicographic(
        ObjectivePlan("revenue", kind="amount", tolerance=1.0), ObjectivePlan("retention", kind="amount")
    )
    valued = {
        "dearest": worth_two("dearest", 10.0, 0.1, plan),
        "close": worth_two("close", 9.5, 0.9, plan),
        "far": worth_two("far", 8.9, 5.0, plan),
    }
    assert rank(valued, plan)[0] == ["close", "dearest", "far"]


def test_without_tolerance_the_first_objective_decides_alone() -> None:
    plan = lexicographic(ObjectivePlan("revenue", kind="amount"), ObjectivePlan("retention", kind="amount"))
    valued = {"a": worth_two("a", 9.9, 50.0, plan), "b": worth_two("b", 10.0, 0.0, plan)}
    assert rank(valued, plan)[0] == ["b", "a"]


def test_among_equals_on_every_objective_the_cheaper_wins() -> None:
    plan = lexicographic(ObjectivePlan("revenue", kind="amount"))
    valued = {
        "dear": worth_two("dear", 10.0, 0.0, plan, cost=3.0),
        "cheap": worth_two("cheap", 10.0, 0.0, plan, cost=1.0),
    }
    assert rank(valued, plan)[0] == ["cheap", "dear"]


def test_do_nothing_wins_where_no_objective_gains_more_than_its_tolerance() -> None:
    plan = lexicographic(ObjectivePlan("revenue", kind="amount", tolerance=1.0))
    assert rank({"a": worth_two("a", 0.5, 0.0, plan, cost=0.6)}, plan) == ([], ["a"])
    assert rank({"a": worth_two("a", 1.5, 0.0, plan, cost=0.6)}, plan) == (["a"], [])


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)


@given(st.lists(st.one_of(st.none(), numbers), min_size=1, max_size=8), st.randoms())
def test_the_order_of_the_registry_changes_nothing_but_ties(nets: list[float | None], chance: object) -> None:
    valued = {f"action-{index}": Valued(net) for index, net in enumerate(nets)}
    names = list(valued)
    chance.shuffle(names)  # type: ignore[attr-defined]
    first, _ = rank(valued, PLAN)
    second, _ = rank({name: valued[name] for name in names}, PLAN)
    assert [valued[name].net for name in first] == [valued[name].net for name in second]
    assert set(first) == set(second)


@given(st.lists(st.one_of(st.none(), numbers), max_size=8), st.sampled_from(["weighted", "lexicographic"]))
def test_every_action_is_ranked_once_and_none_without_value_beats_do_nothing(
    nets: list[float | None], by: str
) -> None:
    plan = RankingPlan((ObjectivePlan("revenue", tolerance=0.5),), by=by)  # type: ignore[arg-type]
    valued = {f"action-{index}": Valued(net) for index, net in enumerate(nets)}
    better, behind = rank(valued, plan)
    assert sorted([*better, *behind]) == sorted(valued)
    assert all((valued[name].net or 0) > 0 for name in better)
