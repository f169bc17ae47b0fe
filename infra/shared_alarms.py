"""The alarms of what all functions share: the outbox, the lasting log, outcomes and profile ingest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import COUNTED, PERIOD_MIN, add_alarm, metric_of, share_of, watch_url
from infra.configuration import Configuration
from infra.decision_export import DecisionExport
from infra.outbox_drain import OutboxDrain
from infra.outcome_recording import OutcomeRecording
from infra.profile_ingest import ProfileIngest

OUTBOX_LATE_S: Final = 900
"""An action that was decided so long ago and waits, in seconds; a first retry comes after a quarter minute."""

EXPORT_LATE_MS: Final = 3_600_000
"""A decision that is so old when the export reads it, in milliseconds; the stream keeps it for a day."""

REFUSED_SHARE: Final = 0.1
"""Share of the records that are refused; one platform that changed its template is more."""

SCHEDULE: Final = "schedule"
"""What the drain of the outbox is called in its metrics."""

_FATES: Final = ("IngestWritten", "IngestOlder", "IngestNothing", "IngestRefused", "IngestFailed")
_HOUR: Final = 60


def watch_shared(
    scope: Construct,
    *,
    drain: OutboxDrain,
    export: DecisionExport | None,
    outcomes: OutcomeRecording | None,
    ingest: ProfileIngest | None,
    topic: sns.ITopic | None,
    configuration: Configuration,
) -> None:
    """Add the alarms of the outbox, of the lasting log, of outcomes and of profile ingest.

    Args:
        scope: Where they belong.
        drain: What sends the actions that wait.
        export: What keeps decisions; None where there is no log.
        outcomes: What records and counts outcomes; None where nobody learns.
        ingest: What takes profiles in; None where nothing does.
        topic: Is told; None for nobody.
        configuration: Of the deployment.
    """
    watch = _Watch(scope, topic, configuration)
    _watch_outbox(watch, drain)
    if export is not None:
        _watch_export(watch, export)
    if ingest is not None:
        _watch_ingest(watch, ingest)
    if outcomes is not None:
        _watch_outcomes(watch, outcomes)


@dataclass(frozen=True)
class _Watch:
    """Adds alarms, each below the one it belongs to."""

    scope: Construct
    topic: sns.ITopic | None
    configuration: Configuration

    def __call__(
        self, of: str, kind: str, name: str, metric: cloudwatch.IMetric, *, above: float, periods: int = 1
    ) -> None:
        owner = self.scope.node.try_find_child(of) or Construct(self.scope, of)
        add_alarm(
            cast(Construct, owner),
            kind,
            physical_name=name,
            metric=metric,
            threshold=above,
            topic=self.topic,
            periods=periods,
        )


def _watch_outbox(watch: _Watch, drain: OutboxDrain) -> None:
    prefix = watch.configuration.prefix
    # One round of the drain that fails is made up for by the next.
    watch("OutboxAlarms", "errors", f"{prefix}_outbox", _errors(drain.function), above=0, periods=3)
    watch("OutboxAlarms", "outbox-late", prefix, _outbox_age(watch.configuration), above=OUTBOX_LATE_S)
    damaged = metric_of(SCHEDULE, "OutboxUnreadable", "Sum", configuration=watch.configuration)
    watch("OutboxAlarms", "outbox-unreadable", prefix, damaged, above=0)


def _watch_export(watch: _Watch, export: DecisionExport) -> None:
    prefix = watch.configuration.prefix
    every = cdk.Duration.minutes(PERIOD_MIN)
    age = export.function.metric("IteratorAge", period=every, statistic="Maximum")
    watch("ExportAlarms", "errors", f"{prefix}_export", _errors(export.function), above=0)
    watch("ExportAlarms", "dead-letters", f"{prefix}_export", _waiting(export.parking), above=0)
    watch("ExportAlarms", "export-late", prefix, age, above=EXPORT_LATE_MS)


def _watch_ingest(watch: _Watch, ingest: ProfileIngest) -> None:
    prefix = watch.configuration.prefix
    for kind, function in ingest.functions.items():
        watch(f"{kind}Alarms", "errors", f"{prefix}_{kind}", _errors(function), above=0)
    watch("IngestAlarms", "dead-letters", f"{prefix}-ingest", _waiting(ingest.parking), above=0)
    refused = share_of(ingest.service, ("IngestRefused",), _FATES, configuration=watch.configuration)
    watch("IngestAlarms", "ingest-refused", prefix, refused, above=REFUSED_SHARE, periods=3)
    for kind, metric in _counted(ingest.service, watch.configuration):
        watch("IngestAlarms", kind, f"{prefix}-ingest", metric, above=0)
    watch_url(ingest, physical_name=f"{prefix}_ingest_url", function=ingest.webhook, topic=watch.topic)


def _watch_outcomes(watch: _Watch, outcomes: OutcomeRecording) -> None:
    prefix = watch.configuration.prefix
    # A count that fails is made up for by the next.
    watch("FoldAlarms", "errors", f"{prefix}_fold", _errors(outcomes.fold), above=0, periods=3)
    watch("OutcomeAlarms", "errors", f"{prefix}_outcomes", _errors(outcomes.recorder), above=0)
    watch("OutcomeAlarms", "dead-letters", f"{prefix}_outcomes", _waiting(outcomes.parking), above=0)
    for kind, metric in _counted(outcomes.service, watch.configuration):
        watch("OutcomeAlarms", kind, f"{prefix}_outcomes", metric, above=0)


def _counted(service: str, configuration: Configuration) -> Iterator[tuple[str, cloudwatch.IMetric]]:
    """Yield what happens to records one by one, of which Lambda counts nothing as an error."""
    for kind in ("denied", "crashed"):
        yield kind, metric_of(service, COUNTED[kind], "Sum", configuration=configuration)


def _waiting(queue: sqs.IQueue) -> cloudwatch.IMetric:
    every = cdk.Duration.minutes(PERIOD_MIN)
    return queue.metric_approximate_number_of_messages_visible(period=every, statistic="Maximum")


def _outbox_age(configuration: Configuration) -> cloudwatch.IMetric:
    # A waiting action is looked at once an hour in the end, so a shorter period would not see it.
    return cloudwatch.Metric(
        namespace=configuration.namespace,
        metric_name="OutboxAge",
        dimensions_map={"service": SCHEDULE},
        statistic="Maximum",
        period=cdk.Duration.minutes(_HOUR),
    )


def _errors(function: lambda_.IFunction) -> cloudwatch.IMetric:
    return function.metric_errors(period=cdk.Duration.minutes(PERIOD_MIN), statistic="Sum")
