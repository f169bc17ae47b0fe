"""The models without real data: the script reproduces them, and they read what the specs send."""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from functions.documents import Json
from functions.endpoint.artefact import load_model, load_served, stand_ins
from functions.endpoint.json_models import JsonModel
from functions.spec.loading import load_folder
from functions.spec.plan import Plan
from functions.testing.profile_lives import FILMS
from functions.testing.sample_profiles import sample_records

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
TRAINED = ("footwear-intent", "account-risk", "cart-recovery")
PLANS = load_folder(ROOT / "feature_specs").plans
SCRIPTS = ("cards", "catalogue", "fitting", "studies", "train")


@pytest.fixture(scope="module")
def training() -> Iterator[ModuleType]:
    """The script with the files beside it, which are in no package."""
    path = list(sys.path)
    sys.path.insert(0, str(MODELS / "simulated"))
    module = importlib.import_module("train")
    yield module
    sys.path[:] = path
    for name in SCRIPTS:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def written(training: ModuleType) -> dict[str, str]:
    day = artefact("account-risk")["version"]
    found: dict[str, str] = training.write_all(day)
    return found


def artefact(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MODELS / name / "model.json").read_text(encoding="utf-8"))
    return found


def metrics(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MODELS / name / "metrics.json").read_text(encoding="utf-8"))
    return found


def sent_names(plan: Plan) -> list[str]:
    """The features that a request template sends, in its order."""
    assert plan.model is not None
    text = json.dumps(plan.model.template)
    return [part.split('"')[0] for part in text.split('"features.')[1:]]


def test_the_script_writes_the_committed_files_byte_for_byte(written: dict[str, str]) -> None:
    assert len(written) == 11
    for path, text in written.items():
        assert (MODELS / path).read_text(encoding="utf-8") == text, path


@pytest.mark.parametrize("name", [*TRAINED, "next-titles"])
def test_every_card_says_that_the_data_are_simulated(name: str) -> None:
    assert "Simulated data, not for real use." in (MODELS / name / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TRAINED)
def test_a_model_knows_more_than_the_base_rate_about_people_it_has_not_seen(name: str) -> None:
    measured = metrics(name)
    assert measured["data"] == "simulated"
    assert measured["test"]["auc"] > 0.65
    assert measured["test"]["log_loss"] < measured["test"]["log_loss_of_base_rate"] - 0.02
    assert [part["people"] for part in measured["calibration"]] == [150] * 5


@pytest.mark.parametrize(
    ("spec", "model"), [("footwear-offer", "footwear-intent"), ("saas-account-health", "account-risk")]
)
def test_a_spec_sends_the_features_of_its_endpoint_in_their_order(spec: str, model: str) -> None:
    plan = PLANS[spec]
    assert plan.model is not None
    assert plan.model.target == model
    assert tuple(sent_names(plan)) == load_model(MODELS / model / "model.json").feature_names


@pytest.mark.parametrize(
    ("spec", "model"), [("watch-next", "next-titles"), ("vip-cart-abandonment", "cart-recovery")]
)
def test_a_spec_calls_the_url_that_a_model_stands_in_for(spec: str, model: str) -> None:
    plan = PLANS[spec]
    assert plan.model is not None
    assert stand_ins(MODELS)[plan.model.target] == model
    names = [entry["name"] for entry in artefact(model)["features"]]
    assert [name for name in sent_names(plan) if name != "seen"] == names


def test_every_film_is_in_the_catalogue_and_every_watched_film_is_one() -> None:
    catalogue = {(item["id"], item["title"]) for item in artefact("next-titles")["items"]}
    assert catalogue == {(film[0], film[1]) for film in FILMS}
    watched = {
        film["title_id"] for record in sample_records() for film in record["profile"]["viewing"]["history"]
    }
    assert watched <= {film[0] for film in FILMS}


def next_titles(**features: float) -> list[str]:
    model = load_served(MODELS / "next-titles" / "model.json")
    assert isinstance(model, JsonModel)
    names = [entry["name"] for entry in artefact("next-titles")["features"]]
    ranked: list[dict[str, Json]] = model.answer({"features": {**dict.fromkeys(names, 0), **features}})[
        "ranked"
    ]
    return [item["id"] for item in ranked]


@pytest.mark.parametrize("genre", ["drama", "comedy", "thriller", "documentary", "science-fiction"])
def test_who_watches_one_genre_is_shown_films_of_it_first(genre: str) -> None:
    own = {film[0] for film in FILMS if film[2] == genre}
    assert set(next_titles(**{genre.replace("-", "_"): 1.0})[:5]) == own


def test_late_in_the_evening_shorter_films_come_first() -> None:
    minutes = {film[0]: film[3] for film in FILMS}
    early = [minutes[film] for film in next_titles(drama=0.5, thriller=0.5)[:3]]
    late = [minutes[film] for film in next_titles(drama=0.5, thriller=0.5, late=1)[:3]]
    assert sum(late) < sum(early)


def test_the_personal_shopper_is_worth_it_for_dear_carts_only() -> None:
    model = load_served(MODELS / "cart-recovery" / "model.json")
    assert isinstance(model, JsonModel)
    names = [entry["name"] for entry in artefact("cart-recovery")["features"]]
    base: dict[str, float] = {**dict.fromkeys(names, 1.0), "orders": 6.0}
    assert model.answer({"features": {**base, "cart_value": 900.0}})["best"]["name"] == "personal-shopper"
    assert model.answer({"features": {**base, "cart_value": 15.0}})["best"]["name"] != "personal-shopper"


def test_the_fit_finds_the_weights_of_a_formula_without_noise(training: ModuleType) -> None:
    rows = [[a / 10, b / 10] for a in range(-20, 21) for b in range(-20, 21)]
    # Every row as often with each label as its odds say: the fit has nothing left to guess.
    weighted = [
        (row, label)
        for row in rows
        for label, times in enumerate(_parts(1 / (1 + math.exp(-(0.5 + 1.5 * row[0] - 0.7 * row[1])))))
        for _ in range(times)
    ]
    intercept, weights = training.fit([row for row, _ in weighted], [label for _, label in weighted])
    assert intercept == pytest.approx(0.5, abs=0.05)
    assert weights == pytest.approx([1.5, -0.7], abs=0.05)


def _parts(share: float) -> tuple[int, int]:
    ones = round(20 * share)
    return 20 - ones, ones


def test_auc_counts_ties_half(training: ModuleType) -> None:
    assert training.auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert training.auc([0.5, 0.5], [0, 1]) == 0.5
