"""Train `churn-risk` on the CDNOW purchase log, measure it, and write artefact, metrics and card.

Run, in an environment with this project's extra `train` (scikit-learn):

    python models/churn-risk/train.py [--wheel lifetimes-0.11.3-py3-none-any.whl] [--output FOLDER] [--date DAY]

Without `--wheel` pip downloads the wheel into a temporary folder. The log is read out of the wheel as a
file; the package in it is never installed or imported, and the data never stays in this repository, because
no licence for it is stated. Equal inputs give equal bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
if __name__ == "__main__":  # so that the script runs where this project is not installed
    sys.path.append(str(HERE.parents[1]))

from functions.endpoint.artefact import FORMAT, parse_model  # noqa: E402
from functions.endpoint.scoring import sigmoid  # noqa: E402

PACKAGE = "lifetimes==0.11.3"
MEMBER = "lifetimes/datasets/CDNOW_master.txt"
MEMBER_SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"

HORIZON = timedelta(days=90)
TRAIN_DATES = (date(1997, 7, 1), date(1997, 10, 1), date(1998, 1, 1))
TEST_DATE = date(1998, 4, 1)

FEATURES = (
    ("recency_days", "days", "whole days since the last purchase"),
    ("frequency", "purchases", "number of purchases so far"),
    ("lifetime_value", "US dollars", "sum of all purchases so far"),
)
DIGITS = 6
"""Significant digits of a weight: more than the data supports, few enough to survive another BLAS."""

Purchases = dict[str, list[tuple[date, float]]]
Row = tuple[float, float, float]


@dataclass(frozen=True)
class Snapshot:
    """All customers as of the morning of a day, and whether each then stayed away for the horizon."""

    as_of: date
    customers: list[str]
    rows: list[Row]
    churned: list[int]

    def where(self, keep: Sequence[bool]) -> Snapshot:
        """Return the customers for which `keep` is true."""
        chosen = [index for index, kept in enumerate(keep) if kept]
        return Snapshot(
            self.as_of,
            [self.customers[index] for index in chosen],
            [self.rows[index] for index in chosen],
            [self.churned[index] for index in chosen],
        )


def main() -> None:
    """Read the arguments, train, and write the three files."""
    from card import render_card  # beside this script, which is no package

    parser = argparse.ArgumentParser(description="Train churn-risk on the CDNOW purchase log.")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {PACKAGE}; downloaded by pip if not given")
    parser.add_argument(
        "--output", type=Path, default=HERE, help="where the files go; by default this folder"
    )
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="the card's date")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        purchases = read_purchases(arguments.wheel or download(Path(scratch)))
    artefact, metrics = train(purchases, arguments.date)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "model.json": json.dumps(artefact, indent=2) + "\n",
        "metrics.json": json.dumps(metrics, indent=2) + "\n",
        "card.md": render_card(artefact, metrics),
    }.items():
        (arguments.output / name).write_text(text, encoding="utf-8")
    print(json.dumps(metrics["test"]["model"]))


def download(folder: Path) -> Path:
    """Let pip fetch the wheel, without what it depends on."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        PACKAGE,
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def read_purchases(wheel: Path) -> Purchases:
    """Read the log out of the wheel: a header, then customer, yyyymmdd, number of CDs, dollars."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    if hashlib.sha256(content).hexdigest() != MEMBER_SHA256:
        raise SystemExit(f"{MEMBER} is not the file that this model was trained on")
    return parse_purchases(content.decode("ascii"))


def parse_purchases(text: str) -> Purchases:
    """Group the lines of the log by customer, in the order of the customers' ids."""
    purchases: Purchases = {}
    for line in text.splitlines()[1:]:
        customer, day, _, dollars = line.split()
        purchases.setdefault(customer, []).append((datetime.strptime(day, "%Y%m%d").date(), float(dollars)))  # noqa: DTZ007 (days)
    return dict(sorted(purchases.items()))


def snapshot(purchases: Purchases, as_of: date) -> Snapshot:
    """Compute features from what lies before `as_of`, and the label from the horizon that starts with it."""
    taken = Snapshot(as_of, [], [], [])
    for customer, bought in purchases.items():
        before = [(day, dollars) for day, dollars in bought if day < as_of]
        if not before:
            continue
        recency = (as_of - max(day for day, _ in before)).days
        total = math.fsum(dollars for _, dollars in before)
        taken.customers.append(customer)
        taken.rows.append((float(recency), float(len(before)), round(total, 2)))
        taken.churned.append(int(not any(as_of <= day < as_of + HORIZON for day, _ in bought)))
    return taken


def train(purchases: Purchases, day: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit the model and measure it; return the artefact and the metrics as JSON documents."""
    train_sets = [snapshot(purchases, as_of) for as_of in TRAIN_DATES]
    test = snapshot(purchases, TEST_DATE)
    selection = select_transforms(train_sets)
    transforms = selection[0]["transforms"]
    artefact = build_artefact(train_sets, day, transforms)
    return artefact, {
        "trained_on": day,
        "data": {
            "package": PACKAGE,
            "member": MEMBER,
            "sha256": MEMBER_SHA256,
            "purchases": sum(map(len, purchases.values())),
            "customers": len(purchases),
        },
        "horizon_days": HORIZON.days,
        "snapshots": [describe(taken, "train") for taken in train_sets] + [describe(test, "test")],
        "selection": selection,
        "test": measure_all(artefact, train_sets, test, transforms),
        "calibration": calibration(score(artefact, test), test.churned),
        "tools": versions(),
    }


def build_artefact(train_sets: Sequence[Snapshot], day: str, transforms: Sequence[str]) -> dict[str, Any]:
    """Fit a logistic regression and write it down declaratively, standardisation folded into the weights."""
    weights, intercept = fit(train_sets, transforms, columns=range(len(FEATURES)))
    rows = [row for taken in train_sets for row in taken.rows]
    return {
        "format": FORMAT,
        "name": "churn-risk",
        "version": day,
        "kind": "logistic-regression",
        "features": [
            {
                "name": name,
                "unit": unit,
                "meaning": meaning,
                "minimum": 0,
                "trained_range": [min(row[index] for row in rows), max(row[index] for row in rows)],
                "transform": transforms[index],
                "weight": weights[index],
            }
            for index, (name, unit, meaning) in enumerate(FEATURES)
        ],
        "intercept": intercept,
        "output": {
            "name": "churn_risk",
            "meaning": f"probability that the customer buys nothing in the next {HORIZON.days} days",
            "range": [0, 1],
        },
    }


def fit(
    train_sets: Sequence[Snapshot], transforms: Sequence[str], columns: Sequence[int]
) -> tuple[list[float], float]:
    """Return rounded weights and intercept for the transformed columns; newton-cholesky has no randomness."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    inputs = transformed([row for taken in train_sets for row in taken.rows], transforms, columns)
    scaler = StandardScaler().fit(inputs)
    model = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=1_000)
    model.fit(scaler.transform(inputs), [label for taken in train_sets for label in taken.churned])
    weights = model.coef_[0] / scaler.scale_
    intercept = model.intercept_[0] - float(weights @ scaler.mean_)
    return [significant(weight) for weight in weights], significant(intercept)


def transformed(rows: Sequence[Row], transforms: Sequence[str], columns: Sequence[int]) -> Any:
    """Return a matrix of the chosen columns, transformed by numpy: the reference for our own evaluator."""
    import numpy as np

    matrix = np.array(rows)
    return np.column_stack(
        [
            np.log1p(matrix[:, index]) if transforms[index] == "log1p" else matrix[:, index]
            for index in columns
        ]
    )


def score(artefact: dict[str, Any], taken: Snapshot) -> list[float]:
    """Score with the evaluator that serves the model, so that the card describes what is served."""
    return parse_model(artefact, where="model.json").score(taken.rows)


def select_transforms(train_sets: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """Compare every choice of transforms on the last training date, having fitted the earlier ones only."""
    found = []
    for choice in itertools.product(("identity", "log1p"), repeat=len(FEATURES)):
        held_out = train_sets[-1]
        measured = measure(
            score(build_artefact(train_sets[:-1], "trial", choice), held_out), held_out.churned
        )
        found.append({"transforms": list(choice), "auc": measured["auc"], "log_loss": measured["log_loss"]})
    return sorted(found, key=lambda entry: entry["log_loss"])


def measure_all(
    artefact: dict[str, Any], train_sets: Sequence[Snapshot], test: Snapshot, transforms: Sequence[str]
) -> dict[str, Any]:
    """Measure the model beside its baselines, on customers it never saw, in parts, and with a wrong unit."""
    recency_weight, recency_intercept = fit(train_sets, transforms, columns=[0])
    recency = transformed(test.rows, transforms, [0])[:, 0] * recency_weight[0] + recency_intercept
    rate = sum(sum(taken.churned) for taken in train_sets) / sum(len(taken.churned) for taken in train_sets)
    seen, unseen = [[half_of(taken, half) for taken in (*train_sets, test)] for half in (0, 1)]
    repeat = [row[1] > 1 for row in test.rows]
    once, more = test.where([not kept for kept in repeat]), test.where(repeat)
    in_hours = replace(test, rows=[(24 * row[0], *row[1:]) for row in test.rows])
    return {
        "model": measure(score(artefact, test), test.churned),
        "recency alone": measure([sigmoid(float(log_odds)) for log_odds in recency], test.churned),
        "base rate of the training set": measure([rate] * len(test.rows), test.churned),
        "customers never seen in training": measure(
            score(build_artefact(seen[:-1], "trial", transforms), unseen[-1]), unseen[-1].churned
        ),
        "bought once": measure(score(artefact, once), once.churned),
        "bought more than once": measure(score(artefact, more), more.churned),
        "recency sent in hours by mistake": measure(score(artefact, in_hours), test.churned),
    }


def half_of(taken: Snapshot, half: int) -> Snapshot:
    """Return one half of the customers; the same half on every date."""
    return taken.where([hashlib.sha256(name.encode()).digest()[0] % 2 == half for name in taken.customers])


def measure(scores: Sequence[float], churned: Sequence[int]) -> dict[str, Any]:
    """Return ranking and probability metrics; PR-AUC for both classes, as the rarer one is the retained."""
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    retained = [1 - label for label in churned]
    found = {
        "auc": roc_auc_score(churned, scores),
        "pr_auc_churned": average_precision_score(churned, scores),
        "pr_auc_retained": average_precision_score(retained, [1 - value for value in scores]),
        "log_loss": log_loss(churned, scores),
        "brier": brier_score_loss(churned, scores),
        "mean_score": sum(scores) / len(scores),
        "churn_rate": sum(churned) / len(churned),
    }
    return {"customers": len(churned), **{name: round(float(value), 4) for name, value in found.items()}}


def calibration(scores: Sequence[float], churned: Sequence[int]) -> list[dict[str, Any]]:
    """Compare mean score and churn rate in ten bins of equal size, lowest scores first."""
    ranked = sorted(zip(scores, churned, strict=True))
    edges = [len(ranked) * part // 10 for part in range(11)]
    bins = [ranked[low:high] for low, high in itertools.pairwise(edges)]
    return [
        {
            "decile": number,
            "customers": len(members),
            "lowest_score": round(members[0][0], 4),
            "mean_score": round(sum(value for value, _ in members) / len(members), 4),
            "churn_rate": round(sum(label for _, label in members) / len(members), 4),
        }
        for number, members in enumerate(bins, start=1)
    ]


def describe(taken: Snapshot, use: str) -> dict[str, Any]:
    """Return date, size and base rate of a snapshot."""
    rate = sum(taken.churned) / len(taken.churned)
    return {
        "as_of": taken.as_of.isoformat(),
        "use": use,
        "customers": len(taken.customers),
        "churn_rate": round(rate, 4),
    }


def versions() -> dict[str, str]:
    """Return the versions of the tools that trained."""
    import numpy as np
    import sklearn

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }


def significant(value: float) -> float:
    """Round to `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}")


if __name__ == "__main__":
    main()
