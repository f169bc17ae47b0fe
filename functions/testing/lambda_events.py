"""What Lambda delivers, built around an event: records of SQS, Kinesis and DynamoDB streams, EventBridge, HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from functions.documents import Json
from functions.testing.sample_function import CUSTOMER, NOW

ACCOUNT: Final = "123456789012"
QUEUE_ARN: Final = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:events"
STREAM_ARN: Final = f"arn:aws:kinesis:eu-central-1:{ACCOUNT}:stream/events"
TABLE_ARN: Final = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/profiles/stream/2026-11-02T09:00:00.000"


def event_body(event_id: str = "event-1", **fields: Json) -> dict[str, Any]:
    """Return a canonical event that fires the sample function."""
    return {
        "id": event_id,
        "name": "page_view",
        "time": NOW.isoformat(),
        "user_id": CUSTOMER,
        **fields,
    }


def batch(*records: Json) -> dict[str, Any]:
    """Return an invocation with these records."""
    return {"Records": list(records)}


def sqs_record(content: Json, message_id: str = "message-1", **fields: Json) -> dict[str, Any]:
    """Return a record of SQS; content that is no text becomes JSON."""
    return {
        "messageId": message_id,
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "attributes": {"SentTimestamp": str(int(NOW.timestamp() * 1000))},
        "body": content if isinstance(content, str) else json.dumps(content),
        **fields,
    }


def kinesis_record(content: Json, sequence: str = "1", **fields: Json) -> dict[str, Any]:
    """Return a record of Kinesis; content that is no text becomes JSON in base64."""
    data = content if isinstance(content, str) else base64.b64encode(json.dumps(content).encode()).decode()
    return {
        "eventSource": "aws:kinesis",
        "eventSourceARN": STREAM_ARN,
        "eventID": f"shardId-000000000000:{sequence}",
        "kinesis": {
            "sequenceNumber": sequence,
            "data": data,
            "approximateArrivalTimestamp": NOW.timestamp(),
        },
        **fields,
    }


def dynamodb_record(
    sequence: str = "1", *, customer: str = CUSTOMER, sort: str | None = "PROFILE", **fields: Json
) -> dict[str, Any]:
    """Return a change of an item; a table without sort keys has None for `sort`."""
    keys = {"pk": {"S": customer}} | ({} if sort is None else {"sk": {"S": sort}})
    return {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": TABLE_ARN,
        "eventID": f"change-{sequence}",
        "eventName": "MODIFY",
        "dynamodb": {
            "SequenceNumber": sequence,
            "ApproximateCreationDateTime": NOW.timestamp(),
            "Keys": keys,
        },
        **fields,
    }


def eventbridge_event(detail: Json = None, **fields: Json) -> dict[str, Any]:
    """Return an event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "envelope-1",
        "account": ACCOUNT,
        "time": NOW.isoformat(),
        "source": "web.shop",
        "detail-type": "page_view",
        "detail": event_body() if detail is None else detail,
        **fields,
    }


def http_request(
    content: Json, *, method: str = "POST", headers: dict[str, str] | None = None, **fields: Json
) -> dict[str, Any]:
    """Return a request of payload format 2.0; content that is no text becomes JSON."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": headers or {},
        "requestContext": {
            "http": {"method": method, "path": "/"},
            "timeEpoch": int(NOW.timestamp() * 1000),
        },
        "body": content if isinstance(content, str) else json.dumps(content),
        "isBase64Encoded": False,
        **fields,
    }
