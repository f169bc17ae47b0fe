"""`functions bucket ID`: in which group a customer is, in every function, and by which bucket."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.cli.progress import through
from functions.decision.experiments import assign, bucket, is_in
from functions.documents import Json
from functions.spec.experiment_plan import ExperimentPlan, ExperimentsPlan, Range, RolloutPlan, Slice

_EPILOG = """The bucket is GrowthBook's hash, version 2, of a seed and the customer's id: anybody
can compute it again. A customer stays in the holdout when profiles are merged; what
another id of the same customer brought with it is not seen here.

examples:
  functions bucket customer-0042
  functions bucket customer-0042 --json
"""

_MEANING = {
    "optimised": "the ranking chooses",
    "random": "any eligible action, each as likely as the next",
    "usual": "the first eligible action of the spec",
    "holdout": "no action at all",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("id", metavar="ID", help="id of the customer's profile")
    parser.add_argument("--specs", metavar="FOLDER", help="folder of the specs")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError

    folder = specs_folder(console, arguments.specs)
    loaded = load_folder(folder, each=through(console, "spec"))
    if loaded.experiments is None:
        raise SpecError(loaded.errors)
    document = _document(loaded.experiments, arguments.id, sorted(loaded.files))
    if arguments.json:
        console.json(document)
        return 0
    for line in _lines(loaded.experiments, document, console):
        console.out(line)
    return 0


def _document(plan: ExperimentsPlan, unit: str, functions: list[str]) -> dict[str, Json]:
    return {
        "id": unit,
        "hash": "growthbook v2",
        "holdout": _part(plan.holdout, unit),
        "experiments": {one.name: _experiment(one, unit) for one in plan.experiments},
        "rollouts": {one.candidate: _rollout(one, unit) for one in plan.rollouts},
        "functions": {name: assign(plan.of(name), unit).as_document() for name in functions},
    }


def _experiment(experiment: ExperimentPlan, unit: str) -> dict[str, Json]:
    return {
        "seed": experiment.seed,
        "bucket": bucket(experiment.seed, unit),
        "groups": {group: [list(pair) for pair in ranges] for group, ranges in experiment.groups.items()},
        "namespace": _part(experiment.namespace, unit),
    }


def _rollout(rollout: RolloutPlan, unit: str) -> dict[str, Json]:
    return {"of": rollout.of, "mode": rollout.mode, "part": _part(rollout.part, unit)}


def _part(part: Slice | None, unit: str) -> Json:
    if part is None:
        return None
    return {
        "seed": part.seed,
        "ranges": [list(pair) for pair in part.ranges],
        "bucket": bucket(part.seed, unit),
        "inside": is_in(part, (unit,)),
    }


def _lines(plan: ExperimentsPlan, document: Json, console: Console) -> Iterator[str]:
    yield console.paint(str(document["id"]), "bold")
    if plan.holdout is None:
        yield "  nobody is held out"
    else:
        found = document["holdout"]
        state = "held out" if found["inside"] else "not held out"
        where = f"bucket {found['bucket']} under {plan.holdout.seed}"
        yield f"  holdout: {state}; {where}, held out {_ranges(plan.holdout.ranges)}"
    for experiment in plan.experiments:
        found = document["experiments"][experiment.name]
        groups = ", ".join(f"{group} {_ranges(ranges)}" for group, ranges in experiment.groups.items())
        yield f"  {experiment.name}: bucket {found['bucket']} under {experiment.seed}; {groups}"
        space = found["namespace"]
        if space is not None and not space["inside"]:
            yield f"    not in it: bucket {space['bucket']} under {space['seed']}"
    for rollout in plan.rollouts:
        part = document["rollouts"][rollout.candidate]["part"]
        state = "in" if part["inside"] else "not in"
        where = f"bucket {part['bucket']} under {part['seed']}, {_ranges(rollout.part.ranges)}"
        yield f"  {rollout.candidate}, {rollout.mode} of {rollout.of}: {state}; {where}"
    width = max((len(name) for name in document["functions"]), default=0)
    for name, found in document["functions"].items():
        yield f"  {name:<{width}}  {found['group']}: {_MEANING[found['group']]}"


def _ranges(ranges: tuple[Range, ...]) -> str:
    return " and ".join(f"from {low:g} to below {high:g}" for low, high in ranges)
