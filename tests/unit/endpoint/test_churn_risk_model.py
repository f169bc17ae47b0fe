"""The model that ships with the project: artefact, metrics and card say the same."""

import importlib.util
import json
import math
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.endpoint.artefact import load_model

FOLDER = Path(__file__).parents[3] / "models" / "churn-risk"
ARTEFACT: dict[str, Any] = json.loads((FOLDER / "model.json").read_text())
METRICS: dict[str, Any] = json.loads((FOLDER / "metrics.json").read_text())
CARD = (FOLDER / "card.md").read_text()


def load(name: str) -> ModuleType:
    """Import a file that is in no package; dataclasses look their module up by name."""
    spec = importlib.util.spec_from_file_location(f"churn_risk_{name}", FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def training() -> Iterator[ModuleType]:
    module = load("train")
    yield module
    del sys.modules[module.__name__]


def test_the_card_is_what_artefact_and_metrics_say() -> None:
    assert load("card").render_card(ARTEFACT, METRICS) == CARD


def test_the_artefact_is_small_and_loads() -> None:
    assert (FOLDER / "model.json").stat().st_size < 20_000
    model = load_model(FOLDER / "model.json")
    assert model.feature_names == ("recency_days", "frequency", "lifetime_value")
    assert [feature.unit for feature in model.features] == ["days", "purchases", "US dollars"]
    assert model.version == METRICS["trained_on"]


def test_a_score_equals_the_formula_of_the_card_computed_by_hand() -> None:
    weights = [feature["weight"] for feature in ARTEFACT["features"]]
    log_odds = (
        ARTEFACT["intercept"] + weights[0] * 42 + weights[1] * math.log1p(3) + weights[2] * math.log1p(249.99)
    )
    [score] = load_model(FOLDER / "model.json").score([[42.0, 3.0, 249.99]])
    assert score == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-12)


def test_risk_rises_with_recency_and_falls_with_purchases_and_value() -> None:
    middle, later, oftener, dearer = load_model(FOLDER / "model.json").score(
        [[60, 3, 100], [90, 3, 100], [60, 5, 100], [60, 3, 300]]
    )
    assert oftener < middle < later
    assert dearer < middle


def test_the_transforms_are_those_that_won_the_selection() -> None:
    best = min(METRICS["selection"], key=lambda entry: entry["log_loss"])
    assert [feature["transform"] for feature in ARTEFACT["features"]] == best["transforms"]


def test_the_card_shows_model_and_baseline_side_by_side() -> None:
    for name in ("model", "recency alone"):
        [line] = [line for line in CARD.splitlines() if line.startswith(f"| {name} |")]
        assert next(float(cell) for cell in re.findall(r"0\.\d{4}", line)) == METRICS["test"][name]["auc"]
    assert METRICS["test"]["recency alone"]["auc"] < METRICS["test"]["model"]["auc"]
    assert METRICS["test"]["model"]["log_loss"] < METRICS["test"]["recency alone"]["log_loss"]


def test_the_calibration_table_adds_up_to_the_test_set() -> None:
    bins = METRICS["calibration"]
    total = METRICS["test"]["model"]["customers"]
    assert sum(entry["customers"] for entry in bins) == total == METRICS["data"]["customers"]
    for key, whole in (("mean_score", "mean_score"), ("churn_rate", "churn_rate")):
        mean = sum(entry[key] * entry["customers"] for entry in bins) / total
        assert mean == pytest.approx(METRICS["test"]["model"][whole], abs=1e-4)


def test_no_training_label_reaches_into_the_test_period(training: ModuleType) -> None:
    assert max(training.TRAIN_DATES) + training.HORIZON <= training.TEST_DATE


def test_features_see_what_lies_before_the_date_and_labels_the_horizon_from_it_on(
    training: ModuleType,
) -> None:
    log = "\n".join(
        [
            " customer_id  date number_of_cds  dollar_value",
            " 00002 19970110  1   10.00",
            " 00002 19970629  2   5.55",
            " 00002 19970701  1   99.00",  # the day itself: a label, no feature
            " 00001 19970630  1   7.00",
            " 00001 19970929  1   7.00",  # the 91st day: outside the horizon
            " 00003 19970929  1   7.00",  # not yet a customer
            " 00004 19970401  1   0.00",
            " 00004 19970928  1   7.00",  # the 90th day: inside
        ]
    )
    taken = training.snapshot(training.parse_purchases(log), date(1997, 7, 1))
    assert taken.customers == ["00001", "00002", "00004"]
    assert taken.rows == [(1.0, 1.0, 7.0), (2.0, 2.0, 15.55), (91.0, 1.0, 0.0)]
    assert taken.churned == [1, 0, 0]


def test_calibration_bins_are_of_equal_size_and_ordered_by_score(training: ModuleType) -> None:
    scores = [index / 20 for index in range(20)]
    bins = training.calibration(scores, [int(score >= 0.5) for score in scores])
    assert [entry["customers"] for entry in bins] == [2] * 10
    assert [entry["churn_rate"] for entry in bins] == [0.0] * 5 + [1.0] * 5
    assert bins[0]["mean_score"] == 0.025
