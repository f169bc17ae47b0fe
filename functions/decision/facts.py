"""What rails judge by: values of one moment about one customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from functions.documents import Json
from functions.governance.consent import ConsentRecord
from functions.times import find_zone


class ContactEntry(Protocol):
    """One entry of a contact log, with its tags as they were when it was reserved."""

    @property
    def decision_id(self) -> str:
        """The decision that made it."""
        ...

    @property
    def action(self) -> str:
        """Name of the action."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the action at that time."""
        ...

    @property
    def at(self) -> datetime:
        """When it was reserved, or will leave."""
        ...

    @property
    def status(self) -> str:
        """`reserved` or `sent`; what is `released` never left and counts no more."""
        ...

    @property
    def counts(self) -> bool:
        """Whether it counts towards caps."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What rails judge by.

    Attributes:
        at: Decision time, or the time of the act.
        document: The root: `event`, `profile`, `features`, the outputs.
        contacts: Entries that count, the customer's own reservation left out; made by `counted`.
        consent: Records by purpose.
        lists: Suppression lists that the customer is on; None when they could not be read.
        zones: What was found at decision time, by the rule that asked for it.
    """

    at: datetime
    document: Mapping[str, Json]
    contacts: tuple[ContactEntry, ...] = ()
    consent: Mapping[str, ConsentRecord] = field(default_factory=dict)
    lists: frozenset[str] | None = frozenset()
    zones: Mapping[str, str] = field(default_factory=dict)
    _clocks: dict[str, datetime | None] = field(default_factory=dict, repr=False, compare=False)

    def clock(self, zone: str) -> datetime | None:
        """Return the wall clock of a zone, made once for each; None when there is no such zone."""
        if zone not in self._clocks:
            found = find_zone(zone)
            self._clocks[zone] = None if found is None else self.at.astimezone(found)
        return self._clocks[zone]


def counted(
    entries: Iterable[ContactEntry], *, since: timedelta, at: datetime, without: str = ""
) -> tuple[ContactEntry, ...]:
    """Return the entries of a contact log that rules look at.

    Args:
        entries: All of them.
        since: How far back rules look at the most.
        at: From which instant.
        without: A decision whose own entry is left out.
    """
    first = at - since
    return tuple(
        entry
        for entry in entries
        if entry.status != "released" and entry.at > first and entry.decision_id != without
    )
