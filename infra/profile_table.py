"""The profile table: what `functions.profiles.dynamodb_table` says, encrypted and kept."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from functions.profiles import dynamodb_table as definition
from infra.addresses import TableAddress


class ProfileTable(Construct):
    """One table with its index, stream, time to live, point-in-time recovery and a KMS key of its own.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        table_name: Its physical name; None for one that CloudFormation makes up.
        key: Encrypts it.
        keep: Whether it outlives its stack, and can't be deleted by accident.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, table_name: str | None, key: kms.IKey, keep: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            table_name=table_name,
            partition_key=_text(definition.PARTITION_KEY),
            sort_key=_text(definition.SORT_KEY),
            billing_mode=dynamodb.BillingMode[definition.BILLING_MODE],
            stream=dynamodb.StreamViewType[definition.STREAM_VIEW],
            time_to_live_attribute=definition.TTL_ATTRIBUTE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=definition.POINT_IN_TIME_RECOVERY
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            deletion_protection=keep,
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
        )
        self.table.add_global_secondary_index(
            index_name=definition.OUTBOX_INDEX,
            partition_key=_text(definition.OUTBOX_INDEX_PARTITION_KEY),
            sort_key=_text(definition.OUTBOX_INDEX_SORT_KEY),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.address = TableAddress(
            self.table.table_name, self.table.table_arn, key.key_arn, self.table.table_stream_arn
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
