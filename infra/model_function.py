"""One spec on AWS: its function, the way events reach it, its dead-letter queue and its alarms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from functions.errors import SettingsError
from functions.operations import naming
from functions.spec.plan import Plan
from infra import grants
from infra.accepted import accept
from infra.addresses import BusAddress, TableAddress
from infra.alarms import Alarms
from infra.configuration import Configuration
from infra.event_sources import EventQueue, ParkingQueue, drive, follow_stream
from infra.function_code import FunctionCode
from infra.function_options import FIFO, FIFO_BATCH, ON_BUS, ON_PROFILE_CHANGES
from infra.lambda_function import LambdaFunction, accounts_variable
from infra.secret_values import secret_names, secret_variables

START_S: Final = 5.0
"""For the start of a process, the commit of the last record (3 s) and the answer, in seconds."""

RECORD_S: Final = 0.5
"""For everything of a record but its model, in seconds: many times what is usual."""

SHORTEST_S: Final = 15
LONGEST_S: Final = 300


class ModelFunction(Construct):
    """A spec, deployed.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        plan: What the spec compiles to; see `functions.spec.loading.load_function`.
        code: Its code.
        table: Where profiles are.
        bus: Where its events arrive.
        topic: Is told about alarms; None for nobody.
        configuration: Of the deployment.

    Raises:
        SettingsError: An option of the function can't be used with the others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: Plan,
        code: FunctionCode,
        table: TableAddress,
        bus: BusAddress,
        topic: sns.ITopic | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._plan, self._configuration = plan, configuration
        self._options = configuration.options(plan.name)
        self._name = physical_name(configuration, plan.name)
        self._timeout_s = invocation_timeout_s(plan, configuration)
        self.parking = ParkingQueue(
            self, "Parking", queue_name=f"{self._name}_dlq", enforce_ssl=configuration.enforce_ssl
        ).queue
        if self._options.source == ON_BUS:
            made = self._behind_queue(code, table, bus)
        elif self._options.queue_arn is not None:
            made = self._behind_existing_queue(code, table, self._options.queue_arn)
        else:
            made = self._behind_stream(code, table)
        self.function: lambda_.IFunction = made.function
        if configuration.alarms:
            self._watch(topic)

    def _behind_queue(self, code: FunctionCode, table: TableAddress, bus: BusAddress) -> LambdaFunction:
        queue = EventQueue(
            self,
            "Events",
            queue_name=self._name,
            timeout_s=self._timeout_s,
            parking=self.parking,
            enforce_ssl=self._configuration.enforce_ssl,
        )
        reading = grants.queue_statements(queue.queue.queue_arn, self.parking.queue_arn)
        function = self._function(code, table, "sqs", list(reading))
        queue.feed(bus=bus, rule_name=self._name, pattern=self._plan.pattern.source, parking=self.parking)
        drive(
            queue,
            function.invoked,
            queue_arn=queue.queue.queue_arn,
            batch_size=self._batch_size,
            max_concurrency=self._options.queue_concurrency,
            enabled=not self._options.paused,
        )
        return function

    def _behind_existing_queue(
        self, code: FunctionCode, table: TableAddress, queue_arn: str
    ) -> LambdaFunction:
        reading = list(grants.queue_statements(queue_arn, self.parking.queue_arn))
        function = self._function(code, table, "sqs", reading)
        accept(
            self.parking,
            "AwsSolutions-SQS3",
            "It is the dead-letter queue of a function, which cdk-nag can't see: the queue before it is not made here.",
        )
        drive(
            self,
            function.invoked,
            queue_arn=queue_arn,
            batch_size=self._batch_size,
            max_concurrency=self._options.queue_concurrency,
            enabled=not self._options.paused,
        )
        return function

    def _behind_stream(self, code: FunctionCode, table: TableAddress) -> LambdaFunction:
        source = self._options.source
        of_table = source == ON_PROFILE_CHANGES
        stream = table.stream_arn if of_table else source
        if stream is None:
            raise SettingsError(
                f"context value functions: {self._plan.name}: the table has no stream",
                hint="Give the ARN of its stream as context value table_stream.",
            )
        reading = [*grants.stream_statements(stream), grants.parking_statement(self.parking.queue_arn)]
        function = self._function(code, table, "dynamodb" if of_table else "kinesis", reading)
        if of_table:
            accept(self, "AwsSolutions-IAM5[Resource::*]", "DynamoDB takes ListStreams for all streams only.")
        follow_stream(
            self,
            function.invoked,
            stream_arn=stream,
            batch_size=self._batch_size,
            enabled=not self._options.paused,
            parking=self.parking,
        )
        return function

    def _function(
        self, code: FunctionCode, table: TableAddress, kind: str, reading: list[iam.PolicyStatement]
    ) -> LambdaFunction:
        plan, options, configuration = self._plan, self._options, self._configuration
        named = options.source_account
        return LambdaFunction(
            self,
            "Lambda",
            kind=kind,
            physical_name=self._name,
            description=plan.description,
            code=code.plans([plan.name]),
            layer=code.layer(self),
            table=table,
            variables={
                "FUNCTIONS_NAME": plan.name,
                "FUNCTIONS_DLQ_URL": self.parking.queue_url,
                # Whoever names a queue or stream of another account means its records.
                **accounts_variable(self, configuration, *([named] if named else [])),
                **secret_variables(configuration, secret_names(plan.model, plan.channels.values())),
            },
            statements=[*reading, *decision_statements(cdk.Stack.of(self), plan, table, configuration)],
            timeout_s=self._timeout_s,
            memory_mb=options.memory_mb or configuration.memory_mb,
            reserved_concurrency=options.reserved_concurrency,
            configuration=configuration,
        )

    def _watch(self, topic: sns.ITopic | None) -> None:
        model_s = self._plan.model.timeout_s if self._plan.model else 0.0
        Alarms(
            self,
            "Alarms",
            name=self._plan.name,
            physical_name=self._name,
            function=self.function,
            parking=self.parking,
            has_model=self._plan.model is not None,
            on_stream=self._options.source != ON_BUS and self._options.queue_arn is None,
            latency_ms=self._options.latency_ms or 1000 * (model_s + 1),
            topic=topic,
            configuration=self._configuration,
        )

    @property
    def _batch_size(self) -> int:
        size = self._options.batch_size or self._configuration.batch_size
        return min(size, FIFO_BATCH) if self._options.source.endswith(FIFO) else size


def physical_name(configuration: Configuration, name: str) -> str:
    """Return the physical name of a function, its queue and its rule; room is left for a suffix."""
    return naming.physical_name(configuration.environment, name)


def invocation_timeout_s(plan: Plan, configuration: Configuration) -> int:
    """Return the timeout of an invocation in seconds: what a full batch can take.

    Not more than that: a failed record comes back after six timeouts, and a moment passes quickly.
    """
    options = configuration.options(plan.name)
    if options.timeout_s is not None:
        return options.timeout_s
    record_s = RECORD_S + (plan.model.timeout_s if plan.model else 0.0)
    batch_s = (options.batch_size or configuration.batch_size) * record_s
    return min(max(math.ceil(START_S + batch_s), SHORTEST_S), LONGEST_S)


def decision_statements(
    stack: cdk.Stack, plan: Plan, table: TableAddress, configuration: Configuration
) -> Iterator[iam.PolicyStatement]:
    """Yield what deciding and acting needs, whatever fires it."""
    yield from grants.table_statements(stack, table)
    yield from grants.model_statements(stack, plan.model)
    yield from grants.channel_statements(stack, plan.channels.values())
    yield from grants.foreign_key_statements(stack, configuration.keys)
