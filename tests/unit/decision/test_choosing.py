"""Which action is chosen, and what is said about the others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decision.choosing import Decision, choose, foreclosed, suppressed
from functions.decision.experiments import Assignment
from functions.decision.posteriors import Counter
from functions.decision.ranking import DO_NOTHING
from functions.decision.reasons import Reason, rail_reason, reason
from functions.decision.selecting import Setting
from functions.expressions import compile_expression
from functions.spec.plan import ActionPlan, Plan
from functions.testing.sample_function import REGISTRY, a_plan


def _plan(when: str | None = None, eligible: Mapping[str, str | None] | None = None) -> Plan:
    """Return a plan with one action per entry of `eligible`."""
    rules = {"first": None, "second": None} if eligible is None else eligible
    actions = {
        name: {"channel": "offers", **({"eligible": rule} if rule else {})} for name, rule in rules.items()
    }
    decide = {"actions": list(rules), **({"when": when} if when else {})}
    features = {name: {"from": f"profile.{name}", "type": "float"} for name in ("n", "m", "text")}
    return a_plan({**REGISTRY, "actions": actions}, decide=decide, features=features)


Said = tuple[str, str, str | None, dict[str, tuple[str, str | None]]]


def _said(decision: Decision) -> Said:
    candidates: dict[str, tuple[str, str | None]] = {
        one.action: (one.verdict, one.by) for one in decision.candidates
    }
    return (
        decision.outcome,
        decision.reason.code,
        decision.action.name if decision.action else None,
        candidates,
    )


def test_the_first_action_is_chosen_and_outranks_the_others() -> None:
    assert _said(choose(_plan(), {})) == (
        "acted",
        "action.chosen",
        "first",
        {"first": ("chosen", None), "second": ("outranked", "first"), DO_NOTHING: ("outranked", "first")},
    )


def test_an_action_that_is_not_eligible_is_vetoed_and_the_next_is_chosen() -> None:
    plan = _plan(eligible={"first": "features.n > `1`", "second": None})
    assert _said(choose(plan, {"features": {"n": 1}})) == (
        "acted",
        "action.chosen",
        "second",
        {
            "first": ("vetoed", "eligibility.false"),
            "second": ("chosen", None),
            DO_NOTHING: ("outranked", "second"),
        },
    )


def test_when_every_action_is_vetoed_nothing_is_done() -> None:
    plan = _plan(eligible={"first": "features.n > `1`", "second": "features.n > `2`"})
    vetoed = ("vetoed", "eligibility.false")
    assert _said(choose(plan, {"features": {"n": 1}})) == (
        "suppressed",
        "actions.not_eligible",
        None,
        {"first": vetoed, "second": vetoed, DO_NOTHING: ("chosen", None)},
    )


def test_without_an_action_there_is_nothing_to_do() -> None:
    decision = choose(_plan(eligible={}), {})
    assert _said(decision) == ("no_action", "actions.none", None, {DO_NOTHING: ("chosen", None)})


def test_a_condition_that_does_not_hold_leaves_every_action_unreached() -> None:
    by = ("outranked", "condition.false")
    assert _said(choose(_plan("features.n > `1`"), {"features": {"n": 1}})) == (
        "no_action",
        "condition.false",
        None,
        {"first": by, "second": by, DO_NOTHING: ("chosen", None)},
    )


@pytest.mark.parametrize("value", [False, None, 1, 1.0, "true", "yes", [True], {"a": True}, 0, ""])
def test_only_exactly_true_holds(value: Any) -> None:
    document = {"features": {"n": value}}
    assert choose(_plan("features.n"), document).reason.code == "condition.false"
    decision = choose(_plan(eligible={"first": "features.n"}), document)
    assert decision.reason.code == "actions.not_eligible"
    assert decision.candidates[0].by == ("eligibility.false" if value is False else "eligibility.unknown")


def test_true_holds() -> None:
    document = {"features": {"n": True}}
    assert choose(_plan("features.n"), document).outcome == "acted"
    assert choose(_plan(eligible={"first": "features.n"}), document).outcome == "acted"


def test_a_condition_that_fails_counts_as_no_and_says_so() -> None:
    decision = choose(_plan("abs(features.n) > `1`"), {"features": {"n": "s3cret"}})
    assert (decision.outcome, decision.reason.code) == ("no_action", "condition.failed")
    assert "s3cret" not in decision.reason.text


def test_an_eligibility_that_fails_is_a_veto() -> None:
    plan = _plan(eligible={"first": "abs(features.n) > `1`", "second": None})
    decision = choose(plan, {"features": {"n": "text"}})
    assert (decision.action.name if decision.action else None) == "second"
    (why,) = decision.candidates[0].reasons
    assert why.code == "eligibility.unknown"
    assert why.text.endswith("the condition abs(features.n) > `1` is neither true nor false.")


def test_beside_an_action_that_is_taken_a_fallen_one_does_not_say_that_nothing_was_done() -> None:
    plan = _plan(eligible={"first": "features.n > `1`", "second": None})
    (why,) = choose(plan, {"features": {"n": 1}}).candidates[0].reasons
    assert why.text == "The customer is not eligible for it: the condition features.n > `1` does not hold."
    for code in ("contacts.full", "switch.action_off", "policy.unavailable", "policy.action_gone"):
        assert not reason(code).text.startswith("Nothing was done")


def test_what_the_commit_refused_is_vetoed_with_its_reason() -> None:
    full = reason("contacts.full")
    decision = choose(_plan(), {}, removed={"first": full})
    assert _said(decision)[2:] == (
        "second",
        {
            "first": ("vetoed", "contacts.full"),
            "second": ("chosen", None),
            DO_NOTHING: ("outranked", "second"),
        },
    )


def test_when_all_fell_for_one_reason_that_reason_is_given() -> None:
    full = reason("contacts.full")
    assert choose(_plan(), {}, removed={"first": full, "second": full}).reason == full


def test_when_actions_fell_for_several_reasons_each_is_named() -> None:
    plan = _plan(eligible={"first": None, "second": "features.n"})
    rule = rail_reason("rail.blocked", "nights", "Not at night.")

    def against(action: ActionPlan) -> tuple[Reason, ...]:
        return (rule,) if action.name == "second" else ()

    decision = choose(plan, {"features": {"n": False}}, against, removed={"first": reason("contacts.full")})
    assert decision.reason.code == "actions.ruled_out"
    assert decision.reason.text == (
        "Nothing was done: none of the actions is left. first fell by contacts.full. "
        "second fell by the rule nights and its condition."
    )


def test_the_reason_quotes_the_condition_as_its_author_wrote_it() -> None:
    text = choose(_plan("features.n > `1`"), {"features": {"n": 2}}).reason.text
    assert (
        text == "first was chosen: the condition features.n > `1` holds and it is the first eligible action."
    )


def test_a_condition_with_braces_is_quoted_and_not_filled_in() -> None:
    assert "{a: features.n}.a" in choose(_plan("{a: features.n}.a"), {"features": {"n": False}}).reason.text


def test_one_reason_can_remove_every_action() -> None:
    vetoed = ("vetoed", "profile.missing")
    assert _said(suppressed(_plan(), reason("profile.missing"))) == (
        "suppressed",
        "profile.missing",
        None,
        {"first": vetoed, "second": vetoed, DO_NOTHING: ("chosen", None)},
    )


@pytest.mark.parametrize(
    ("when", "eligible", "outcome", "why"),
    [
        (None, {"first": "features.n > `1`"}, "suppressed", "actions.not_eligible"),
        ("churn_risk > `0.5`", {"first": "features.n > `1`"}, "suppressed", "actions.not_eligible"),
        ("features.n > `1`", {"first": None}, "no_action", "condition.false"),
        ("abs(features.text) > `1`", {"first": None}, "no_action", "condition.failed"),
        (None, {}, "no_action", "actions.none"),
    ],
)
def test_a_decision_is_foreclosed_when_no_output_of_the_model_can_change_it(
    when: str | None, eligible: Mapping[str, str | None], outcome: str, why: str
) -> None:
    decision = foreclosed(_plan(when, eligible), {"features": {"n": 1, "text": "x"}})
    assert decision is not None
    assert (decision.outcome, decision.reason.code) == (outcome, why)


@pytest.mark.parametrize(
    ("when", "eligible"),
    [
        ("churn_risk > `0.5`", {"first": None}),
        ("features.n == `1`", {"first": None}),
        (None, {"first": "churn_risk > `0.5`"}),
        (None, {"first": "features.n > `1`", "second": None}),
        (None, {"first": "features.n > `1`", "second": "features.n == `1` && churn_risk > `0.5`"}),
    ],
)
def test_a_decision_is_open_while_an_action_may_follow(
    when: str | None, eligible: Mapping[str, str | None]
) -> None:
    assert foreclosed(_plan(when, eligible), {"features": {"n": 1}}) is None


VALUES = st.sampled_from([True, False, None, 0, 1, 0.7, "x", [], [True]])
NAMES = ("first", "second", "third")
PLANS = {
    (when, rule): _plan(when, {"first": rule, "second": "features.m", "third": "features.n"})
    for when in (None, "churn_risk > `0.5`", "features.n")
    for rule in (None, "churn_risk", "abs(churn_risk) > `0`")
}


@settings(deadline=None)
@given(
    plan=st.sampled_from(list(PLANS.values())),
    risk=VALUES,
    n=VALUES,
    m=VALUES,
    removed=st.sets(st.sampled_from(NAMES)),
)
def test_candidates_agree_with_the_outcome_whatever_the_model_answers(
    plan: Plan, risk: Any, n: Any, m: Any, removed: set[str]
) -> None:
    document = {"churn_risk": risk, "features": {"n": n, "m": m}}
    decision = choose(plan, document, removed={name: reason("contacts.full") for name in removed})
    verdicts = {one.action: one.verdict for one in decision.candidates}
    chosen = [name for name, verdict in verdicts.items() if verdict == "chosen"]
    assert list(verdicts) == [*NAMES, DO_NOTHING]
    assert chosen == [decision.action.name if decision.action else DO_NOTHING]
    assert (decision.outcome == "acted") is (decision.action is not None)
    assert decision.action is None or decision.action.name not in removed
    assert decision.outcome != "suppressed" or {verdicts[name] for name in NAMES} == {"vetoed"}
    assert all((one.by is None) is (one.verdict == "chosen") for one in decision.candidates)


def _together(*, learns: bool) -> Plan:
    """Return a function whose four actions read everything that could speak for them."""
    actions = {
        f"offer-{n}": {"channel": "offers", "cost": 1, "value": {"kept": 1}, "chance": {"kept": 0.5}}
        for n in range(4)
    }
    policy: dict[str, Any] = {"objectives": {"kept": {}}, **({"learning": {}} if learns else {})}
    registry = {**REGISTRY, "currency": "EUR", "actions": actions}
    plan = a_plan(registry, policy=policy, decide={"actions": list(actions), "do_nothing": {"kept": 0.1}})
    judged = tuple(
        replace(
            action,
            eligible=compile_expression(f"features.e{n}"),
            value={"kept": compile_expression(f"features.v{n}")},
            chance={"kept": compile_expression("churn_risk")},
        )
        for n, action in enumerate(plan.actions)
    )
    return replace(plan, policy=replace(plan.policy, actions=judged))


_TOGETHER = {learns: _together(learns=learns) for learns in (False, True)}
_TERMS = st.tuples(st.floats(-50, 200), st.floats(0, 1), st.floats(0, 3))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(_TERMS, min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(["optimised", "random", "usual"]),
    st.booleans(),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1),
)
def test_whatever_is_ranked_learned_or_drawn_no_vetoed_action_comes_back(
    terms: list[tuple[float, float, float]],
    ruled_out: list[bool],
    eligible: list[bool],
    group: Any,
    learns: bool,
    seed: float,
    output: float,
) -> None:
    """Rails, eligibility, values, levers, what a model says and what was learned, all at once."""
    plan = _TOGETHER[learns]
    names = [action.name for action in plan.actions]
    lever = {name: lever for name, (_, _, lever) in zip(names, terms, strict=True)}
    document = {
        "features": {f"e{index}": one for index, one in enumerate(eligible)}
        | {f"v{index}": value for index, (value, _, _) in enumerate(terms)},
        "churn_risk": output,
    }
    assert plan.policy.ranking is not None
    ranking = replace(plan.policy.ranking, levers=lever)
    beliefs = {
        (name, "kept"): Counter(50, 50 * chance, 50 * chance)
        for name, (_, chance, _) in zip(names, terms, strict=True)
    }
    setting = Setting(ranking, plan.baseline.otherwise, Assignment(group), seed, beliefs)
    rule = rail_reason("rail.blocked", "rule", "No.")
    vetoed = {name for name, out in zip(names, ruled_out, strict=True) if out}
    unfit = {name for name, fits in zip(names, eligible, strict=True) if not fits}
    decision = choose(plan, document, lambda one: (rule,) if one.name in vetoed else (), None, setting)
    assert decision.action is None or decision.action.name not in vetoed | unfit
    for candidate in decision.candidates:
        if candidate.action in vetoed | unfit:
            assert (candidate.verdict, candidate.chance, candidate.value) == ("vetoed", None, None)
    assert (decision.outcome == "suppressed") == (set(names) == vetoed | unfit)
