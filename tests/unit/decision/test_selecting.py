"""Layer two names nothing but survivors, whatever it believes of the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decision.choosing import choose
from functions.decision.experiments import Assignment
from functions.decision.posteriors import Counter
from functions.decision.ranking import DO_NOTHING
from functions.decision.reasons import Reason
from functions.decision.selecting import Setting, select
from functions.documents import Json
from functions.spec.plan import ActionPlan
from functions.spec.ranking_plan import Amount, LearningPlan, ObjectivePlan, RankingPlan
from functions.testing.sample_function import REGISTRY, a_plan

REVENUE = RankingPlan((ObjectivePlan("revenue"),))
LEARNING = RankingPlan((ObjectivePlan("revenue"),), learning=LearningPlan(floor=0.02))


def an_action(name: str, value: Amount = 100.0, chance: Amount = 0.3, **more: Any) -> ActionPlan:
    return ActionPlan(
        name, (), "offers", None, {}, {}, more.pop("cost", 1.0), None, {"revenue": value}, {"revenue": chance}, **more
    )  # fmt: skip


def the_setting(ranking: RankingPlan | None = REVENUE, otherwise: float = 0.1, **more: Any) -> Setting:
    return Setting(ranking, {"revenue": otherwise}, **more)


PLAIN = ActionPlan("plain", (), "offers", None, {}, {})
SMALL, LARGE, LOSS = an_action("small", 20.0), an_action("large"), an_action("loss", cost=50.0)


def test_without_a_ranking_the_first_survivor_is_chosen() -> None:
    found = select([SMALL, LARGE], {}, the_setting(None))
    assert (found.chosen, found.code, found.chances) == (SMALL, "action.chosen", {"small": 1.0})


def test_survivors_that_declare_no_value_keep_the_order_of_the_spec() -> None:
    assert select([PLAIN, PLAIN], {}, the_setting()).code == "action.chosen"


def test_the_ranking_chooses_what_is_worth_the_most() -> None:
    found = select([SMALL, LOSS, LARGE], {}, the_setting())
    assert (found.chosen, found.code, found.chances) == (LARGE, "action.ranked", {"large": 1.0})
    assert found.behind == {"loss"}
    assert found.valued["large"].net == pytest.approx(19.0)


def test_nothing_is_done_where_nothing_is_worth_it() -> None:
    found = select([LOSS], {}, the_setting())
    assert (found.chosen, found.code, found.chances) == (None, "actions.not_worth", {DO_NOTHING: 1.0})


def test_business_as_usual_takes_the_first_whatever_it_is_worth() -> None:
    found = select([LOSS, LARGE], {}, the_setting(assignment=Assignment("usual")))
    assert (found.chosen, found.code) == (LOSS, "action.chosen")


def test_the_random_group_gets_each_survivor_equally_often() -> None:
    survivors = [LOSS, LARGE, SMALL]
    found = [
        select(survivors, {}, the_setting(assignment=Assignment("random"), seed=number / 300))
        for number in range(300)
    ]
    assert {one.code for one in found} == {"action.random"}
    assert [sum(one.chosen is action for one in found) for action in survivors] == [100, 100, 100]
    assert found[0].chances == pytest.approx({"loss": 1 / 3, "large": 1 / 3, "small": 1 / 3})


def test_a_model_output_can_feed_every_term() -> None:
    actions = {
        "offer": {
            "channel": "offers",
            "cost": 2,
            "value": {"revenue": "multiply(features.orders, `10`)"},
            "chance": {"revenue": "churn_risk"},
            "risk": "subtract(`1`, churn_risk)",
        }
    }
    plan = a_plan(
        {**REGISTRY, "actions": actions},
        policy={"objectives": {"revenue": {}}, "ranking": {"risk_aversion": 5}},
        decide={"actions": ["offer"], "do_nothing": {"revenue": "divide(churn_risk, `2`)"}},
    )
    document: Mapping[str, Json] = {"features": {"orders": 4}, "churn_risk": 0.8}
    decision = choose(plan, document, setting=Setting(plan.policy.ranking, plan.baseline.otherwise))
    # 4·10·(0.8 − 0.4) − 2 − 5·0.2 = 13
    assert decision.candidates[0].value == pytest.approx(13.0)
    assert decision.reason.code == "action.ranked"
    assert decision.candidates[1].by == "offer"


def test_an_action_that_can_not_be_valued_falls_behind_do_nothing_and_says_so() -> None:
    actions = {"offer": {"channel": "offers", "cost": 0, "chance": {"revenue": "features.unknown"}}}
    plan = a_plan(
        {**REGISTRY, "actions": actions},
        policy={"objectives": {"revenue": {}}},
        decide={"actions": ["offer"], "do_nothing": {"revenue": 0.0}},
    )
    decision = choose(plan, {"features": {}}, setting=Setting(plan.policy.ranking, plan.baseline.otherwise))
    assert (decision.outcome, decision.reason.code) == ("no_action", "actions.not_worth")
    offer, nothing = decision.candidates
    assert (offer.verdict, offer.by, offer.value) == ("outranked", "value.unknown", None)
    assert offer.terms is not None
    assert offer.terms.lacking == ("revenue",)
    assert nothing.verdict == "chosen"


def test_what_was_learned_moves_the_chances_and_never_below_the_floor() -> None:
    before = select([SMALL, LARGE], {}, the_setting(LEARNING)).chances
    beliefs = {
        ("large", "revenue"): Counter(5_000, 250, 250),
        ("small", "revenue"): Counter(5_000, 4_000, 4_000),
    }
    after = select([SMALL, LARGE], {}, the_setting(LEARNING, beliefs=beliefs)).chances
    assert before["large"] > 0.85
    # 20·(0.8 − 0.1) − 1 = 13 against 100·(0.05 − 0.1) − 1 < 0.
    assert after["small"] > 0.9
    assert after["large"] == pytest.approx(0.02, abs=0.001)
    assert sum(after.values()) == pytest.approx(1.0)


def test_do_nothing_can_be_drawn() -> None:
    found = select([LARGE], {}, the_setting(LEARNING, seed=0.9999))
    assert (found.chosen, found.code) == (None, "nothing.drawn")
    assert found.chances[DO_NOTHING] >= 0.02


def test_an_action_is_drawn_as_often_as_it_is_worth_more_than_nothing() -> None:
    """All that is doubted has its part: the action's chance by weight, value and lever, and that of doing nothing."""
    plan = LearningPlan(prior_weight=20.0, floor=0.0)
    revenue = ObjectivePlan("revenue", weight=3.0)
    ranking = RankingPlan((revenue,), levers={"offer": 0.5}, learning=plan)
    beliefs = {("offer", "revenue"): Counter(80, 30, 30), (DO_NOTHING, "revenue"): Counter(180, 30, 30)}
    found = select([an_action("offer", 10.0, 0.3, cost=1.5)], {}, the_setting(ranking, 0.2, beliefs=beliefs))
    # Beta(36, 64) and Beta(34, 166); 3·10·(0.36 − 0.17)·0.5 − 1.5 = 1.35.
    offer, nothing = 36 * 64 / (100**2 * 101), 34 * 166 / (200**2 * 201)
    doubt = math.sqrt((3 * 10 * 0.5) ** 2 * offer + (3 * 10) ** 2 * nothing)
    assert found.valued["offer"].net == pytest.approx(1.35)
    assert found.chances["offer"] == pytest.approx(0.5 * math.erfc(-1.35 / doubt / math.sqrt(2)), abs=1e-4)


amounts = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-10, 200))
groups = st.sampled_from(["optimised", "random", "usual"])


@given(
    st.lists(st.tuples(amounts, amounts, st.booleans()), min_size=1, max_size=6),
    amounts,
    groups,
    st.booleans(),
    st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=300)
def test_nothing_that_is_believed_brings_a_vetoed_action_back(
    terms: list[tuple[float, float, bool]], otherwise: float, group: Any, learns: bool, seed: float
) -> None:
    actions = [an_action(f"action-{index}", value, chance) for index, (value, chance, _) in enumerate(terms)]
    survivors = [action for action, (*_, vetoed) in zip(actions, terms, strict=True) if not vetoed]
    if not survivors:
        return
    beliefs = {(action.name, "revenue"): Counter(10, 9, 9) for action in actions}
    setting = the_setting(
        LEARNING if learns else REVENUE, otherwise, assignment=Assignment(group), seed=seed, beliefs=beliefs
    )
    found = select(survivors, {}, setting)
    names = {action.name for action in survivors}
    assert found.chosen is None or found.chosen in survivors
    assert set(found.chances) <= names | {DO_NOTHING}
    assert math.isclose(sum(found.chances.values()), 1.0, abs_tol=1e-9)
    assert found.chances[found.chosen.name if found.chosen else DO_NOTHING] > 0
    if learns and group == "optimised":
        least = min(0.02, 1 / len(found.chances))
        assert all(chance >= least - 1e-12 for chance in found.chances.values())


@pytest.mark.parametrize("value", [1.4e154, -1e300, 1.1e15, 10**400, math.nan, math.inf])
@pytest.mark.parametrize("learns", [True, False])
def test_an_action_of_a_value_beyond_all_money_falls_behind_doing_nothing(value: float, learns: bool) -> None:
    actions = [an_action("beyond", value, 0.5), an_action("usual", 50.0, 0.5)]
    found = select(actions, {}, the_setting(LEARNING if learns else REVENUE, 0.1, seed=0.5))
    assert found.chosen is not None
    assert found.chosen.name == "usual"


@given(st.permutations(["first", "second", "third"]), st.floats(0, 1, exclude_max=True), st.booleans())
def test_the_order_of_the_registry_changes_no_choice(order: list[str], seed: float, learns: bool) -> None:
    worth = {
        "first": an_action("first", 50.0),
        "second": an_action("second", 80.0),
        "third": an_action("third", 20.0),
    }
    setting = the_setting(LEARNING if learns else REVENUE, seed=seed)
    sorted_chances = select([worth[name] for name in sorted(order)], {}, setting).chances
    found = select([worth[name] for name in order], {}, setting).chances
    assert found == pytest.approx(sorted_chances)


def test_what_the_commit_refused_stays_out() -> None:
    plan = a_plan()
    document = {"features": {"orders": 5}, "churn_risk": 0.9}
    refused = {"offer-20": Reason("budget.empty", "gone")}
    assignment = Assignment("random")
    for seed in (0.0, 0.5, 0.99):
        decision = choose(plan, document, removed=refused, setting=Setting(assignment=assignment, seed=seed))
        assert decision.action is not None
        assert decision.action.name == "offer-10"
