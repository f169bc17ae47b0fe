"""What the choice among ten actions costs: values, posteriors, chances, a draw.

    python benchmarks/ranking.py [--rounds 2000]

Every action has a value and a chance that are compiled expressions over features and an output, as a spec
declares them. Figures are medians in microseconds; `ranked` is the best by value, `learned` adds posteriors and
the chance of each candidate to be the best, by quadrature.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

from functions.decision.posteriors import Counter
from functions.decision.selecting import Setting, select
from functions.expressions import compile_expression
from functions.spec.plan import ActionPlan
from functions.spec.ranking_plan import LearningPlan, ObjectivePlan, RankingPlan

ACTIONS = 10
GOAL_US = 500


def survivors() -> list[ActionPlan]:
    """Return ten actions that differ in what they bring."""
    value = compile_expression("multiply(features.basket, `0.3`)")
    return [
        ActionPlan(
            f"action-{number}", ("message",), "offers", None, {}, {}, 0.5, None, {"revenue": value},
            {"revenue": compile_expression(f"multiply(score, `0.{number + 1}`)")},
        )
        for number in range(ACTIONS)
    ]  # fmt: skip


def microseconds(call: Callable[[], object], rounds: int) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    actions = survivors()
    document = {"features": {"basket": 120.0}, "score": 0.62}
    ranking = RankingPlan((ObjectivePlan("revenue"),))
    beliefs = {(action.name, "revenue"): Counter(200, 40, 40) for action in actions}
    plain = Setting(ranking, {"revenue": 0.1}, seed=0.4, beliefs=beliefs)
    learned = replace(plain, ranking=replace(ranking, learning=LearningPlan()))
    for name, setting in (("ranked", plain), ("learned", learned)):
        spent = microseconds(partial(select, actions, document, setting), rounds)
        print(f"{name:<8} {spent:7.1f} us among {ACTIONS} actions, goal {GOAL_US}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
