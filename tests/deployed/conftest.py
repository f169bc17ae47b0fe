"""The samples, deployed once on a local AWS that enforces IAM, with the world around them on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import subprocess
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
import yaml

from functions.events.patterns import as_envelope
from functions.events.reading import read_document
from functions.handlers.log import plain_hash
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.store import OutboxEntry
from functions.testing.local_aws import ACCOUNT, REGION, LocalAws
from functions.testing.loopback import Answer, LoopbackReceiver, Received
from functions.times import format_instant, parse_instant
from infra.deploying import connected

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "feature_specs"
ENVIRONMENT = ROOT / ".venv-aws"
PREFIX = "functions-e2e"
TABLE = f"{PREFIX}-profiles"
ORIGIN = "https://shop.example"
VISITS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/visits"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
SECRETS = {
    "crm-key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "cart-recovery-key": "a-key-of-the-recovery-service",
    "media-ranking-token": "a-token-of-the-ranking-service",
}

# The day of the sample events, and how it is written in the profiles.
SAMPLED_AT = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

# Rails of these kinds say the same at every hour and after every action; caps and quiet hours would not.
TIMELESS = {"unless_consent", "listed"}

# A message of a killed function comes back after six timeouts of it. Nobody waits so long here.
HIDDEN_S = 10

POLL_S = 0.25

T = TypeVar("T")


class Models:
    """The models of this repository behind one address, in a process that can be killed and begun again."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.begin()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        command = [sys.executable, "-m", "functions", "endpoint", "--port", str(self._port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline()
        self._port = int(address.rpartition(":")[2])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


class Crm:
    """Receives offers. About the events that it is told to it refuses them, or says nothing."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.unanswered: set[str] = set()
        self.receiver = LoopbackReceiver(self._answer)

    def deliveries(self, event_id: str) -> list[Received]:
        """Return everything that arrived about an event."""
        return [one for one in list(self.receiver.received) if self.message(one)["event_id"] == event_id]

    def message(self, received: Received) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(received.body)["data"]
        return message

    def _answer(self, received: Received) -> Answer:
        event_id = self.message(received)["event_id"]
        return Answer(status=503 if event_id in self.refused else 200, silent=event_id in self.unanswered)


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
            for decision_id, profile_id in list(waiting.items()):
                entry = self.store.outbox_entry(profile_id, decision_id)
                if entry is not None and entry.status != "reserved":
                    entries.append(entry)
                    del waiting[decision_id]
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
    write_specs(folder / "specs", models=models, crm=crm, offers=offers)
    synthesize(folder, models)
    outputs = connected(aws.url, **aws.session_options).deploy(folder / "cdk.out")
    send_to_studio(session, aws)
    for name in ("churn-retention", "saas-account-health"):
        url = sqs.get_queue_url(QueueName=f"{PREFIX}-{name}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_S)})
    import_profiles(folder / "profiles.jsonl", aws)
    dynamodb = session.client("dynamodb", endpoint_url=aws.url)
    store = DynamoProfileStore(TABLE, client=dynamodb)
    return Deployment(aws, models, crm, store, folder / "cdk.out", outputs, Counter(), session)


def send_to_studio(session: Any, aws: LocalAws) -> None:
    """Let a rule put what functions decide into a queue, as a receiver of actions would."""
    sqs, events = (session.client(name, endpoint_url=aws.url) for name in ("sqs", "events"))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:studio"
    url = sqs.create_queue(QueueName="studio")["QueueUrl"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = json.dumps({"detail-type": ["action.decided"]})
    events.put_rule(Name="to-studio", EventBusName=PREFIX, EventPattern=pattern)
    events.put_targets(Rule="to-studio", EventBusName=PREFIX, Targets=[{"Id": "studio", "Arn": arn}])


def synthesize(folder: Path, models: Models) -> None:
    """Write templates and bundle assets: pinned wheels for this machine, the package, plans."""
    version = subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    context = {
        "environment": "e2e",
        "specs": str(folder / "specs"),
        "target": "local",
        "python": version.stdout.strip(),
        "architecture": ARCHITECTURES[platform.machine()],
        "synthesizer": "cli",
        "keep_data": False,
        "ingest": True,
        "checks": False,
        "lease_s": 10,
        "sagemaker_url": models.url,
        "origins": [ORIGIN],
        "functions": {
            # No more at the same time than this machine can run.
            "churn-retention": {"timeout_s": 20, "max_concurrency": 2},
            "saas-account-health": {"timeout_s": 20},
            "footwear-offer": {"source": VISITS},
            "profile-watch": {"source": "profile-changes"},
            "page-offer": {"url": True},
        },
    }
    wheels = ENVIRONMENT / "wheels"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels.exists() else {}
    environment = {
        **os.environ,
        **offline,
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "infra" / "app.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def import_profiles(path: Path, aws: LocalAws) -> None:
    """Import the sample profiles, moved in time as the sample events are, so that every day sees the same."""
    moved = datetime.now(UTC) - SAMPLED_AT

    def later(found: re.Match[str]) -> str:
        return format_instant(parse_instant(found.group()) + moved)

    text = (SPECS / "profiles.jsonl").read_text(encoding="utf-8")
    path.write_text(INSTANT.sub(later, text), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "functions", "profile", "import", str(path)],
        cwd=ROOT,
        env={**aws.environment, "FUNCTIONS_STORE": f"dynamodb:{TABLE}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def write_specs(folder: Path, *, models: Models, crm: Crm, offers: str) -> None:
    """Write the sample specs as they can run here: other channels, other addresses, more patience.

    Two are made of them: `page-offer` answers a page, and `profile-watch` follows the profiles.
    """
    folder.mkdir()
    registry = yaml.safe_load((SPECS / "actions.yaml").read_text())
    registry["channels"] = {
        "crm": {
            "kind": "webhook",
            "url": crm.receiver.url,
            "secret": {"secret": "crm-key"},
            "allow_private": True,
        },
        "offers": {"kind": "sqs", "queue_url": offers},
        "page": {"kind": "response"},
        "studio": {"kind": "eventbridge", "bus": PREFIX},
    }
    actions = registry["actions"]
    actions["retention-offer-20"]["channel"] = actions["retention-offer-10"]["channel"] = "crm"
    actions["suggest-next-titles"]["channel"] = "studio"
    actions["page-offer-10"] = {**actions["retention-offer-10"], "channel": "page"}
    documents = {path.name: yaml.safe_load(path.read_text()) for path in SPECS.glob("*.yaml")}
    specs = {one["name"]: one for one in documents.values() if "trigger" in one}
    for name, document in documents.items():
        if "trigger" not in document and "cases" not in document:
            document.pop("holdout", None)  # whoever is held out is nobody to wait for
            if "rails" in document:
                document["rails"] = [rail for rail in document["rails"] if TIMELESS & set(rail)]
            (folder / name).write_text(json.dumps(document, default=str))
    (folder / "actions.yaml").write_text(json.dumps(registry))
    churn, health = specs["churn-retention"], specs["saas-account-health"]
    pattern = {"detail-type": ["page_view"], "detail": {"properties": {"page_type": ["basket"]}}}
    specs["page-offer"] = {
        **churn,
        "name": "page-offer",
        "trigger": {"event_pattern": pattern},
        "decide": {**churn["decide"], "actions": ["page-offer-10"]},
    }
    specs["profile-watch"] = {
        **health,
        "name": "profile-watch",
        "trigger": {"event_pattern": {"detail-type": ["profile_changed"]}},
        # Under a name of its own: who was imported has no score yet that saas-account-health could fall back on.
        "write_back": {"scores.watched_risk": {"from": "account_risk", "expires_after": "1d"}},
    }
    served = {"watch-next": "next-titles", "vip-cart-abandonment": "cart-recovery"}
    for name, spec in specs.items():
        model = {**spec["model"], "timeout": "3s"}
        if name in served:
            model["url"] = f"{models.url}/models/{served[name]}"
        trigger = {**spec["trigger"], "max_age": "1h"}
        (folder / f"{name}.yaml").write_text(json.dumps({**spec, "model": model, "trigger": trigger}))
