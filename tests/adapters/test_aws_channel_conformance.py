"""The channels of AWS over moto, and that of an answer, by the checks that every channel must pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from moto import mock_aws

from functions.actions.eventbridge import EventBridgeChannel
from functions.actions.response import ResponseChannel
from functions.actions.sns import SnsChannel
from functions.actions.sqs import SqsChannel
from functions.spec.plan import ChannelPlan
from functions.testing.channels import ChannelConformance, ChannelStage, TakenMessage

REGION = "eu-central-1"


def make_client(service: str) -> Any:
    return botocore.session.Session().create_client(
        service, region_name=REGION, aws_access_key_id="unused", aws_secret_access_key="unused"
    )


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def a_queue(sqs: Any, name: str) -> tuple[str, str]:
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def drained(sqs: Any, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while batch := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    ).get("Messages"):
        for one in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        found += batch
    return found


def taken_from(sqs: Any, url: str) -> Callable[[], Sequence[TakenMessage]]:
    def taken() -> list[TakenMessage]:
        documents = [json.loads(one["Body"]) for one in drained(sqs, url)]
        return [
            TakenMessage(one["idempotency_key"], one["action"], one["profile_id"], one["payload"])
            for one in documents
        ]

    return taken


class TestSqs(ChannelConformance):
    @pytest.fixture
    def stage(self, aws: None) -> ChannelStage:
        sqs = make_client("sqs")
        url, _ = a_queue(sqs, "offers")
        channel = SqsChannel(ChannelPlan("offers", "sqs", {"queue_url": url}), client=sqs)
        return ChannelStage(channel, taken_from(sqs, url))


class TestSns(ChannelConformance):
    @pytest.fixture
    def stage(self, aws: None) -> ChannelStage:
        sqs, sns = make_client("sqs"), make_client("sns")
        url, arn = a_queue(sqs, "subscriber")
        topic = sns.create_topic(Name="offers")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        channel = SnsChannel(ChannelPlan("offers", "sns", {"topic": topic}), client=sns)
        return ChannelStage(channel, taken_from(sqs, url))


class WatchedBus:
    """A client that remembers what the bus of moto took; its rules need a package that is not here."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.taken: list[dict[str, Any]] = []

    def put_events(self, **request: Any) -> Any:
        answer = self._client.put_events(**request)
        assert answer["FailedEntryCount"] == 0
        self.taken += [json.loads(entry["Detail"]) for entry in request["Entries"]]
        return answer


class TestEventBridge(ChannelConformance):
    @pytest.fixture
    def stage(self, aws: None) -> ChannelStage:
        events = make_client("events")
        events.create_event_bus(Name="offers")
        bus = WatchedBus(events)
        options = {"bus": "offers", "source": "shop.decisions"}
        channel = EventBridgeChannel(ChannelPlan("offers", "eventbridge", options), client=bus)
        return ChannelStage(
            channel,
            lambda: [
                TakenMessage(one["idempotency_key"], one["action"], one["profile_id"], one["payload"])
                for one in bus.taken
            ],
        )


class TestResponse(ChannelConformance):
    @pytest.fixture
    def stage(self) -> ChannelStage:
        answers: list[Any] = []
        channel = ResponseChannel(ChannelPlan("page", "response", {}), answer=answers.append)
        return ChannelStage(
            channel,
            lambda: [
                TakenMessage(one.idempotency_key, one.action, one.profile_id, one.payload) for one in answers
            ],
        )
