"""What can differ from function to function, below the context value `functions`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from functions.documents import Json
from infra.context_values import Value, optional, switch

ON_BUS: Final = "bus"
ON_PROFILE_CHANGES: Final = "profile-changes"

FIFO: Final = ".fifo"
FIFO_BATCH: Final = 10
"""Records that a FIFO queue gives at a time; it has no window in which more could gather.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
"""

_KINESIS: Final = re.compile(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}")
_SQS: Final = re.compile(r"arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,75}(\.fifo)?")

MIN_CONCURRENCY: Final = 2
MAX_CONCURRENCY: Final = 1_000
"""What an event source mapping of a queue takes as its maximum concurrency.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html.
"""


@dataclass(frozen=True, slots=True)
class FunctionOptions:
    """What can differ from function to function. See `FUNCTION_OPTIONS` for the meaning of each field."""

    memory_mb: int | None
    timeout_s: int | None
    batch_size: int | None
    reserved_concurrency: int | None
    max_concurrency: int | None
    latency_ms: int | None
    source: str
    url: bool
    paused: bool

    @property
    def queue_concurrency(self) -> int | None:
        """How many invocations the queue may start at the same time; None for no limit of its own.

        Where concurrency is reserved the queue starts no more than that: else its pollers take messages that
        are throttled, come back, and after some rounds of it are parked, although nothing is wrong with them.
        """
        if self.max_concurrency is not None or self.reserved_concurrency is None:
            return self.max_concurrency
        return min(max(self.reserved_concurrency, MIN_CONCURRENCY), MAX_CONCURRENCY)

    @property
    def queue_arn(self) -> str | None:
        """ARN of the existing queue that fires it; None where none does."""
        return self.source if _SQS.fullmatch(self.source) else None

    @property
    def source_account(self) -> str | None:
        """Account of the existing queue or stream that fires it; None where none does."""
        return self.source.split(":")[4] if self.source.startswith("arn:") else None


def _source(value: Json) -> str:
    if value in (ON_BUS, ON_PROFILE_CHANGES):
        return str(value)
    if isinstance(value, str) and (_KINESIS.fullmatch(value) or _SQS.fullmatch(value)):
        return value
    raise ValueError(f"must be {ON_BUS}, {ON_PROFILE_CHANGES} or the ARN of an SQS queue or a Kinesis stream")


FUNCTION_OPTIONS: Final[tuple[Value, ...]] = (
    Value("memory_mb", None, "Memory, in MB; a share of CPU comes with it.", optional(128, 10_240)),
    Value(
        "timeout_s",
        None,
        "Timeout of an invocation, in seconds; by default what a full batch can take.",
        optional(5, 900),
    ),
    Value("batch_size", None, "Records of one invocation.", optional(1, 1_000)),
    Value("reserved_concurrency", None, "Reserved concurrency; also a ceiling.", optional(0, 10_000)),
    Value(
        "max_concurrency",
        None,
        "Invocations that the queue may start at the same time; by default what is reserved.",
        optional(MIN_CONCURRENCY, MAX_CONCURRENCY),
    ),
    Value(
        "latency_ms",
        None,
        "Alarm when the 99th percentile is above; by default one second more than the model's timeout.",
        optional(1, 900_000),
    ),
    Value(
        "source",
        ON_BUS,
        "What fires it: `bus`, `profile-changes` (the stream of the table), or the ARN of a queue or Kinesis stream.",
        _source,
    ),
    Value("url", False, "Whether pages can ask it, by a function URL.", switch),
    Value("paused", False, "Nothing fires it; events wait in its queue.", switch),
)
"""Context values of one function, below `functions.NAME`."""


def read_functions(value: Json) -> dict[str, FunctionOptions]:
    """Return the options of functions, by name."""
    document = json.loads(value) if isinstance(value, str) else value
    if not isinstance(document, dict):
        raise ValueError("must be a mapping of function names")
    found = {}
    for name, options in document.items():
        try:
            found[name] = function_options(options)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def function_options(document: Json) -> FunctionOptions:
    """Return the options of one function; the default of each that is not given."""
    if not isinstance(document, dict):
        raise ValueError("must be a mapping")
    unknown = sorted(set(document) - {option.key for option in FUNCTION_OPTIONS})
    if unknown:
        raise ValueError(f"there is no option {unknown[0]!r}")
    values: dict[str, Any] = {}
    for option in FUNCTION_OPTIONS:
        try:
            values[option.key] = option.read(document.get(option.key, option.default))
        except ValueError as error:
            raise ValueError(f"{option.key}: {error}") from None
    options = FunctionOptions(**values)
    if options.source.endswith(FIFO) and (options.batch_size or 0) > FIFO_BATCH:
        raise ValueError(f"batch_size: a FIFO queue gives {FIFO_BATCH} records at the most")
    reserved, most = options.reserved_concurrency, options.max_concurrency
    if reserved is not None and most is not None and most > reserved:
        raise ValueError("max_concurrency: must not be over reserved_concurrency, or messages are throttled")
    return options
