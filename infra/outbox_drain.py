"""The schedule that sends what could not be sent at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.spec.plan import Plan
from infra import grants
from infra.addresses import TableAddress
from infra.configuration import Configuration
from infra.function_code import FunctionCode
from infra.lambda_function import LambdaFunction
from infra.secret_values import secret_names, secret_variables

TIMEOUT_S: Final = 60
"""The handler begins no round in the last 20 of these seconds."""


class OutboxDrain(Construct):
    """A function on a schedule. It has no dead-letter queue: what it leaves is in the outbox, for the next round.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        plans: Every function, by name: their channels are what it sends through.
        code: Its code.
        table: Where the outbox is.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plans: Mapping[str, Plan],
        code: FunctionCode,
        table: TableAddress,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        channels = {
            channel.name: channel for plan in plans.values() for channel in plan.channels.values()
        }.values()
        made = LambdaFunction(
            self,
            "Lambda",
            kind="schedule",
            physical_name=f"{configuration.prefix}_outbox",
            description="Sends the actions that wait in the outbox",
            code=code.plans(sorted(plans)),
            layer=code.layer(self),
            table=table,
            variables=secret_variables(configuration, secret_names(None, channels)),
            statements=[
                *grants.table_statements(stack, table),
                *grants.outbox_statements(table),
                *grants.channel_statements(stack, channels),
                *grants.foreign_key_statements(stack, configuration.keys),
            ],
            timeout_s=TIMEOUT_S,
            memory_mb=configuration.memory_mb,
            reserved_concurrency=None,
            configuration=configuration,
        )
        self.function: lambda_.IFunction = made.function
        rate = events.Schedule.rate(cdk.Duration.minutes(configuration.drain_minutes))
        once = targets.LambdaFunction(made.invoked, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))
        events.Rule(
            self,
            "Rule",
            rule_name=f"{configuration.prefix}_outbox",
            description="When the outbox is looked at",
            schedule=rate,
            targets=[once],
        )
