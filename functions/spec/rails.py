"""The marketer's rails as frozen values: what a rule says, with nothing left to look up.

Importing this module costs no pydantic and no YAML. A rule can only take actions away; there is no rule that
allows, and no order among rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from functions.expressions import Expression

CONTACT_LOG = timedelta(days=90)
"""How far back the contact log goes; no rule can look further."""

Unit = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which actions a rule speaks about: those with any of the tags, those named, or all."""

    tags: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    everything: bool = False

    def covers(self, action: str, tags: Collection[str]) -> bool:
        """Say whether an action with these tags is meant."""
        return self.everything or action in self.actions or any(tag in tags for tag in self.tags)


@dataclass(frozen=True, slots=True)
class Rolling:
    """The time up to now, of one length: what happened exactly that long ago is outside."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class Calendar:
    """A day, a week from Monday, or a month by the wall clock of an IANA zone."""

    unit: Unit
    zone: str


Window = Rolling | Calendar


@dataclass(frozen=True, slots=True)
class _Named:
    """What every rule has.

    Attributes:
        name: Unique in the policy; stands in receipts.
        because: Why the rule is there, in the marketer's words.
    """

    name: str
    because: str | None


@dataclass(frozen=True, slots=True)
class ConsentRail(_Named):
    """Forbids actions without a consent record that is granted and in force."""

    selection: Selection
    consent: str


@dataclass(frozen=True, slots=True)
class CapRail(_Named):
    """At most so many of the selected actions in a window."""

    selection: Selection
    at_most: int
    window: Window


@dataclass(frozen=True, slots=True)
class CooldownRail(_Named):
    """Forbids actions for some time after an action, or after an instant that the profile holds.

    Attributes:
        selection: What is forbidden.
        length: For how long.
        after: The actions, or what gives the instant.
        absent_is_never: Whether an instant that is missing or null means that it never happened; else it
            is unknown, and blocks.
    """

    selection: Selection
    length: timedelta
    after: Selection | Expression
    absent_is_never: bool


@dataclass(frozen=True, slots=True)
class SuppressRail(_Named):
    """Forbids actions for some time after too many of them came close together."""

    selection: Selection
    count: int
    within: timedelta
    length: timedelta


@dataclass(frozen=True, slots=True)
class QuietRail(_Named):
    """Forbids actions between two wall-clock times of the customer's zone.

    Attributes:
        selection: What is forbidden.
        start: Minutes after midnight, inside.
        end: Minutes after midnight, outside; before `start` when the night is meant.
        zone: Gives the name of an IANA zone.
        otherwise: The zone where the expression gives none that is known; None blocks then.
        defer: How long an action may wait for the end; None drops it.
    """

    selection: Selection
    start: int
    end: int
    zone: Expression
    otherwise: str | None
    defer: timedelta | None


@dataclass(frozen=True, slots=True)
class BudgetRail(_Named):
    """At most so much money for the selected actions of all customers in a calendar window.

    Attributes:
        selection: What spends.
        limit: In minor units of the currency.
        currency: Its ISO 4217 code.
        window: When the budget is full again.
        shards: Parts that the limit is kept in, so that no item is hot.
    """

    selection: Selection
    limit: int
    currency: str
    window: Calendar
    shards: int


@dataclass(frozen=True, slots=True)
class ExclusionRail(_Named):
    """Only one of several kinds of action in a window; more of the same kind are not its business."""

    kinds: tuple[str, ...]
    window: Window


@dataclass(frozen=True, slots=True)
class ListRail(_Named):
    """Forbids actions for customers on a suppression list."""

    selection: Selection
    listed: str


@dataclass(frozen=True, slots=True)
class EligibilityRail(_Named):
    """Forbids actions unless an expression is true; null and a failure are unknown."""

    selection: Selection
    unless: Expression


@dataclass(frozen=True, slots=True)
class ValidityRail(_Named):
    """Forbids actions outside a period: from its start on, before its end."""

    selection: Selection
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class RiskRail(_Named):
    """Forbids actions whose declared risk is over a ceiling."""

    selection: Selection
    ceiling: float


Rail = (
    ConsentRail
    | CapRail
    | CooldownRail
    | SuppressRail
    | QuietRail
    | BudgetRail
    | ExclusionRail
    | ListRail
    | EligibilityRail
    | ValidityRail
    | RiskRail
)
"""The closed set of rules."""

PRESSURE = (CapRail, SuppressRail, ExclusionRail)
"""The rules that an action is spared which is not subject to caps."""


def selection_of(rail: Rail) -> Selection:
    """Return the actions that a rule may take away."""
    return Selection(tags=rail.kinds) if isinstance(rail, ExclusionRail) else rail.selection


def rail_expressions(rail: Rail) -> Iterator[Expression]:
    """Yield the expressions of a rule."""
    match rail:
        case CooldownRail(after=Expression() as found):
            yield found
        case QuietRail():
            yield rail.zone
        case EligibilityRail():
            yield rail.unless


class Tagged(Protocol):
    """An action, as rules see it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        ...

    @property
    def subject_to_caps(self) -> bool:
        """Whether caps concern it."""
        ...


def rail_applies(rail: Rail, action: Tagged) -> bool:
    """Say whether a rule may take an action away."""
    return applies(rail, action.name, action.tags, subject_to_caps=action.subject_to_caps)


def applies(rail: Rail, action: str, tags: Collection[str], *, subject_to_caps: bool) -> bool:
    """Say whether a rule may take an action away."""
    if not subject_to_caps and isinstance(rail, PRESSURE):
        return False
    return selection_of(rail).covers(action, tags)
