"""Train the sample models that have no real data behind them, on customers of the project's own generator.

    python models/simulated/train.py --date 2026-11-22

writes `model.json`, `metrics.json` and `card.md` of footwear-intent, account-risk and cart-recovery anew, and
`model.json` and `card.md` of next-titles, which is declared and not trained. Nothing but this project and
Python is needed. Features are those of the specs, evaluated as the runtime evaluates them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from cards import render_card, render_catalogue_card  # noqa: E402 (beside this script, which is no package)
from catalogue import catalogue_artefact  # noqa: E402
from fitting import auc, calibration, fit, log_loss, sigmoid  # noqa: E402
from studies import STUDIES, Study  # noqa: E402

from functions.endpoint.scoring import TRANSFORMS  # noqa: E402
from functions.runtime.features import extract_features  # noqa: E402
from functions.spec.loading import load_function  # noqa: E402
from functions.spec.plan import Plan  # noqa: E402
from functions.testing.profiles import REFERENCE_TIME, generate_profile  # noqa: E402
from functions.times import format_instant  # noqa: E402

TRAIN_SEEDS = range(100_000, 101_500)
TEST_SEEDS = range(200_000, 200_750)
"""Of the generator; far from those of the sample customers, whom no model has seen."""

PROFILE_BYTES = 20_000
DIGITS = 6
"""Significant digits of a weight: few enough to survive another mathematics library."""


@dataclass(frozen=True)
class Sample:
    """People of the simulation, as one model sees them.

    Attributes:
        rows: Values of the inputs, not yet transformed.
        given: Name of the output that each is about.
        labels: Whether what the model predicts came true.
    """

    rows: list[list[float]]
    given: list[str]
    labels: list[int]

    def of(self, output: str) -> Sample:
        """Return the people that an output is about."""
        chosen = [index for index, name in enumerate(self.given) if name == output]
        return Sample(
            [self.rows[index] for index in chosen],
            [output] * len(chosen),
            [self.labels[index] for index in chosen],
        )


def main() -> None:
    """Read the arguments, train, and write the files."""
    parser = argparse.ArgumentParser(description="Train the sample models on simulated customers.")
    parser.add_argument("--output", type=Path, default=ROOT / "models", help="folder of the models")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="the models' version")
    arguments = parser.parse_args()
    for path, text in write_all(arguments.date).items():
        target = arguments.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(target)


def write_all(day: str) -> dict[str, str]:
    """Return every file by its path below the folder of the models."""
    texts: dict[str, str] = {}
    train = simulate(STUDIES, TRAIN_SEEDS)
    test = simulate(STUDIES, TEST_SEEDS)
    for study in STUDIES:
        artefact = build_artefact(study, train[study.name], day)
        metrics = measure(study, artefact, train[study.name], test[study.name], day)
        texts[f"{study.name}/model.json"] = as_json(artefact)
        texts[f"{study.name}/metrics.json"] = as_json(metrics)
        texts[f"{study.name}/card.md"] = render_card(study, artefact, metrics)
    catalogue = catalogue_artefact(day)
    texts["next-titles/model.json"] = as_json(catalogue)
    texts["next-titles/card.md"] = render_catalogue_card(catalogue)
    return texts


def as_json(document: dict[str, Any]) -> str:
    """Write a document as it is kept."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def simulate(studies: Sequence[Study], seeds: range) -> dict[str, Sample]:
    """Return what became of the people of some seeds, by model."""
    plans = {study.name: load_function(ROOT / "feature_specs", study.spec) for study in studies}
    samples = {study.name: Sample([], [], []) for study in studies}
    for seed in seeds:
        profile = generate_profile(seed, target_bytes=PROFILE_BYTES)
        for study in studies:
            rng = Random(f"{study.name}/{seed}")
            values = spec_features(plans[study.name], study, profile, rng)
            output = rng.choice(list(study.outputs))
            log_odds = study.truth(values, output) + rng.gauss(0.0, study.hidden)
            sample = samples[study.name]
            sample.rows.append([float(values[entry.name]) for entry in study.inputs])
            sample.given.append(output)
            sample.labels.append(int(rng.random() < sigmoid(log_odds)))
    return samples


def spec_features(plan: Plan, study: Study, profile: Mapping[str, Any], rng: Random) -> Mapping[str, Any]:
    """Return the features of a spec for a profile, at the reference time."""
    now = format_instant(REFERENCE_TIME)
    event = {"time": now, "properties": study.event(profile, rng)}
    return extract_features(plan, {"event": event, "profile": profile, "now": now}, now=REFERENCE_TIME).values


def transformed(study: Study, rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return rows as the weights see them."""
    functions = [TRANSFORMS[entry.transform] for entry in study.inputs]
    return [[function(value) for function, value in zip(functions, row, strict=True)] for row in rows]


def build_artefact(study: Study, train: Sample, day: str) -> dict[str, Any]:
    """Fit one regression for each output, and write them down declaratively."""
    fitted = {}
    for output in study.outputs:
        part = train.of(output)
        intercept, weights = fit(transformed(study, part.rows), part.labels)
        fitted[output] = (significant(intercept), [significant(weight) for weight in weights])
    if study.stands_in_for is None:
        return _tabular(study, train, day, fitted)
    head = {"format": "functions-model/1", "name": study.name, "version": day, "kind": "logistic-outputs"}
    names = [entry.name for entry in study.inputs]
    return {
        **head,
        "stands_in_for": study.stands_in_for,
        "features": _features(study, train),
        "outputs": [
            {
                "name": output,
                "meaning": meaning,
                "intercept": fitted[output][0],
                "weights": dict(zip(names, fitted[output][1], strict=True)),
            }
            for output, meaning in study.outputs.items()
        ],
    }


def _tabular(
    study: Study, train: Sample, day: str, fitted: Mapping[str, tuple[float, list[float]]]
) -> dict[str, Any]:
    [(output, meaning)] = study.outputs.items()
    intercept, weights = fitted[output]
    head = {"format": "functions-model/1", "name": study.name, "version": day, "kind": "logistic-regression"}
    return {
        **head,
        "features": [
            {**entry, "weight": weight}
            for entry, weight in zip(_features(study, train), weights, strict=True)
        ],
        "intercept": intercept,
        "output": {"name": output, "meaning": meaning, "range": [0, 1]},
    }


def _features(study: Study, train: Sample) -> list[dict[str, Any]]:
    columns = list(zip(*train.rows, strict=True))
    return [
        {
            "name": entry.name,
            "unit": entry.unit,
            "meaning": entry.meaning,
            "minimum": 0,
            "trained_range": [round(min(column), 4), round(max(column), 4)],
            "transform": entry.transform,
        }
        for entry, column in zip(study.inputs, columns, strict=True)
    ]


def scores_of(study: Study, artefact: Mapping[str, Any], sample: Sample) -> list[float]:
    """Score people with the weights as they are written down, each by the output they are about."""
    fitted = {}
    if study.stands_in_for is None:
        weights = [entry["weight"] for entry in artefact["features"]]
        fitted[next(iter(study.outputs))] = (artefact["intercept"], weights)
    else:
        for output in artefact["outputs"]:
            fitted[output["name"]] = (output["intercept"], list(output["weights"].values()))
    found = []
    for row, output in zip(transformed(study, sample.rows), sample.given, strict=True):
        intercept, weights = fitted[output]
        terms = (weight * value for weight, value in zip(weights, row, strict=True))
        found.append(sigmoid(math.fsum([intercept, *terms])))
    return found


def measure(
    study: Study, artefact: Mapping[str, Any], train: Sample, test: Sample, day: str
) -> dict[str, Any]:
    """Measure a model on people it has not seen, beside the base rate."""
    scores = scores_of(study, artefact, test)
    base = sum(train.labels) / len(train.labels)
    return {
        "data": "simulated",
        "trained_on": day,
        "people": {"train": len(train.labels), "test": len(test.labels)},
        "seeds": {
            "train": [TRAIN_SEEDS.start, TRAIN_SEEDS.stop],
            "test": [TEST_SEEDS.start, TEST_SEEDS.stop],
        },
        "rate": {"train": round(base, 4), "test": round(sum(test.labels) / len(test.labels), 4)},
        "test": {
            "auc": round(auc(scores, test.labels), 4),
            "log_loss": round(log_loss(scores, test.labels), 4),
            "log_loss_of_base_rate": round(log_loss([base] * len(scores), test.labels), 4),
        },
        "calibration": calibration(scores, test.labels),
    }


def significant(number: float) -> float:
    """Round to the digits that are kept."""
    return float(f"{number:.{DIGITS}g}")


if __name__ == "__main__":
    main()
