"""The alarms of one function: what a person has to look at, and nothing that heals by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.configuration import Configuration

PERIOD_MIN: Final = 5
ENOUGH: Final = 20
"""Events in a period before a share of them says anything."""

_OUTCOMES: Final = ("Acted", "NoAction", "Suppressed", "Rejected", "Failed")
_RUNGS: Final = ("RungModel", "RungCache", "RungFallback", "RungNone")


class Alarms(Construct):
    """Errors, dead letters, latency, and the shares of fallback answers and of unknown consent.

    Args:
        scope: Where they belong.
        construct_id: Their id there.
        name: Of the function, as its metrics have it.
        physical_name: First part of the names of the alarms.
        function: Its Lambda function.
        parking: Its dead-letter queue.
        has_model: Whether a share of fallbacks makes sense.
        latency_ms: Alarm when the 99th percentile is above, in milliseconds.
        topic: Is told; None for nobody.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        physical_name: str,
        function: lambda_.IFunction,
        parking: sqs.IQueue,
        has_model: bool,
        latency_ms: float,
        topic: sns.ITopic | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._physical_name = physical_name
        self._topic = topic
        self._dimensions = {"service": name}
        self._namespace = configuration.namespace
        every = cdk.Duration.minutes(PERIOD_MIN)
        errors = function.metric_errors(period=every, statistic="Sum")
        self._alarm("errors", errors, 0, "Invocations fail as a whole.")
        waiting = parking.metric_approximate_number_of_messages_visible(period=every, statistic="Maximum")
        self._alarm("dead-letters", waiting, 0, "Records wait in the dead-letter queue.")
        latency = self._metric("Latency", "p99")
        self._alarm("latency", latency, latency_ms, "Decisions take too long.", periods=3)
        if has_model:
            fallbacks = self._share(("RungCache", "RungFallback"), _RUNGS)
            share = configuration.fallback_share
            self._alarm("fallback-share", fallbacks, share, "The model does not answer.", periods=3)
        unknown = self._share(("ConsentUnknown",), _OUTCOMES)
        share = configuration.unknown_consent_share
        self._alarm("unknown-consent", unknown, share, "Consent does not reach the table.", periods=3)

    def _metric(self, metric_name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=metric_name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=cdk.Duration.minutes(PERIOD_MIN),
        )

    def _share(self, part: tuple[str, ...], whole: tuple[str, ...]) -> cloudwatch.MathExpression:
        metrics: Mapping[str, cloudwatch.IMetric] = {
            name[0].lower() + name[1:]: self._metric(name) for name in sorted({*part, *whole})
        }
        of_part, of_whole = (_sum(names) for names in (part, whole))
        return cloudwatch.MathExpression(
            expression=f"IF(({of_whole}) >= {ENOUGH}, ({of_part}) / ({of_whole}), 0)",
            using_metrics=metrics,
            label="share",
            period=cdk.Duration.minutes(PERIOD_MIN),
        )

    def _alarm(
        self, what: str, metric: cloudwatch.IMetric, threshold: float, description: str, *, periods: int = 1
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "".join(map(str.capitalize, what.split("-"))),
            alarm_name=f"{self._physical_name}-{what}",
            alarm_description=f"{description} What to do: docs/deploy.md, alarm {what}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))


def _sum(names: tuple[str, ...]) -> str:
    """Return a sum in which a metric without data counts as zero."""
    return " + ".join(f"FILL({name[0].lower()}{name[1:]}, 0)" for name in names)
