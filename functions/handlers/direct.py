"""EventBridge invokes the function itself, asynchronously, with one event."""

from __future__ import annotations

from functions.documents import Json
from functions.errors import EventEnvelopeError, UnhandledRecordError
from functions.handlers.invocation import Handler, LambdaContext, account_of
from functions.handlers.origin import arrived_at, vetting
from functions.handlers.worker import Crew


def eventbridge_handler(worker: Crew) -> Handler:
    """Return the handler of an EventBridge rule that invokes the function directly.

    An event that may succeed later makes the invocation fail, so that Lambda repeats it, and in the end
    sends it to the function's failure destination.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        shift, vet = worker.begin(context), vetting(account_of(context), worker.accounts)

        def check() -> None:
            if not isinstance(event, dict) or "detail-type" not in event:
                raise EventEnvelopeError("the invocation is no event of EventBridge")
            vet(event.get("account"))

        try:
            verdict = shift.take(
                event,
                arrived_at=arrived_at(event, "eventbridge", otherwise=shift.now()),
                check=check,
                vet=vet,
            )
            settled = shift.settle(event, verdict, source="aws:events")
        finally:
            worker.telemetry.flush()
        if not settled:
            raise UnhandledRecordError(f"the event was not dealt with: {verdict.code}")
        return None

    return handle
