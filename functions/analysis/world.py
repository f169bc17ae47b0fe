"""The world of a simulation: whom it has contacted and what it has spent, as far as decisions depend on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from functions.decision.facts import ContactEntry, counted
from functions.decision.rails import Charge
from functions.profiles.store import MAX_CONTACTS, Contact
from functions.spec.plan import ActionPlan
from functions.spec.rails import CONTACT_LOG

Earlier = Callable[[str], Iterable[Contact]]
"""Gives the contacts of a customer that no simulated decision made."""


class World:
    """Contact logs and budgets, moved on by one decision after the other.

    Args:
        earlier: Asked once for each customer.
    """

    def __init__(self, earlier: Earlier = lambda _: ()) -> None:
        self._earlier: Final = earlier
        self._before: Final[dict[str, tuple[Contact, ...]]] = {}
        self._contacts: Final[dict[str, list[Contact]]] = defaultdict(list)
        self._spent: Final[dict[tuple[str, str], int]] = defaultdict(int)

    def contacts(self, profile_id: str, at: datetime) -> tuple[ContactEntry, ...]:
        """Return what rules look at."""
        return counted(self._log(profile_id, at), since=CONTACT_LOG, at=at)

    def is_full(self, profile_id: str, at: datetime) -> bool:
        """Say whether the log of a customer takes no more."""
        first = at - CONTACT_LOG
        return sum(one.at >= first for one in self._log(profile_id, at)) >= MAX_CONTACTS

    def unpaid(self, charges: Iterable[Charge]) -> Charge | None:
        """Return the first budget that has not enough left."""
        for charge in charges:
            if sum(charge.limits) - self._spent[charge.budget, charge.period] < charge.amount:
                return charge
        return None

    def act(self, profile_id: str, contact: Contact, charges: Iterable[Charge], now: datetime) -> None:
        """Note an action. One that was released pays nothing, and counts nowhere."""
        log, first = self._contacts[profile_id], now - CONTACT_LOG
        log[:] = [one for one in log if one.at >= first]
        log.append(contact)
        if contact.status != "released":
            for charge in charges:
                self._spent[charge.budget, charge.period] += charge.amount

    def _log(self, profile_id: str, at: datetime) -> list[Contact]:
        """Return what has been noted by now; what comes later is nobody's business yet."""
        if profile_id not in self._before:
            self._before[profile_id] = tuple(self._earlier(profile_id))
        earlier = (one for one in self._before[profile_id] if one.at <= at)
        return [*earlier, *self._contacts.get(profile_id, ())]


def contact_of(decision_id: str, action: ActionPlan, at: datetime) -> Contact:
    """Return the contact that an action makes."""
    return Contact(
        decision_id, action.name, action.tags, action.channel, at, counts=action.counts_towards_caps
    )
