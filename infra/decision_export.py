"""The lasting log: a bucket, and a function that follows the table's stream into it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from functions.operations.exporting import FOLDER, OUTCOMES_FOLDER
from functions.profiles.dynamodb_keys import DECIDED, DECISION, MEASURED, TRIAL
from functions.profiles.dynamodb_table import PARTITION_KEY, SORT_KEY
from infra import grants
from infra.accepted import accept
from infra.addresses import TableAddress
from infra.configuration import Configuration
from infra.event_sources import ParkingQueue
from infra.function_code import FunctionCode
from infra.lambda_function import LambdaFunction

TIMEOUT_S: Final = 60
BATCH: Final = 1_000
"""Records of one invocation, some megabytes at the most; each function and day among them is an object."""

WINDOW_S: Final = 60
"""How long a batch may fill: fewer, larger objects. A decision is in the log after a minute or two."""

_FOLDERS: Final = (FOLDER, OUTCOMES_FOLDER)
_OLD_VERSIONS_DAYS: Final = 7


class DecisionExport(Construct):
    """Copies every decision, and what came of it, to S3, where it outlives the table's thirty days.

    What can't be written is tried again until it leaves the stream after 24 hours; then the place of the batch
    is noted in the dead-letter queue, and the table still has its decisions.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        table: Has a stream.
        stream_arn: Of it.
        key: Encrypts the bucket.
        code: Their code.
        plans: Names of functions. It runs none of them, and shares the artefacts with the outbox's schedule.
        configuration: Of the deployment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: TableAddress,
        stream_arn: str,
        key: kms.IKey,
        code: FunctionCode,
        plans: Collection[str],
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{configuration.prefix}_export"
        self.bucket = _bucket(self, key, configuration)
        self.parking = ParkingQueue(
            self, "Parking", queue_name=f"{name}_dlq", enforce_ssl=configuration.enforce_ssl
        ).queue
        made = LambdaFunction(
            self,
            "Lambda",
            kind="export",
            physical_name=name,
            description="Copies decisions to the lasting log",
            code=code.plans(plans),
            layer=code.layer(self),
            table=table,
            variables={
                "FUNCTIONS_EXPORT_BUCKET": self.bucket.bucket_name,
                "FUNCTIONS_DLQ_URL": self.parking.queue_url,
            },
            statements=[
                *grants.stream_statements(stream_arn),
                *grants.key_statements(cdk.Stack.of(self), table),
                *_bucket_statements(cdk.Stack.of(self), self.bucket, key),
                grants.parking_statement(self.parking.queue_arn),
            ],
            timeout_s=TIMEOUT_S,
            memory_mb=configuration.memory_mb,
            reserved_concurrency=None,
            configuration=configuration,
        )
        self.function: lambda_.IFunction = made.function
        self._accept_wildcards()
        self._follow(stream_arn, made.invoked)

    def _accept_wildcards(self) -> None:
        accept(self, "AwsSolutions-IAM5[Resource::*]", "DynamoDB takes ListStreams for all streams only.")
        bucket_id = cdk.Stack.of(self).get_logical_id(cast(cdk.CfnElement, self.bucket.node.default_child))
        for folder in _FOLDERS:
            accept(
                self,
                f"AwsSolutions-IAM5[Resource::<{bucket_id}.Arn>/{folder}/*]",
                "Objects of the log have a name for each batch; the right is to put them, below two folders.",
            )

    def _follow(self, stream_arn: str, invoked: lambda_.IFunction) -> None:
        accept(
            self.parking,
            "AwsSolutions-SQS3",
            "It is the dead-letter queue of a stream, which cdk-nag can't see: a stream has no redrive policy.",
        )
        decisions = _changes(DECIDED, DECISION, "INSERT")
        trials = _changes(MEASURED, TRIAL, "INSERT", "MODIFY")
        lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=invoked,
            event_source_arn=stream_arn,
            batch_size=BATCH,
            max_batching_window=cdk.Duration.seconds(WINDOW_S),
            # Whatever is in the stream when it begins belongs to the log.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            on_failure=sources.SqsDlq(self.parking),
            filters=[lambda_.FilterCriteria.filter(one) for one in (decisions, trials)],
        )


def _changes(partition: str, sort: str, *names: str) -> dict[str, object]:
    """Return the filter of some changes of the items whose keys begin with two texts."""
    keys = {PARTITION_KEY: partition, SORT_KEY: sort}
    begins = {name: {"S": [{"prefix": prefix}]} for name, prefix in keys.items()}
    return {"eventName": [*names], "dynamodb": {"Keys": begins}}


def _bucket(scope: Construct, key: kms.IKey, configuration: Configuration) -> s3.Bucket:
    keep = configuration.keep_data
    bucket = s3.Bucket(
        scope,
        "Bucket",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=configuration.enforce_ssl,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="forget",
                expiration=cdk.Duration.days(configuration.export_days),
                noncurrent_version_expiration=cdk.Duration.days(_OLD_VERSIONS_DAYS),
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
        removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
    )
    accept(
        bucket,
        "AwsSolutions-S1",
        "Who reads it is told by data events of CloudTrail, where the account keeps them; a log of its own would be "
        "another bucket with hints about customers.",
    )
    return bucket


def _bucket_statements(
    stack: cdk.Stack, bucket: s3.IBucket, key: kms.IKey
) -> tuple[iam.PolicyStatement, iam.PolicyStatement]:
    """Return what writing the log needs: to put objects below its folders, and no reading."""
    through = {"StringEquals": {"kms:ViaService": f"s3.{stack.region}.{stack.url_suffix}"}}
    return (
        iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{one}/*") for one in _FOLDERS]
        ),
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn], conditions=through
        ),
    )
