"""The schedule counts responses, and windows that closed without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.documents import Json
from functions.errors import FunctionsError, UnhandledRecordError
from functions.handlers.invocation import Handler, LambdaContext
from functions.handlers.telemetry import INTERNAL, Telemetry
from functions.learning.counting import Folded, fold_due
from functions.profiles.feedback import FeedbackStore
from functions.times import Clock

ROUND: Final = 50
"""Decisions between two looks at the clock."""

RESERVE_MS: Final = 15_000
"""Without so much time left no further round begins. What is cut short was counted whole or not at all."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a process keeps between invocations; several at once count nothing twice.

    Attributes:
        feedback: Where trials and counters are kept.
        wall: The clock.
        telemetry: Log and metrics.
    """

    feedback: FeedbackStore
    wall: Clock
    telemetry: Telemetry


def fold_handler(folder: Folder) -> Handler:
    """Return the handler of the schedule."""

    def handle(event: Json, context: LambdaContext) -> Json:
        del event  # a schedule says nothing
        code, telemetry = INTERNAL, folder.telemetry
        try:
            return _fold(folder, context).as_document()
        except FunctionsError as error:
            code = error.code
            telemetry.warning("not counted", code, request_id=context.aws_request_id)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may hold values
            telemetry.crashed(error, request_id=context.aws_request_id)
        finally:
            telemetry.flush()
        raise UnhandledRecordError(f"the responses were not counted: {code}")

    return handle


def _fold(folder: Folder, context: LambdaContext) -> Folded:
    total = Folded()
    while True:
        done = fold_due(folder.feedback, now=folder.wall(), limit=ROUND)
        total = total.plus(done)
        folder.telemetry.count("Folded", done.trials)
        if not done.trials or context.get_remaining_time_in_millis() < RESERVE_MS:
            return total
