"""Who gets which treatment, as frozen values: what `experiments.yaml` compiles to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from functions.documents import Json

Group = Literal["optimised", "random", "usual", "holdout"]
"""How an action is chosen for a customer.

`optimised`: by the ranking. `random`: any eligible action, each as likely as the next. `usual`: the first
eligible action in the order of the spec, as if nobody had ranked them. `holdout`: none at all.
"""

Range = tuple[float, float]
"""Buckets from the first number up to, and without, the second."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of all customers: those whose bucket under a seed lies in one of some ranges."""

    seed: str
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """One experiment.

    Attributes:
        name: Its name.
        seed: Of the hash that gives the bucket.
        groups: The ranges of `random` and `usual`; every other bucket is `optimised`.
        namespace: Who may be in it; None for everybody. Experiments with disjoint ranges of one
            namespace share no customer.
        functions: Where it runs; None for every function.
    """

    name: str
    seed: str
    groups: Mapping[Group, tuple[Range, ...]]
    namespace: Slice | None = None
    functions: tuple[str, ...] | None = None

    def runs_in(self, function: str) -> bool:
        """Say whether a function takes part."""
        return self.functions is None or function in self.functions


@dataclass(frozen=True, slots=True)
class ExperimentsPlan:
    """The universal holdout and the experiments, in the order in which they are tried."""

    holdout: Slice | None = None
    experiments: tuple[ExperimentPlan, ...] = ()

    def of(self, function: str) -> ExperimentsPlan:
        """Return what concerns one function."""
        return ExperimentsPlan(self.holdout, tuple(one for one in self.experiments if one.runs_in(function)))


NO_EXPERIMENTS: Final = ExperimentsPlan()
"""Everybody is optimised."""


def experiments_document(plan: ExperimentsPlan) -> dict[str, Json]:
    """Return the JSON form, as an artefact keeps it."""
    return {
        "holdout": _slice_document(plan.holdout),
        "experiments": [
            {
                "name": one.name,
                "seed": one.seed,
                "groups": {group: [list(pair) for pair in ranges] for group, ranges in one.groups.items()},
                "namespace": _slice_document(one.namespace),
                "functions": list(one.functions) if one.functions is not None else None,
            }
            for one in plan.experiments
        ],
    }


def experiments_from(document: Mapping[str, Json]) -> ExperimentsPlan:
    """Read the JSON form."""
    return ExperimentsPlan(
        _slice_from(document["holdout"]), tuple(_experiment_from(one) for one in document["experiments"])
    )


def _experiment_from(document: Mapping[str, Json]) -> ExperimentPlan:
    return ExperimentPlan(
        name=document["name"],
        seed=document["seed"],
        groups={group: _ranges(pairs) for group, pairs in document["groups"].items()},
        namespace=_slice_from(document["namespace"]),
        functions=tuple(document["functions"]) if document["functions"] is not None else None,
    )


def _slice_document(part: Slice | None) -> Json:
    return {"seed": part.seed, "ranges": [list(pair) for pair in part.ranges]} if part is not None else None


def _slice_from(document: Json) -> Slice | None:
    return Slice(document["seed"], _ranges(document["ranges"])) if document is not None else None


def _ranges(pairs: Json) -> tuple[Range, ...]:
    return tuple((low, high) for low, high in pairs)
