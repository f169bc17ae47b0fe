"""The Lambda handler that an engineer would write by hand for the sample function churn-retention.

It is the other side of `benchmarks/peer.py`: the SDK's resource and clients, JMESPath, and Powertools for
the log, traces, metrics and batches. It does less than the function: no duplicate check, no contact log, no
outbox, no receipt, and one score and one event are written one after the other.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import jmespath
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

try:
    from aws_lambda_powertools import Tracer

    tracer: Any = Tracer(service="churn-retention")
except ImportError:  # the benchmark says so
    tracer = None

logger = Logger(service="churn-retention")
metrics = Metrics(namespace="Functions", service="churn-retention")
processor = BatchProcessor(event_type=EventType.SQS)

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
sagemaker = boto3.client("sagemaker-runtime")
events = boto3.client("events")


def traced(method: Any) -> Any:
    """Trace a method where there is a tracer."""
    return tracer.capture_method(method) if tracer else method


def seconds_since(text: str | None, now: datetime) -> float:
    """Return the seconds since an instant."""
    return (now - datetime.fromisoformat(text)).total_seconds() if text else 365 * 86_400.0


@traced
def features_of(profile: dict[str, Any], now: datetime) -> list[float]:
    """Return the inputs of the model."""
    recency = seconds_since(jmespath.search("orders.last_at", profile), now) / 86_400
    frequency = jmespath.search("orders.count", profile) or 0
    value = jmespath.search("orders.revenue", profile) or 0
    return [min(max(recency, 0.0), 3650.0), float(frequency), float(value)]


@traced
def score(features: list[float]) -> float:
    """Ask the model."""
    reply = sagemaker.invoke_endpoint(
        EndpointName="churn-risk",
        ContentType="text/csv",
        Accept="application/json",
        Body=",".join(map(str, features)).encode(),
    )
    return float(json.loads(reply["Body"].read())["predictions"][0]["score"])


@traced
def act(customer: str, risk: float, event_id: str) -> None:
    """Put the action on the bus."""
    detail = {"template": "retention", "percent": 20, "churn_risk": risk, "customer": customer}
    entry = {
        "Source": "peer",
        "DetailType": "retention-offer",
        "Detail": json.dumps({**detail, "id": event_id}),
    }
    events.put_events(Entries=[entry])


def one(record: Any) -> None:
    """Decide about one event."""
    event = json.loads(record.body)
    detail, now = event["detail"], datetime.now(UTC)
    item = table.get_item(Key={"pk": detail["user_id"]}, ConsistentRead=True)["Item"]
    if item["consent"].get("marketing") != "granted":
        logger.info("no consent", extra={"event_id": detail["id"]})
        return
    features = features_of(item["profile"], now)
    risk = score(features)
    table.update_item(
        Key={"pk": detail["user_id"]},
        UpdateExpression="SET scores = :score",
        ExpressionAttributeValues={":score": {"churn_risk": Decimal(str(risk)), "at": now.isoformat()}},
    )
    if risk >= 0.6 and features[1] >= 1:
        act(detail["user_id"], risk, detail["id"])
        metrics.add_metric("Acted", MetricUnit.Count, 1)
    metrics.add_metric("Decided", MetricUnit.Count, 1)
    logger.info(
        "decided", extra={"event_id": detail["id"], "outcome": "acted" if risk >= 0.6 else "no_action"}
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: Any, context: Any) -> Any:
    """Handle a batch from SQS."""
    return process_partial_response(event=event, record_handler=one, processor=processor, context=context)


if tracer:
    handler = tracer.capture_lambda_handler(handler)
