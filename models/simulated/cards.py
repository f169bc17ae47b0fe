"""Render the cards of the simulated models; no figure in them is typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from studies import Study

_WARNING = "> **Simulated data, not for real use.**"
_LIMITS = """## What it must not be used for

- **Your customers.** It has never seen one. Train a model of your own on what really happened; use this one to see
  how everything fits together.
- **Anything that grants or denies** credit, insurance, work, housing, prices or rights to a person.
- **Any claim about quality.** The figures above say that the script works, and nothing about people."""


def render_card(study: Study, artefact: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Return the card of a trained model as Markdown."""
    blocks = [
        f"# Model card: {study.name}",
        f"""{_WARNING} People, behaviour and outcomes come from a generator with a seed, and the
> outcome from a formula that we made up. The model learns the formula back, which is easy.""",
        _summary(study, artefact),
        f"""## Features

{_feature_table(study, artefact)}

Score = 1 / (1 + exp(-(intercept + sum of weight × transformed feature))); `log1p` is the natural logarithm
of 1 + x. A value below 0, a missing one or one that is not finite is refused.""",
        _data(study, metrics),
        f"## Quality on people it has not seen\n\n{_quality(metrics)}",
        f"## Calibration by fifths of the score\n\n{_calibration(metrics)}",
        _LIMITS,
        _reproduce(metrics["trained_on"]),
    ]
    return "\n\n".join(blocks) + "\n"


def render_catalogue_card(artefact: Mapping[str, Any]) -> str:
    """Return the card of next-titles as Markdown."""
    rows = [
        (
            f"`{item['id']}`",
            item["title"],
            f"{item['bias']:g}",
            ", ".join(f"{name} {weight:g}" for name, weight in item["weights"].items()),
        )
        for item in artefact["items"]
    ]
    blocks = [
        f"# Model card: {artefact['name']}",
        f"""{_WARNING} Films that do not exist, and weights that were written down by hand:
> nothing was trained and nothing was measured.""",
        f"""Which films of a catalogue of {len(rows)} suit this viewer best?

A ranking, version `{artefact["version"]}`, served as plain HTTP in the place of
<{artefact["stands_in_for"]}>. Read by the function `watch-next`.""",
        f"""Score = 1 / (1 + exp(-(bias + sum of weight × feature))), the highest first, equal scores in the order of
the catalogue, at most {artefact["max_items"]}. Ids under `exclude` are left out. The features are shares from 0 to 1 of
what was watched by genre, and `late`; a value outside is refused.""",
        f"## Catalogue\n\n{_table(('Id', 'Title', 'Bias', 'Weights'), rows)}",
        "A film's own genre weighs most, its neighbours less; late in the evening long films lose and short ones gain.",
        _LIMITS.replace(
            "The figures above say that the script works, and nothing about people.", "Nothing was measured."
        ),
        _reproduce(artefact["version"]),
    ]
    return "\n\n".join(blocks) + "\n"


def _summary(study: Study, artefact: Mapping[str, Any]) -> str:
    several = len(study.outputs) > 1
    kind = f"{len(study.outputs)} logistic regressions" if several else "A logistic regression"
    served = (
        f"plain HTTP in the place of\n<{study.stands_in_for}>"
        if study.stands_in_for
        else "a SageMaker endpoint"
    )
    return f"""{study.question}

{kind} on {len(study.inputs)} features, version `{artefact["version"]}`, served as {served}.
Read by the function `{study.spec}`, whose spec defines the features."""


def _data(study: Study, metrics: Mapping[str, Any]) -> str:
    seeds, people = metrics["seeds"], metrics["people"]
    trials = """
Each person was given one of the outputs' treatments at random, and each regression saw those who got its own."""
    return f"""## Data and label

{people["train"]:,} people to train (seeds {seeds["train"][0]:,} to {seeds["train"][1] - 1:,} of \
`functions.testing.profiles`) and {people["test"]:,} others to test
(seeds {seeds["test"][0]:,} to {seeds["test"][1] - 1:,}). Features are the spec's own, evaluated as the \
runtime evaluates them.

The label is "{study.label}", drawn with the log-odds

    {study.formula}

plus a hidden part, normal with standard deviation {study.hidden:g}, that is in no feature.\
{trials if len(study.outputs) > 1 else ""}"""


def _reproduce(day: str) -> str:
    return f"""## Reproduce

    python models/simulated/train.py --date {day}

The script needs nothing but this project, and writes the same files on every run."""


def _feature_table(study: Study, artefact: Mapping[str, Any]) -> str:
    outputs = _fitted(study, artefact)
    rows = [
        (
            f"`{entry['name']}`",
            entry["meaning"],
            entry["unit"],
            f"{entry['trained_range'][0]:g} to {entry['trained_range'][1]:g}",
            entry["transform"],
            *(f"{weights[entry['name']]:g}" for _, weights in outputs.values()),
        )
        for entry in artefact["features"]
    ]
    intercepts = ("intercept", "", "", "", "", *(f"{intercept:g}" for intercept, _ in outputs.values()))
    heads = tuple(f"Weight: {name}" for name in outputs) if len(outputs) > 1 else ("Weight",)
    return _table(
        ("Feature", "Meaning", "Unit", "Seen in training", "Transform", *heads), [*rows, intercepts]
    )


def _fitted(study: Study, artefact: Mapping[str, Any]) -> dict[str, tuple[float, dict[str, float]]]:
    if study.stands_in_for:
        return {entry["name"]: (entry["intercept"], entry["weights"]) for entry in artefact["outputs"]}
    weights = {entry["name"]: entry["weight"] for entry in artefact["features"]}
    return {artefact["output"]["name"]: (artefact["intercept"], weights)}


def _quality(metrics: Mapping[str, Any]) -> str:
    test, rate = metrics["test"], metrics["rate"]
    rows = [
        ("model", f"{test['auc']:.4f}", f"{test['log_loss']:.4f}"),
        ("base rate of the training set", "0.5000", f"{test['log_loss_of_base_rate']:.4f}"),
    ]
    table = _table(("", "AUC", "Log-loss"), rows)
    return f"{table}\n\nRate of the label: {rate['train']:.4f} in training, {rate['test']:.4f} in the test."


def _calibration(metrics: Mapping[str, Any]) -> str:
    rows = [
        (str(number), f"{entry['people']:,}", f"{entry['mean_score']:.4f}", f"{entry['rate']:.4f}")
        for number, entry in enumerate(metrics["calibration"], start=1)
    ]
    return _table(("Fifth", "People", "Mean score", "Rate"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
