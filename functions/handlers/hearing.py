"""Outcomes in one process: events about what customers did are recorded, and their fates say what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventError, ProfileStoreError, StoreRejectedError
from functions.events.envelopes import Vet
from functions.events.reading import Parsed, read_document
from functions.handlers.invocation import LambdaContext
from functions.handlers.parking import Parking
from functions.handlers.telemetry import INTERNAL, Telemetry
from functions.handlers.worker import DONE, Verdict, settled
from functions.learning.recording import Recorder
from functions.times import Clock

_NEEDED_MS: Final = 5_000
"""Without so much time left no further record is begun: the writes of one, each with its retries."""


@dataclass(frozen=True, slots=True)
class OutcomeWorker:
    """What a process keeps between invocations. Nothing in it is unique to the process.

    Attributes:
        recorder: Records outcomes.
        wall: The clock.
        accounts: Accounts that records may come from.
        parking: For records that can't succeed.
        telemetry: Log and metrics.
    """

    recorder: Recorder
    wall: Clock
    accounts: tuple[str, ...]
    parking: Parking
    telemetry: Telemetry

    def begin(self, context: LambdaContext) -> OutcomeShift:
        """Begin an invocation."""
        return OutcomeShift(self, context)


@dataclass(frozen=True, slots=True)
class OutcomeShift:
    """One invocation of it."""

    worker: OutcomeWorker
    context: LambdaContext

    @property
    def has_time(self) -> bool:
        """Whether one more record can be dealt with before Lambda ends the invocation."""
        return self.context.get_remaining_time_in_millis() >= _NEEDED_MS

    def now(self) -> datetime:
        """Return the present instant."""
        return self.worker.wall()

    def take(self, record: Json, *, arrived_at: datetime, check: Callable[[], None], vet: Vet) -> Verdict:
        """Record what one record of an event source tells; whatever is wrong with it stays its own affair.

        While anything of it may still succeed, it is not parked: what was recorded counts once.

        Args:
            record: As the event source delivered it.
            arrived_at: When AWS took it.
            check: Raises `EventError` for a record that is not to be read.
            vet: Is asked about the accounts that its envelopes name.
        """
        try:
            check()
            events = read_document(record, received_at=arrived_at, vet=vet)
            verdicts = [self._recorded(parsed) for parsed in events]
        except EventError as error:
            return Verdict("park", error.code)
        except Exception as error:  # noqa: BLE001 - the one place where nothing of a record may escape
            self.worker.telemetry.crashed(error, request_id=self.context.aws_request_id)
            return Verdict("retry", INTERNAL)
        undone = [verdict for verdict in verdicts if verdict.fate != "done"]
        retried = [verdict for verdict in undone if verdict.fate == "retry"]
        return next(iter(retried + undone), DONE)

    def settle(self, record: Json, verdict: Verdict, *, source: str) -> bool:
        """Park what is to be parked; say whether the event source can forget the record."""
        return settled(
            record,
            verdict,
            source=source,
            parking=self.worker.parking,
            telemetry=self.worker.telemetry,
            request_id=self.context.aws_request_id,
        )

    def _recorded(self, parsed: Parsed) -> Verdict:
        try:
            recordings = self.worker.recorder.record(parsed.value(), now=self.now())
        except (EventError, StoreRejectedError) as error:
            return Verdict("park", error.code)
        except ProfileStoreError as error:
            # Whatever the store has, it is no fault of the record: its source delivers it again.
            return Verdict("retry", error.code)
        for recording in recordings:
            self.worker.telemetry.responded(recording, request_id=self.context.aws_request_id)
        return DONE
