"""Who gets which treatment, as frozen values: what `experiments.yaml` compiles to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

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
