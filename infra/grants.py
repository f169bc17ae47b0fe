"""What a function may do: statements out of a plan, each as narrow as its service allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from functions.actions.opening import CHANNEL_KINDS
from functions.profiles.codec import RESERVED
from functions.profiles.dynamodb_consents import PURPOSE
from functions.profiles.dynamodb_keys import BUDGET, COUNTER, DECIDED, MEASURED
from functions.profiles.dynamodb_state import CONTACT, CONTACT_COUNT, KNOWN_AS, OLDEST_CONTACT, VERSION
from functions.profiles.dynamodb_table import OUTBOX_INDEX, PARTITION_KEY, SORT_KEY
from functions.spec.plan import ChannelPlan, ModelPlan
from infra.addresses import TableAddress, existing_bus
from infra.local_target import lacks_leading_keys

_KIND_OF_CLASS: Final = {path: kind for kind, path in CHANNEL_KINDS.items()}

READS: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem")
"""By key only: nothing that fires a function can list profiles."""

WRITES: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem")
"""A transaction needs the right for each of its operations. Nothing is ever deleted."""

_LEADING: Final = "dynamodb:LeadingKeys"

_UNITED: Final = (VERSION, CONTACT_COUNT, OLDEST_CONTACT, KNOWN_AS, f"{CONTACT}*")
"""Attributes of a state that are united when an id becomes an alias."""


def table_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what a decision does with the table: it reads, checks, and writes where decisions stand.

    IAM knows partition keys and no sort keys; so each owner has partitions of its own. A decision can write no
    profile, no consent and no alias, and nothing that operators share: a function that could switch itself on would
    be no safer than without a switch.
    """
    yield _allow((*READS, "dynamodb:ConditionCheckItem"), table.arn)
    yield _writing(stack, table, DECIDED, MEASURED, BUDGET)
    yield from key_statements(stack, table)


def ingest_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what taking profiles in does with the table: it writes what the platform owns, and unites contact logs.

    The latter comes with an alias, in its transaction. No decision, no action and no score is written.
    """
    yield _allow(READS, table.arn)
    yield _allow(WRITES, table.arn, conditions=_partitions(stack, "StringNotLike", RESERVED))
    united = {
        **_partitions(stack, "StringLike", DECIDED),
        "ForAllValues:StringLike": {
            _LEADING: [f"{DECIDED}*"],
            "dynamodb:Attributes": [PARTITION_KEY, SORT_KEY, *_UNITED],
        },
    }
    yield _allow(("dynamodb:UpdateItem",), table.arn, conditions=united)
    yield from key_statements(stack, table)


def outcome_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what recording outcomes does with the table: trials of one customer, responses, and the end of consent."""
    yield _allow((*READS, "dynamodb:Query"), table.arn)
    yield _writing(stack, table, MEASURED)
    consent: dict[str, object] = {"dynamodb:Attributes": [PARTITION_KEY, SORT_KEY, f"{PURPOSE}*"]}
    of_customers = _partitions(stack, "StringNotLike", RESERVED)
    yield _allow(
        ("dynamodb:UpdateItem",), table.arn, conditions={**of_customers, "ForAllValues:StringLike": consent}
    )
    yield from key_statements(stack, table)


def fold_statements(stack: cdk.Stack, table: TableAddress) -> Iterator[iam.PolicyStatement]:
    """Yield what counting responses does with the table: it lists trials that are due, and counts."""
    yield _allow(READS, table.arn)
    yield _writing(stack, table, MEASURED, COUNTER)
    yield from outbox_statements(table)
    yield from key_statements(stack, table)


def _writing(stack: cdk.Stack, table: TableAddress, *prefixes: str) -> iam.PolicyStatement:
    return _allow(WRITES, table.arn, conditions=_partitions(stack, "StringLike", *prefixes))


def _partitions(stack: cdk.Stack, operator: str, *prefixes: str) -> dict[str, object]:
    """Return the condition that every partition key of a request begins, or does not begin, like this.

    It would hold for a request without any such key; so one is asked for besides, where the keys are known.
    """
    patterns: dict[str, object] = {_LEADING: [f"{prefix}*" for prefix in prefixes]}
    known: dict[str, object] = {} if lacks_leading_keys(stack) else {"Null": {_LEADING: "false"}}
    return {f"ForAllValues:{operator}": patterns, **known}


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
