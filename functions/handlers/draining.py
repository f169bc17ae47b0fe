"""The schedule drains the outbox: actions whose first attempt failed, or whose process died before it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from functions.actions.timeouts import send_timeout_s
from functions.documents import Json
from functions.errors import FunctionsError, UnhandledRecordError
from functions.handlers.invocation import Handler, LambdaContext
from functions.handlers.telemetry import INTERNAL
from functions.handlers.worker import Shift, Worker
from functions.runtime.acting import LEASE_RESERVE
from functions.spec.plan import Plan, Policy


def schedule_handler(worker: Worker, policy: Policy, plans: Sequence[Plan]) -> Handler:
    """Return the handler of a schedule.

    Args:
        worker: Of any function; the outbox is one for all.
        policy: The actions, channels and rails of every function.
        plans: Every function.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        del event  # a schedule says nothing
        shift, code = worker.begin(context), INTERNAL
        try:
            return {"handled": _drain(shift, policy, plans)}
        except FunctionsError as error:
            code = error.code
            worker.telemetry.warning("not drained", code, request_id=context.aws_request_id)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may hold values
            worker.telemetry.crashed(error, request_id=context.aws_request_id)
        finally:
            worker.telemetry.flush()
        raise UnhandledRecordError(f"the outbox was not drained: {code}")

    return handle


def needed_s(policy: Policy) -> float:
    """Return what one more entry may take, in seconds: as much as it may be leased for, by any channel."""
    slowest = max(map(send_timeout_s, policy.channels.values()), default=0.0)
    return slowest + LEASE_RESERVE.total_seconds()


def _drain(shift: Shift, policy: Policy, plans: Sequence[Plan]) -> int:
    handled, telemetry, request_id = 0, shift.worker.telemetry, shift.context.aws_request_id
    results = shift.runtime.drain(
        policy,
        clock=shift.now,
        plans=plans,
        unreadable=partial(telemetry.unreadable, request_id=request_id),
        crashed=partial(telemetry.crashed, request_id=request_id),
    )
    for entry, performed in results:
        handled += 1
        telemetry.performed(entry, performed, request_id=request_id)
        if performed is not None and performed.delivery == "queued":
            telemetry.outbox_age((shift.now() - entry.created_at).total_seconds())
        # One is always tried, so that a process with too short a timeout still gets on.
        if shift.context.get_remaining_time_in_millis() < needed_s(policy) * 1000:
            break
    return handled
