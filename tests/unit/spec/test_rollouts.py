"""`rollouts` of `experiments.yaml`: specs that are tried in the place of others, and every way to be wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.spec.experiment_plan import RolloutPlan, Slice
from functions.spec.loading import SpecFolder

Load = Callable[..., SpecFolder]

GOOD = """\
rollouts:
  churn-next: { of: churn, mode: shadow, range: [0, 0.05] }
"""
NEXT = """\
version: 1
name: churn-next
owner: team
description: Scores otherwise.
trigger:
  event_pattern:
    detail-type: [page_view]
  max_age: 30s
purpose: retention
features:
  frequency: { from: profile.orders.count, type: int, missing: 0 }
decide:
  actions: [call]
"""


def test_both_functions_know_of_a_rollout(load: Load) -> None:
    loaded = load({"experiments.yaml": GOOD, "churn-next.yaml": NEXT})
    assert loaded.problems == ()
    expected = (RolloutPlan("churn-next", "churn", "shadow", Slice("churn-next", ((0, 0.05),))),)
    assert {name: plan.experiments.rollouts for name, plan in loaded.plans.items()} == {
        "churn": expected,
        "churn-next": expected,
    }


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("of: churn", "of: chrun", "spec.unknown_function", (2, 21)),
        ("churn-next:", "churn-nxt:", "spec.unknown_function", (2, 3)),
        ("of: churn", "of: churn-next", "spec.overlap", (2, 21)),
        ("mode: shadow", "mode: half", "spec.wrong_value", (2, 34)),
        (", range: [0, 0.05]", "", "spec.missing_key", (2, 3)),
    ],
)
def test_a_fault_is_found_at_its_place(
    load: Load, old: str, new: str, code: str, place: tuple[int, int]
) -> None:
    assert old in GOOD
    loaded = load({"experiments.yaml": GOOD.replace(old, new, 1), "churn-next.yaml": NEXT})
    assert [(one.code, one.line, one.column) for one in loaded.problems] == [(code, *place)]


def test_two_canaries_of_one_function_could_not_be_told_apart(load: Load) -> None:
    text = (
        GOOD.replace("shadow", "canary") + "  churn-other: { of: churn, mode: canary, range: [0.5, 0.6] }\n"
    )
    other = NEXT.replace("churn-next", "churn-other")
    loaded = load({"experiments.yaml": text, "churn-next.yaml": NEXT, "churn-other.yaml": other})
    assert [(one.code, one.line) for one in loaded.problems] == [("spec.overlap", 3)]
    both = load(
        {
            "experiments.yaml": text.replace("canary", "shadow"),
            "churn-next.yaml": NEXT,
            "churn-other.yaml": other,
        }
    )
    assert both.problems == ()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("[page_view]", "[click]", "trigger"),
        ("max_age: 30s", "max_age: 31s", "max_age"),
        ("purpose: retention", "purpose: support", "purpose, consent"),
        ("purpose:", "profile: { key: event.user_id }\npurpose:", "profile key"),
    ],
)
def test_what_is_asked_about_other_events_can_not_take_a_place(
    load: Load, old: str, new: str, what: str
) -> None:
    assert old in NEXT
    text = NEXT.replace(old, new)
    if "support" in new:
        text = text.replace("profile.orders.count", '"`1`"')
    loaded = load({"experiments.yaml": GOOD, "churn-next.yaml": text})
    assert [(one.code, one.line) for one in loaded.problems] == [("spec.not_alike", 2)]
    assert loaded.problems[0].message.endswith(f"they differ in {what}")
