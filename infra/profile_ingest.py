"""Profiles come in: a webhook, and a queue that the bus and your own programs fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants
from infra.accepted import accept
from infra.addresses import BusAddress, TableAddress
from infra.configuration import Configuration
from infra.event_sources import EventQueue, ParkingQueue, drive
from infra.function_code import FunctionCode
from infra.handler_names import INGEST, INGEST_KEY
from infra.lambda_function import LambdaFunction
from infra.secret_values import reference, secret_id

TIMEOUT_S: Final = 30

TAKEN: Final = ("profile.updated", "consent.updated", "identify", "alias")
"""Detail types of the bus whose events are taken in."""


class ProfileIngest(Construct):
    """Two functions with one kind of role, the only ones that may write profiles, consent and aliases.

    The URL is public, since platforms have no AWS credentials: it lets nobody in who does not prove the key.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        code: The code of the functions.
        table: Where profiles are.
        bus: Where events arrive.
        configuration: Of the deployment.

    Attributes:
        parking: For records that can't be taken in.
        functions: By their kinds of handler.
        webhook: The one with the URL.
        service: What they are called in their metrics.
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
        name, ssl = f"{configuration.prefix}-ingest", configuration.enforce_ssl
        self.parking = ParkingQueue(self, "Parking", queue_name=f"{name}-parked", enforce_ssl=ssl).queue
        queue = EventQueue(
            self, "Queue", queue_name=name, timeout_s=TIMEOUT_S, parking=self.parking, enforce_ssl=ssl
        )
        queue.feed(bus=bus, rule_name=name, pattern={"detail-type": list(TAKEN)}, parking=self.parking)
        by_queue = self._function("ingest_sqs", "Takes profiles in from a queue", queue.queue)
        drive(
            queue,
            by_queue.invoked,
            queue_arn=queue.queue.queue_arn,
            batch_size=configuration.batch_size,
            max_concurrency=None,
            enabled=True,
        )
        webhook = self._function("ingest_url", "Takes profiles in from webhooks", None)
        self.service = INGEST
        self.webhook: lambda_.IFunction = webhook.function
        self.functions: Mapping[str, lambda_.IFunction] = {
            "ingest_sqs": by_queue.function,
            "ingest_url": webhook.function,
        }
        url = webhook.invoked.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        cdk.CfnOutput(self, "Url", value=url.url, description="Platforms send profiles here")
        cdk.CfnOutput(self, "QueueUrl", value=queue.queue.queue_url, description="Or put them here")

    def _function(self, kind: str, description: str, queue: sqs.IQueue | None) -> LambdaFunction:
        stack = cdk.Stack.of(self)
        statements = [*grants.ingest_statements(stack, self._table)]
        variables = {"FUNCTIONS_DLQ_URL": self.parking.queue_url}
        if queue is None:
            statements.append(grants.parking_statement(self.parking.queue_arn))
            variables[INGEST_KEY] = reference(self._key())
        else:
            statements += grants.queue_statements(queue.queue_arn, self.parking.queue_arn)
        return LambdaFunction(
            self,
            "Webhook" if queue is None else "Lambda",
            kind=kind,
            physical_name=f"{self._configuration.prefix}_{kind}",
            description=description,
            code=self._code.consents(),
            layer=self._code.layer(self),
            table=self._table,
            variables=variables,
            statements=statements,
            timeout_s=TIMEOUT_S,
            memory_mb=self._configuration.memory_mb,
            reserved_concurrency=self._configuration.public_concurrency if queue is None else None,
            configuration=self._configuration,
        )

    def _key(self) -> str:
        name = secret_id(self._configuration, "ingest-key")
        secret = secretsmanager.Secret(
            self,
            "Key",
            secret_name=name,
            description="Platforms prove it, or sign with it, when they send profiles",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
        )
        accept(
            secret,
            "AwsSolutions-SMG4",
            "A new key is put before the old one, which stays until every platform has it; a person says when.",
        )
        cdk.CfnOutput(self, "KeyName", value=name, description="Key of the webhook for profiles")
        return secret.secret_arn
