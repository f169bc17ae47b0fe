"""The runtime: what handlers and commands run plans with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from functions.errors import FunctionsError
from functions.events.event import Event
from functions.events.replays import LIVE
from functions.profiles.outbox import OutboxEntry, Unreadable
from functions.runtime.acting import Performed
from functions.runtime.attempts import Attempts
from functions.runtime.judging import ReadyRails
from functions.runtime.learner import Learner
from functions.runtime.ports import Ports
from functions.runtime.receipt import Receipt
from functions.runtime.redriving import drain, redrive
from functions.runtime.run import Run
from functions.spec.plan import Plan, Policy
from functions.times import Clock


class Runtime:
    """Runs plans on events."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._rails = ReadyRails()
        self._learner = Learner(ports.feedback, ports.monotonic)
        self._attempts = Attempts(ports.feedback, ports.wall)

    def handle(self, plan: Plan, event: Event, *, now: datetime, generation: int = LIVE) -> Receipt:
        """Run one function on one event.

        Args:
            plan: The function.
            event: The event.
            now: Decision time.
            generation: `LIVE`, or that of a replay, which decides anew and sends nothing that is late.

        Returns:
            The receipt; errors of the event, of a feature and of a dependency become outcomes in it.
        """
        look = partial(self._ports.policy.look, plan)
        in_force = look()
        run = Run(
            in_force,
            event,
            look=look,
            now=now,
            generation=generation,
            ports=self._ports,
            rails=self._rails,
            learner=self._learner,
        )
        try:
            return run.execute()
        except FunctionsError as error:
            receipt = run.journal.of_error(error)
            self._attempts.keep(plan, event, receipt, error, now=now)
            return receipt

    def redrive(
        self,
        policy: Policy,
        *,
        now: datetime,
        limit: int = 100,
        plans: Iterable[Plan] | None = None,
        unreadable: Unreadable | None = None,
    ) -> Sequence[tuple[OutboxEntry, Performed | None]]:
        """Send what is due in the outbox, after age, consent, conditions and rails were checked again.

        Args:
            policy: The rails, and where the channels of the entries are found.
            now: Time of the act.
            limit: Entries at the most.
            plans: Every function, whose conditions are asked again; None to ask none.
            unreadable: Told of each damaged entry; without it, one is an error.

        Returns:
            Every due entry with how far it got; None where somebody else holds it.

        Raises:
            ProfileStoreError: The outbox can't be listed.
        """
        return redrive(policy, now=now, limit=limit, ports=self._ports, plans=plans, unreadable=unreadable)

    def drain(
        self,
        policy: Policy,
        *,
        clock: Clock,
        plans: Iterable[Plan] | None,
        unreadable: Unreadable,
        crashed: Callable[[Exception], None],
    ) -> Iterator[tuple[OutboxEntry, Performed | None]]:
        """Send what is due, entry by entry for as long as the caller asks for more; see `redriving.drain`.

        Args:
            policy: As for `redrive`.
            clock: Time of each act.
            plans: As for `redrive`.
            unreadable: Told of each damaged entry, once.
            crashed: Told of errors that nobody foresaw.

        Raises:
            ProfileStoreError: The outbox can't be listed.
        """
        return drain(
            policy, clock=clock, ports=self._ports, plans=plans, unreadable=unreadable, crashed=crashed
        )
