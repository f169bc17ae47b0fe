"""Context values become one frozen configuration; the only place that knows their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from functions.documents import Json
from functions.errors import SettingsError
from functions.operations.naming import prefix_of
from infra.context_values import Value, number, one_of, path, paths, share, switch, text, words
from infra.function_options import FunctionOptions, function_options, read_functions

LOG_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""Retentions that CloudWatch Logs knows.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
"""

_KEY: Final = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,64}")
_ENVIRONMENT: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")


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
    url_concurrency: int
    accounts: tuple[str, ...]
    keys: tuple[str, ...]
    log_key: bool
    event_skew_s: int
    policy_every_s: int
    policy_good_for_s: int
    tracing: bool
    snap_start: bool
    sagemaker_url: str
    synthesizer: str
    checks: bool
    functions: Mapping[str, FunctionOptions]

    def options(self, name: str) -> FunctionOptions:
        """Return what was chosen for a function; the defaults where nothing was."""
        return self.functions.get(name) or function_options({})

    @property
    def prefix(self) -> str:
        """First part of every physical name."""
        return prefix_of(self.environment)

    @property
    def namespace(self) -> str:
        """Namespace of the metrics."""
        return f"Functions/{self.environment}"

    @property
    def public_concurrency(self) -> int | None:
        """Reserved concurrency of a public URL; None for none, as on a machine that has not so much."""
        return None if self.is_local else self.url_concurrency or None

    @property
    def is_local(self) -> bool:
        """Whether the target is an AWS on this machine."""
        return self.target == "local"

    @property
    def enforce_ssl(self) -> bool:
        """Whether queues and topics refuse whoever comes without TLS, which an AWS on this machine has not."""
        return not self.is_local


def _environment(value: Json) -> str:
    if not isinstance(value, str) or not _ENVIRONMENT.fullmatch(value):
        raise ValueError("must be up to 20 lower-case letters, digits and dashes")
    return value


def _accounts(value: Json) -> tuple[str, ...]:
    accounts = words(value)
    if any(one != "*" and not re.fullmatch(r"\d{12}", one) for one in accounts):
        raise ValueError("must be AWS accounts of 12 digits, or *")
    return accounts


def _keys(value: Json) -> tuple[str, ...]:
    arns = words(value)
    if not all(_KEY.fullmatch(arn) for arn in arns):
        raise ValueError("must be ARNs of KMS keys, not of aliases")
    return arns


def _log_days(value: Json) -> int:
    days = number(1, 3653)(value)
    if days not in LOG_DAYS:
        raise ValueError(f"must be one of: {', '.join(map(str, LOG_DAYS))}")
    return days


CONTEXT: Final[tuple[Value, ...]] = (
    Value("environment", "dev", "Part of every name, so that one account can hold several.", _environment),
    Value("specs", "feature_specs", "Folder of the specs.", path),
    Value("target", "aws", "`local` leaves out what an AWS on this machine lacks.", one_of("aws", "local")),
    Value("bundle", True, "`false` synthesizes without code, without network; not to be deployed.", switch),
    Value("architecture", "arm64", "Processors of the functions.", one_of("arm64", "x86_64")),
    Value(
        "python",
        "3.13",
        "Python of the functions. An AWS on this machine runs them in its own: name that one.",
        one_of("3.11", "3.12", "3.13", "3.14"),
    ),
    Value("requirements", "requirements/lambda.txt", "Pinned requirements of the functions.", path),
    Value("code", [], "Folders of packages of your own that specs name, such as a model class.", paths),
    Value("memory_mb", 512, "Memory of every function, in MB.", number(128, 10_240)),
    Value("batch_size", 10, "Records of one invocation.", number(1, 1_000)),
    Value(
        "stacks",
        0,
        "Stacks that the functions are spread over; 0 for as few as can hold them.",
        number(0, 64),
    ),
    Value("log_days", 30, "Days that logs are kept.", _log_days),
    Value("archive_days", 14, "Days that events are kept for a replay; 0 for no archive.", number(0, 3653)),
    Value(
        "export_days",
        400,
        "Days that the lasting log keeps decisions; 0 for no log.",
        number(0, 3653),
    ),
    Value("ingest", False, "Whether profiles are taken in, by a webhook and a queue.", switch),
    Value(
        "outcomes",
        False,
        "Whether outcomes are recorded and counted; they are in any case where a function learns.",
        switch,
    ),
    Value("suppression", False, "Whether functions get the secret `suppression-key`, to read marks.", switch),
    Value("drain_minutes", 1, "Minutes between two looks at the outbox.", number(1, 60)),
    Value(
        "lease_s",
        30,
        "Seconds after which an action whose process died while it was sent is taken up again.",
        number(10, 900),
    ),
    Value("keep_data", True, "Whether the table and its key outlive the stack.", switch),
    Value("table", "", "Name of an existing profile table; by default one is made.", text),
    Value("table_key", "", "ARN of the KMS key of the existing table, if it has one of its own.", text),
    Value("table_stream", "", "ARN of the stream of the existing table, if functions follow it.", text),
    Value("bus", "", "Name of an existing event bus; by default one is made.", text),
    Value("alarms", True, "Whether alarms are made.", switch),
    Value("alarm_email", "", "Address that is told about alarms, after it has confirmed.", text),
    Value("alarm_topic", "", "ARN of an existing SNS topic for alarms; by default one is made.", text),
    Value("fallback_share", 0.2, "Alarm when more than this share of answers is a fallback's.", share),
    Value(
        "unknown_consent_share",
        0.5,
        "Alarm when for more than this share of events nothing is known of the consent.",
        share,
    ),
    Value("origins", [], "Origins of the pages that may ask function URLs.", words),
    Value(
        "url_concurrency",
        20,
        "Requests that each public URL answers at the same time, reserved for it; 0 for no limit of its own.",
        number(0, 10_000),
    ),
    Value(
        "accounts",
        [],
        "AWS accounts besides this one that records may come from; `*` for any.",
        _accounts,
    ),
    Value(
        "keys",
        [],
        "ARNs of KMS keys that encrypt queues, topics and streams that are not made here.",
        _keys,
    ),
    Value(
        "log_key",
        False,
        "Whether functions get the secret `log-key`, under which logs hash identifiers.",
        switch,
    ),
    Value("event_skew_s", 300, "Seconds that an event's time may be ahead of the clock.", number(1, 86_400)),
    Value(
        "policy_every_s", 10, "Seconds between two looks at the policy and the switches.", number(1, 3_600)
    ),
    Value(
        "policy_good_for_s",
        300,
        "Seconds that a function goes on choosing actions while it can't look.",
        number(1, 86_400),
    ),
    Value("tracing", False, "Whether AWS X-Ray traces functions; its SDK must be in `requirements`.", switch),
    Value(
        "snap_start", False, "Whether functions start from a snapshot (SnapStart), behind an alias.", switch
    ),
    Value("sagemaker_url", "", "Endpoint of the SageMaker runtime, for an AWS on this machine.", text),
    Value(
        "synthesizer",
        "bootstrap",
        "`bootstrap` deploys with the roles of `cdk bootstrap`, `cli` with your own credentials.",
        one_of("bootstrap", "cli"),
    ),
    Value(
        "checks",
        True,
        "Whether cdk-nag checks the stacks at every synthesis; those for an AWS on this machine are not checked.",
        switch,
    ),
    Value("functions", {}, "Options by function, see below.", read_functions),
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
