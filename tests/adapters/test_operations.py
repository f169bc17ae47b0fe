"""What an operator asks of AWS, asked of a local one: the log lines and the figures of functions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.session import Session

from functions.errors import OperationDeniedError
from functions.handlers.telemetry import Telemetry
from functions.operations.aws import AwsCalls
from functions.operations.figures import read_figures
from functions.operations.log_lines import Follower
from functions.operations.naming import physical_name
from functions.runtime.receipt import Receipt
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, put_customer
from tests.adapters.conftest import ACCOUNT, REGION

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(aws_endpoint: str) -> Callable[[str], Any]:
    """Return a factory of clients of the local AWS."""

    def make(service: str) -> Any:
        return Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=aws_endpoint,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="local",
        )

    return make


@pytest.fixture
def environment() -> str:
    return f"t{uuid4().hex[:10]}"


def _receipt(number: int) -> Receipt:
    world = Rehearsal(now=NOW)
    put_customer(world.store)
    return world.runtime.handle(a_plan(), an_event(f"e{number}"), now=NOW)


def _logged(*receipts: Receipt) -> list[str]:
    """Return the lines that a handler writes of receipts, as they are written."""
    out = io.StringIO()
    with redirect_stdout(out):
        telemetry = Telemetry(f"tail-{uuid4().hex}", namespace="Tests")
        for receipt in receipts:
            telemetry.receipt(receipt, request_id="request-1")
        telemetry.flush()
    return out.getvalue().splitlines()


def test_follower_shows_each_receipt_once_and_no_other_line(
    client: Callable[[str], Any], environment: str
) -> None:
    logs, now = client("logs"), datetime.now(UTC)
    group = f"/functions/{physical_name(environment, 'churn')}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def write(lines: list[str], at: datetime) -> None:
        stamp = int(at.timestamp() * 1000)
        events = [{"timestamp": stamp + index, "message": line} for index, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    follower = Follower(
        AwsCalls("logs", client=logs),
        environment=environment,
        functions=["churn"],
        outcomes=(),
        since=now - timedelta(minutes=5),
    )
    write(["START RequestId", *_logged(_receipt(0), _receipt(1)), '{"receipt": "no receipt"}'], now)
    first = follower.look()
    again = follower.look()
    write(_logged(_receipt(2)), now + timedelta(seconds=1))
    later = follower.look()

    assert [len(lines) for lines in (first, again, later)] == [2, 0, 1]
    assert {line.receipt["function"] for line in first} == {"churn"}
    assert [line.at for line in first] == sorted(line.at for line in first)
    only = Follower(
        AwsCalls("logs", client=logs),
        environment=environment,
        functions=["churn"],
        outcomes={"rejected"},
        since=now - timedelta(minutes=5),
    )
    assert only.look() == []


def test_follower_of_functions_that_are_not_there_is_refused(
    client: Callable[[str], Any], environment: str
) -> None:
    follower = Follower(
        AwsCalls("logs", client=client("logs")),
        environment=environment,
        functions=["nobody"],
        outcomes=(),
        since=datetime.now(UTC),
    )
    with pytest.raises(OperationDeniedError, match="CloudWatch Logs: ResourceNotFoundException"):
        follower.look()


def test_figures_are_sums_percentiles_and_shares_of_the_window(
    client: Callable[[str], Any], environment: str
) -> None:
    cloudwatch, sqs = client("cloudwatch"), client("sqs")
    now = datetime.now(UTC).replace(microsecond=0)
    queue = sqs.create_queue(QueueName=f"{physical_name(environment, 'churn')}_dlq")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="{}")

    def put(name: str, value: float, at: datetime = now - timedelta(minutes=10)) -> dict[str, Any]:
        dimensions = [{"Name": "service", "Value": "churn"}]
        return {"MetricName": name, "Value": value, "Dimensions": dimensions, "Timestamp": at}

    long_ago = now - timedelta(hours=30)
    data = [put("Acted", 3), put("NoAction", 1), put("ConsentUnknown", 1), put("RungModel", 3)]
    data += [put("RungFallback", 1), put("Acted", 7, long_ago), put("Replayed", 5)]
    data += [put("Latency", float(ms)) for ms in range(1, 101)]
    cloudwatch.put_metric_data(Namespace=f"Functions/{environment}", MetricData=data)

    calls = AwsCalls("cloudwatch", client=cloudwatch), AwsCalls("sqs", client=sqs)
    churn, quiet = read_figures(
        *calls,
        environment=environment,
        functions=["churn", "quiet-one"],
        window=timedelta(hours=1),
        now=now,
    )

    document = churn.as_document()
    latency = document.pop("latency_ms")
    assert 45 <= latency["p50"] <= 55
    assert 95 <= latency["p99"] <= 100
    assert document == {
        "function": "churn",
        "acted": 3,
        "no_action": 1,
        "suppressed": 0,
        "rejected": 0,
        "failed": 0,
        "replayed": 5,
        "fallback_share": 0.25,
        "unknown_consent_share": 0.25,
        "dead_letters": 1,
    }
    assert (quiet.fallback_share, quiet.latency_ms, quiet.dead_letters) == (None, {}, None)
    assert json.dumps(quiet.as_document())
