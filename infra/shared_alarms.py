"""The alarms of what all functions share: the outbox and the lasting log."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import PERIOD_MIN, add_alarm
from infra.configuration import Configuration

OUTBOX_LATE_S: Final = 900
"""An action that was decided so long ago and waits, in seconds; a first retry comes after a quarter minute."""

EXPORT_LATE_MS: Final = 3_600_000
"""A decision that is so old when the export reads it, in milliseconds; the stream keeps it for a day."""

_HOUR: Final = 60


class OutboxAlarms(Construct):
    """Errors of the drain, and actions that wait too long.

    Args:
        scope: Where they belong.
        construct_id: Their id there.
        physical_name: First part of the names of the alarms.
        function: The drain.
        topic: Is told; None for nobody.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        physical_name: str,
        function: lambda_.IFunction,
        topic: sns.ITopic | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        # A waiting action is looked at once an hour in the end, so a shorter period would not see it.
        age = cloudwatch.Metric(
            namespace=configuration.namespace,
            metric_name="OutboxAge",
            dimensions_map={"service": "schedule"},
            statistic="Maximum",
            period=cdk.Duration.minutes(_HOUR),
        )
        add_alarm(
            self,
            "errors",
            physical_name=physical_name,
            metric=_errors(function),
            threshold=0,
            topic=topic,
            # One round that fails is made up for by the next.
            periods=3,
        )
        add_alarm(
            self,
            "outbox-late",
            physical_name=configuration.prefix,
            metric=age,
            threshold=OUTBOX_LATE_S,
            topic=topic,
        )


class ExportAlarms(Construct):
    """Errors of the export, decisions that it has not come to, and what it has parked.

    Args:
        scope: Where they belong.
        construct_id: Their id there.
        physical_name: First part of the names of the alarms.
        function: The export.
        parking: Its dead-letter queue.
        topic: Is told; None for nobody.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        physical_name: str,
        function: lambda_.IFunction,
        parking: sqs.IQueue,
        topic: sns.ITopic | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        every = cdk.Duration.minutes(PERIOD_MIN)
        waiting = parking.metric_approximate_number_of_messages_visible(period=every, statistic="Maximum")
        age = function.metric("IteratorAge", period=every, statistic="Maximum")
        for kind, name, metric, threshold in (
            ("errors", physical_name, _errors(function), 0),
            ("dead-letters", physical_name, waiting, 0),
            ("export-late", configuration.prefix, age, EXPORT_LATE_MS),
        ):
            add_alarm(self, kind, physical_name=name, metric=metric, threshold=threshold, topic=topic)


def _errors(function: lambda_.IFunction) -> cloudwatch.IMetric:
    return function.metric_errors(period=cdk.Duration.minutes(PERIOD_MIN), statistic="Sum")
