"""The table of the DynamoDB store, as data: what infrastructure creates, and a helper for local use."""

from __future__ import annotations

from typing import Any, Final

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"

OUTBOX_INDEX: Final = "outbox-by-due-time"
"""Sparse: holds the keys of what is reserved, spread over a few partitions, in order of due time."""

OUTBOX_INDEX_PARTITION_KEY: Final = "outbox_shard"
"""Only what is still reserved has it, which keeps the index sparse."""

OUTBOX_INDEX_SORT_KEY: Final = "due_at"

TTL_ATTRIBUTE: Final = "ttl"
"""Epoch seconds. Decisions, settled outbox entries and budgets have it; profiles, consent and state never do."""

STREAM_VIEW: Final = "NEW_AND_OLD_IMAGES"
"""Both, so that a function on profile changes can tell what changed. Filter by the sort key `PROFILE`."""

POINT_IN_TIME_RECOVERY: Final = True

TABLE_ACTIONS: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
"""What the store needs to be allowed on the table. A transaction needs the rights of its operations."""

INDEX_ACTIONS: Final = ("dynamodb:Query",)
"""What it needs on the index."""

BILLING_MODE: Final = "PAY_PER_REQUEST"


def table_definition(name: str) -> dict[str, Any]:
    """Return the parameters of CreateTable."""
    text = (PARTITION_KEY, SORT_KEY, OUTBOX_INDEX_PARTITION_KEY, OUTBOX_INDEX_SORT_KEY)
    return {
        "TableName": name,
        "BillingMode": BILLING_MODE,
        "AttributeDefinitions": [{"AttributeName": one, "AttributeType": "S"} for one in text],
        "KeySchema": _key_schema(PARTITION_KEY, SORT_KEY),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": OUTBOX_INDEX,
                "KeySchema": _key_schema(OUTBOX_INDEX_PARTITION_KEY, OUTBOX_INDEX_SORT_KEY),
                # With keys alone, a lease costs no write of the index.
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": STREAM_VIEW},
    }


def create_table(client: Any, name: str) -> None:
    """Create a table, with its index, stream, time to live and point-in-time recovery, and wait for it.

    For local use and tests; in an account of its own the table belongs to the infrastructure.

    Args:
        client: A low-level DynamoDB client of the AWS SDK.
        name: Of the table, which must not exist.

    Raises:
        botocore.exceptions.ClientError: DynamoDB refuses, in its own words.
    """
    client.create_table(**table_definition(name))
    client.get_waiter("table_exists").wait(TableName=name)
    client.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    )
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": POINT_IN_TIME_RECOVERY},
    )


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
