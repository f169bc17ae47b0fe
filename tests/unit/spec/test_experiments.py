"""`experiments.yaml`: what it compiles to, and every way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.spec.experiment_plan import (
    NO_EXPERIMENTS,
    ExperimentPlan,
    ExperimentsPlan,
    Slice,
)
from functions.spec.loading import SpecFolder

Load = Callable[..., SpecFolder]

GOOD = """\
holdout: { seed: holdout-1, range: [0, 0.02] }
experiments:
  offers:
    functions: [churn]
    namespace: { seed: space, range: [0, 0.5] }
    groups: { random: [0, 0.05], usual: [0.05, 0.1] }
"""

EXPECTED = ExperimentsPlan(
    Slice("holdout-1", ((0, 0.02),)),
    (
        ExperimentPlan(
            "offers",
            "offers",
            {"random": ((0, 0.05),), "usual": ((0.05, 0.1),)},
            Slice("space", ((0, 0.5),)),
            ("churn",),
        ),
    ),
)


def test_without_a_file_nobody_is_in_any_group(load: Load) -> None:
    loaded = load()
    assert loaded.problems == ()
    assert loaded.plans["churn"].experiments == NO_EXPERIMENTS


def test_a_function_knows_the_experiments_that_it_takes_part_in(load: Load) -> None:
    loaded = load({"experiments.yaml": GOOD})
    assert loaded.problems == ()
    assert loaded.experiments == EXPECTED
    assert loaded.plans["churn"].experiments == EXPECTED


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("[0, 0.02]", "[0.02, 0.02]", "spec.wrong_value", (1, 36)),
        ("[0, 0.02]", "[0, 1.1]", "spec.wrong_value", (1, 36)),
        ("[0, 0.02]", "[0]", "spec.wrong_value", (1, 36)),
        ("seed: holdout-1", "seed: ''", "spec.wrong_value", (1, 18)),
        ("usual: [0.05, 0.1]", "usual: [0.04, 0.1]", "spec.overlap", (6, 41)),
        ("functions: [churn]", "functions: [chrun]", "spec.unknown_function", (4, 17)),
        ("random:", "rndom:", "spec.wrong_value", (6, 15)),
        ("holdout:", "holdouts:", "spec.unknown_key", (1, 1)),
    ],
)
def test_a_fault_is_found_at_its_place(
    load: Load, old: str, new: str, code: str, place: tuple[int, int]
) -> None:
    assert old in GOOD
    loaded = load({"experiments.yaml": GOOD.replace(old, new, 1)})
    assert [(one.code, one.line, one.column) for one in loaded.problems] == [(code, *place)]


def test_a_file_with_errors_leaves_no_function_without_its_groups(load: Load) -> None:
    loaded = load({"experiments.yaml": GOOD.replace("[0, 0.02]", "[0, 2]")})
    assert loaded.experiments is None
    assert loaded.plans == {}


HELD_OUT = "holdout: { seed: s, range: [0, 0.1] }\n"
HALF = "namespace: { seed: s, range: [0, 0.5] }"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (HELD_OUT + "experiments:\n  o: { seed: s, groups: { random: [0, 0.1] } }\n", (3, 14)),
        (HELD_OUT + "experiments:\n  s: { groups: { random: [0, 0.1] } }\n", (3, 3)),
        ("experiments:\n  o: { seed: s, " + HALF + ", groups: { random: [0.5, 1] } }\n", (2, 14)),
        (HELD_OUT + "experiments:\n  o: { " + HALF + ", groups: { random: [0, 0.1] } }\n", (3, 27)),
    ],
    ids=["of the holdout", "by name", "of the namespace", "of holdout and namespace"],
)
def test_what_is_drawn_twice_by_one_seed_is_drawn_once(load: Load, text: str, place: tuple[int, int]) -> None:
    (problem,) = load({"experiments.yaml": text}).problems
    assert (problem.code, problem.line, problem.column) == ("spec.same_seed", *place)
    assert problem.hint is not None


def test_namespaces_that_share_out_the_same_customers_have_one_seed(load: Load) -> None:
    text = (
        "experiments:\n  a: { namespace: { seed: s, range: [0, 0.5] }, groups: { random: [0, 1] } }\n"
        "  b: { namespace: { seed: s, range: [0.5, 1] }, groups: { random: [0, 1] } }\n"
    )
    assert load({"experiments.yaml": text}).problems == ()


SECOND = """\
  more:
    groups: { random: [0, 1] }
"""


def test_two_experiments_in_one_function_need_customers_of_their_own(load: Load) -> None:
    (problem,) = load({"experiments.yaml": GOOD + SECOND}).problems
    assert (problem.code, problem.line) == ("spec.overlap", 7)
    apart = SECOND + "    namespace: { seed: space, range: [0.5, 1] }\n"
    assert load({"experiments.yaml": GOOD + apart}).problems == ()
    another_seed = SECOND + "    namespace: { seed: other, range: [0.5, 1] }\n"
    assert [one.code for one in load({"experiments.yaml": GOOD + another_seed}).problems] == ["spec.overlap"]
