"""Context values become one frozen configuration; the only place that knows their names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from functions.documents import Json
from functions.errors import SettingsError
from functions.operations.naming import prefix_of

LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""Retentions that CloudWatch Logs knows.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
"""

ON_BUS: Final = "bus"
ON_PROFILE_CHANGES: Final = "profile-changes"

_ENVIRONMENT: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
_KINESIS: Final = re.compile(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, slots=True)
class Value:
    """One context value, as the reference shows it."""

    key: str
    default: Json
    description: str
    read: Callable[[Json], Any]


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


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a deployment can choose. See `CONTEXT` for the meaning of each field."""

    environment: str
    specs: Path
    target: str
    bundle: bool
    architecture: str
    python: str
    requirements: Path
    code: tuple[Path, ...]
    memory_mb: int
    batch_size: int
    stacks: int
    log_days: int
    archive_days: int
    export_days: int
    ingest: bool
    outcomes: bool
    suppression: bool
    drain_minutes: int
    lease_s: int
    keep_data: bool
    table: str
    table_key: str
    table_stream: str
    bus: str
    alarms: bool
    alarm_email: str
    alarm_topic: str
    fallback_share: float
    unknown_consent_share: float
    origins: tuple[str, ...]
    sagemaker_url: str
    synthesizer: str
    checks: bool
    functions: Mapping[str, FunctionOptions]

    def options(self, name: str) -> FunctionOptions:
        """Return what was chosen for a function; the defaults where nothing was."""
        return self.functions.get(name) or _function_options({})

    @property
    def prefix(self) -> str:
        """First part of every physical name."""
        return prefix_of(self.environment)

    @property
    def namespace(self) -> str:
        """Namespace of the metrics."""
        return f"Functions/{self.environment}"

    @property
    def is_local(self) -> bool:
        """Whether the target is an AWS on this machine."""
        return self.target == "local"

    @property
    def enforce_ssl(self) -> bool:
        """Whether queues and topics refuse whoever comes without TLS, which an AWS on this machine has not."""
        return not self.is_local


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _path(value: Json) -> Path:
    return Path(_text(value))


def _list(value: Json) -> tuple[str, ...]:
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise ValueError("must be a list, or words separated by spaces")
    return tuple(items)


def _paths(value: Json) -> tuple[Path, ...]:
    return tuple(map(Path, _list(value)))


def _switch(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return bool(value == "true")


def _number(low: int, high: int) -> Callable[[Json], int]:
    def read(value: Json) -> int:
        number = int(value) if isinstance(value, str) and value.isdigit() else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return read


def _optional(low: int, high: int) -> Callable[[Json], int | None]:
    number = _number(low, high)
    return lambda value: None if value is None else number(value)


def _share(value: Json) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 < share <= 1:
        raise ValueError("must be a share above 0 and up to 1")
    return share


def _one_of(*words: str) -> Callable[[Json], str]:
    def read(value: Json) -> str:
        if value not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return str(value)

    return read


def _environment(value: Json) -> str:
    if not isinstance(value, str) or not _ENVIRONMENT.fullmatch(value):
        raise ValueError("must be up to 20 lower-case letters, digits and dashes")
    return value


def _log_days(value: Json) -> int:
    days = _number(1, 3653)(value)
    if days not in LOG_DAYS:
        raise ValueError(f"must be one of: {', '.join(map(str, LOG_DAYS))}")
    return days


def _source(value: Json) -> str:
    if value in (ON_BUS, ON_PROFILE_CHANGES) or (isinstance(value, str) and _KINESIS.fullmatch(value)):
        return str(value)
    raise ValueError(f"must be {ON_BUS}, {ON_PROFILE_CHANGES} or the ARN of a Kinesis stream")


FUNCTION_OPTIONS: Final[tuple[Value, ...]] = (
    Value("memory_mb", None, "Memory, in MB; a share of CPU comes with it.", _optional(128, 10_240)),
    Value(
        "timeout_s",
        None,
        "Timeout of an invocation, in seconds; by default what a full batch can take.",
        _optional(5, 900),
    ),
    Value("batch_size", None, "Records of one invocation.", _optional(1, 1_000)),
    Value("reserved_concurrency", None, "Reserved concurrency; also a ceiling.", _optional(0, 10_000)),
    Value(
        "max_concurrency", None, "Invocations that the queue may start at the same time.", _optional(2, 1_000)
    ),
    Value(
        "latency_ms",
        None,
        "Alarm when the 99th percentile is above; by default one second more than the model's timeout.",
        _optional(1, 900_000),
    ),
    Value(
        "source",
        ON_BUS,
        "What fires it: `bus`, `profile-changes` (the stream of the table), or the ARN of a Kinesis stream.",
        _source,
    ),
    Value("url", False, "Whether pages can ask it, by a function URL.", _switch),
    Value("paused", False, "Nothing fires it; events wait in its queue.", _switch),
)
"""Context values of one function, below `functions.NAME`."""


def _functions(value: Json) -> dict[str, FunctionOptions]:
    document = json.loads(value) if isinstance(value, str) else value
    if not isinstance(document, dict):
        raise ValueError("must be a mapping of function names")
    found = {}
    for name, options in document.items():
        try:
            found[name] = _function_options(options)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def _function_options(document: Json) -> FunctionOptions:
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
    return FunctionOptions(**values)


CONTEXT: Final[tuple[Value, ...]] = (
    Value("environment", "dev", "Part of every name, so that one account can hold several.", _environment),
    Value("specs", "feature_specs", "Folder of the specs.", _path),
    Value("target", "aws", "`local` leaves out what an AWS on this machine lacks.", _one_of("aws", "local")),
    Value("bundle", True, "`false` synthesizes without code, without network; not to be deployed.", _switch),
    Value("architecture", "arm64", "Processors of the functions.", _one_of("arm64", "x86_64")),
    Value(
        "python",
        "3.13",
        "Python of the functions. An AWS on this machine runs them in its own: name that one.",
        _one_of("3.11", "3.12", "3.13", "3.14"),
    ),
    Value("requirements", "requirements/lambda.txt", "Pinned requirements of the functions.", _path),
    Value("code", [], "Folders of packages of your own that specs name, such as a model class.", _paths),
    Value("memory_mb", 512, "Memory of every function, in MB.", _number(128, 10_240)),
    Value("batch_size", 10, "Records of one invocation.", _number(1, 1_000)),
    Value(
        "stacks",
        0,
        "Stacks that the functions are spread over; 0 for as few as can hold them.",
        _number(0, 64),
    ),
    Value("log_days", 30, "Days that logs are kept.", _log_days),
    Value("archive_days", 14, "Days that events are kept for a replay; 0 for no archive.", _number(0, 3653)),
    Value(
        "export_days",
        400,
        "Days that the lasting log keeps decisions; 0 for no log.",
        _number(0, 3653),
    ),
    Value("ingest", False, "Whether profiles are taken in, by a webhook and a queue.", _switch),
    Value(
        "outcomes",
        False,
        "Whether outcomes are recorded and counted; they are in any case where a function learns.",
        _switch,
    ),
    Value(
        "suppression", False, "Whether functions get the secret `suppression-key`, to read marks.", _switch
    ),
    Value("drain_minutes", 1, "Minutes between two looks at the outbox.", _number(1, 60)),
    Value(
        "lease_s",
        30,
        "Seconds after which an action whose process died while it was sent is taken up again.",
        _number(10, 900),
    ),
    Value("keep_data", True, "Whether the table and its key outlive the stack.", _switch),
    Value("table", "", "Name of an existing profile table; by default one is made.", _text),
    Value("table_key", "", "ARN of the KMS key of the existing table, if it has one of its own.", _text),
    Value("table_stream", "", "ARN of the stream of the existing table, if functions follow it.", _text),
    Value("bus", "", "Name of an existing event bus; by default one is made.", _text),
    Value("alarms", True, "Whether alarms are made.", _switch),
    Value("alarm_email", "", "Address that is told about alarms, after it has confirmed.", _text),
    Value("alarm_topic", "", "ARN of an existing SNS topic for alarms; by default one is made.", _text),
    Value("fallback_share", 0.2, "Alarm when more than this share of answers is a fallback's.", _share),
    Value(
        "unknown_consent_share",
        0.5,
        "Alarm when for more than this share of events nothing is known of the consent.",
        _share,
    ),
    Value("origins", [], "Origins of the pages that may ask function URLs.", _list),
    Value("sagemaker_url", "", "Endpoint of the SageMaker runtime, for an AWS on this machine.", _text),
    Value(
        "synthesizer",
        "bootstrap",
        "`bootstrap` deploys with the roles of `cdk bootstrap`, `cli` with your own credentials.",
        _one_of("bootstrap", "cli"),
    ),
    Value(
        "checks",
        True,
        "Whether cdk-nag checks the stacks at every synthesis; those for an AWS on this machine are not checked.",
        _switch,
    ),
    Value("functions", {}, "Options by function, see below.", _functions),
)
"""Every context value of the app."""


def read_configuration(context: Callable[[str], Json]) -> Configuration:
    """Read the configuration.

    Args:
        context: Gives a context value; None where it is not set. What comes from the command line is text.

    Raises:
        SettingsError: A value can't be used; it is named, with the fault.
    """
    values: dict[str, Any] = {}
    for value in CONTEXT:
        given = context(value.key)
        try:
            values[value.key] = value.read(value.default if given is None else given)
        except ValueError as error:
            raise SettingsError(f"context value {value.key}: {error}") from None
    return Configuration(**values)
