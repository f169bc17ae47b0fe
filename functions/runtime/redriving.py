"""Send what waits in the outbox: entry by entry, so that none keeps the others from leaving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from functions.errors import (
    ActionAmbiguousError,
    ActionThrottledError,
    ActionUnavailableError,
)
from functions.profiles.outbox import OutboxEntry, Unreadable
from functions.runtime.acting import CRASHED, Performed, perform_safely
from functions.runtime.judging import Recheck
from functions.runtime.ports import Ports
from functions.runtime.rechecking import recheck
from functions.runtime.reconsidering import plans_in_force
from functions.spec.plan import Plan, Policy
from functions.times import Clock

PAGE: Final = 50
"""Entries that are listed at once."""

PATIENCE: Final = 3
"""Failures in a row after which a channel is left alone for the rest of a pass."""

_DOWN: Final = frozenset(
    error.code for error in (ActionAmbiguousError, ActionThrottledError, ActionUnavailableError)
)

Result = tuple[OutboxEntry, Performed | None]
"""A due entry with how far it got; None where somebody else holds it."""


def redrive(
    policy: Policy,
    *,
    now: datetime,
    limit: int,
    ports: Ports,
    plans: Iterable[Plan] | None = None,
    unreadable: Unreadable | None = None,
) -> Sequence[Result]:
    """Send what is due in the outbox, after switches, age, consent, conditions and rails were checked again.

    Args:
        policy: What the process was built with: the rails, unless others are in force, and where the
            channels of the entries are found.
        now: Time of the act.
        limit: Entries at the most.
        ports: The surroundings.
        plans: Every function, whose conditions are asked again; None to ask none.
        unreadable: Told of each damaged entry; without it, one is an error.

    Raises:
        ProfileStoreError: The outbox can't be listed.
    """
    found = _Pass(policy, lambda: now, ports, plans, page=limit, unreadable=unreadable)
    return list(islice(found.results(), max(limit, 0)))


def drain(
    policy: Policy,
    *,
    clock: Clock,
    ports: Ports,
    plans: Iterable[Plan] | None,
    unreadable: Unreadable,
    crashed: Callable[[Exception], None],
) -> Iterator[Result]:
    """Send what is due, as `redrive` does, until every entry had its turn once or the caller stops asking.

    A channel that fails `PATIENCE` times in a row gets no more of the pass: its entries stay due, and the others
    come to their turn.

    Args:
        policy: As for `redrive`.
        clock: Time of each act.
        ports: The surroundings.
        plans: As for `redrive`.
        unreadable: Told of each damaged entry, once.
        crashed: Told of errors that nobody foresaw; the entry waits as after any other.

    Raises:
        ProfileStoreError: The outbox can't be listed.
    """
    one = _Pass(policy, clock, ports, plans, unreadable=unreadable, patience=PATIENCE)
    return one.results(crashed)


class _Pass:
    """One way through what is due; each entry has its turn once."""

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        ports: Ports,
        plans: Iterable[Plan] | None,
        *,
        page: int = PAGE,
        unreadable: Unreadable | None = None,
        patience: int | None = None,
    ) -> None:
        self._policy, self._clock, self._ports = policy, clock, ports
        self._plan_of = plans_in_force(plans, ports) if plans is not None else None
        self._page, self._patience = page, patience
        self._unreadable = unreadable
        self._damaged: set[tuple[str, str]] = set()
        self._tried: set[tuple[str, str]] = set()
        self._stays = 0  # entries that had their turn and may be listed again all the same
        self._failures: Counter[str] = Counter()

    def results(self, crashed: Callable[[Exception], None] | None = None) -> Iterator[Result]:
        """Yield every entry that had its turn."""
        while entries := self._listed():
            rules = Recheck(self._ports.policy.leaving(self._policy))
            for entry in entries:
                self._tried.add((entry.profile_id, entry.decision_id))
                if self._patience is not None and self._failures[entry.channel] >= self._patience:
                    self._stays += 1
                    continue
                now = self._clock()
                check = partial(recheck, rules, now=now, ports=self._ports, plan_of=self._plan_of)
                plan = rules.policy.channels.get(entry.channel)
                try:
                    done = perform_safely(entry, plan=plan, check=check, now=now, ports=self._ports)
                except Exception as error:
                    if crashed is None:
                        raise
                    crashed(error)
                    done = Performed(entry, "queued", CRASHED)
                self._note(entry, done)
                yield entry, done

    def _listed(self) -> Sequence[OutboxEntry]:
        due = max(self._clock(), self._ports.wall())
        listed = self._ports.store.outbox(
            due_before=due,
            limit=self._page + self._stays,
            unreadable=self._told if self._unreadable is not None else None,
        )
        return [entry for entry in listed if (entry.profile_id, entry.decision_id) not in self._tried]

    def _note(self, entry: OutboxEntry, done: Performed | None) -> None:
        self._stays += done is None or done.delivery == "queued"
        failed = done is not None and done.note in _DOWN
        self._failures[entry.channel] = self._failures[entry.channel] + 1 if failed else 0

    def _told(self, profile_id: str, key: str) -> None:
        if (profile_id, key) not in self._damaged and self._unreadable is not None:
            self._damaged.add((profile_id, key))
            self._unreadable(profile_id, key)
