"""Measure what a leak costs: train `churn-risk` on features that see the label window, and serve it honestly.

Run, in an environment with this project's extra `train` (scikit-learn):

    python models/churn-risk/leak.py [--wheel lifetimes-0.11.3-py3-none-any.whl] [--output FOLDER]

Writes `leak.json`, the figures of `docs/point-in-time.md`. Data, dates, label and kind of model are those of
`train.py`; the data never stays in this repository. Equal inputs give equal bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
if __name__ == "__main__":  # so that the script runs where this project is not installed
    sys.path.append(str(HERE.parents[1]))

from train import (  # noqa: E402 (beside this script, which is no package)
    HORIZON,
    MEMBER_SHA256,
    PACKAGE,
    TEST_DATE,
    TRAIN_DATES,
    Purchases,
    Row,
    Snapshot,
    build_artefact,
    download,
    measure,
    read_purchases,
    score,
    select_transforms,
    snapshot,
    versions,
)

LOST_SHARE = 5
"""Every so many-th customer's recency is lost, chosen by a hash of the id: no seed, and the same each time."""


def main() -> None:
    """Read the arguments, measure, and write the figures."""
    parser = argparse.ArgumentParser(description="Measure what a leak in the features costs.")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {PACKAGE}; downloaded by pip if not given")
    parser.add_argument("--output", type=Path, default=HERE, help="where the file goes; default this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        purchases = read_purchases(arguments.wheel or download(Path(scratch)))
    figures = study(purchases)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "leak.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures["models"]))


def study(purchases: Purchases) -> dict[str, Any]:
    """Train both models, serve both the same correct features, and spoil those of the correct one."""
    honest = [snapshot(purchases, as_of) for as_of in TRAIN_DATES]
    # The transforms are chosen once, without the leak, so that the leak is the only difference.
    transforms = select_transforms(honest)[0]["transforms"]
    test = snapshot(purchases, TEST_DATE)
    correct = build_artefact(honest, "trial", transforms)
    leaky = build_artefact([leaked(purchases, taken) for taken in honest], "trial", transforms)
    return {
        "data": {"package": PACKAGE, "sha256": MEMBER_SHA256, "customers": len(purchases)},
        "horizon_days": HORIZON.days,
        "train_dates": [day.isoformat() for day in TRAIN_DATES],
        "test_date": TEST_DATE.isoformat(),
        "churn_rate": round(sum(test.churned) / len(test.churned), 4),
        "models": {
            "features that see the label window": {
                "offline": figures_of(leaky, leaked(purchases, test)),
                "served": figures_of(leaky, test),
            },
            "features as of the date": {
                "offline": figures_of(correct, test),
                "served": figures_of(correct, test),
            },
        },
        "base_rate": base_rate(honest, test),
        "faults": {
            "recency sent in hours": figures_of(correct, in_hours(test)),
            "recency sent as 0 for a fifth of the customers": figures_of(correct, with_lost_recency(test)),
        },
        "tools": versions(),
    }


def leaked(purchases: Purchases, taken: Snapshot) -> Snapshot:
    """Return a snapshot with the same customers and labels, and features as they stand after the horizon.

    This is what a join of labels with today's profiles gives: a profile that was updated by the very
    purchases that the label asks about.
    """
    later = snapshot(purchases, taken.as_of + HORIZON)
    rows = dict(zip(later.customers, later.rows, strict=True))
    return replace(taken, rows=[rows[customer] for customer in taken.customers])


def in_hours(taken: Snapshot) -> Snapshot:
    """Return a snapshot whose recency is in hours; the model was trained on days."""
    return _with_recency(taken, lambda _, days: 24 * days)


def with_lost_recency(taken: Snapshot) -> Snapshot:
    """Return a snapshot in which a fifth of the customers bought "0 days ago", as an empty cell is read."""
    return _with_recency(taken, lambda customer, days: 0.0 if _is_lost(customer) else days)


def _is_lost(customer: str) -> bool:
    return int.from_bytes(hashlib.sha256(customer.encode()).digest()[:4]) % LOST_SHARE == 0


def _with_recency(taken: Snapshot, change: Callable[[str, float], float]) -> Snapshot:
    rows: list[Row] = [
        (change(customer, recency), frequency, value)
        for customer, (recency, frequency, value) in zip(taken.customers, taken.rows, strict=True)
    ]
    return replace(taken, rows=rows)


def figures_of(artefact: dict[str, Any], taken: Snapshot) -> dict[str, float]:
    """Return ranking, calibration and mean of a model's scores on a snapshot."""
    return _chosen(measure(score(artefact, taken), taken.churned))


def base_rate(train_sets: Sequence[Snapshot], test: Snapshot) -> dict[str, float]:
    """Return the figures of knowing nothing: the churn rate of the training set for everybody."""
    labels = [label for taken in train_sets for label in taken.churned]
    return _chosen(measure([sum(labels) / len(labels)] * len(test.churned), test.churned))


def _chosen(found: dict[str, Any]) -> dict[str, float]:
    return {key: found[key] for key in ("auc", "log_loss", "mean_score")}


if __name__ == "__main__":
    main()
