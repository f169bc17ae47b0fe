"""The lasting log over a real stream and a real bucket: a table with everything in it, decisions alone in the log."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.session import Session

from functions.handlers.exporting import Exporter, export_handler
from functions.handlers.parking import Parking
from functions.handlers.telemetry import Telemetry
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.operations.exporting import Bucket, decision_document
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_items import decision_item
from functions.testing.handler_stage import StageContext
from functions.testing.lambda_events import TABLE_ARN
from functions.testing.lambda_runtime import LambdaRuntime
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer
from tests.adapters.conftest import ACCOUNT, REGION

pytestmark = pytest.mark.e2e


def _client(service: str, endpoint: str) -> Any:
    return Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )


def _changes(streams: Any, table: str) -> list[dict[str, Any]]:
    """Return what the stream of a table holds, as Lambda delivers it."""
    (stream,) = streams.list_streams(TableName=table)["Streams"]
    described = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
    found = []
    for shard in described["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = streams.get_records(ShardIterator=iterator)["Records"]
        found += [{**one, "eventSource": "aws:dynamodb", "eventSourceARN": TABLE_ARN} for one in records]
    return found


def test_entry_module_writes_the_log_under_the_real_runtime_client(
    aws_endpoint: str, aws_environment: dict[str, str]
) -> None:
    bucket = f"log-{uuid4().hex}"
    s3 = _client("s3", aws_endpoint)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store)
    world.runtime.handle(a_plan(), an_event(), now=NOW)
    (record,) = world.store.decisions(CUSTOMER)
    item = decision_item(record, "token")
    change = {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": TABLE_ARN,
        "eventID": "1",
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": item,
        },
    }
    environment = {**aws_environment, "FUNCTIONS_EXPORT_BUCKET": bucket}
    with LambdaRuntime("functions.handlers.export.handler", environment) as function:
        for _ in range(2):
            reply = function.invoke({"Records": [change]})
            assert (reply.error, reply.payload) == (None, {"batchItemFailures": []})
        assert CUSTOMER not in function.log
        refused = function.invoke({"Records": []})
        assert refused.error is not None
        assert refused.error["errorType"] == "UnhandledRecordError"
    (listed,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert listed["Key"] == "decisions/function=churn/date=2026-11-02/1-1.jsonl.gz"
    body = gzip.decompress(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read())
    assert json.loads(body) == decision_document(record)


def test_decisions_of_a_table_reach_the_bucket_and_nothing_else_does(
    aws_endpoint: str, dynamodb: Any, new_table: Callable[[], str]
) -> None:
    table, bucket = new_table(), f"log-{uuid4().hex}"
    s3 = _client("s3", aws_endpoint)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    store = DynamoProfileStore(table, client=dynamodb)
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(store)
    for number in range(3):
        assert world.runtime.handle(a_plan(), an_event(f"e{number}"), now=NOW).outcome == "acted"
    records = _changes(_client("dynamodbstreams", aws_endpoint), table)
    kinds = {record["dynamodb"]["Keys"]["sk"]["S"].partition("#")[0] for record in records}
    assert {"PROFILE", "CONSENT", "STATE", "DECISION", "OUTBOX"} <= kinds

    telemetry = Telemetry(f"export-{uuid4().hex}", namespace="Tests")
    handle = export_handler(Exporter(Bucket(bucket, client=s3), (), Parking("_export", None), telemetry))
    for batch in (records, records, records[:5], records[5:]):
        handle({"Records": batch}, StageContext())

    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    lines = [
        json.loads(line)
        for one in listed
        for line in gzip.decompress(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()).splitlines()
    ]
    kept = [decision_document(record) for record in store.decisions(CUSTOMER)]
    by_event = {line["event"]["id"]: line for line in lines}
    assert len(lines) == len(by_event) == 3
    assert by_event == {line["event"]["id"]: line for line in kept}
    assert {one["Key"].rpartition("/")[0] for one in listed} == {"decisions/function=churn/date=2026-11-02"}
    assert sorted(record.id for record in store.every_decision()) == sorted(
        line["decision_id"] for line in kept
    )
