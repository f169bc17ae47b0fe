import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.endpoint.artefact import load_model, load_models, parse_model
from functions.errors import SettingsError

VALID: dict[str, Any] = {
    "format": "functions-model/1",
    "name": "risk",
    "version": "7",
    "kind": "logistic-regression",
    "features": [
        {
            "name": "days",
            "unit": "days",
            "meaning": "since when",
            "minimum": 0,
            "trained_range": [1, 365],
            "transform": "log1p",
            "weight": -0.5,
        }
    ],
    "intercept": 2,
    "output": {"name": "risk", "meaning": "how likely", "range": [0, 1]},
}

Damage = Callable[[dict[str, Any]], object]


def damaged(damage: Damage) -> dict[str, Any]:
    document = copy.deepcopy(VALID)
    damage(document)
    return document


def write(folder: Path, endpoint: str, text: str) -> Path:
    path = folder / endpoint / "model.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_a_model_is_read_with_its_names_units_and_numbers() -> None:
    model = parse_model(VALID, where="x")
    [feature] = model.features
    assert (model.name, model.version, model.intercept, model.output_name) == ("risk", "7", 2.0, "risk")
    assert (feature.name, feature.unit, feature.transform, feature.weight) == ("days", "days", "log1p", -0.5)
    assert (feature.minimum, feature.trained_range) == (0.0, (1.0, 365.0))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda d: d["features"][0].pop("weight"), "features[0].weight is missing"),
        (lambda d: d["features"][0].update(weight=None), "features[0].weight is no finite number"),
        (lambda d: d["features"][0].update(weight="0.5"), "features[0].weight is no finite number"),
        (lambda d: d["features"][0].update(weight=True), "features[0].weight is no finite number"),
        (lambda d: d["features"][0].update(weight=float("nan")), "features[0].weight is no finite number"),
        (lambda d: d["features"][0].update(weight=10**400), "features[0].weight is no finite number"),
        (lambda d: d["features"][0].update(wieght=1), "features[0].wieght is no key of this format"),
        (lambda d: d["features"][0].update(name=""), "features[0].name is no text"),
        (
            lambda d: d["features"][0].update(transform="sqrt"),
            "features[0].transform must be identity or log1p",
        ),
        (
            lambda d: d["features"][0].update(transform=["log1p"]),
            "features[0].transform must be identity or log1p",
        ),
        (lambda d: d["features"][0].update(minimum=-1), "features[0].minimum must be above -1"),
        (lambda d: d["features"][0].update(trained_range=[1]), "features[0].trained_range is no pair"),
        (lambda d: d["features"][0].update(trained_range=[2, 1]), "features[0].trained_range is no pair"),
        (lambda d: d["features"].append(1), "features[1] is no object"),
        (lambda d: d["features"].append(d["features"][0]), "two features have the same name"),
        (lambda d: d.update(features=[]), "features is no list of at least one feature"),
        (lambda d: d.pop("features"), "features is missing"),
        (lambda d: d.pop("intercept"), "intercept is missing"),
        (lambda d: d.update(intercept=float("inf")), "intercept is no finite number"),
        (lambda d: d.update(format="functions-model/2"), "format must be functions-model/1"),
        (lambda d: d.update(kind="gbdt"), "kind must be logistic-outputs or logistic-regression or ranking"),
        (lambda d: d.update(name=3), "name is no text"),
        (lambda d: d.update(output=[]), "output is no object"),
        (lambda d: d["output"].update(range=[0, 100]), "output.range must be [0, 1]"),
        (lambda d: d["output"].pop("meaning"), "output.meaning is missing"),
    ],
)
def test_a_malformed_model_is_refused_with_the_place(damage: Damage, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_model(damaged(damage), where="risk/model.json")
    assert f"risk/model.json: {problem}" in caught.value.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_model({"format": "functions-model/1", "features": [{}]}, where="x")
    lines = caught.value.message.splitlines()
    assert "x: intercept is missing" in lines
    assert "x: features[0].unit is missing" in lines
    assert "x: output is no object" in lines


@pytest.mark.parametrize("document", [None, [], "model", 3])
def test_a_document_that_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(SettingsError, match="x: the model is no JSON object"):
        parse_model(document, where="x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON at line 1, column 1"),
        ('{"a": NaN}', "NaN and Infinity are no JSON numbers"),
        ('{"a": 1, "a": 2}', "gives a key twice"),
        (" " * 1_048_577, "at most 1,048,576 are read"),
    ],
)
def test_a_file_that_is_no_strict_json_is_refused_by_its_path(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = write(tmp_path, "risk", text)
    with pytest.raises(SettingsError) as caught:
        load_model(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert problem in caught.value.message


def test_a_file_that_can_not_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model.json: No such file"):
        load_model(tmp_path / "model.json")


def test_models_are_named_by_their_folders(tmp_path: Path) -> None:
    write(tmp_path, "churn-risk", json.dumps(VALID))
    write(tmp_path, "Other1", json.dumps(VALID))
    (tmp_path / "notes").mkdir()
    assert sorted(load_models(tmp_path)) == ["Other1", "churn-risk"]


def test_problems_of_several_models_are_told_at_once(tmp_path: Path) -> None:
    first = write(tmp_path, "a", "{")
    second = write(tmp_path, "b", json.dumps(damaged(lambda d: d.pop("intercept"))))
    write(tmp_path, "c_d", json.dumps(VALID))
    with pytest.raises(SettingsError) as caught:
        load_models(tmp_path)
    assert f"{first}: no JSON" in caught.value.message
    assert f"{second}: intercept is missing" in caught.value.message
    assert "c_d/model.json: the folder's name is no endpoint name" in caught.value.message


@pytest.mark.parametrize("folder", ["missing", "."])
def test_a_folder_without_models_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(SettingsError, match="no model in") as caught:
        load_models(tmp_path / folder)
    assert caught.value.hint
