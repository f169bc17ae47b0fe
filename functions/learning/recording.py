"""One event about an outcome, start to end: whose it is, what it ends, and which decisions it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.errors import EventWithoutKeyError
from functions.events.dialects import check_calendar, check_time
from functions.events.event import Event
from functions.governance.consent import ConsentRecord
from functions.governance.statements import ConsentSources
from functions.learning.responses import Recording, outcome_of, record_event
from functions.learning.trials import Outcome
from functions.profiles.feedback import FeedbackStore
from functions.profiles.store import ProfileStore

_MAX_ALIASES: Final = 4
_SOURCE: Final = "outcome"
"""Source of a consent record that an outcome made."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records what customers did.

    Attributes:
        store: Where consent and aliases are.
        feedback: Where trials and responses are.
        sources: What ends the consents of the data contract.
        skew: How far ahead of the clock an event may be.
    """

    store: ProfileStore
    feedback: FeedbackStore
    sources: ConsentSources
    skew: timedelta = timedelta(minutes=5)

    def record(self, event: Event, *, now: datetime) -> Sequence[Recording]:
        """Record the outcome that an event tells of; what tightens comes first.

        Cut short and done again, it ends the same.

        Args:
            event: The event.
            now: When it arrived.

        Returns:
            One recording for every decision that it was matched to, at least one.

        Raises:
            EventError: The event's time or ids can't be used.
            ProfileStoreError: A store failed.
        """
        outcome = outcome_of(event)
        if outcome is None:
            return [Recording("no_outcome")]
        check_calendar(event, now)
        check_time(event, now, max_skew=self.skew)
        profile_id = self._profile_id(event)
        self._end_consents(profile_id, outcome, now)
        known_as = self.store.load(profile_id).state.known_as
        return record_event(self.feedback, event, profile_id, now=now, known_as=known_as)

    def _profile_id(self, event: Event) -> str:
        found = event.user_id or event.anonymous_id
        if found is None:
            raise EventWithoutKeyError("the event names no customer", hint="send user_id or anonymous_id")
        for _ in range(_MAX_ALIASES):
            target = self.store.resolve_alias(found)
            if target is None:
                break
            found = target
        return found

    def _end_consents(self, profile_id: str, outcome: Outcome, now: datetime) -> None:
        for name, source in self.sources.items():
            if outcome.type in source.ended_by:
                self.store.put_consent(
                    profile_id, ConsentRecord(name, "revoked", outcome.at, source=_SOURCE), now=now
                )
