"""How events reach a function: a rule and a queue in front of it, or a stream."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from functions.documents import Json
from functions.profiles.dynamodb_keys import PROFILE
from functions.profiles.dynamodb_table import SORT_KEY
from infra.accepted import accept
from infra.addresses import BusAddress
from infra.function_options import FIFO_BATCH

VISIBILITY: Final = 6
"""A message stays hidden for so many timeouts of the function, so that a throttled batch is not taken twice.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
"""

MAX_RECEIVES: Final = 5
"""Deliveries before a message is parked; fewer would park what was only throttled. Source: as above."""

KEEP_DAYS: Final = 14
"""The longest that SQS keeps a message."""

STREAM_MAX_AGE_H: Final = 6
"""Hours for which a record of a stream is tried again. A number of retries would bound it by seconds: what is down for
a minute would lose events to a note of their place, and leaves less than a day to read them from the stream again."""


class ParkingQueue(Construct):
    """The dead-letter queue of a function: records that need a person, and events that EventBridge could not deliver.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        queue_name: Its physical name.
        enforce_ssl: Refuse whoever comes without TLS.
    """

    def __init__(self, scope: Construct, construct_id: str, *, queue_name: str, enforce_ssl: bool) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=enforce_ssl,
            retention_period=cdk.Duration.days(KEEP_DAYS),
        )


class EventQueue(Construct):
    """A queue between a rule and its function, so that nothing is lost when the function is throttled.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        queue_name: Its physical name.
        timeout_s: Timeout of the function, in seconds.
        parking: Where messages go that failed too often.
        enforce_ssl: Refuse whoever comes without TLS.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        queue_name: str,
        timeout_s: int,
        parking: sqs.IQueue,
        enforce_ssl: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=enforce_ssl,
            visibility_timeout=cdk.Duration.seconds(VISIBILITY * timeout_s),
            retention_period=cdk.Duration.days(KEEP_DAYS),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVES, queue=parking),
        )

    def feed(self, *, bus: BusAddress, rule_name: str, pattern: Json, parking: sqs.IQueue) -> None:
        """Let a rule of the bus put matching events into the queue.

        Args:
            bus: Where events arrive.
            rule_name: Physical name of the rule.
            pattern: The spec's own, as it stands there.
            parking: Where events go that can't be put into the queue.
        """
        rule = events.CfnRule(
            self,
            "Rule",
            name=rule_name,
            description="The event pattern of the spec",
            event_bus_name=bus.name,
            event_pattern=pattern,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="queue",
                    arn=self.queue.queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=parking.queue_arn),
                )
            ],
        )
        for queue in (self.queue, parking):
            queue.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("events.amazonaws.com")],
                    actions=["sqs:SendMessage"],
                    resources=[queue.queue_arn],
                    conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
                )
            )


def drive(
    scope: Construct,
    function: lambda_.IFunction,
    *,
    queue_arn: str,
    batch_size: int,
    max_concurrency: int | None,
    enabled: bool,
) -> None:
    """Let a queue invoke a function.

    Args:
        scope: Where the mapping belongs.
        function: To invoke.
        queue_arn: Of the queue, made here or not.
        batch_size: Records of one invocation.
        max_concurrency: Invocations that the queue may start at the same time; None for no limit.
        enabled: Whether it fires.
    """
    lambda_.EventSourceMapping(
        scope,
        "Mapping",
        target=function,
        event_source_arn=queue_arn,
        batch_size=batch_size,
        # From 11 on, Lambda wants a window in which a batch may fill.
        max_batching_window=cdk.Duration.seconds(1) if batch_size > FIFO_BATCH else None,
        max_concurrency=max_concurrency,
        report_batch_item_failures=True,
        enabled=enabled,
    )


def follow_stream(
    scope: Construct,
    function: lambda_.IFunction,
    *,
    stream_arn: str,
    batch_size: int,
    enabled: bool,
    parking: sqs.IQueue,
) -> None:
    """Let a stream invoke a function, in order; of the table's stream only changes of profiles.

    Args:
        scope: Where the mapping belongs.
        function: To invoke.
        stream_arn: Of the table's stream, or of a Kinesis stream.
        batch_size: Records of one invocation.
        enabled: Whether it fires.
        parking: Where the place of a record is noted that failed too often.
    """
    profiles = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {SORT_KEY: {"S": [PROFILE]}}}}
    accept(
        parking,
        "AwsSolutions-SQS3",
        "It is the dead-letter queue of a stream, which cdk-nag can't see: a stream has no redrive policy.",
    )
    lambda_.EventSourceMapping(
        scope,
        "Mapping",
        target=function,
        event_source_arn=stream_arn,
        batch_size=batch_size,
        starting_position=lambda_.StartingPosition.LATEST,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        max_record_age=cdk.Duration.hours(STREAM_MAX_AGE_H),
        on_failure=sources.SqsDlq(parking),
        filters=None if ":kinesis:" in stream_arn else [lambda_.FilterCriteria.filter(profiles)],
        enabled=enabled,
    )
