"""Right after the commit: the action leaves, then the scores, as far as there is time.

The commit itself has just found consent as it was read, and lists and rails on that read. So an act that follows at
once does not read the customer again: it looks at what time alone can change (consent that runs out, age), and at
the switches. A score is different: a newer one may have been stored before, so the stored one is read.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

from functions.actions.response import RESPONSE
from functions.errors import FunctionsError
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import DecisionRecord, Snapshot
from functions.runtime.acting import AWAITS_CALLER, perform, resume
from functions.runtime.drafting import Draft
from functions.runtime.in_force import InForce
from functions.runtime.judging import Obstacle, Recheck
from functions.runtime.ports import Ports
from functions.runtime.receipt import ActionTaken
from functions.runtime.rechecking import consent_obstacle, recheck, score_obstacle
from functions.runtime.stopwatch import Stopwatch
from functions.spec.plan import ActionPlan

NO_TIME: Final = "action.no_time"
"""Note of an action that is left to the schedule, so that the next event is decided."""


class AfterCommit:
    """What one run does once its decision stands.

    Args:
        look: Says what is in force now.
        at: Says decision time and what has passed since.
        watch: Of the run.
        ports: The surroundings.
    """

    def __init__(
        self, look: Callable[[], InForce], at: Callable[[], datetime], watch: Stopwatch, ports: Ports
    ) -> None:
        self._look: Final = look
        self._at: Final = at
        self._watch: Final = watch
        self._ports: Final = ports

    def act(self, draft: Draft) -> ActionTaken | None:
        """Send the action; whatever fails now, the decision stands and the outbox has the action."""
        action = draft.decision.action
        if action is None:
            return None
        note = self._waits(draft, action)
        if note is None:
            try:
                with self._watch.stage("act"):
                    performed = perform(
                        draft.snapshot.profile_id,
                        draft.decision_id,
                        plan=draft.plan.channels.get(action.channel),
                        check=partial(self._obstacle, draft.snapshot),
                        now=draft.now,
                        ports=self._ports,
                    )
                if performed is not None:
                    return performed.as_action()
            except FunctionsError as error:
                note = error.code
        # Without a note, somebody else took the entry between the commit and here, and will finish it.
        return ActionTaken(action.name, action.channel, "queued", draft.decision_id, note)

    def announce(self, draft: Draft) -> None:
        """Tell the platform of the scores; whatever fails now, the outbox has them."""
        if self._ports.caller:
            return
        for key, channel in draft.notices.items():
            plan = draft.plan.channels.get(channel)
            if not self._ports.haste.allows(plan):
                continue
            with suppress(FunctionsError), self._watch.stage("announce"):
                perform(
                    draft.snapshot.profile_id,
                    key,
                    plan=plan,
                    check=self._news_obstacle,
                    now=draft.now,
                    ports=self._ports,
                )

    def resume(self, existing: DecisionRecord) -> ActionTaken | None:
        """Say how far the action of an earlier decision got; send it if whoever decided did not get that far."""
        in_force, at = self._look(), self._at()
        leaving, plan = in_force.leaving(), in_force.plan
        return resume(
            existing.profile_id,
            existing.id,
            channels=leaving.policy.channels,
            # The rules are made ready only where there is something to send.
            check=lambda entry: recheck(
                Recheck(leaving),
                entry,
                now=at,
                ports=self._ports,
                plan_of=lambda function, _: plan if function == plan.name else None,
            ),
            now=at,
            ports=self._ports,
        )

    def _waits(self, draft: Draft, action: ActionPlan) -> str | None:
        """Return the code of why the action does not leave at once; None when it does."""
        plan = draft.plan.channels.get(action.channel)
        if draft.decision.due is not None:
            return "action.deferred"
        if plan is not None and plan.kind == RESPONSE and not self._ports.caller:
            return AWAITS_CALLER
        return None if self._ports.haste.allows(plan) else NO_TIME

    def _obstacle(self, snapshot: Snapshot, entry: OutboxEntry) -> Obstacle | None:
        at = self._at()
        held = self._look().leaving().hold(entry.function, entry.action)
        if held is not None:
            return Obstacle(held)
        # An event at the very end of its life may still act: see `max_age`.
        if entry.expires_at is not None and entry.expires_at < at:
            return Obstacle("action.expired")
        return consent_obstacle(entry, (snapshot,), at)

    def _news_obstacle(self, entry: OutboxEntry) -> Obstacle | None:
        fresh = self._ports.store.load(entry.profile_id)
        return score_obstacle(entry, fresh) or self._obstacle(fresh, entry)
