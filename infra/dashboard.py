"""One dashboard for all functions: it searches for metrics, so that a new function needs no change."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.configuration import Configuration

_GRAPHS = (
    ("Acted", "Acted", "Sum"),
    ("No action", "NoAction", "Sum"),
    ("Suppressed", "Suppressed", "Sum"),
    ("Failed", "Failed", "Sum"),
    ("Latency, 99th percentile, ms", "Latency", "p99"),
    ("Answers of a fallback", "RungFallback", "Sum"),
    ("Consent unknown", "ConsentUnknown", "Sum"),
    ("Parked", "Parked", "Sum"),
    ("Wait for a right or a setting", "Denied", "Sum"),
    ("Crashed", "Crashed", "Sum"),
    ("Policy not known", "PolicyUnavailable", "Sum"),
    ("Retried", "Retried", "Sum"),
    ("Rules that could not be judged", "RailUnknown", "Sum"),
    ("Conditions of actions that could not be judged", "EligibilityUnknown", "Sum"),
    ("Left to the other function of a rollout", "RolloutElsewhere", "Sum"),
    ("Decided in the shadow, for the record", "RolloutShadow", "Sum"),
)


class Dashboard(Construct):
    """Outcomes, latency, fallbacks, consent, rules and rollouts of every function, and the depth of every queue."""

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(scope, construct_id)
        graphs = [
            _graph(title, _own(configuration, metric), statistic) for title, metric, statistic in _GRAPHS
        ]
        waiting = f'{{AWS/SQS,QueueName}} MetricName="ApproximateAgeOfOldestMessage" "{configuration.prefix}"'
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=configuration.prefix,
            default_interval=cdk.Duration.hours(3),
            widgets=[
                [*graphs[:4]],
                [*graphs[4:8]],
                [*graphs[8:12]],
                [*graphs[12:]],
                [_graph("Oldest event in a queue, s", waiting, "Maximum", 24)],
            ],
        )


def _own(configuration: Configuration, metric: str) -> str:
    return f'{{{configuration.namespace},service}} MetricName="{metric}"'


def _graph(title: str, search: str, statistic: str, width: int = 6) -> cloudwatch.IWidget:
    expression = cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', '{statistic}', 300)",
        using_metrics={},
        label="",
        period=cdk.Duration.minutes(5),
    )
    return cloudwatch.GraphWidget(title=title, left=[expression], width=width)
