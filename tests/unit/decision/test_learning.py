"""Posteriors against textbook formulas, chances against a numeric reference, draws against their chances."""

from __future__ import annotations

import math
import random
from collections import Counter as Tally
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decision.posteriors import EMPTY, Counter, Posterior, decay, one_response, posterior
from functions.decision.probabilities import chances_of_being_best, draw, floored, seed_of
from functions.spec.ranking_plan import LearningPlan

PLAN = LearningPlan(prior_weight=20.0, prior_deviation=2.0)
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def sum_of(responses: list[float]) -> Counter:
    counter = EMPTY
    for response in responses:
        counter = counter.plus(one_response(response))
    return counter


def test_before_any_response_the_prior_is_believed() -> None:
    assert posterior("rate", 0.3, EMPTY, PLAN).mean == pytest.approx(0.3)
    assert posterior("amount", 7.5, EMPTY, PLAN) == Posterior(7.5, 4.0 / 20)


def test_a_rate_has_the_beta_posterior() -> None:
    # Beta(20·0.3 + 3, 20·0.7 + 7) = Beta(9, 21): mean 9/30, variance 9·21 / (30²·31).
    found = posterior("rate", 0.3, Counter(trials=10, total=3, squares=3), PLAN)
    assert found.mean == pytest.approx(9 / 30)
    assert found.variance == pytest.approx(9 * 21 / (30**2 * 31))


@given(st.lists(st.floats(-100, 100), max_size=30), st.floats(-50, 50))
def test_an_amount_has_the_normal_posterior(responses: list[float], prior: float) -> None:
    """Murphy (2007), equations 85 to 89, response by response, with κ0 = ν0 = 20 and σ0² = 4."""
    kappa, mean, scatter = 20.0, prior, 20.0 * 4.0
    for response in responses:
        scatter += kappa * (response - mean) ** 2 / (kappa + 1)
        mean = (kappa * mean + response) / (kappa + 1)
        kappa += 1
    found = posterior("amount", prior, sum_of(responses), PLAN)
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.variance == pytest.approx(scatter / kappa / kappa, rel=1e-6, abs=1e-9)


def test_a_counter_that_was_corrected_below_nothing_does_no_harm() -> None:
    found = posterior("rate", 0.0, Counter(-1e-12, -1e-12, 0.0), PLAN)
    assert (found.mean, found.variance) == (0.0, 0.0)


def test_after_a_half_life_a_response_counts_half() -> None:
    week = timedelta(days=7)
    assert decay(NOW, NOW + week, week) == 0.5
    assert decay(NOW, NOW + 3 * week, week) == pytest.approx(0.125)
    assert decay(NOW, NOW - week, week) == 1.0
    assert decay(NOW, NOW + week, None) == 1.0


posteriors = st.builds(Posterior, st.floats(-100, 100), st.one_of(st.just(0.0), st.floats(1e-6, 1e4)))


@given(st.lists(posteriors, min_size=1, max_size=10), st.floats(0, 0.5))
def test_chances_sum_to_one_and_none_is_below_the_floor(candidates: list[Posterior], floor: float) -> None:
    chances = floored(chances_of_being_best(candidates), floor)
    assert math.isclose(sum(chances), 1.0, abs_tol=1e-12)
    least = min(floor, 1 / len(candidates))
    assert all(chance >= least - 1e-15 for chance in chances)


def reference(candidates: list[Posterior], steps: int = 800) -> list[float]:
    """Integrate over the merged quantiles of all candidates: what one passes, times that all others are below."""
    spread = [math.sqrt(one.variance) for one in candidates]
    lowest = max(one.mean - 7 * width for one, width in zip(candidates, spread, strict=True))
    grid = sorted(
        at
        for one, width in zip(candidates, spread, strict=True)
        for step in range(steps + 1)
        if (at := one.mean + width * (14 * step / steps - 7)) >= lowest
    )

    def below(at: float) -> list[float]:
        return [
            0.5 * math.erfc((one.mean - at) / width / math.sqrt(2))
            for one, width in zip(candidates, spread, strict=True)
        ]

    found, before = [0.0] * len(candidates), below(grid[0])
    for first, second in pairwise(grid):
        middle, after = below((first + second) / 2), below(second)
        every = math.prod(middle)
        for index, passed in enumerate(after):
            found[index] += every / middle[index] * (passed - before[index])
        before = after
    return found


def furthest(candidates: list[Posterior]) -> float:
    """Return how far any chance is from the reference."""
    found, expected = chances_of_being_best(candidates), reference(candidates)
    return max(abs(one - other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("ratio", [1, 10, 1_000])
def test_chances_are_those_of_a_numeric_integral_however_unequal_the_candidates_are(ratio: int) -> None:
    source = random.Random(ratio)
    for _ in range(12):
        apart = source.choice([0.01, 0.1, 1.0, 3.0])
        candidates = [
            Posterior(source.gauss(0, apart), ratio ** (-2 * source.random()))
            for _ in range(source.randint(2, 8))
        ]
        assert furthest(candidates) < 1e-4


@pytest.mark.parametrize(
    "deviations",
    [(1.0, 0.005, 0.005), (10.0, 0.1, 0.1, 0.1), tuple(0.5**number for number in range(10)), (1.0,) * 10],
    ids=["two tight ones", "new beside well-learned", "each half as wide", "all alike"],
)
def test_a_new_action_beside_well_learned_ones_gets_its_due(deviations: tuple[float, ...]) -> None:
    candidates = [Posterior(0.02 * place, width**2) for place, width in enumerate(deviations)]
    assert furthest(candidates) < 1e-4


@given(st.floats(-3, 3), st.floats(1e-6, 1.0), st.floats(-1e6, 1e6))
def test_chances_of_two_are_exact(apart: float, ratio: float, away: float) -> None:
    """P(X > Y) = Φ((μ₁ − μ₂) / √(σ₁² + σ₂²)), however unequal they are and wherever they lie."""
    found = chances_of_being_best([Posterior(away + apart, ratio**2), Posterior(away, 1.0)])
    expected = 0.5 * math.erfc(-apart / math.sqrt(1 + ratio**2) / math.sqrt(2))
    assert found[0] == pytest.approx(expected, abs=1e-4)


def test_a_certain_candidate_is_the_best_where_all_others_are_below() -> None:
    # Φ((0.5 − 0) / 1) · Φ((0.5 − 0) / 2); the certain one below it never is.
    half = 0.5 * math.erfc(-0.5 / math.sqrt(2)) * 0.5 * math.erfc(-0.25 / math.sqrt(2))
    found = chances_of_being_best([Posterior(0, 1), Posterior(0.4, 0), Posterior(0.5, 0), Posterior(0, 4)])
    assert found[1] == 0.0
    assert found[2] == pytest.approx(half, abs=1e-4)
    assert sum(found) == pytest.approx(1.0)
    assert chances_of_being_best([Posterior(0, 1), Posterior(50, 0)]) == [0.0, 1.0]
    assert chances_of_being_best([Posterior(0, 1), Posterior(-50, 0)]) == [1.0, 0.0]


def test_chances_of_two_candidates_have_a_closed_form() -> None:
    # P(X > Y) = Φ((1 − 0) / √(0.5² + 1²))
    found = chances_of_being_best([Posterior(1.0, 0.25), Posterior(0.0, 1.0)])
    assert found[0] == pytest.approx(0.5 * math.erfc(-1 / math.sqrt(1.25) / math.sqrt(2)), abs=1e-4)


def test_without_uncertainty_the_first_of_the_best_has_every_chance() -> None:
    assert chances_of_being_best([Posterior(1, 0), Posterior(2, 0), Posterior(2, 0)]) == [0, 1, 0]


@pytest.mark.parametrize(
    "candidates", [[], [Posterior(math.nan, 1)], [Posterior(0, math.inf)]], ids=["none", "nan", "inf"]
)
def test_chances_of_no_number_are_refused(candidates: list[Posterior]) -> None:
    with pytest.raises(ValueError, match="finite"):
        chances_of_being_best(candidates)


@given(st.lists(posteriors, min_size=2, max_size=6, unique_by=lambda one: one.mean), st.randoms())
def test_the_order_of_candidates_does_not_matter(candidates: list[Posterior], chance: object) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    before = chances_of_being_best(candidates)
    after = chances_of_being_best(shuffled)
    assert all(
        math.isclose(before[index], after[shuffled.index(one)], abs_tol=1e-9)
        for index, one in enumerate(candidates)
    )


def test_what_is_drawn_is_drawn_as_often_as_its_chance_says() -> None:
    chances = {"a": 0.5, "b": 0.0, "c": 0.3, "do-nothing": 0.2}
    found = Tally(draw(chances, seed_of(f"decision-{number}")) for number in range(20_000))
    assert found["b"] == 0
    # Four standard errors of the largest share are 0.0142.
    assert all(abs(found[name] / 20_000 - chance) < 0.0142 for name, chance in chances.items())


def test_a_draw_is_the_same_at_every_replay() -> None:
    assert seed_of("decision-1") == seed_of("decision-1")
    assert 0 <= seed_of("decision-1") < 1
    assert seed_of("decision-1") != seed_of("decision-2")


@pytest.mark.parametrize(("seed", "expected"), [(0.0, "a"), (0.25, "b"), (0.9999999, "b")])
def test_a_seed_lies_in_the_part_of_one_candidate(seed: float, expected: str) -> None:
    assert draw({"none": 0.0, "a": 0.25, "b": 0.75 - 1e-12, "last": 0.0}, seed) == expected


def test_a_seed_beyond_the_sum_of_the_chances_draws_one_that_may_be_drawn() -> None:
    assert draw({"a": 0.5, "b": 0.4999999, "never": 0.0}, 0.99999999) == "b"
