"""Alarms: what a person has to look at, and nothing that heals by itself. Each has a page that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarm_kinds import KINDS, RUNBOOKS
from infra.configuration import Configuration

PERIOD_MIN: Final = 5
ENOUGH: Final = 20
"""Events in a period before a share of them says anything."""

STREAM_LATE_MS: Final = 3_600_000
"""Age of the record that is read next, in milliseconds; after six hours it is given up."""

COUNTED: Final[Mapping[str, str]] = MappingProxyType(
    {"denied": "Denied", "crashed": "Crashed", "policy-unavailable": "PolicyUnavailable"}
)
"""Kinds of alarms that one count is enough for, with the count."""

_OUTCOMES: Final = ("Acted", "NoAction", "Suppressed", "Rejected", "Failed")
_RUNGS: Final = ("RungModel", "RungCache", "RungFallback", "RungNone")


class Alarms(Construct):
    """Errors, dead letters, what waits or crashed, latency, and the shares of fallbacks and of unknown consent.

    Args:
        scope: Where they belong.
        construct_id: Their id there.
        name: Of the function, as its metrics have it.
        physical_name: First part of the names of the alarms.
        function: Its Lambda function.
        parking: Its dead-letter queue.
        has_model: Whether a share of fallbacks makes sense.
        on_stream: Whether records wait behind one another.
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
        on_stream: bool,
        latency_ms: float,
        topic: sns.ITopic | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._physical_name = physical_name
        self._topic = topic
        every = cdk.Duration.minutes(PERIOD_MIN)
        errors = function.metric_errors(period=every, statistic="Sum")
        self._alarm("errors", errors, 0)
        waiting = parking.metric_approximate_number_of_messages_visible(period=every, statistic="Maximum")
        self._alarm("dead-letters", waiting, 0)
        for kind, metric in COUNTED.items():
            self._alarm(kind, metric_of(name, metric, "Sum", configuration=configuration), 0)
        if on_stream:
            age = function.metric("IteratorAge", period=every, statistic="Maximum")
            self._alarm("stream-late", age, STREAM_LATE_MS)
        latency = metric_of(name, "Latency", "p99", configuration=configuration)
        self._alarm("latency", latency, latency_ms, periods=3)
        if has_model:
            fallbacks = share_of(name, ("RungCache", "RungFallback"), _RUNGS, configuration=configuration)
            share = configuration.fallback_share
            self._alarm("fallback-share", fallbacks, share, periods=3)
        unknown = share_of(name, ("ConsentUnknown",), _OUTCOMES, configuration=configuration)
        share = configuration.unknown_consent_share
        self._alarm("unknown-consent", unknown, share, periods=3)

    def _alarm(self, kind: str, metric: cloudwatch.IMetric, threshold: float, *, periods: int = 1) -> None:
        add_alarm(
            self,
            kind,
            physical_name=self._physical_name,
            metric=metric,
            threshold=threshold,
            topic=self._topic,
            periods=periods,
        )


def add_alarm(
    scope: Construct,
    kind: str,
    *,
    physical_name: str,
    metric: cloudwatch.IMetric,
    threshold: float,
    topic: sns.ITopic | None,
    periods: int = 1,
) -> None:
    """Add an alarm that names its page.

    Args:
        scope: Where it belongs; one of a kind.
        kind: A key of `KINDS`.
        physical_name: First part of its name.
        metric: What it watches.
        threshold: Alarm when above.
        topic: Is told; None for nobody.
        periods: Periods of the metric that must be above.
    """
    alarm = cloudwatch.Alarm(
        scope,
        "".join(map(str.capitalize, kind.split("-"))),
        alarm_name=f"{physical_name}-{kind}",
        alarm_description=f"{KINDS[kind]} What to do: {RUNBOOKS}/{kind}.md",
        metric=metric,
        threshold=threshold,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if topic is not None:
        alarm.add_alarm_action(actions.SnsAction(topic))


def share_of(
    service: str, part: tuple[str, ...], whole: tuple[str, ...], *, configuration: Configuration
) -> cloudwatch.MathExpression:
    """Return the share of some counts in others, zero where there are too few to say anything.

    Args:
        service: Whose metrics, as they name it.
        part: Names of counts.
        whole: Names of counts; some of `part` may be among them.
        configuration: Of the deployment.
    """
    metrics: Mapping[str, cloudwatch.IMetric] = {
        name[0].lower() + name[1:]: metric_of(service, name, "Sum", configuration=configuration)
        for name in sorted({*part, *whole})
    }
    of_part, of_whole = (_sum(names) for names in (part, whole))
    return cloudwatch.MathExpression(
        expression=f"IF(({of_whole}) >= {ENOUGH}, ({of_part}) / ({of_whole}), 0)",
        using_metrics=metrics,
        label="share",
        period=cdk.Duration.minutes(PERIOD_MIN),
    )


def watch_url(
    scope: Construct, *, physical_name: str, function: lambda_.IFunction, topic: sns.ITopic | None
) -> None:
    """Add the alarm of a public URL. What it answers with an error is no error of the function, so Lambda counts none.

    Args:
        scope: Where it belongs.
        physical_name: First part of its name.
        function: With the URL.
        topic: Is told; None for nobody.
    """
    every = cdk.Duration.minutes(PERIOD_MIN)
    metrics: Mapping[str, cloudwatch.IMetric] = {
        "failed": function.metric("Url5xxCount", period=every, statistic="Sum"),
        "throttled": function.metric_throttles(period=every, statistic="Sum"),
    }
    unanswered = cloudwatch.MathExpression(
        expression=_sum(("failed", "throttled")), using_metrics=metrics, label="unanswered", period=every
    )
    # A page asks again, and a moment passes: what lasts a quarter of an hour does not.
    add_alarm(
        scope,
        "url-errors",
        physical_name=physical_name,
        metric=unanswered,
        threshold=0,
        topic=topic,
        periods=3,
    )


def metric_of(
    service: str, metric_name: str, statistic: str, *, configuration: Configuration
) -> cloudwatch.Metric:
    """Return a metric that the handlers write.

    Args:
        service: Whose, as its metrics have it.
        metric_name: Its name.
        statistic: Of CloudWatch.
        configuration: Of the deployment.
    """
    return cloudwatch.Metric(
        namespace=configuration.namespace,
        metric_name=metric_name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=cdk.Duration.minutes(PERIOD_MIN),
    )


def _sum(names: tuple[str, ...]) -> str:
    """Return a sum in which a metric without data counts as zero."""
    return " + ".join(f"FILL({name[0].lower()}{name[1:]}, 0)" for name in names)
