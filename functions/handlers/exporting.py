"""The stream of the table becomes a lasting log of decisions and what came of them, and of nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from functions.documents import Json
from functions.errors import EventError, FunctionsError, StoreRejectedError, UnhandledRecordError
from functions.handlers.invocation import Handler, LambdaContext, account_of
from functions.handlers.log import plain_hash
from functions.handlers.origin import arn_account, check_account, check_source
from functions.handlers.parking import Parking
from functions.handlers.records import read_records
from functions.handlers.telemetry import INTERNAL, Telemetry
from functions.operations.exporting import Exported, LogObject, log_objects
from functions.profiles.dynamodb_feedback import feedback_of
from functions.profiles.dynamodb_items import Item, decision_of
from functions.profiles.dynamodb_keys import DECIDED, DECISION, MEASURED, TRIAL
from functions.profiles.dynamodb_table import PARTITION_KEY, SORT_KEY
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.store import DecisionRecord

EXPORT: Final = "_export"
"""Name of this function in logs and metrics; no spec can have it."""

_SOURCE: Final = "aws:dynamodb"
_POSITION: Final = re.compile(r"[A-Za-z0-9-]{1,100}")


class LastingLog(Protocol):
    """Where decisions are kept for good."""

    def put(self, log_object: LogObject) -> None:
        """Write an object, in the place of one of the same name.

        Raises:
            OperationError: It was not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Exporter:
    """What the export keeps between invocations.

    Attributes:
        log: Where decisions go.
        accounts: Accounts that records may come from.
        parking: For records that can't be read.
        telemetry: Log and metrics.
    """

    log: LastingLog
    accounts: tuple[str, ...]
    parking: Parking
    telemetry: Telemetry


def export_handler(exporter: Exporter) -> Handler:
    """Return the handler of the table's stream.

    A batch that could not be written whole fails as a whole, so that Lambda delivers it again; what was
    written of it is overwritten then. A record that can't be read is parked alone.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        telemetry, code = exporter.telemetry, INTERNAL
        try:
            kept = list(_kept(exporter, read_records(event), context))
            for one in log_objects(kept):
                exporter.log.put(one)
            telemetry.count("Exported", len(kept))
            return {"batchItemFailures": []}
        except FunctionsError as error:
            code = error.code
            telemetry.warning("not exported", code, request_id=context.aws_request_id)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may hold values
            telemetry.crashed(error, request_id=context.aws_request_id)
        finally:
            telemetry.flush()
        raise UnhandledRecordError(f"the decisions were not exported: {code}")

    return handle


def _kept(
    exporter: Exporter, records: Sequence[dict[str, Any]], context: LambdaContext
) -> Iterator[Exported]:
    for record in records:
        try:
            check_source(record, _SOURCE)
            check_account(arn_account(record), own=account_of(context), accepted=exporter.accounts)
            found = _found(record)
        except (EventError, StoreRejectedError) as error:
            _park(exporter, record, error, context)
        else:
            if found is not None:
                yield found


def _found(record: dict[str, Any]) -> Exported | None:
    """Return the decision that a change has added, or the trial that it has left; None for anything else.

    Raises:
        StoreRejectedError: It is one that can't be read, or the stream does not carry it.
    """
    change = record.get("dynamodb")
    change = change if isinstance(change, dict) else {}
    partition, sort = (_text(change.get("Keys"), name) for name in (PARTITION_KEY, SORT_KEY))
    read = _reader(record.get("eventName"), partition, sort)
    if read is None:
        return None
    image = change.get("NewImage")
    position = f"{change.get('SequenceNumber')}-{record.get('eventID')}"
    if not isinstance(image, dict) or not all(isinstance(value, dict) for value in image.values()):
        raise StoreRejectedError("a change of the stream comes without its item")
    usable = _POSITION.fullmatch(position) is not None
    return Exported(position if usable else str(plain_hash(position)), read(image))


def _reader(
    change: Json, partition: str, sort: str
) -> Callable[[Item], DecisionRecord | FeedbackRecord] | None:
    """Return how the item of a change is read; None where it stays in the table."""
    if partition.startswith(DECIDED) and sort.startswith(DECISION):
        return decision_of if change == "INSERT" else None
    # A trial changes with every outcome, and when it is counted.
    is_trial = partition.startswith(MEASURED) and sort.startswith(TRIAL)
    return feedback_of if is_trial and change in ("INSERT", "MODIFY") else None


def _text(keys: object, name: str) -> str:
    value = keys.get(name) if isinstance(keys, dict) else None
    text = value.get("S") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


def _park(exporter: Exporter, record: dict[str, Any], error: FunctionsError, context: LambdaContext) -> None:
    trouble = exporter.parking.park(record, code=error.code, source=_SOURCE)
    if trouble is not None:
        raise UnhandledRecordError(f"a record was not parked: {trouble}")
    exporter.telemetry.count("Parked")
    exporter.telemetry.warning("parked", error.code, request_id=context.aws_request_id)
