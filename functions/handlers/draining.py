"""The schedule drains the outbox: actions whose first attempt failed, or whose process died before it."""

from __future__ import annotations

from typing import Final

from functions.documents import Json
from functions.errors import FunctionsError, UnhandledRecordError
from functions.handlers.invocation import Handler, LambdaContext
from functions.handlers.telemetry import INTERNAL
from functions.handlers.worker import Shift, Worker
from functions.spec.plan import Policy

ROUND: Final = 10
"""Entries between two looks at the clock."""

RESERVE_MS: Final = 20_000
"""Without so much time left no further round begins. What is cut short all the same is sent again by the
next schedule, under the same key, when its lease is over."""


def schedule_handler(worker: Worker, policy: Policy) -> Handler:
    """Return the handler of a schedule.

    Args:
        worker: Of any function; the outbox is one for all.
        policy: The actions, channels and rails of every function.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        del event  # a schedule says nothing
        shift, code = worker.begin(context), INTERNAL
        try:
            return {"handled": _drain(shift, policy)}
        except FunctionsError as error:
            code = error.code
            worker.telemetry.warning("not drained", code, request_id=context.aws_request_id)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may hold values
            worker.telemetry.crashed(error, request_id=context.aws_request_id)
        finally:
            worker.telemetry.flush()
        raise UnhandledRecordError(f"the outbox was not drained: {code}")

    return handle


def _drain(shift: Shift, policy: Policy) -> int:
    handled, telemetry = 0, shift.worker.telemetry
    while True:
        results = shift.runtime.redrive(policy, now=shift.now(), limit=ROUND)
        for entry, performed in results:
            telemetry.performed(entry, performed, request_id=shift.context.aws_request_id)
            if performed is not None and performed.delivery == "queued":
                telemetry.outbox_age((shift.now() - entry.created_at).total_seconds())
        handled += len(results)
        # An entry that is held, or whose store fails, stays due: a round of nothing else is the last.
        settled = any(done is not None and done.delivery in ("sent", "none") for _, done in results)
        if len(results) < ROUND or not settled:
            return handled
        if shift.context.get_remaining_time_in_millis() < RESERVE_MS:
            return handled
