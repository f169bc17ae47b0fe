"""The samples, deployed once on a local AWS that enforces IAM, with the world around them on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest

from functions.events.patterns import as_envelope
from functions.events.reading import read_document
from functions.handlers.log import plain_hash
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.outbox import OutboxEntry
from functions.testing.local_aws import LocalAws
from functions.times import format_instant
from infra.deploying import connected
from tests.deployed.staging import (
    ARCHITECTURES,
    ENVIRONMENT,
    PREFIX,
    ROOT,
    TABLE,
    import_profiles,
    send_to_studio,
    synthesize,
    write_specs,
)
from tests.deployed.surroundings import Crm, Models

SECRETS = {
    "crm-key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "cart-recovery-key": "a-key-of-the-recovery-service",
    "media-ranking-token": "a-token-of-the-ranking-service",
}

# A message of a killed function comes back after six timeouts of it. Nobody waits so long here.
HIDDEN_S = 10

POLL_S = 0.25

T = TypeVar("T")


@dataclass(frozen=True)
class Deployment:
    """What is deployed, and what is around it."""

    aws: LocalAws
    models: Models
    crm: Crm
    store: DynamoProfileStore
    assembly: Path
    outputs: Mapping[str, Mapping[str, str]]
    drains: Counter[str]
    _session: Any
    _clients: dict[str, Any] = field(default_factory=dict)
    _arrived: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self.aws.url)
        return self._clients[service]

    def until(self, what: str, found: Callable[[], T | None], *, within_s: float = 60.0) -> T:
        """Ask again and again until there is an answer; fail with what was waited for."""
        deadline = time.monotonic() + within_s
        while not (answer := found()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {within_s:g} s: {what}\n{self.aws.log[-2_000:]}")
            threading.Event().wait(POLL_S)
        return answer

    def put(self, *events: dict[str, Any]) -> None:
        """Put events on the bus, each given as its detail."""
        entries = [
            {
                "EventBusName": PREFIX,
                "Source": "web.shop",
                "DetailType": event.get("name", "page_view"),
                "Detail": json.dumps(event),
            }
            for event in events
        ]
        for begin in range(0, len(entries), 10):
            answer = self.client("events").put_events(Entries=entries[begin : begin + 10])
            assert answer["FailedEntryCount"] == 0, answer

    def all_decisions(self, function: str) -> list[dict[str, Any]]:
        """Return every decision of a function, as it is kept."""
        return [json.loads(body) for body in self._scanned(function, "body")]

    def decisions(self, function: str, event_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return the decisions of a function about events."""
        wanted = set(event_ids)
        return [one for one in self.all_decisions(function) if one["event"]["id"] in wanted]

    def decided_about(self, function: str, event_ids: Iterable[str]) -> set[str]:
        """Return which of the events have a decision."""
        return set(event_ids).intersection(self._scanned(function, "event_id"))

    def decided(self, function: str, *event_ids: str, within_s: float = 60.0) -> list[dict[str, Any]]:
        """Wait until every event has its decision; return them."""
        self.until(
            f"decisions of {function} about {len(event_ids)} events",
            lambda: self.decided_about(function, event_ids) == set(event_ids),
            within_s=within_s,
        )
        return self.decisions(function, event_ids)

    def _scanned(self, function: str, attribute: str) -> list[str]:
        paginator = self.client("dynamodb").get_paginator("scan")
        pages = paginator.paginate(
            TableName=TABLE,
            FilterExpression="begins_with(sk, :decision) AND #function = :name",
            ProjectionExpression=attribute,
            ExpressionAttributeNames={"#function": "function"},
            ExpressionAttributeValues={":decision": {"S": "DECISION#"}, ":name": {"S": function}},
        )
        return [item[attribute]["S"] for page in pages for item in page["Items"]]

    def settled(self, decisions: Iterable[Mapping[str, Any]]) -> list[OutboxEntry]:
        """Wait until the action of every decision is sent or given up, draining the outbox as its schedule does."""
        waiting = {one["decision_id"]: one["profile_id"] for one in decisions}
        entries: list[OutboxEntry] = []

        def all_of_them() -> bool:
            for decision, profile_id in list(waiting.items()):
                entry = self.store.outbox_entry(profile_id, decision)
                if entry is not None and entry.status != "reserved":
                    entries.append(entry)
                    del waiting[decision]
            if waiting:
                answer = self.client("lambda").invoke(FunctionName=f"{PREFIX}_outbox", Payload=b"{}")
                assert "FunctionError" not in answer, answer["Payload"].read()
                self.drains["by hand"] += 1
            return not waiting

        self.until("every action is sent or given up", all_of_them)
        return entries

    def receipts(self, function: str, outcome: str, event_id: str) -> list[dict[str, Any]]:
        """Return what a function has logged so far with an outcome about an event."""
        found = [one["receipt"] for one in self.log(f"-{function}") if one.get("message") == "receipt"]
        about = plain_hash(event_id)
        return [one for one in found if one["outcome"] == outcome and one["event"]["id"] == about]

    def log_lines(self, function: str) -> list[str]:
        """Return the lines of a function's log group so far."""
        group = f"/functions/{PREFIX}{function}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]

    def log(self, function: str) -> list[dict[str, Any]]:
        """Return what a function has logged so far."""
        return [json.loads(line) for line in self.log_lines(function) if line.startswith("{")]

    def arrived(self, queue: str) -> list[dict[str, Any]]:
        """Return every message that has arrived in a queue so far, with what was sent in `content`."""
        sqs, known = self.client("sqs"), self._arrived.setdefault(queue, [])
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        while found := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, MessageAttributeNames=["All"]
        ).get("Messages", []):
            for message in found:
                known.append({**message, "content": _content(message["Body"])})
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return known

    def arrived_about(self, queue: str, event_id: str) -> list[dict[str, Any]]:
        """Wait until something about an event has arrived in a queue; return the messages."""
        return self.until(
            f"an action about {event_id} in {queue}",
            lambda: [one for one in self.arrived(queue) if one["content"].get("event_id") == event_id],
        )


def _content(body: str) -> dict[str, Any]:
    """Return what was sent: the message itself, or the detail of the event that a bus delivered."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    content: dict[str, Any] = document.get("detail", document)
    return content


@pytest.fixture(scope="session")
def sample() -> Callable[..., dict[str, Any]]:
    """Return what gives the first event of a sample file as one of now, under an id of its own."""

    def read(name: str, *, event_id: str, **fields: Any) -> dict[str, Any]:
        document = json.loads((ROOT / "events" / f"{name}.json").read_text())
        event = read_document(document, received_at=datetime.now(UTC))[0].value()
        detail: dict[str, Any] = as_envelope(event)["detail"]
        return {**detail, "id": event_id, "time": format_instant(datetime.now(UTC)), **fields}

    return read


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Synthesize with real assets, deploy, import the sample profiles."""
    if os.environ.get("DEPLOYED_TESTS") != "1":
        pytest.skip("takes minutes and a quiet machine; `make deployed` runs it")
    if not ENVIRONMENT.exists():
        pytest.skip("there is no .venv-aws; `make .venv-aws/ready` creates it")
    if importlib.util.find_spec("aws_cdk") is None:
        pytest.skip("aws-cdk-lib is not installed")
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        pytest.skip("the wheels of functions are for Linux on x86-64 or arm64")
    folder, models, crm = tmp_path_factory.mktemp("deployed"), Models(), Crm()
    try:
        # Functions inherit the variables of the server, and would log errors alone.
        settings = {"AUTH": "true", "LOG_LEVEL": "INFO", "LAMBDA_ACCOUNT_CONCURRENCY": "8"}
        with crm.receiver, LocalAws(ENVIRONMENT / "bin" / "python", settings) as aws:
            yield deploy(folder, aws, models, crm)
    finally:
        models.kill()


def deploy(folder: Path, aws: LocalAws, models: Models, crm: Crm) -> Deployment:
    session = boto3.Session(**aws.session_options)
    sqs = session.client("sqs", endpoint_url=aws.url)
    offers = sqs.create_queue(QueueName="offers")["QueueUrl"]
    kinesis = session.client("kinesis", endpoint_url=aws.url)
    kinesis.create_stream(StreamName="visits", ShardCount=1)
    secrets = session.client("secretsmanager", endpoint_url=aws.url)
    for name, value in SECRETS.items():
        secrets.create_secret(Name=f"functions/e2e/{name}", SecretString=value)
    write_specs(folder / "specs", models_url=models.url, crm_url=crm.receiver.url, offers=offers)
    synthesize(folder, models.url)
    outputs = connected(aws.url, **aws.session_options).deploy(folder / "cdk.out")
    send_to_studio(session, aws)
    for name in ("churn-retention", "saas-account-health"):
        url = sqs.get_queue_url(QueueName=f"{PREFIX}-{name}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_S)})
    import_profiles(folder / "profiles.jsonl", aws)
    dynamodb = session.client("dynamodb", endpoint_url=aws.url)
    store = DynamoProfileStore(TABLE, client=dynamodb)
    return Deployment(aws, models, crm, store, folder / "cdk.out", outputs, Counter(), session)
