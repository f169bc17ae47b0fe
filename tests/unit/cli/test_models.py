"""The list of models and their cards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from functions.cli.models import MAX_CARD_BYTES, list_models

Command = Callable[..., CompletedProcess[str]]
MODELS = Path(__file__).parents[3] / "models"
NAMES = sorted(path.parent.name for path in MODELS.glob("*/model.json"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with one model of one's own."""
    folder = tmp_path / "own"
    shutil.copytree(MODELS / "churn-risk", folder / "mine")
    return folder


def test_every_model_is_listed_with_version_kind_and_features(functions: Command) -> None:
    done = functions("models")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[::2]] == NAMES
    version = json.loads((MODELS / "churn-risk" / "model.json").read_text())["version"]
    assert f"churn-risk  {version}  logistic-regression" in lines
    assert "    recency_days, frequency, lifetime_value" in lines


def test_the_list_as_json_holds_the_same(functions: Command) -> None:
    found = json.loads(functions("models", "--json").stdout)

    assert [model["name"] for model in found] == NAMES
    assert found == [model.as_document() for model in list_models(MODELS).values()]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_of_every_model_is_printed_as_it_is_written(functions: Command, name: str) -> None:
    done = functions("models", "card", name)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (MODELS / name / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("argv", [["card", "churn-risk", "--json"], ["--json", "card", "churn-risk"]])
def test_a_card_as_json_holds_the_metrics(functions: Command, argv: list[str]) -> None:
    found: dict[str, Any] = json.loads(functions("models", *argv).stdout)

    assert found["metrics"] == json.loads((MODELS / "churn-risk" / "metrics.json").read_text())
    assert found["name"] == "churn-risk"
    assert found["features"] == ["recency_days", "frequency", "lifetime_value"]


def test_a_model_that_was_not_measured_has_no_metrics(functions: Command, own: Path) -> None:
    (own / "mine" / "metrics.json").unlink()

    done = functions("models", "card", "mine", "--json", environment={"FUNCTIONS_MODELS": str(own)})

    assert json.loads(done.stdout)["metrics"] is None


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_misspelt_name_gets_a_suggestion(functions: Command, flags: list[str]) -> None:
    done = functions("models", "card", "chrun-risk", *flags)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no model 'chrun-risk' in {MODELS}" in done.stderr
    assert "did you mean 'churn-risk'?" in done.stderr


def test_a_name_like_none_gets_the_known_ones(functions: Command) -> None:
    assert f"known here: {', '.join(NAMES)}" in functions("models", "card", "zzz").stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the model mine has no card"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b"#" * (MAX_CARD_BYTES + 1), "over 1,048,576 bytes"),
    ],
)
def test_a_card_that_cannot_be_read_is_said_to_be_so(
    functions: Command, own: Path, content: bytes | None, message: str
) -> None:
    card = own / "mine" / "card.md"
    card.unlink()
    if content is not None:
        card.write_bytes(content)

    done = functions("models", "card", "mine", environment={"FUNCTIONS_MODELS": str(own)})

    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr


def test_metrics_that_are_no_json_are_said_to_be_so(functions: Command, own: Path) -> None:
    (own / "mine" / "metrics.json").write_text("{")

    done = functions("models", "card", "mine", "--json", environment={"FUNCTIONS_MODELS": str(own)})

    assert (done.returncode, done.stdout) == (3, "")
    assert "metrics.json" in done.stderr


def test_a_folder_without_models_is_said_to_be_so(functions: Command, tmp_path: Path) -> None:
    done = functions("models", environment={"FUNCTIONS_MODELS": str(tmp_path / "none")})

    assert (done.returncode, done.stdout) == (3, "")
    assert "no model in" in done.stderr
