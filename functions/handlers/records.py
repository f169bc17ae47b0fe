"""Batches of records: SQS with partial failures, streams in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from functions.documents import Json
from functions.errors import UnhandledRecordError
from functions.events.envelopes import Vet
from functions.handlers.invocation import Handler, LambdaContext, account_of
from functions.handlers.origin import arn_account, arrived_at, check_source, vetting
from functions.handlers.parking import STREAMS
from functions.handlers.worker import Crew, Turn

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch import BatchProcessor
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

_FIFO: Final = ".fifo"

_PROFILE: Final = {"S": "PROFILE"}
"""Sort key of the items whose changes are events."""


def sqs_handler(worker: Crew) -> Handler:
    """Return the handler of an SQS queue.

    A record that may succeed later is reported as failed, and its neighbours are not. In a FIFO queue
    what follows in its group is reported with it, so that the order of a profile is kept. When time is
    short no further record is begun.
    """
    # Imported where the process begins, so that the other kinds do not pay for it.
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, SqsFifoPartialProcessor

    def handle(event: Json, context: LambdaContext) -> Json:
        records, shift = read_records(event), worker.begin(context)
        processor: BatchProcessor
        if str(records[0].get("eventSourceARN", "")).endswith(_FIFO):
            processor = SqsFifoPartialProcessor(skip_group_on_error=True)
        else:
            processor = BatchProcessor(event_type=EventType.SQS)
        # A batch of which nothing succeeds is no error of the function: its records are reported as well.
        processor.raise_on_entire_batch_failure = False
        return _reported(shift, processor, records)

    return handle


def stream_handler(worker: Crew, source: str) -> Handler:
    """Return the handler of a stream.

    Records are taken in order. The first that may succeed later ends the batch: its sequence number is
    reported, so that Lambda delivers again from there on and nothing overtakes it.

    Args:
        worker: The function.
        source: `aws:kinesis` or `aws:dynamodb`.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        records, shift = read_records(event), worker.begin(context)
        try:
            for index, record in enumerate(records):
                if (index and not shift.has_time) or not _dealt_with(shift, record, source):
                    return {"batchItemFailures": [{"itemIdentifier": _sequence(record, source)}]}
        finally:
            worker.telemetry.flush()
        return {"batchItemFailures": []}

    return handle


def _reported(shift: Turn, processor: BatchProcessor, records: Sequence[dict[str, Any]]) -> Json:
    taken = 0

    def one(record: SQSRecord) -> None:
        nonlocal taken
        # The first is always taken, so that a function with too short a timeout still gets on.
        if taken and not shift.has_time:
            raise UnhandledRecordError("no time is left for this record")
        taken += 1
        if not _dealt_with(shift, record.raw_event, "aws:sqs"):
            raise UnhandledRecordError("the record was not dealt with")

    try:
        with processor(records=list(records), handler=one):
            processor.process()
    finally:
        shift.worker.telemetry.flush()
    return dict(processor.response())


def _dealt_with(shift: Turn, record: dict[str, Any], source: str) -> bool:
    if source == "aws:dynamodb" and not _is_of_profile(record):
        shift.worker.telemetry.count("Ignored")
        return True
    vet = vetting(account_of(shift.context), shift.worker.accounts)
    verdict = shift.take(
        record,
        arrived_at=arrived_at(record, source, otherwise=shift.now()),
        check=_check(record, source, vet),
        vet=vet,
    )
    return shift.settle(_parked_form(record), verdict, source=source)


def _check(record: dict[str, Any], source: str, vet: Vet) -> Callable[[], None]:
    def check() -> None:
        check_source(record, source)
        vet(arn_account(record))

    return check


def _is_of_profile(record: dict[str, Any]) -> bool:
    """Say whether a change is one of a profile; what decisions write must not fire functions."""
    stream = record.get("dynamodb")
    keys = stream.get("Keys") if isinstance(stream, dict) else None
    return not isinstance(keys, dict) or keys.get("sk", _PROFILE) == _PROFILE


def _parked_form(record: dict[str, Any]) -> Json:
    """Return a record as it can be sent to a queue again: of SQS the body, of a stream all of it."""
    body = record.get("body")
    return body if record.get("eventSource") == "aws:sqs" and isinstance(body, str) else record


def _sequence(record: dict[str, Any], source: str) -> str:
    part, name = STREAMS[source]
    stream = record.get(part)
    # Without a number Lambda takes the whole batch for failed.
    return str(stream.get(name, "")) if isinstance(stream, dict) else ""


def read_records(event: Json) -> list[dict[str, Any]]:
    """Return the records of an invocation.

    Raises:
        UnhandledRecordError: It holds none.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or not all(isinstance(one, dict) for one in records):
        raise UnhandledRecordError(
            "the invocation holds no records", hint="Check which event source invokes this Lambda function."
        )
    return records
