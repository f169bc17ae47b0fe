"""Objectives and the terms of actions: what they compile to, and what must not be missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.expressions import compile_expression
from functions.spec.loading import SpecFolder
from functions.spec.plan_codec import policy_document, policy_from_document
from functions.spec.ranking_plan import LearningPlan, ObjectivePlan, RankingPlan

Load = Callable[..., SpecFolder]

POLICY = """\
objectives:
  revenue: { weight: 2, tolerance: 1.5 }
  calls: { kind: amount, outcomes: [accepted] }
ranking: { risk_aversion: 3, levers: { call: 9 } }
learning: { prior_weight: 5, half_life: 30d, floor: 0.05, window: 3d }
"""
ACTIONS = """\
channels:
  offers: { kind: file, path: offers.jsonl }
actions:
  offer-20:
    channel: offers
    cost: 2
    value: { revenue: 50 }
    chance: { revenue: risk }
  call:
    channel: offers
"""
DECIDE = (
    "  actions: [offer-20, call]",
    "  actions: [offer-20, call]\n  do_nothing: { revenue: 0.1 }\n  segment: features.frequency",
)


@pytest.fixture
def files(spec_text: str) -> dict[str, str]:
    return {"policy.yaml": POLICY, "actions.yaml": ACTIONS, "churn.yaml": spec_text.replace(*DECIDE)}


def test_the_sections_become_one_ranking(load: Load, files: dict[str, str]) -> None:
    loaded = load(files)
    assert loaded.problems == ()
    plan = loaded.plans["churn"]
    assert plan.policy.ranking == RankingPlan(
        objectives=(
            ObjectivePlan("revenue", 2.0, 1.5),
            ObjectivePlan("calls", kind="amount", outcomes=("accepted",)),
        ),
        risk_aversion=3.0,
        levers={"call": 2.0},
        learning=LearningPlan(5.0, 1.0, timedelta(days=30), 0.05, timedelta(days=3)),
    )
    assert plan.baseline.otherwise == {"revenue": 0.1}
    assert plan.baseline.segment is not None
    assert (
        policy_from_document(policy_document(plan.policy), compile_expression).ranking == plan.policy.ranking
    )


def test_without_objectives_nothing_is_ranked(load: Load) -> None:
    assert load().plans["churn"].policy.ranking is None


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("actions.yaml", "chance: { revenue", "chance: { revenu", "spec.unknown_objective"),
        ("actions.yaml", "    chance: { revenue: risk }\n", "", "spec.no_chance"),
        ("actions.yaml", "    cost: 2\n", "", "spec.no_cost"),
        ("churn.yaml", "  do_nothing: { revenue: 0.1 }\n", "", "spec.no_baseline"),
        (
            "churn.yaml",
            "do_nothing: { revenue: 0.1",
            "do_nothing: { revenue: 0.1, other: 1",
            "spec.unknown_objective",
        ),
        ("churn.yaml", "{ revenue: 0.1 }", "{ revenue: profile.x }", "expression.unknown_root"),
        ("policy.yaml", "levers: { call: 9 }", "levers: { cal: 9 }", "spec.unknown_action"),
        ("policy.yaml", "ranking: {", "ranking: { by: order,", "spec.wrong_value"),
        ("policy.yaml", "weight: 2", "weight: -1", "spec.wrong_value"),
        ("policy.yaml", "floor: 0.05", "floor: 0.6", "spec.wrong_value"),
        ("policy.yaml", "levers: {", "lever_limits: [1.5, 2], levers: {", "spec.wrong_value"),
        ("policy.yaml", "outcomes: [accepted]", "outcomes: [complained]", "spec.wrong_value"),
    ],
)
def test_a_fault_is_found(
    load: Load, files: dict[str, str], file: str, old: str, new: str, code: str
) -> None:
    assert old in files[file]
    loaded = load({**files, file: files[file].replace(old, new, 1)})
    assert code in [problem.code for problem in loaded.problems]
    assert loaded.plans == {}
