"""The page about features that know too much: its figures are measured, and what it promises holds."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.expressions import compile_expression

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "models" / "churn-risk"
PAGE = (ROOT / "docs" / "point-in-time.md").read_text(encoding="utf-8")
LEAK: dict[str, Any] = json.loads((FOLDER / "leak.json").read_text(encoding="utf-8"))
METRICS: dict[str, Any] = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))


def _row(first: str) -> list[float]:
    [line] = [line for line in PAGE.splitlines() if line.startswith(f"| {first} |")]
    return [float(cell) for cell in line.strip("|").split("|")[1:]]


@pytest.mark.parametrize("trained_on", LEAK["models"])
def test_the_page_shows_each_model_offline_and_served(trained_on: str) -> None:
    offline, served = LEAK["models"][trained_on]["offline"], LEAK["models"][trained_on]["served"]

    assert _row(trained_on) == [offline["auc"], served["auc"], offline["log_loss"], served["log_loss"]]


@pytest.mark.parametrize("fault", LEAK["faults"])
def test_the_page_shows_each_fault_of_what_is_sent(fault: str) -> None:
    assert _row(fault) == [LEAK["faults"][fault][key] for key in ("auc", "log_loss", "mean_score")]


def test_the_page_shows_the_faults_beside_the_model_without_them() -> None:
    served = LEAK["models"]["features as of the date"]["served"]

    assert _row("what the model was trained on") == [
        served["auc"],
        served["log_loss"],
        served["mean_score"],
    ]


def test_every_measured_number_of_the_page_is_in_the_figures() -> None:
    measured = set(map(float, _numbers(LEAK)))

    assert {float(text) for text in re.findall(r"\d+\.\d{4}", PAGE)} <= measured
    assert f"{LEAK['data']['customers']:,} customers" in PAGE
    assert f"next {LEAK['horizon_days']} days" in PAGE
    assert f"log-loss of\n{LEAK['base_rate']['log_loss']:.4f}" in PAGE
    assert f"churn rate is {LEAK['churn_rate']:.4f}" in PAGE


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, int | float):
        yield value


def test_the_honest_model_is_the_one_of_the_card() -> None:
    served = LEAK["models"]["features as of the date"]["served"]
    hours = LEAK["faults"]["recency sent in hours"]

    for found, name in ((served, "model"), (hours, "recency sent in hours by mistake")):
        expected = METRICS["test"][name]
        assert found == {key: expected[key] for key in ("auc", "log_loss", "mean_score")}
    assert LEAK["data"]["sha256"] == METRICS["data"]["sha256"]


def test_the_leak_is_as_bad_as_the_page_says() -> None:
    leaky, honest = LEAK["models"].values()

    assert leaky["offline"]["auc"] > 0.9999
    assert leaky["served"]["auc"] < honest["served"]["auc"]
    assert leaky["served"]["log_loss"] > LEAK["base_rate"]["log_loss"] > honest["served"]["log_loss"]


def test_a_window_leaves_out_what_is_later_than_the_event() -> None:
    document = {
        "now": "2026-04-01T00:00:00Z",
        "profile": {
            "orders": {"last_at": "2026-03-31T00:00:00Z"},
            "visits": [{"at": "2026-03-20T00:00:00Z"}, {"at": "2026-05-02T00:00:00Z"}],
        },
    }
    for expression, value in (
        ("count_within(profile.visits, 'at', '30d')", 1),
        ("days_since(profile.orders.last_at)", 1.0),
    ):
        assert f"`{expression}`" in PAGE
        assert compile_expression(expression).evaluate(document) == value


@pytest.fixture
def leak(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, which imports the one beside it by its bare name."""
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in ("leak", "train"):
            patch.delitem(sys.modules, name, raising=False)
        yield importlib.import_module("leak")
        for name in ("leak", "train"):
            del sys.modules[name]


def test_leaked_features_know_what_the_label_asks(leak: ModuleType) -> None:
    purchases = {
        "stayed away": [(date(1998, 1, 1), 10.0)],
        "came back": [(date(1998, 1, 1), 10.0), (date(1998, 5, 2), 5.0)],
    }
    honest = leak.snapshot(purchases, date(1998, 4, 1))
    leaky = leak.leaked(purchases, honest)

    assert honest.rows == [(90.0, 1.0, 10.0), (90.0, 1.0, 10.0)]
    assert leaky.rows == [(180.0, 1.0, 10.0), (59.0, 2.0, 15.0)]
    assert leaky.churned == honest.churned == [1, 0]


def test_faults_change_recency_alone(leak: ModuleType) -> None:
    purchases = {str(number): [(date(1998, 1, 1), 10.0)] for number in range(1_000)}
    taken = leak.snapshot(purchases, date(1998, 4, 1))
    lost = leak.with_lost_recency(taken)

    assert set(leak.in_hours(taken).rows) == {(2160.0, 1.0, 10.0)}
    assert set(lost.rows) == {(90.0, 1.0, 10.0), (0.0, 1.0, 10.0)}
    assert 150 < sum(row[0] == 0 for row in lost.rows) < 250
