"""One function in one process: records become receipts, and receipts say what becomes of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from functions.actions.channel import ActionChannel
from functions.documents import Json
from functions.errors import EventError
from functions.events.envelopes import Vet
from functions.events.event import Event
from functions.events.reading import Parsed, read_document
from functions.events.replays import LIVE
from functions.handlers.blame import is_operators
from functions.handlers.invocation import LambdaContext
from functions.handlers.parking import Parking
from functions.handlers.telemetry import INTERNAL, Telemetry
from functions.runtime.committing import COMMIT_DEADLINE_S
from functions.runtime.engine import Runtime
from functions.runtime.haste import Haste
from functions.runtime.ports import Ports
from functions.runtime.receipt import Receipt, refused
from functions.spec.plan import ChannelPlan, Plan

Fate = Literal["done", "park", "retry"]


class Crew(Protocol):
    """What the handlers of queues and buses ask of a worker, whatever its work is."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """Accounts that records may come from."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Log, metrics and traces."""
        ...

    def begin(self, context: LambdaContext) -> Turn:
        """Begin an invocation."""
        ...


class Turn(Protocol):
    """What they ask of one invocation of it."""

    @property
    def worker(self) -> Crew:
        """Whose invocation."""
        ...

    @property
    def context(self) -> LambdaContext:
        """Of the invocation."""
        ...

    @property
    def has_time(self) -> bool:
        """Whether one more record can be dealt with before Lambda ends the invocation."""
        ...

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def take(self, record: Json, *, arrived_at: datetime, check: Callable[[], None], vet: Vet) -> Verdict:
        """Deal with one record; whatever is wrong with it stays its own affair."""
        ...

    def settle(self, record: Json, verdict: Verdict, *, source: str) -> bool:
        """Park what is to be parked; say whether the event source can forget the record."""
        ...


_MARGIN_S: Final = 2.0
"""For reading the profile and for the answer, in seconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a record, and the code of the event that says so."""

    fate: Fate
    code: str | None = None


DONE: Final = Verdict("done")


@dataclass(frozen=True, slots=True)
class Worker:
    """What a process keeps between invocations. Nothing in it is unique to the process.

    Attributes:
        plan: The function.
        ports: The surroundings; the owner of leases is named anew for each invocation.
        accounts: Accounts that records may come from.
        parking: For records that can't succeed.
        telemetry: Log, metrics and traces.
        unique: Gives a text that no other process gives, restored from the same snapshot or not.
    """

    plan: Plan
    ports: Ports
    accounts: tuple[str, ...]
    parking: Parking
    telemetry: Telemetry
    unique: Callable[[], str]

    @property
    def decision_s(self) -> float:
        """What one event may take until it is decided, in seconds; what is sent then is `Haste`'s affair."""
        model = self.plan.model
        return COMMIT_DEADLINE_S + _MARGIN_S + (model.timeout_s if model else 0.0)

    def begin(
        self, context: LambdaContext, *, channel: Callable[[ChannelPlan], ActionChannel] | None = None
    ) -> Shift:
        """Begin an invocation.

        Args:
            context: Of the invocation.
            channel: Opens channels in the place of the process's own.
        """
        owner = f"{context.aws_request_id}:{self.unique()}"
        haste = Haste(lambda: context.get_remaining_time_in_millis() / 1000, self.decision_s)
        # Whoever brings a channel of its own waits for an answer.
        ports = replace(
            self.ports,
            owner=owner,
            channel=channel or self.ports.channel,
            caller=channel is not None,
            haste=haste,
        )
        return Shift(self, context, Runtime(ports))


@dataclass(frozen=True, slots=True)
class Shift:
    """One invocation of a worker."""

    worker: Worker
    context: LambdaContext
    runtime: Runtime

    @property
    def has_time(self) -> bool:
        """Whether one more record can be dealt with before Lambda ends the invocation."""
        return self.context.get_remaining_time_in_millis() >= self.worker.decision_s * 1000

    @property
    def plan(self) -> Plan:
        """The function as it is in force."""
        return self.worker.ports.policy.look(self.worker.plan).plan

    def now(self) -> datetime:
        """Return decision time."""
        return self.worker.ports.wall()

    def take(self, record: Json, *, arrived_at: datetime, check: Callable[[], None], vet: Vet) -> Verdict:
        """Deal with one record; whatever is wrong with it stays its own affair.

        Args:
            record: As the event source delivered it.
            arrived_at: When AWS took it.
            check: Raises `EventError` for a record that is not to be read.
            vet: Is asked about the accounts that its envelopes name.
        """
        try:
            return _verdict(self._receipts(record, arrived_at, check, vet))
        except Exception as error:  # noqa: BLE001 - the one place where nothing of a record may escape
            self.worker.telemetry.crashed(error, request_id=self.context.aws_request_id)
            return Verdict("retry", INTERNAL)

    def handle(self, event: Event, generation: int = LIVE) -> Receipt:
        """Run the function on one event."""
        with self.worker.telemetry.span("decide") as failed:
            receipt = self.runtime.handle(self.worker.plan, event, now=self.now(), generation=generation)
            if receipt.outcome == "failed":
                failed()
        return receipt

    def report(self, receipt: Receipt, position: str | None = None) -> None:
        """Log and count a receipt."""
        self.worker.telemetry.receipt(receipt, request_id=self.context.aws_request_id, position=position)

    def settle(self, record: Json, verdict: Verdict, *, source: str) -> bool:
        """Park what is to be parked.

        Returns:
            Whether the event source can forget the record.
        """
        worker, request_id = self.worker, self.context.aws_request_id
        return settled(
            record,
            verdict,
            source=source,
            parking=worker.parking,
            telemetry=worker.telemetry,
            request_id=request_id,
        )

    def _receipts(
        self, record: Json, arrived_at: datetime, check: Callable[[], None], vet: Vet
    ) -> Sequence[Receipt]:
        receipts = []
        for parsed in _read(record, arrived_at, check, vet):
            if parsed.error is not None:
                receipt = refused(self.plan, parsed.error)
            else:
                receipt = self.handle(parsed.value(), parsed.generation)
            self.report(receipt, parsed.position)
            receipts.append(receipt)
        return receipts


def settled(
    record: Json,
    verdict: Verdict,
    *,
    source: str,
    parking: Parking,
    telemetry: Telemetry,
    request_id: str,
) -> bool:
    """Park a record that is to be parked; say whether its event source can forget it."""
    if verdict.fate == "done":
        return True
    code = verdict.code or INTERNAL
    if verdict.fate == "park":
        trouble = parking.park(record, code=code, source=source)
        if trouble is None:
            telemetry.count("Parked")
            telemetry.warning("parked", code, request_id=request_id)
            return True
        telemetry.warning("not parked", code, request_id=request_id, trouble=trouble)
    telemetry.count("Retried")
    if is_operators(code):
        telemetry.count("Denied")
    return False


def _read(record: Json, arrived_at: datetime, check: Callable[[], None], vet: Vet) -> Sequence[Parsed]:
    try:
        check()
    except EventError as error:
        return (Parsed("record", "unread", None, error),)
    return read_document(record, received_at=arrived_at, vet=vet)


def _verdict(receipts: Sequence[Receipt]) -> Verdict:
    """Return the fate of a record: while anything of it may still succeed, it is not parked."""
    for receipt in receipts:
        if receipt.outcome == "failed" and (receipt.retryable or is_operators(receipt.reason.code)):
            return Verdict("retry", receipt.reason.code)
    for receipt in receipts:
        if receipt.dead_letter:
            return Verdict("park", receipt.reason.code)
    return DONE
