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

Mode = Literal["shadow", "canary"]
"""How something new is tried: `canary` decides for a part of the customers, `shadow` is only recorded."""

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
class RolloutPlan:
    """A function that is tried in the place of another one.

    Attributes:
        candidate: Name of the spec that is tried.
        of: Name of the spec in whose place.
        mode: With `canary` it decides for a part of the customers, and the other one for the rest. With
            `shadow` it decides about a part too, and nothing of it is done or written but the record.
        part: The part.
    """

    candidate: str
    of: str
    mode: Mode
    part: Slice


@dataclass(frozen=True, slots=True)
class ExperimentsPlan:
    """The universal holdout, the experiments in the order in which they are tried, and what is rolled out."""

    holdout: Slice | None = None
    experiments: tuple[ExperimentPlan, ...] = ()
    rollouts: tuple[RolloutPlan, ...] = ()

    def of(self, function: str) -> ExperimentsPlan:
        """Return what concerns one function; one that is tried has the groups of that in whose place it is."""
        names = {function, *(one.of for one in self.rollouts if one.candidate == function)}
        return ExperimentsPlan(
            self.holdout,
            tuple(one for one in self.experiments if any(one.runs_in(name) for name in names)),
            tuple(one for one in self.rollouts if function in (one.candidate, one.of)),
        )

    def tried(self, function: str) -> RolloutPlan | None:
        """Return the rollout in which a function is the one that is tried; None for no such one."""
        return next((one for one in self.rollouts if one.candidate == function), None)

    def decides_as(self, function: str) -> str:
        """Return under whose name a function decides: in a canary both under one, so that only one ever does."""
        tried = self.tried(function)
        return tried.of if tried is not None and tried.mode == "canary" else function


NO_EXPERIMENTS: Final = ExperimentsPlan()
"""Everybody is optimised."""
