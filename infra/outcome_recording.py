"""What customers did after decisions comes in by a queue, and is counted on a schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.documents import Json
from functions.events.outcomes import OUTCOME_EVENTS
from functions.spec.plan import Plan
from infra import grants
from infra.addresses import BusAddress, TableAddress
from infra.configuration import Configuration
from infra.event_sources import EventQueue, ParkingQueue, drive
from infra.function_code import FunctionCode
from infra.handler_names import OUTCOMES
from infra.lambda_function import LambdaFunction

TIMEOUT_S: Final = 30
FOLD_TIMEOUT_S: Final = 60
"""The handler begins no round in the last 15 of these seconds."""

FOLD_MINUTES: Final = 5
"""Minutes between two counts; a decision reads what was counted up to half a minute before."""


class OutcomeRecording(Construct):
    """A queue with a function that records outcomes, and a function on a schedule that counts them.

    The count has no dead-letter queue: what it leaves is due in the next round.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        code: The code of the functions.
        table: Where trials, responses and consent are.
        bus: Where events arrive.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: FunctionCode,
        table: TableAddress,
        bus: BusAddress,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._code, self._table, self._configuration = code, table, configuration
        name, ssl = f"{configuration.prefix}-outcomes", configuration.enforce_ssl
        self.parking = ParkingQueue(self, "Parking", queue_name=f"{name}-parked", enforce_ssl=ssl).queue
        queue = EventQueue(
            self, "Queue", queue_name=name, timeout_s=TIMEOUT_S, parking=self.parking, enforce_ssl=ssl
        )
        queue.feed(bus=bus, rule_name=name, pattern=outcome_pattern(), parking=self.parking)
        stack = cdk.Stack.of(self)
        recorder = self._function(
            "Recorder",
            "outcomes",
            "Records what customers did after decisions",
            statements=[
                *grants.outcome_statements(stack, table),
                *grants.queue_statements(queue.queue.queue_arn, self.parking.queue_arn),
            ],
            variables={"FUNCTIONS_DLQ_URL": self.parking.queue_url},
            timeout_s=TIMEOUT_S,
        )
        self.service = OUTCOMES
        self.recorder: lambda_.IFunction = recorder.function
        drive(
            queue,
            recorder.invoked,
            queue_arn=queue.queue.queue_arn,
            batch_size=configuration.batch_size,
            max_concurrency=None,
            enabled=True,
        )
        fold = self._function(
            "Fold",
            "fold",
            "Counts responses, for learning",
            statements=grants.fold_statements(stack, table),
            variables={},
            timeout_s=FOLD_TIMEOUT_S,
        )
        self.fold: lambda_.IFunction = fold.function
        self._count_on_a_schedule(fold)
        cdk.CfnOutput(self, "QueueUrl", value=queue.queue.queue_url, description="Or put outcomes here")

    def _count_on_a_schedule(self, fold: LambdaFunction) -> None:
        target = targets.LambdaFunction(fold.invoked, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))
        events.Rule(
            self,
            "Schedule",
            rule_name=f"{self._configuration.prefix}_fold",
            description="When responses are counted",
            schedule=events.Schedule.rate(cdk.Duration.minutes(FOLD_MINUTES)),
            targets=[target],
        )

    def _function(
        self,
        construct_id: str,
        kind: str,
        description: str,
        *,
        statements: Iterable[iam.PolicyStatement],
        variables: Mapping[str, str],
        timeout_s: int,
    ) -> LambdaFunction:
        return LambdaFunction(
            self,
            construct_id,
            kind=kind,
            physical_name=f"{self._configuration.prefix}_{kind}",
            description=description,
            code=self._code.consents(),
            layer=self._code.layer(self),
            table=self._table,
            variables=variables,
            statements=statements,
            timeout_s=timeout_s,
            memory_mb=self._configuration.memory_mb,
            reserved_concurrency=None,
            configuration=self._configuration,
        )


def outcome_pattern() -> Json:
    """Return the event pattern of outcomes: each name with spaces, underscores or dots, in any case."""
    names = sorted({name.replace(" ", mark) for name in OUTCOME_EVENTS for mark in " _."})
    return {"detail-type": [{"equals-ignore-case": name} for name in names]}


def wants_outcomes(plans: Iterable[Plan], configuration: Configuration) -> bool:
    """Say whether outcomes are taken in: where a function learns from them, or the context asks."""
    learning = (plan.policy.ranking is not None and plan.policy.ranking.learning for plan in plans)
    return configuration.outcomes or any(learning)
