"""Render the model card from the artefact and the metrics; no number in it is typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def render_card(artefact: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    blocks = [
        _summary(artefact, metrics),
        _features(artefact),
        _data(metrics),
        _quality(metrics),
        _calibration(metrics),
        _selection(metrics),
        _limits(metrics),
        _reproduce(metrics),
    ]
    return "\n\n".join(blocks) + "\n"


def _summary(artefact: dict[str, Any], metrics: dict[str, Any]) -> str:
    return f"""# Model card: {artefact["name"]}

Answers one question: how likely is it that this customer buys nothing in the next {metrics["horizon_days"]} days?
The score is a probability from 0 (will buy) to 1 (will not).

A {artefact["kind"].replace("-", " ")} on {len(artefact["features"])} features, trained on {metrics["trained_on"]}
(version `{artefact["version"]}`). It is a sample: real, measured and small, and trained on a record shop of 1997."""


def _features(artefact: dict[str, Any]) -> str:
    rows = [
        (
            str(number),
            f"`{entry['name']}`",
            entry["meaning"],
            entry["unit"],
            f"{entry['trained_range'][0]:g} to {entry['trained_range'][1]:g}",
            entry["transform"],
            f"{entry['weight']:g}",
        )
        for number, entry in enumerate(artefact["features"], start=1)
    ]
    heads = ("Order", "Feature", "Meaning", "Unit", "Seen in training", "Transform", "Weight")
    return f"""## Features

{_table(heads, rows)}

Intercept {artefact["intercept"]:g}. Score = 1 / (1 + exp(-(intercept + sum of weight × transformed feature))).
`log1p` is the natural logarithm of 1 + x. A value below 0, a missing one or one that is not finite is refused;
outside the range seen in training the model extrapolates."""


def _data(metrics: dict[str, Any]) -> str:
    data = metrics["data"]
    rows = [
        (entry["as_of"], entry["use"], f"{entry['customers']:,}", f"{entry['churn_rate']:.4f}")
        for entry in metrics["snapshots"]
    ]
    return f"""## Data and split

CDNOW, the purchases of {data["customers"]:,} customers who first bought in the first quarter of 1997, until the
end of June 1998: {data["purchases"]:,} purchases. Collected and published by Peter Fader and Bruce Hardie
(<http://brucehardie.com/notes/026/>), read from the file `{data["member"]}`
(SHA-256 `{data["sha256"]}`) in the wheel of `{data["package"]}`.

**Licence.** The package is under the MIT licence; for the data itself no licence is stated. The data is
therefore not part of this repository, and the training script reads it from the wheel. The weights are ours.

The split is by time. Features use purchases before the date; the label is "no purchase in the
{metrics["horizon_days"]} days that start with it". No training label reaches into the test period.

{_table(("As of", "Use", "Customers", "Churn rate"), rows)}

The customers of the test are those of the training, at a later date. The row "customers never seen in training"
below fits one half of the customers and tests the other."""


def _quality(metrics: dict[str, Any]) -> str:
    keys = ("auc", "pr_auc_churned", "pr_auc_retained", "log_loss", "brier", "mean_score", "churn_rate")
    heads = (
        "",
        "Customers",
        "AUC",
        "PR-AUC churned",
        "PR-AUC retained",
        "Log-loss",
        "Brier",
        "Mean score",
        "Churn rate",
    )
    test = metrics["test"]
    model, baseline, once = test["model"], test["recency alone"], test["bought once"]
    rows = [
        (name, f"{found['customers']:,}", *(f"{found[key]:.4f}" for key in keys))
        for name, found in test.items()
    ]
    return f"""## Quality on the test date

{_table(heads, rows)}

**The honest baseline.** Knowing only how long ago the last purchase was gives an AUC of {baseline["auc"]:.4f} and a
log-loss of {baseline["log_loss"]:.4f}. The other two features bring that to {model["auc"]:.4f} and \
{model["log_loss"]:.4f}:
worth having, and no miracle. Among customers who bought once the model ranks
hardly better than chance (AUC {once["auc"]:.4f})."""


def _calibration(metrics: dict[str, Any]) -> str:
    rows = [
        (
            str(entry["decile"]),
            f"{entry['customers']:,}",
            f"{entry['lowest_score']:.4f}",
            f"{entry['mean_score']:.4f}",
            f"{entry['churn_rate']:.4f}",
        )
        for entry in metrics["calibration"]
    ]
    worst = max(metrics["calibration"], key=lambda entry: abs(entry["mean_score"] - entry["churn_rate"]))
    heads = ("Decile of score", "Customers", "Lowest score", "Mean score", "Churn rate")
    return f"""## Calibration on the test date

{_table(heads, rows)}

The widest gap is in decile {worst["decile"]}: mean score {worst["mean_score"]:.4f}, churn rate
{worst["churn_rate"]:.4f}. The cohort buys less as it ages, and a model of earlier dates can't know how much less;
retrain, or correct the intercept, before a threshold in that region decides anything that costs money."""


def _selection(metrics: dict[str, Any]) -> str:
    held_out = [entry["as_of"] for entry in metrics["snapshots"] if entry["use"] == "train"][-1]
    rows = [
        (", ".join(entry["transforms"]), f"{entry['auc']:.4f}", f"{entry['log_loss']:.4f}")
        for entry in metrics["selection"]
    ]
    return f"""## How the transforms were chosen

By the script, which takes the least log-loss on {held_out} after fitting the dates before it. Recency,
frequency, lifetime value, in this order:

{_table(("Transforms", "AUC", "Log-loss"), rows)}

Before the script was written, a few shapes of model (gradient-boosted trees among them, which were no better)
were also looked at on the test date, so the test figures may flatter this one by a trifle."""


def _limits(metrics: dict[str, Any]) -> str:
    hours = metrics["test"]["recency sent in hours by mistake"]
    return f"""## What it must not be used for

- **Your customers.** It knows one shop, one cohort and one time. Train on your own purchases; use this one to see
  how everything fits together.
- **Subscriptions.** Here churn means "did not come back within {metrics["horizon_days"]} days",
  not "cancelled a contract".
- **Anything that grants or denies** credit, insurance, work, housing, prices or rights to a person.
- **Customers who never bought**: there is no last purchase to count days from.
- **Cause and effect.** It says who is likely to leave, not whom an offer would keep.

Units matter more than anything else: recency in hours in the place of days leaves an AUC of {hours["auc"]:.4f} and a
log-loss of {hours["log_loss"]:.4f}, worse than knowing nothing. Watch the distribution of the inputs and the
calibration, not the AUC alone."""


def _reproduce(metrics: dict[str, Any]) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in metrics["tools"].items())
    return f"""## Reproduce

    pip install -e ".[train]"
    python models/churn-risk/train.py --date {metrics["trained_on"]}

This writes `model.json`, `metrics.json` and this card anew, to the same bytes with the same tools:
{tools}."""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
