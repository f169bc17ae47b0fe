"""Group assignment: a pure hash of a seed and the customer's id, and of nothing else.

It never depends on rails, features or scores: a group that lost its members to a rail would no longer be
comparable. The hash is GrowthBook's, version 2, so that anybody can compute the same bucket.
Source: https://docs.growthbook.io/lib/build-your-own, "hash(seed, value, version)".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.decision.reasons import Reason, reason
from functions.documents import Json
from functions.spec.experiment_plan import ExperimentsPlan, Group, Range, Slice

BUCKETS = 10_000
"""A bucket is one of so many parts of all customers, written as a number from 0 to below 1."""

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Assignment:
    """The group of one customer in one function.

    Attributes:
        group: How the action is chosen.
        experiment: Which experiment says so; None for the holdout, and where no experiment runs.
        bucket: Where the customer lies under the seed that decided; None where none did.
    """

    group: Group
    experiment: str | None = None
    bucket: float | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"group": self.group, "experiment": self.experiment, "bucket": self.bucket}


OPTIMISED = Assignment("optimised")
"""The assignment where nothing is declared."""


def bucket(seed: str, unit: str) -> float:
    """Return where a unit lies under a seed: 0 to 0.9999 in steps of 0.0001.

    >>> bucket("seed", "a")
    0.0505
    """
    return _fnv1a32(str(_fnv1a32(seed + unit))) % BUCKETS / BUCKETS


def is_within(where: float, ranges: Iterable[Range]) -> bool:
    """Say whether a bucket lies in one of some half-open ranges."""
    return any(low <= where < high for low, high in ranges)


def is_in(part: Slice, units: Iterable[str]) -> bool:
    """Say whether any of some ids lies in a part of all customers."""
    return any(is_within(bucket(part.seed, unit), part.ranges) for unit in units)


def assign(
    plan: ExperimentsPlan, unit: str, *, known_as: Sequence[str] = (), held_out: bool = False
) -> Assignment:
    """Return the group of a customer.

    Args:
        plan: What concerns the function; see `ExperimentsPlan.of`.
        unit: Id of the profile that all ids of the customer lead to.
        known_as: Other ids of the same customer. Whoever was held out under one of them stays held out.
        held_out: Whether the profile bears the mark of the holdout.
    """
    holdout = plan.holdout
    if holdout is not None and (held_out or is_in(holdout, (unit, *known_as))):
        return Assignment("holdout", bucket=bucket(holdout.seed, unit))
    for experiment in plan.experiments:
        if experiment.namespace is not None and not is_in(experiment.namespace, (unit,)):
            continue
        where = bucket(experiment.seed, unit)
        named = (group for group, ranges in experiment.groups.items() if is_within(where, ranges))
        return Assignment(next(named, "optimised"), experiment.name, where)
    return OPTIMISED


def held_out(assignment: Assignment | None) -> tuple[Reason, ...]:
    """Return why nothing happens to a customer of the holdout; no rail has a say in who is one."""
    is_held_out = assignment is not None and assignment.group == "holdout"
    return (reason("experiment.holdout"),) if is_held_out else ()


def _fnv1a32(text: str) -> int:
    """Return the 32-bit FNV-1a hash of the UTF-16 code units of a text, as GrowthBook's own SDK hashes it.

    Source: https://github.com/growthbook/growthbook/blob/main/packages/sdk-js/src/util.ts, `hashFnv32a`.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    value = _OFFSET
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * _PRIME) & _MASK
    return value
