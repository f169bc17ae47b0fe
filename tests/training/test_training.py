"""The sample models are what their training scripts make: equal data, code and libraries give equal bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
TRAINING = ROOT / ".venv-train"
CHURN = MODELS / "churn-risk"
DAY = json.loads((CHURN / "model.json").read_text(encoding="utf-8"))["version"]

needs_scikit_learn = pytest.mark.skipif(
    not (TRAINING / "ready").exists(), reason="there is no .venv-train; `make .venv-train/ready` creates it"
)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def _scikit_learn(script: str, *arguments: str | Path) -> None:
    [log] = TRAINING.glob("[Ll]ifetimes-*.whl")
    _run(TRAINING / "bin" / "python", CHURN / script, "--wheel", log, *arguments)


def _same(made: Path, kept: Path) -> None:
    names = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert names
    assert {name for name in names if (made / name).read_bytes() != (kept / name).read_bytes()} == set()


@needs_scikit_learn
def test_the_churn_model_its_metrics_and_its_card_are_what_training_makes(tmp_path: Path) -> None:
    _scikit_learn("train.py", "--output", tmp_path, "--date", DAY)
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", "metrics.json", "card.md"}
    _same(tmp_path, CHURN)


@needs_scikit_learn
def test_what_a_leak_costs_is_what_the_script_measures(tmp_path: Path) -> None:
    _scikit_learn("leak.py", "--output", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["leak.json"]
    _same(tmp_path, CHURN)


def test_the_models_without_real_data_are_what_training_on_the_generator_makes(tmp_path: Path) -> None:
    _run(sys.executable, MODELS / "simulated" / "train.py", "--output", tmp_path, "--date", DAY)
    assert {path.name for path in tmp_path.iterdir()} == {
        "account-risk", "cart-recovery", "footwear-intent", "next-titles"
    }  # fmt: skip
    _same(tmp_path, MODELS)
