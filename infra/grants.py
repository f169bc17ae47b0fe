"""What a function may do: statements out of a plan, each as narrow as its service allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from functions.actions.opening import CHANNEL_KINDS
from functions.profiles.dynamodb_consents import PURPOSE
from functions.profiles.dynamodb_documents import OPERATOR_PARTITION, SUPPRESSION_PARTITION
from functions.profiles.dynamodb_identities import TARGET
from functions.profiles.dynamodb_profiles import BODY, WRITTEN_AT
from functions.profiles.dynamodb_table import OUTBOX_INDEX
from functions.spec.plan import ChannelPlan, ModelPlan
from infra.addresses import TableAddress, existing_bus

_KIND_OF_CLASS: Final = {path: kind for kind, path in CHANNEL_KINDS.items()}

READS: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem")
"""By key only: nothing that fires a function can list profiles."""

WRITES: Final = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
"""What a commit and a lease are made of; a transaction needs the right for each of its operations."""

INGESTED: Final = (BODY, WRITTEN_AT, TARGET, f"{PURPOSE}*")
"""Attributes that only profile ingest writes: of profiles, aliases and consent."""

DECIDED: Final = ("outcome", "lease_owner", "amount_left", "score#*", "contact#*")
"""Attributes of decisions, outbox entries, budgets and states, which profile ingest never writes."""


def table_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what a decision does with the table.

    Partition keys are ids of profiles, any of them, so a condition on leading keys would narrow nothing. What is
    narrowed: nothing is deleted, nothing listed, a profile, consent or an alias can't be written, and neither can
    what operators share: a function that could switch itself on would be no safer than without a switch.
    """
    yield _allow((*READS, *WRITES), table.arn)
    yield _not_writing(table, INGESTED)
    yield _not_operating(table)
    yield from key_statements(stack, table)


def ingest_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what taking profiles in does with the table: it writes profiles, consent and aliases, and nothing else."""
    yield _allow((*READS, "dynamodb:PutItem", "dynamodb:UpdateItem"), table.arn)
    yield _not_writing(table, DECIDED)
    yield _not_operating(table)
    yield from key_statements(stack, table)


def outcome_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what recording outcomes does with the table: trials of one customer, responses, and the end of consent."""
    yield _allow((*READS, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"), table.arn)
    yield _not_writing(table, (BODY, WRITTEN_AT, TARGET, *DECIDED))
    yield _not_operating(table)
    yield from key_statements(stack, table)


def _not_operating(table: TableAddress) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=["dynamodb:PutItem", "dynamodb:UpdateItem"],
        resources=[table.arn],
        conditions={
            "ForAnyValue:StringLike": {
                "dynamodb:LeadingKeys": [OPERATOR_PARTITION, f"{SUPPRESSION_PARTITION}*"]
            }
        },
    )


def _not_writing(table: TableAddress, attributes: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=["dynamodb:PutItem", "dynamodb:UpdateItem"],
        resources=[table.arn],
        conditions={"ForAnyValue:StringLike": {"dynamodb:Attributes": list(attributes)}},
    )


def outbox_statements(table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what listing the outbox needs besides: its index, which holds keys alone."""
    yield _allow(("dynamodb:Query",), f"{table.arn}/index/{OUTBOX_INDEX}")


def stream_statements(stream: str) -> Iterator[iam.PolicyStatement]:
    """Yield what following a stream needs, of the table or of Kinesis."""
    if ":kinesis:" in stream:
        verbs = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
        yield _allow([f"kinesis:{verb}" for verb in verbs], stream)
        return
    yield _allow(
        [f"dynamodb:{verb}" for verb in ("DescribeStream", "GetRecords", "GetShardIterator")], stream
    )
    # It can't be narrowed. Source: service authorization reference, "Actions defined by Amazon DynamoDB".
    yield _allow(("dynamodb:ListStreams",), "*")


def key_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what the table's key needs: use through DynamoDB, and in no other way."""
    if table.key_arn:
        verbs = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
        through = {"StringEquals": {"kms:ViaService": f"dynamodb.{stack.region}.{stack.url_suffix}"}}
        yield _allow([f"kms:{verb}" for verb in verbs], table.key_arn, conditions=through)


def model_statements(stack: cdk.Stack, model: ModelPlan | None) -> Iterator[iam.PolicyStatement]:
    """Yield what calling the model needs: its endpoint, when it is one of SageMaker."""
    if model is None or model.kind != "sagemaker":
        return
    names = {"endpoint": model.options.get("endpoint") or model.target}
    if model.options.get("inference_component"):
        names["inference-component"] = model.options["inference_component"]
    arns = [
        stack.format_arn(service="sagemaker", resource=resource, resource_name=str(name))
        for resource, name in names.items()
    ]
    yield _allow(("sagemaker:InvokeEndpoint",), *arns)


def channel_statements(stack: cdk.Stack, channels: Iterable[ChannelPlan]) -> Iterator[iam.PolicyStatement]:
    """Yield what sending actions needs: each bus, queue and topic by its name."""
    for channel in channels:
        options, kind = channel.options, channel_kind(channel)
        if kind == "eventbridge":
            yield _allow(("events:PutEvents",), existing_bus(stack, str(options.get("bus", "default"))).arn)
        elif kind == "sqs":
            yield _allow(("sqs:SendMessage",), _queue_arn(stack, str(options["queue_url"])))
        elif kind == "sns":
            yield _allow(("sns:Publish",), str(options["topic"]))


def channel_kind(channel: ChannelPlan) -> str:
    """Return the kind of a channel, also of one that is named by its class."""
    return _KIND_OF_CLASS.get(channel.kind, channel.kind)


def log_statement(group_arn: str) -> iam.PolicyStatement:
    """Return what logging needs: streams of its own group."""
    return _allow(("logs:CreateLogStream", "logs:PutLogEvents"), group_arn)


def tracing_statement() -> iam.PolicyStatement:
    """Return what tracing needs. It can't be narrowed.

    Source: service authorization reference, "Actions defined by AWS X-Ray".
    """
    return _allow(("xray:PutTelemetryRecords", "xray:PutTraceSegments"), "*")


def foreign_key_statements(stack: cdk.Stack, keys: Sequence[str]) -> Iterator[iam.PolicyStatement]:
    """Yield what keys of queues, topics and streams that are not made here need: use through these services."""
    if keys:
        services = [f"{name}.{stack.region}.{stack.url_suffix}" for name in ("kinesis", "sns", "sqs")]
        through = {"StringEquals": {"kms:ViaService": services}}
        yield _allow(("kms:Decrypt", "kms:GenerateDataKey"), *keys, conditions=through)


def queue_statements(queue_arn: str, parking_arn: str) -> Iterator[iam.PolicyStatement]:
    """Yield what taking from a queue and parking in another needs."""
    verbs = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    yield _allow([f"sqs:{verb}" for verb in verbs], queue_arn)
    yield parking_statement(parking_arn)


def parking_statement(queue_arn: str) -> iam.PolicyStatement:
    """Return what parking records in a dead-letter queue needs."""
    return _allow(("sqs:SendMessage",), queue_arn)


def _allow(
    actions: Iterable[str], *resources: str, conditions: Mapping[str, object] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def _queue_arn(stack: cdk.Stack, url: str) -> str:
    """Return the ARN of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME names all of it."""
    address = urlsplit(url)
    host, parts = (address.hostname or "").split("."), address.path.strip("/").split("/")
    region = host[1] if host[0] == "sqs" and len(host) > 2 else stack.region
    account = parts[0] if len(parts) > 1 and parts[0].isdigit() else stack.account
    return stack.format_arn(service="sqs", resource=parts[-1], region=region, account=account)
