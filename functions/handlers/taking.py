"""Profile ingest in one process: records become changes of the store, and their fates say what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventError
from functions.events.envelopes import Vet
from functions.handlers.invocation import LambdaContext
from functions.handlers.parking import Parking
from functions.handlers.telemetry import INTERNAL, Telemetry
from functions.handlers.worker import DONE, Verdict, settled
from functions.ingest.writing import Ingest, Ingested
from functions.times import Clock

_NEEDED_MS: Final = 5_000
"""Without so much time left no further record is begun: writes of one record, each with its retries."""


@dataclass(frozen=True, slots=True)
class IngestWorker:
    """What a process keeps between invocations. Nothing in it is unique to the process.

    Attributes:
        ingest: Takes records in.
        wall: The clock.
        accounts: Accounts that records may come from.
        parking: For records that can't succeed.
        telemetry: Log and metrics.
    """

    ingest: Ingest
    wall: Clock
    accounts: tuple[str, ...]
    parking: Parking
    telemetry: Telemetry

    def begin(self, context: LambdaContext) -> IngestShift:
        """Begin an invocation."""
        return IngestShift(self, context)


@dataclass(frozen=True, slots=True)
class IngestShift:
    """One invocation of it."""

    worker: IngestWorker
    context: LambdaContext

    @property
    def has_time(self) -> bool:
        """Whether one more record can be dealt with before Lambda ends the invocation."""
        return self.context.get_remaining_time_in_millis() >= _NEEDED_MS

    def now(self) -> datetime:
        """Return the present instant."""
        return self.worker.wall()

    def take(self, record: Json, *, arrived_at: datetime, check: Callable[[], None], vet: Vet) -> Verdict:
        """Take in one record of an event source; whatever is wrong with it stays its own affair.

        Args:
            record: As the event source delivered it.
            arrived_at: When AWS took it.
            check: Raises `EventError` for a record that is not to be read.
            vet: Is asked about the accounts that its envelopes name.
        """
        try:
            try:
                check()
            except EventError as error:
                return self._report([Ingested("record", "unread", "refused", error=error)])
            return self._report(self.ingested(record, arrived_at=arrived_at, vet=vet))
        except Exception as error:  # noqa: BLE001 - the one place where nothing of a record may escape
            self.worker.telemetry.crashed(error, request_id=self.context.aws_request_id)
            return Verdict("retry", INTERNAL)

    def ingested(
        self, document: Json, *, arrived_at: datetime, gpc: bool = False, vet: Vet = lambda _: None
    ) -> Sequence[Ingested]:
        """Take in a document, and say what became of each of its records."""
        ingest, now = self.worker.ingest, self.now()
        return tuple(ingest.take(document, now=now, received_at=arrived_at, gpc=gpc, vet=vet))

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

    def _report(self, results: Sequence[Ingested]) -> Verdict:
        for result in results:
            self.log(result)
        return verdict_of(results)

    def log(self, result: Ingested) -> None:
        """Log and count one record."""
        self.worker.telemetry.ingested(result, request_id=self.context.aws_request_id)


def verdict_of(results: Sequence[Ingested]) -> Verdict:
    """Return the fate of a document: while anything of it may still succeed, it is not parked."""
    for fate, verdict in (("failed", "retry"), ("refused", "park")):
        for result in results:
            if result.fate == fate:
                return Verdict("retry" if verdict == "retry" else "park", result.code)
    return DONE
