"""The experiments, `experiments.yaml`: who is left alone, who gets any eligible action, who gets what was usual.

Beside them stand the rollouts: functions that are tried for a part of the customers in the place of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from functions.spec.collecting import Collector
from functions.spec.experiment_plan import (
    ExperimentPlan,
    ExperimentsPlan,
    Group,
    Mode,
    Range,
    RolloutPlan,
    Slice,
)
from functions.spec.fields import Name, Section, Text
from functions.spec.plan import Plan
from functions.spec.problems import closest
from functions.spec.source import Path


def _range(value: list[float]) -> list[float]:
    low, high = value
    if not 0 <= low < high <= 1:
        raise ValueError("a range is two numbers from 0 to 1, the smaller first")
    return value


_OWN_SEED = "give it a seed of its own, such as its name with the year"

Seed = Annotated[str, StringConstraints(pattern=r"^\S{1,200}$")]
Share = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_range)]
"""`[0.0, 0.05]`: the first twentieth of all customers, by their buckets."""


class Part(Section):
    """A part of all customers."""

    seed: Seed = Field(
        description="Of the hash that gives each customer a bucket from 0 to 1. Another seed draws anew."
    )
    range: Share = Field(
        description="`[from, below]`: the buckets. Widening it keeps everybody who was inside."
    )


class Experiment(Section):
    """Groups of customers for whom an action is chosen in another way."""

    description: Text | None = Field(default=None, description="What is to be learnt.")
    seed: Seed | None = Field(default=None, description="As of a part; the experiment's name by default.")
    functions: Annotated[list[Name], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Where it runs; in every function by default."
    )
    namespace: Part | None = Field(
        default=None,
        description="Who may be in it; everybody by default. Experiments with disjoint ranges under one seed share "
        "no customer.",
    )
    groups: Annotated[dict[Literal["random", "usual"], Share], Field(min_length=1)] = Field(
        description="`random` gets any action that the rails leave, each as likely as the next; `usual` the first in "
        "the order of the spec. Everybody else is `optimised`: the ranking chooses."
    )


class RolloutSection(Section):
    """A spec that is tried in the place of another one, with its features, its model and its actions."""

    of: Name = Field(
        description="The function in whose place it is tried; both have the same trigger, key and purpose."
    )
    mode: Mode = Field(
        description="`shadow` decides about the part too, and nothing of it is done or written but the record; "
        "`canary` decides for the part, and the other function for everybody else."
    )
    seed: Seed | None = Field(default=None, description="As of a part; the name of the spec by default.")
    range: Share = Field(description="`[from, below]`: the buckets of the part.")


class ExperimentsFile(Section):
    """The holdout and the experiments. Who is in which group depends on the customer's id alone."""

    holdout: Part | None = Field(
        default=None,
        description="Who gets no action from any function, so that lift can be measured. Scores are still written.",
    )
    experiments: Annotated[dict[Name, Experiment], Field(max_length=100)] = Field(
        default={}, description="Experiments by name."
    )
    rollouts: Annotated[dict[Name, RolloutSection], Field(max_length=100)] = Field(
        default={},
        description="By the name of the spec that is tried. Deploy both functions after a change: an event is "
        "decided once also while only one of them knows.",
    )


def compile_experiments(file: ExperimentsFile) -> ExperimentsPlan:
    """Return what a checked file says."""
    return ExperimentsPlan(
        holdout=_slice(file.holdout),
        experiments=tuple(_experiment(name, one) for name, one in file.experiments.items()),
        rollouts=tuple(
            RolloutPlan(name, one.of, one.mode, Slice(one.seed or name, (_pair(one.range),)))
            for name, one in file.rollouts.items()
        ),
    )


def check_experiments(file: ExperimentsFile, collector: Collector) -> None:
    """Collect what is wrong with a file whose shape is right."""
    for name, experiment in file.experiments.items():
        groups = experiment.groups
        for first, second in combinations(groups, 2):
            if _overlap(groups[first], groups[second]):
                message = f"the groups {first} and {second} have customers in common"
                collector.add(("experiments", name, "groups", second), "spec.overlap", message)
        _check_seeds(file, name, collector)
    for earlier, later in combinations(file.experiments, 2):
        one, other = file.experiments[earlier], file.experiments[later]
        if _share_functions(one, other) and _share_customers(one, other):
            collector.add(
                ("experiments", later),
                "spec.overlap",
                f"{earlier} and {later} run in the same function with customers in common",
                "give both a namespace with the same seed and disjoint ranges",
                at_key=True,
            )
    _check_rollouts(file, collector)


def _check_rollouts(file: ExperimentsFile, collector: Collector) -> None:
    """Collect rollouts that no event could tell apart."""
    canaries: dict[str, str] = {}
    for name, one in file.rollouts.items():
        if one.of in file.rollouts or one.of == name:
            message = f"{one.of} is tried itself, so that nothing can be tried in its place"
            collector.add(("rollouts", name, "of"), "spec.overlap", message)
        elif one.mode == "canary" and canaries.setdefault(one.of, name) != name:
            message = f"{canaries[one.of]} and {name} are both to decide in the place of {one.of}"
            collector.add(("rollouts", name, "of"), "spec.overlap", message)


def check_functions(file: ExperimentsFile, collector: Collector, known: Iterable[str]) -> None:
    """Collect every function that an experiment names and no spec has."""
    names = set(known)
    for name, experiment in file.experiments.items():
        for index, function in enumerate(experiment.functions or ()):
            if function not in names:
                path: Path = ("experiments", name, "functions", index)
                message = f"no spec is called {function!r}"
                collector.add(path, "spec.unknown_function", message, closest(function, names))
    for name, rollout in file.rollouts.items():
        for place, function in ((("rollouts", name), name), (("rollouts", name, "of"), rollout.of)):
            if function not in names:
                message = f"no spec is called {function!r}"
                hint = closest(function, names)
                collector.add(place, "spec.unknown_function", message, hint, at_key=place[-1] == name)


def check_alike(file: ExperimentsFile, collector: Collector, plans: Mapping[str, Plan]) -> None:
    """Collect rollouts of functions that would not be asked about the same events and customers.

    Args:
        file: The file.
        collector: Where to.
        plans: The functions without errors.
    """
    for name, rollout in file.rollouts.items():
        tried, live = plans.get(name), plans.get(rollout.of)
        if tried is None or live is None:
            continue
        differ = [what for what, of in _ALIKE.items() if of(tried) != of(live)]
        if differ:
            message = (
                f"{name} can't be tried in the place of {rollout.of}: they differ in {', '.join(differ)}"
            )
            collector.add(("rollouts", name, "of"), "spec.not_alike", message)


_ALIKE: Mapping[str, Callable[[Plan], object]] = {
    "trigger": lambda plan: plan.pattern.source,
    "max_age": lambda plan: plan.max_age,
    "profile key": lambda plan: plan.key.source,
    "purpose": lambda plan: plan.purpose,
    "consent": lambda plan: plan.consent,
}


def _check_seeds(file: ExperimentsFile, name: str, collector: Collector) -> None:
    """Collect every draw of an experiment that repeats one before it; one number can't draw twice."""
    experiment, holdout = file.experiments[name], file.holdout
    space, at = experiment.namespace, ("experiments", name)
    drawn = {"the holdout": holdout, "its namespace": space}
    for what, part in drawn.items():
        if part is not None and part.seed == (experiment.seed or name):
            path: Path = (*at, "seed") if experiment.seed else at
            message = f"{name} has the seed of {what}, so that its groups follow from it"
            collector.add(path, "spec.same_seed", message, _OWN_SEED, at_key=experiment.seed is None)
    if space is not None and holdout is not None and space.seed == holdout.seed:
        message = f"the namespace of {name} has the seed of the holdout, and follows from it"
        collector.add((*at, "namespace", "seed"), "spec.same_seed", message, _OWN_SEED)


def _slice(part: Part | None) -> Slice | None:
    return Slice(part.seed, (_pair(part.range),)) if part is not None else None


def _experiment(name: str, experiment: Experiment) -> ExperimentPlan:
    groups: Mapping[Group, tuple[Range, ...]] = {
        group: (_pair(share),) for group, share in experiment.groups.items()
    }
    functions = tuple(experiment.functions) if experiment.functions is not None else None
    return ExperimentPlan(name, experiment.seed or name, groups, _slice(experiment.namespace), functions)


def _pair(share: list[float]) -> Range:
    low, high = share
    return low, high


def _overlap(first: list[float], second: list[float]) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _share_functions(one: Experiment, other: Experiment) -> bool:
    if one.functions is None or other.functions is None:
        return True
    return bool(set(one.functions) & set(other.functions))


def _share_customers(one: Experiment, other: Experiment) -> bool:
    if one.namespace is None or other.namespace is None or one.namespace.seed != other.namespace.seed:
        return True
    return _overlap(one.namespace.range, other.namespace.range)
