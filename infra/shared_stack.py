"""What all functions share: the table, the bus, the alarm topic, visitor tokens' key, the outbox's schedule, the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from functions.spec.plan import Plan
from infra.accepted import accept
from infra.addresses import BusAddress, TableAddress, existing_bus, existing_table
from infra.configuration import Configuration
from infra.dashboard import Dashboard
from infra.decision_export import DecisionExport
from infra.event_bus import EventBus
from infra.function_code import FunctionCode
from infra.function_options import ON_PROFILE_CHANGES
from infra.outbox_drain import OutboxDrain
from infra.outcome_recording import OutcomeRecording, wants_outcomes
from infra.profile_ingest import ProfileIngest
from infra.profile_table import ProfileTable
from infra.secret_values import secret_id
from infra.shared_alarms import watch_shared

STREAM_READERS: Final = 2
"""Readers of one shard of a stream of DynamoDB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html.
"""


class SharedStack(cdk.Stack):
    """The shared stack. What is handed in is not made.

    Args:
        scope: The app.
        construct_id: Its name.
        plans: Every function, by name.
        code: Their code.
        configuration: Of the deployment.
        options: As every stack takes them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plans: Mapping[str, Plan],
        code: FunctionCode,
        configuration: Configuration,
        **options: Any,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self._configuration = configuration
        self._made_key: kms.Key | None = None
        self.table = self._table()
        self.bus = self._bus()
        self.topic = self._topic() if configuration.alarms else None
        self.visitor_key = self._visitor_key() if any(map(self._has_url, plans)) else None
        drain = OutboxDrain(
            self, "Outbox", plans=plans, code=code, table=self.table, configuration=configuration
        )
        export = self._export(plans, code)
        outcomes = self._outcomes(plans, code)
        ingest = self._ingest(code) if configuration.ingest else None
        if configuration.alarms:
            watch_shared(
                self,
                drain=drain,
                export=export,
                outcomes=outcomes,
                ingest=ingest,
                topic=self.topic,
                configuration=configuration,
            )
        Dashboard(self, "Dashboard", configuration=configuration)
        self._warn_of_readers(plans, export)
        cdk.CfnOutput(self, "TableName", value=self.table.name, description="Profiles are here")
        cdk.CfnOutput(self, "BusName", value=self.bus.name, description="Events are put here")

    def _table(self) -> TableAddress:
        configuration = self._configuration
        if configuration.table:
            return existing_table(self, configuration)
        return ProfileTable(
            self,
            "Profiles",
            table_name=f"{configuration.prefix}-profiles",
            key=self._key(),
            keep=configuration.keep_data,
        ).address

    def _bus(self) -> BusAddress:
        configuration = self._configuration
        if configuration.bus:
            return existing_bus(self, configuration.bus)
        days = configuration.archive_days
        return EventBus(self, "Events", bus_name=configuration.prefix, archive_days=days).address

    def _export(self, plans: Mapping[str, Plan], code: FunctionCode) -> DecisionExport | None:
        if not self._configuration.export_days or not self.table.stream_arn:
            return None
        export = DecisionExport(
            self,
            "Export",
            table=self.table,
            stream_arn=self.table.stream_arn,
            key=self._key(),
            code=code,
            plans=sorted(plans),
            configuration=self._configuration,
        )
        name = export.bucket.bucket_name
        cdk.CfnOutput(self, "DecisionsBucketName", value=name, description="Decisions are kept here")
        return export

    def _outcomes(self, plans: Mapping[str, Plan], code: FunctionCode) -> OutcomeRecording | None:
        configuration = self._configuration
        if not wants_outcomes(plans.values(), configuration):
            return None
        return OutcomeRecording(
            self, "Outcomes", code=code, table=self.table, bus=self.bus, configuration=configuration
        )

    def _ingest(self, code: FunctionCode) -> ProfileIngest:
        return ProfileIngest(
            self, "Ingest", code=code, table=self.table, bus=self.bus, configuration=self._configuration
        )

    def _topic(self) -> sns.ITopic:
        configuration = self._configuration
        if configuration.alarm_topic:
            return sns.Topic.from_topic_arn(self, "Alarms", configuration.alarm_topic)
        topic = sns.Topic(
            self,
            "Alarms",
            topic_name=f"{configuration.prefix}-alarms",
            master_key=self._key(),
            enforce_ssl=configuration.enforce_ssl,
        )
        if configuration.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(configuration.alarm_email))
        self._key().add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in the policy of a key: this key
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return topic

    def _visitor_key(self) -> str:
        name = secret_id(self._configuration, "visitor-key")
        secret = secretsmanager.Secret(
            self,
            "VisitorKey",
            secret_name=name,
            description="Signs visitor tokens: the server that renders a page reads it, the functions check with it",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
        )
        accept(
            secret,
            "AwsSolutions-SMG4",
            "A new key is put before the old one, which stays until its tokens are over; a person says when.",
        )
        cdk.CfnOutput(self, "VisitorKeyName", value=name, description="Signs visitor tokens")
        return secret.secret_arn

    def _key(self) -> kms.Key:
        if self._made_key is None:
            keep = self._configuration.keep_data
            self._made_key = kms.Key(
                self,
                "Key",
                description="Encrypts profiles, decisions and alarms",
                enable_key_rotation=True,
                removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
            )
        return self._made_key

    def _warn_of_readers(self, plans: Mapping[str, Plan], export: DecisionExport | None) -> None:
        """Say at synthesis when more follow the table's stream than one shard serves without throttling."""
        options = self._configuration.options
        names = sorted(name for name in plans if options(name).source == ON_PROFILE_CHANGES)
        readers = names + (["the lasting log"] if export is not None else [])
        if len(readers) > STREAM_READERS:
            cdk.Annotations.of(self).add_warning_v2(
                "functions:stream-readers",
                f"{', '.join(readers)} read the table's stream, and it serves {STREAM_READERS} at a time: more are "
                "throttled and fall behind. Let functions follow the bus, or leave the log out with export_days=0",
            )

    def _has_url(self, name: str) -> bool:
        return self._configuration.options(name).url
