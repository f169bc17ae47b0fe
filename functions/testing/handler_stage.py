"""A handler with everything around it in memory: profiles, the model, channels, the dead-letter queue."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

from functions.actions.memory import MemoryChannel
from functions.errors import ActionError, ActionRejectedError
from functions.handlers.parking import Parking
from functions.handlers.telemetry import Telemetry
from functions.handlers.worker import Worker
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.spec.plan import Plan
from functions.testing.lambda_events import ACCOUNT
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, put_customer

_NUMBERS = itertools.count(1)

# Body and attributes. Source: SQS developer guide, "Amazon SQS message quotas".
_MESSAGE_BYTES = 1_048_576


@dataclass
class StageContext:
    """A Lambda context whose clock goes by a script: one answer for each look, the last one for ever."""

    remaining_ms: list[int] = field(default_factory=lambda: [300_000])
    aws_request_id: str = "request-1"
    invoked_function_arn: str = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:churn"

    def get_remaining_time_in_millis(self) -> int:
        """Return the next answer of the script."""
        return self.remaining_ms.pop(0) if len(self.remaining_ms) > 1 else self.remaining_ms[0]


class StageQueue:
    """A dead-letter queue that keeps what it is sent, refuses what SQS would, or anything with `error`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.error: ActionError | None = None

    def send(self, body: str, attributes: dict[str, str], *, key: str, group: str) -> None:
        """Keep a message.

        Raises:
            ActionError: One was asked for.
            ActionRejectedError: The message is larger than a message of SQS can be, or no text of UTF-8.
        """
        del key, group
        counted = sum(len(name) + len("String") + len(text.encode()) for name, text in attributes.items())
        if len(body.encode()) + counted > _MESSAGE_BYTES:
            raise ActionRejectedError(f"a message has at most {_MESSAGE_BYTES:,} bytes")
        if self.error is not None:
            raise self.error
        self.sent.append((body, attributes))


@dataclass
class HandlerStage:
    """A worker and everything it touches; log lines and metrics go to standard output.

    Attributes:
        rehearsal: Store, model, channel and clocks.
        worker: Give it to a handler.
        queue: The dead-letter queue.
        context: Hand it to the handler.
    """

    rehearsal: Rehearsal
    worker: Worker
    queue: StageQueue
    context: StageContext

    @property
    def channel(self) -> MemoryChannel:
        """Whatever was sent, by any channel."""
        return self.rehearsal.channel

    @property
    def acted_on(self) -> list[str]:
        """The ids of the events whose actions were sent, in order."""
        return [one.message.event_id for one in self.channel.deliveries]


def handler_stage(
    plan: Plan,
    *,
    model: MemoryModel | None = None,
    parking: bool = True,
    accounts: tuple[str, ...] = (),
    rehearsal: Rehearsal | None = None,
) -> HandlerStage:
    """Set a stage: the customer of the sample function is in the store, and a model that sees high risk.

    Args:
        plan: The function.
        model: Another model.
        parking: Whether there is a dead-letter queue.
        accounts: Accounts that records may come from; none is the function's own.
        rehearsal: Another world, in which nothing is put.
    """
    world = rehearsal or Rehearsal(now=NOW, model=model or MemoryModel(_high_risk))
    if rehearsal is None:
        put_customer(world.store)
    queue = StageQueue()
    # Loggers of one name share their stream, so every stage has a name of its own.
    telemetry = Telemetry(f"stage-{next(_NUMBERS)}", namespace="Tests", known_names={"page_view"})
    worker = Worker(
        plan=plan,
        ports=world.ports,
        accounts=accounts,
        parking=Parking(plan.name, queue if parking else None),
        telemetry=telemetry,
        unique=lambda: "unique",
    )
    return HandlerStage(world, worker, queue, StageContext())


def without_fallback(plan: Plan) -> Plan:
    """Return a plan that fails, and may succeed later, when its model is down."""
    return plan if plan.model is None else replace(plan, model=replace(plan.model, fallback=()))


def _high_risk(_: object) -> ModelReply:
    return ModelReply(b"0.83", "text/csv")
