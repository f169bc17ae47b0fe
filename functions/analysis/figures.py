"""What a simulation has found, added up: volume, reach, spend, who gets what, and which rule makes the difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from functions.analysis.simulation import Change
from functions.documents import Json
from functions.spec.plan import ActionPlan
from functions.times import format_instant


@dataclass(slots=True)
class Side:
    """What is done on one side: before, or after.

    Attributes:
        actions: How often, by action.
        customers: Who gets it, by action.
        spend: In minor units.
        unpriced: Actions without a cost.
    """

    actions: Counter[str] = field(default_factory=Counter)
    customers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    spend: int = 0
    unpriced: int = 0

    def add(self, profile_id: str, action: ActionPlan) -> None:
        """Count an action."""
        self.actions[action.name] += 1
        self.customers[action.name].add(profile_id)
        self.spend += action.cost_minor or 0
        self.unpriced += action.cost_minor is None

    @property
    def reached(self) -> set[str]:
        """Customers who get any action."""
        return set().union(*self.customers.values())


@dataclass(slots=True)
class Figures:
    """Decisions of one function, or of all.

    Attributes:
        decisions: How many were looked at.
        changed: How many come out otherwise.
        before: As it was.
        after: As it would be.
    """

    decisions: int = 0
    changed: int = 0
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)

    def add(self, change: Change) -> None:
        """Count a decision."""
        self.decisions += 1
        self.changed += change.rule is not None
        if change.before is not None:
            self.before.add(change.recorded.profile_id, change.before)
        if change.after is not None:
            self.after.add(change.recorded.profile_id, change.after)

    def as_document(self, *, ids: bool) -> dict[str, Json]:
        """Return the JSON form; with the ids of customers only when asked for."""
        names = sorted(self.before.actions.keys() | self.after.actions.keys())
        before, after = self.before.reached, self.after.reached
        return {
            "decisions": self.decisions,
            "changed": self.changed,
            "actions": {
                "before": self.before.actions.total(),
                "after": self.after.actions.total(),
            },
            "customers": {"before": len(before), "after": len(after), **_moved(before, after, ids=ids)},
            "spend_minor": {"before": self.before.spend, "after": self.after.spend},
            "unpriced": {"before": self.before.unpriced, "after": self.after.unpriced},
            "by_action": {name: self._of_action(name, ids=ids) for name in names},
        }

    def _of_action(self, name: str, *, ids: bool) -> dict[str, Json]:
        before, after = self.before.customers.get(name, set()), self.after.customers.get(name, set())
        return {
            "before": self.before.actions[name],
            "after": self.after.actions[name],
            **_moved(before, after, ids=ids),
        }


@dataclass(slots=True)
class Found:
    """All that a simulation has found.

    Attributes:
        functions: Figures by function.
        total: Of all of them.
        same: Decisions that came out again as recorded, to the last bit.
        different: Those that did not, by how.
        unchecked: Those that could not be checked, by why.
        unknown: Those that the draft could not be asked about, by why; they stay as they were.
        settled: Those in which no policy had a say.
        present: Those that were judged on a profile of today.
        takes: Actions that a rule takes, by rule.
        gives: Actions that come where a rule gives way, by rule.
        left_out: Decisions that were not looked at, by why.
        first: Time of the first one.
        last: Of the last one.
    """

    functions: dict[str, Figures] = field(default_factory=dict)
    total: Figures = field(default_factory=Figures)
    same: int = 0
    different: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    present: int = 0
    takes: Counter[str] = field(default_factory=Counter)
    gives: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, change: Change) -> None:
        """Count a decision; they come in order of time."""
        at, simulated = change.recorded.at, change.simulated
        self.first, self.last = self.first or at, at
        self.total.add(change)
        self.functions.setdefault(change.recorded.function, Figures()).add(change)
        self._check(change)
        self.settled += simulated.settled
        self.present += simulated.is_present
        if simulated.unknown is not None:
            self.unknown[simulated.unknown] += 1
        if change.rule is not None:
            self.takes[change.rule] += change.before is not None
            self.gives[change.rule] += change.after is not None

    def _check(self, change: Change) -> None:
        if change.is_checked and change.check is None:
            self.same += 1
        elif change.is_checked:
            self.different[change.check or ""] += 1
        elif change.check not in (None, "settled"):
            self.unchecked[change.check or ""] += 1

    def as_document(self, *, ids: bool) -> dict[str, Json]:
        """Return the JSON form; with the ids of customers only when asked for."""
        rules = sorted(self.takes.keys() | self.gives.keys())
        return {
            "from": format_instant(self.first) if self.first else None,
            "to": format_instant(self.last) if self.last else None,
            "left_out": _sorted(self.left_out),
            "check": {
                "same": self.same,
                "different": _sorted(self.different),
                "unchecked": _sorted(self.unchecked),
            },
            "settled": self.settled,
            "on_present_profiles": self.present,
            "unknown": _sorted(self.unknown),
            "total": self.total.as_document(ids=ids),
            "functions": {name: one.as_document(ids=ids) for name, one in sorted(self.functions.items())},
            "rules": {rule: {"takes": self.takes[rule], "gives": self.gives[rule]} for rule in rules},
        }


def _moved(before: set[str], after: set[str], *, ids: bool) -> dict[str, Json]:
    newly, lost = after - before, before - after
    if not ids:
        return {"newly": len(newly), "no_longer": len(lost)}
    return {
        "newly": len(newly), "no_longer": len(lost),
        "newly_ids": _listed(newly), "no_longer_ids": _listed(lost),
    }  # fmt: skip


def _listed(ids: Iterable[str]) -> list[Json]:
    return sorted(ids)


def _sorted(counts: Counter[str]) -> dict[str, Json]:
    return {name: counts[name] for name in sorted(counts)}
