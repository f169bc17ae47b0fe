"""A replay over a real archive: started, delivered under its name, decided anew by the handler of the queue."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from botocore.session import Session

from functions.errors import OperationDeniedError, SettingsError
from functions.events.replays import generation_of
from functions.handlers.records import sqs_handler
from functions.operations.aws import AwsCalls
from functions.operations.naming import archive_name, physical_name, prefix_of
from functions.operations.replays import Replay, prepare_replay, start_replay
from functions.testing.handler_stage import handler_stage
from functions.testing.lambda_events import batch, event_body, sqs_record
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, write_specs
from tests.adapters.conftest import ACCOUNT, REGION

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


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


class Deployment(SimpleNamespace):
    """A bus with its archive, and a function's rule with its queue."""

    environment: str
    events: Any
    sqs: Any
    queue: str

    def put(self, *bodies: Any) -> None:
        entries = [
            {
                "EventBusName": prefix_of(self.environment),
                "Source": "web.shop",
                "DetailType": "page_view",
                "Detail": json.dumps(body),
            }
            for body in bodies
        ]
        assert self.events.put_events(Entries=entries)["FailedEntryCount"] == 0

    def taken(self, wanted: int) -> list[str]:
        """Return the bodies of so many messages."""
        found: list[str] = []
        deadline = time.monotonic() + 20
        while len(found) < wanted and time.monotonic() < deadline:
            got = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in got.get("Messages", ()):
                found.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def prepare(self, *names: str, now: datetime = NOW) -> Replay:
        calls = AwsCalls("events", client=self.events)
        return prepare_replay(
            calls,
            environment=self.environment,
            functions=names,
            begin=LONG_AGO,
            end=FAR_AHEAD,
            now=now,
        )


@pytest.fixture
def deployment(client: Callable[[str], Any]) -> Deployment:
    environment = f"t{uuid4().hex[:10]}"
    bus, rule = prefix_of(environment), physical_name(environment, "churn")
    events, sqs = client("events"), client("sqs")
    arn = events.create_event_bus(Name=bus)["EventBusArn"]
    events.create_archive(ArchiveName=archive_name(bus), EventSourceArn=arn)
    queue = sqs.create_queue(QueueName=rule)["QueueUrl"]
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps({"detail-type": ["page_view"]}))
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{rule}"
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": target}])
    return Deployment(environment=environment, events=events, sqs=sqs, queue=queue)


def test_replay_of_an_archive_is_decided_once_for_each_event_and_sends_nothing(
    deployment: Deployment,
) -> None:
    stage = handler_stage(a_plan(), accounts=("*",))
    handle = sqs_handler(stage.worker)
    deployment.put(*(event_body(f"e{number}") for number in range(3)))
    handle(batch(*map(sqs_record, deployment.taken(3))), stage.context)
    assert sorted(stage.acted_on) == ["e0", "e1", "e2"]

    stage.rehearsal.wait(timedelta(days=1))
    generations = []
    for second in range(2):
        replay = deployment.prepare("churn", "behind-a-stream", now=NOW + timedelta(seconds=second))
        assert (list(replay.rules), replay.skipped) == (["churn"], ("behind-a-stream",))
        assert start_replay(AwsCalls("events", client=deployment.events), replay) == "starting"
        generations.append(replay.generation)
        bodies = deployment.taken(3)
        assert [json.loads(body)["replay-name"] for body in bodies] == [replay.name] * 3
        for _ in range(2):  # SQS may deliver a message twice
            handle(batch(*map(sqs_record, bodies)), stage.context)

    kept = stage.rehearsal.store.decisions(CUSTOMER, limit=100)
    found = sorted((one.event_id, one.body.get("generation", 0)) for one in kept)
    assert found == sorted((f"e{number}", one) for number in range(3) for one in (0, *generations))
    assert len(stage.acted_on) == 3
    assert stage.queue.sent == []


def test_replay_goes_to_the_rules_that_were_asked_for_and_to_no_other(deployment: Deployment) -> None:
    replay = deployment.prepare("churn")
    deployment.events.put_rule(
        Name="of-somebody-else",
        EventBusName=prefix_of(deployment.environment),
        EventPattern=json.dumps({"detail-type": ["page_view"]}),
    )

    start_replay(AwsCalls("events", client=deployment.events), replay)
    started = deployment.events.describe_replay(ReplayName=replay.name)
    assert started["Destination"]["Arn"] == replay.bus
    assert started["Destination"]["FilterArns"] == list(replay.rules.values())
    assert started["Destination"]["FilterArns"][0].endswith(physical_name(deployment.environment, "churn"))


def test_replay_without_any_rule_is_not_started(deployment: Deployment) -> None:
    """EventBridge would send the events to every rule of the bus."""
    with pytest.raises(SettingsError, match="no function that was asked for has a rule"):
        deployment.prepare("behind-a-stream")


def test_replay_of_a_deployment_that_is_not_there_is_refused(deployment: Deployment) -> None:
    deployment.environment = "nowhere"
    with pytest.raises(OperationDeniedError, match="EventBridge: ResourceNotFoundException"):
        deployment.prepare("churn")


def test_name_of_a_replay_says_its_generation(deployment: Deployment) -> None:
    replay = deployment.prepare("churn")

    assert replay.name == f"functions-{deployment.environment}-20261102T091500Z"
    assert replay.as_document()["generation"] == generation_of(replay.name)


def test_command_says_what_it_would_replay_and_then_replays_it(
    deployment: Deployment, aws_environment: dict[str, str], tmp_path: Path
) -> None:
    write_specs(tmp_path)
    environment = {
        **aws_environment,
        "FUNCTIONS_SPECS": str(tmp_path),
        "FUNCTIONS_ENVIRONMENT": deployment.environment,
    }

    def replay(*arguments: str) -> Any:
        command = (sys.executable, "-m", "functions", "replay", "--json", *arguments)
        window = ("--from", "2020-01-01", "--to", "2040-01-01")
        done = subprocess.run(
            [*command, *window], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    planned = replay("--dry-run")
    assert (planned["state"], planned["functions"], planned["skipped"]) == ("not started", ["churn"], [])
    assert deployment.events.list_replays(NamePrefix=planned["replay"])["Replays"] == []
    started = replay("--function", "churn")
    assert (started["state"], started["generation"]) == ("starting", generation_of(started["replay"]))
    (found,) = deployment.events.list_replays(NamePrefix=started["replay"])["Replays"]
    assert found["EventSourceArn"] == started["archive"]
