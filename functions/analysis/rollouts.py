"""What is tried against what is in force, in numbers: the same decisions twice, or two parts of the customers.

In the shadow every decision has its counterpart, and what differs is counted. In a canary the customers were
drawn apart by a hash, so that the two parts may be compared; customers are the unit, since the decisions about
one of them hang together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

from functions.decision.estimators import (
    Estimated,
    Sample,
    difference_of_means,
    difference_of_rates,
    sample_ratio_p,
    wilson,
)
from functions.decision.ranking import DO_NOTHING
from functions.documents import Json

Costs = Mapping[str, int | None]
"""What actions cost in minor units, by name; None where it is not declared."""

_SHADOW: Final = "rollout.shadow"


@dataclass(slots=True)
class Arm:
    """What is done on one side.

    Attributes:
        costs: What its actions cost.
        decisions: How many were taken.
        actions: How often each action was chosen.
        customers: Who got each action.
        spend: In minor units, by customer; everybody about whom was decided is in it.
        acted: How many actions, by customer.
        unpriced: Actions without a cost.
    """

    costs: Costs
    decisions: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    customers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    spend: Counter[str] = field(default_factory=Counter)
    acted: Counter[str] = field(default_factory=Counter)
    unpriced: int = 0

    def add(self, profile_id: str, action: str | None) -> None:
        """Count a decision."""
        self.decisions += 1
        cost = self.costs.get(action) if action is not None else 0
        self.spend[profile_id] += cost or 0
        self.acted[profile_id] += action is not None
        if action is not None:
            self.actions[action] += 1
            self.customers[action].add(profile_id)
            self.unpriced += cost is None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "decisions": self.decisions,
            "customers": len(self.spend),
            "actions": self.actions.total(),
            "spend_minor": self.spend.total(),
            "unpriced": self.unpriced,
            "by_action": {
                name: {"actions": self.actions[name], "customers": len(self.customers[name])}
                for name in sorted(self.actions)
            },
        }


class Paired:
    """Decisions that count, and what the version in the shadow would have chosen instead.

    Args:
        live: Costs of what is in force.
        tried: Costs of what is tried.
    """

    def __init__(self, live: Costs, tried: Costs) -> None:
        self.live: Final = Arm(live)
        self.tried: Final = Arm(tried)
        self.moves: Final[Counter[tuple[str, str]]] = Counter()
        self.unknown: Final[Counter[str]] = Counter()
        self._customers: Final[dict[str, bool]] = {}

    def add(self, profile_id: str, live: str | None, tried: str | None) -> None:
        """Count a decision.

        Args:
            profile_id: About whom.
            live: The action that was chosen; None for none.
            tried: The action that would have been.
        """
        self.live.add(profile_id, live)
        self.tried.add(profile_id, tried)
        if live != tried:
            self.moves[live or DO_NOTHING, tried or DO_NOTHING] += 1
        self._customers[profile_id] = self._customers.get(profile_id, False) or live != tried

    @property
    def changed(self) -> Estimated | None:
        """The share of the customers for whom anything would be different; None without any."""
        return wilson(sum(self._customers.values()), len(self._customers)) if self._customers else None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        changed = self.changed
        return {
            "decisions": self.live.decisions,
            "different": self.moves.total(),
            "customers_changed": changed.as_document() if changed is not None else None,
            "unknown": {why: self.unknown[why] for why in sorted(self.unknown)},
            "live": self.live.as_document(),
            "tried": self.tried.as_document(),
            "moves": [
                {"from": before, "to": after, "decisions": number}
                for (before, after), number in sorted(
                    self.moves.items(), key=lambda item: (-item[1], item[0])
                )
            ],
        }


class Parted:
    """Two parts of the customers: those for whom what is tried decides, and everybody else.

    Args:
        live: Costs of what is in force.
        tried: Costs of what is tried.
        share: The share of the customers that the canary was to get.
    """

    def __init__(self, live: Costs, tried: Costs, share: float) -> None:
        self.live: Final = Arm(live)
        self.tried: Final = Arm(tried)
        self._share: Final = share

    @property
    def sample_ratio_p(self) -> float:
        """How likely the sizes of the parts are, if they were drawn as declared."""
        sizes = {"live": len(self.live.spend), "tried": len(self.tried.spend)}
        return sample_ratio_p(sizes, {"live": 1 - self._share, "tried": self._share})

    def share_of(self, action: str) -> Estimated | None:
        """Return by how much larger the share of customers is who got an action; None with an empty part."""
        return self._difference(self.live.customers[action], self.tried.customers[action])

    def reach(self) -> Estimated | None:
        """Return by how much larger the share of customers is who got any action."""
        return self._difference({one for one, number in self.live.acted.items() if number},
                                {one for one, number in self.tried.acted.items() if number})  # fmt: skip

    def volume(self) -> Estimated | None:
        """Return how many actions more a customer got; None where a part has fewer than two customers."""
        return _means(self.live.acted, self.tried.acted)

    def spend(self) -> Estimated | None:
        """Return by how much more a customer cost, in minor units."""
        return _means(self.live.spend, self.tried.spend)

    def actions(self) -> list[str]:
        """Return every action that either part got."""
        return sorted(self.live.actions.keys() | self.tried.actions.keys())

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        differences = {"reach": self.reach(), "volume": self.volume(), "spend_minor": self.spend()}
        by_action = {name: self.share_of(name) for name in self.actions()}
        return {
            "live": self.live.as_document(),
            "tried": self.tried.as_document(),
            "sample_ratio_p": self.sample_ratio_p,
            "differences": {
                **{name: _written(one) for name, one in differences.items()},
                "by_action": {name: _written(one) for name, one in by_action.items()},
            },
        }

    def _difference(self, live: Set[str], tried: Set[str]) -> Estimated | None:
        if not self.live.spend or not self.tried.spend:
            return None
        return difference_of_rates(
            Sample(len(self.tried.spend), len(tried)), Sample(len(self.live.spend), len(live))
        )


def chosen_action(document: Mapping[str, Any]) -> str | None:
    """Return the action of a recorded decision; of a function in the shadow the one that was held back."""
    for one in document["candidates"]:
        held = any(why["code"] == _SHADOW for why in one.get("reasons") or ())
        if held or (one["verdict"] == "chosen" and one["action"] != DO_NOTHING):
            return str(one["action"])
    return None


def shadow_pairs(
    documents: Iterator[Mapping[str, Any]], live: str, tried: str
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield customer, action that counts and action in the shadow, for two functions that saw the same events.

    Args:
        documents: Decisions in any order.
        live: The function that decides.
        tried: The function in the shadow.
    """
    waiting: dict[tuple[str, str], tuple[bool, str | None]] = {}
    for document in documents:
        if document["function"] not in (live, tried):
            continue
        key = str(document["profile_id"]), str(document["event"]["id"])
        is_tried, action = document["function"] == tried, chosen_action(document)
        other = waiting.get(key)
        if other is None:
            waiting[key] = is_tried, action
        elif other[0] != is_tried:
            del waiting[key]
            yield (key[0], other[1], action) if is_tried else (key[0], action, other[1])


def _means(live: Counter[str], tried: Counter[str]) -> Estimated | None:
    if len(live) < 2 or len(tried) < 2:
        return None
    return difference_of_means(_sample(tried), _sample(live))


def _sample(values: Counter[str]) -> Sample:
    total, squares = values.total(), sum(value * value for value in values.values())
    return Sample(len(values), sum(value > 0 for value in values.values()), total, squares)


def _written(one: Estimated | None) -> Json:
    return one.as_document() if one is not None else None
