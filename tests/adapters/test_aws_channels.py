"""The channels of EventBridge, SQS and SNS with the unmodified SDK: what they send, and what becomes of errors."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.stub import Stubber

from functions.actions.aws_errors import (
    CODE_ERRORS,
    error_for_code,
)
from functions.actions.eventbridge import EventBridgeChannel
from functions.actions.hops import MAX_HOPS, emitted_document, hops_of
from functions.actions.opening import open_channel
from functions.actions.sns import SnsChannel
from functions.actions.sqs import SqsChannel, fifo_id
from functions.documents import Json
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
    SettingsError,
)
from functions.events.reading import read_document
from functions.spec.plan import ChannelPlan
from functions.testing.channels import NOW, sample_message

REGION = "eu-central-1"
QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/offers"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:offers"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/offers"


def make_client(service: str) -> Any:
    return botocore.session.Session().create_client(
        service, region_name=REGION, aws_access_key_id="unused", aws_secret_access_key="unused"
    )


def no_secret(name: str) -> str:
    raise SettingsError(f"there is no secret {name}")


def test_response_is_refused_where_nobody_waits() -> None:
    channel = open_channel(ChannelPlan("page", "response", {}), secrets=no_secret)
    with pytest.raises(ActionRejectedError, match="nobody waits"):
        channel.send(sample_message(), now=NOW)


class FakeClient:
    """Remembers requests; answers or raises as told."""

    def __init__(self, answer: Json = None, error: Exception | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self._answer, self._error = answer or {}, error

    def _take(self, **request: Any) -> Json:
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        return self._answer

    put_events = send_message = publish = _take


def channels(client: Any) -> dict[str, Any]:
    return {
        "eventbridge": EventBridgeChannel(ChannelPlan("out", "eventbridge", {"bus": BUS}), client=client),
        "sqs": SqsChannel(ChannelPlan("out", "sqs", {"queue_url": QUEUE_URL}), client=client),
        "sns": SnsChannel(ChannelPlan("out", "sns", {"topic": TOPIC}), client=client),
    }


KINDS = ("eventbridge", "sqs", "sns")


def test_event_carries_bus_source_type_key_and_hops() -> None:
    client = FakeClient()
    options = {"bus": BUS, "source": "shop.decisions", "detail_type": "offer.chosen"}
    EventBridgeChannel(ChannelPlan("out", "eventbridge", options), client=client).send(
        sample_message(), now=NOW
    )
    (entry,) = client.requests[0]["Entries"]
    detail = json.loads(entry.pop("Detail"))
    assert entry == {
        "EventBusName": BUS,
        "Source": "shop.decisions",
        "DetailType": "offer.chosen",
        "Time": NOW,
    }
    assert detail == {
        "id": "action:1:decision-1",
        "name": "offer.chosen",
        "time": "2026-11-02T09:00:00.000Z",
        "user_id": "customer-1",
        "hops": 1,
        "idempotency_key": "decision-1",
        "action": "retention-offer-20",
        "function": "churn-retention",
        "profile_id": "customer-1",
        "event_id": "event-1",
        "decided_at": "2026-11-02T09:00:00.000Z",
        "expires_at": "2026-11-03T09:00:00.000Z",
        "payload": {"template": "retention", "percent": 20},
    }


def test_fifo_queue_orders_by_profile_and_takes_a_key_once() -> None:
    client = FakeClient()
    plan = ChannelPlan("out", "sqs", {"queue_url": QUEUE_URL + ".fifo"})
    SqsChannel(plan, client=client).send(sample_message(), now=NOW)
    request = client.requests[0]
    assert (request["MessageDeduplicationId"], request["MessageGroupId"]) == ("decision-1", "customer-1")


def test_fifo_topic_orders_by_profile_and_takes_a_key_once() -> None:
    client = FakeClient()
    SnsChannel(ChannelPlan("out", "sns", {"topic": TOPIC + ".fifo"}), client=client).send(
        sample_message(), now=NOW
    )
    request = client.requests[0]
    assert (request["MessageDeduplicationId"], request["MessageGroupId"]) == ("decision-1", "customer-1")


def test_id_that_a_fifo_queue_refuses_becomes_its_hash() -> None:
    assert fifo_id("a customer\u00e9") == fifo_id("a customer\u00e9")
    assert len(fifo_id("a customer\u00e9")) == 64
    assert fifo_id("x" * 129) != "x" * 129


def test_standard_queue_gets_no_group() -> None:
    client = FakeClient()
    channels(client)["sqs"].send(sample_message(), now=NOW)
    assert "MessageGroupId" not in client.requests[0]
    assert client.requests[0]["MessageAttributes"]["idempotency_key"] == {
        "DataType": "String",
        "StringValue": "decision-1",
    }


@pytest.mark.parametrize("kind", ["sqs", "sns"])
def test_characters_that_a_queue_refuses_travel_as_escapes(kind: str) -> None:
    client = FakeClient()
    channels(client)[kind].send(sample_message(payload={"text": "\ufffe\uffff"}), now=NOW)
    request = client.requests[0]
    body = request["MessageBody"] if kind == "sqs" else request["Message"]
    assert "\\ufffe\\uffff" in body
    assert json.loads(body)["payload"] == {"text": "\ufffe\uffff"}


def test_what_is_emitted_can_be_read_as_an_event_whose_id_counts_the_hops() -> None:
    message = sample_message()
    for hops in range(1, MAX_HOPS + 1):
        document = emitted_document(message)
        (parsed,) = read_document(document, received_at=NOW)
        event = parsed.value()
        assert (document["hops"], hops_of(event.id), event.user_id, event.name) == (
            hops,
            hops,
            "customer-1",
            "action.decided",
        )
        message = replace(message, event_id=event.id)
    with pytest.raises(ActionRejectedError, match="more than 3 decisions in a row"):
        emitted_document(message)


@pytest.mark.parametrize("kind", KINDS)
def test_loop_is_refused_before_anything_leaves(kind: str) -> None:
    client = FakeClient()
    with pytest.raises(ActionRejectedError):
        channels(client)[kind].send(replace(sample_message(), event_id="action:3:abc"), now=NOW)
    assert client.requests == []


@pytest.mark.parametrize("event_id", ["action:x:1", "action:1", "action:1:", "action:1000:a", "ACTION:1:a"])
def test_id_of_another_form_is_from_outside(event_id: str) -> None:
    assert hops_of(event_id) == 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", ActionThrottledError),
        ("InternalFailure", ActionAmbiguousError),
        ("InternalException", ActionAmbiguousError),
        ("MalformedDetail", ActionRejectedError),
        ("NotAuthorizedForSourceException", ActionDeniedError),
        ("SomethingNew", ActionAmbiguousError),
    ],
)
def test_entry_that_failed_in_a_call_that_did_not_is_an_error(code: str, error: type[ActionError]) -> None:
    entries = [{"ErrorCode": code, "ErrorMessage": "secret-value"}]
    client = FakeClient({"FailedEntryCount": 1, "Entries": entries})
    with pytest.raises(error) as raised:
        channels(client)["eventbridge"].send(sample_message(), now=NOW)
    assert type(raised.value) is error
    assert "secret-value" not in f"{raised.value} {raised.value.hint}"


OPERATIONS = {
    "eventbridge": ("events", "put_events"),
    "sqs": ("sqs", "send_message"),
    "sns": ("sns", "publish"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, ActionDeniedError),
        ("ResourceNotFoundException", 400, ActionDeniedError),
        ("QueueDoesNotExist", 400, ActionDeniedError),
        ("RequestThrottled", 403, ActionThrottledError),
        ("ServiceUnavailable", 503, ActionUnavailableError),
        ("InternalError", 500, ActionAmbiguousError),
        ("InvalidMessageContents", 400, ActionRejectedError),
        ("ExpiredToken", 403, ActionUnavailableError),
        ("", 503, ActionUnavailableError),
        ("", 500, ActionAmbiguousError),
        ("", 429, ActionThrottledError),
        ("NeverSeen", 418, ActionRejectedError),
    ],
)
def test_error_of_the_service_becomes(kind: str, code: str, status: int, error: type[ActionError]) -> None:
    service, operation = OPERATIONS[kind]
    client = make_client(service)
    with Stubber(client) as stub:
        stub.add_client_error(operation, code, "secret-value", http_status_code=status)
        with pytest.raises(error) as raised:
            channels(client)[kind].send(sample_message(payload={"text": "secret-value"}), now=NOW)
    assert type(raised.value) is error
    assert "secret-value" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__!r}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (botocore.exceptions.ReadTimeoutError(endpoint_url="secret-value"), ActionAmbiguousError),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="secret-value"), ActionUnavailableError),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="secret-value"),
            ActionUnavailableError,
        ),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="secret-value"), ActionAmbiguousError),
        (botocore.exceptions.NoCredentialsError(), ActionDeniedError),
        (botocore.exceptions.ParamValidationError(report="secret-value"), ActionRejectedError),
    ],
)
def test_exception_of_the_sdk_becomes(kind: str, cause: Exception, error: type[ActionError]) -> None:
    with pytest.raises(error) as raised:
        channels(FakeClient(error=cause))[kind].send(sample_message(), now=NOW)
    assert type(raised.value) is error
    assert "secret-value" not in f"{raised.value} {raised.value.__cause__!r}"


def test_answer_that_does_not_come_in_time_is_ambiguous() -> None:
    released = threading.Event()

    class Hanging:
        def send_message(self, **request: Any) -> None:
            released.wait(10)

    options = {"queue_url": QUEUE_URL, "timeout": 0.05}
    channel = SqsChannel(ChannelPlan("out", "sqs", options), client=Hanging())
    with pytest.raises(ActionAmbiguousError, match="no answer in time"):
        channel.send(sample_message(), now=NOW)
    released.set()


def test_a_fault_of_our_own_is_not_dressed_up_as_one_of_the_channel() -> None:
    with pytest.raises(ZeroDivisionError):
        channels(FakeClient(error=ZeroDivisionError()))["sqs"].send(sample_message(), now=NOW)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("eventbridge", {"source": "aws.events"}),
        ("eventbridge", {"bus": ""}),
        ("eventbridge", {"bus": 3}),
        ("eventbridge", {"timeout": 0}),
        ("eventbridge", {"region": "https://evil.example"}),
        ("sqs", {}),
        ("sqs", {"queue_url": "offers"}),
        ("sqs", {"queue_url": "https://user:pw@sqs.eu-central-1.amazonaws.com/1/q"}),
        ("sns", {}),
        ("sns", {"topic": "offers"}),
        ("sns", {"topic": "arn:aws:sqs:eu-central-1:123456789012:offers"}),
    ],
)
def test_option_that_cannot_be_used_is_refused(kind: str, options: dict[str, Json]) -> None:
    with pytest.raises(SettingsError):
        open_channel(ChannelPlan("out", kind, options), secrets=no_secret)


@pytest.mark.parametrize(
    ("kind", "options", "region"),
    [
        ("eventbridge", {"bus": BUS}, "eu-central-1"),
        ("sqs", {"queue_url": QUEUE_URL}, "eu-central-1"),
        ("sns", {"topic": TOPIC}, "eu-central-1"),
        ("eventbridge", {"region": "us-west-2"}, "us-west-2"),
        ("sqs", {"queue_url": QUEUE_URL, "region": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_region_is_that_of_the_address_and_one_attempt_is_made(
    kind: str, options: dict[str, Json], region: str
) -> None:
    channel = open_channel(ChannelPlan("out", kind, options), secrets=no_secret)
    owner = channel._queue if isinstance(channel, SqsChannel) else channel
    meta = owner._service._client.meta  # type: ignore[union-attr]
    assert meta.region_name == region
    assert meta.config.retries["total_max_attempts"] == 1


def test_every_error_of_the_three_operations_is_in_the_table() -> None:
    session = botocore.session.Session()
    missing = set()
    for service, operation in (("events", "PutEvents"), ("sqs", "SendMessage"), ("sns", "Publish")):
        shapes = session.get_service_model(service).operation_model(operation).error_shapes
        assert shapes
        for shape in shapes:
            # Clients give the code; where a service sends the name of the shape, that must do as well.
            missing |= {shape.name, shape.metadata.get("error", {}).get("code", shape.name)} - set(
                CODE_ERRORS
            )
    assert missing == set()


def test_every_status_without_a_known_code_has_an_error_and_none_claims_that_nothing_was_taken() -> None:
    ambiguous = {status for status in range(500, 600) if error_for_code("", status) is ActionAmbiguousError}
    assert ambiguous == set(range(500, 600)) - {503}
    assert error_for_code("") is ActionAmbiguousError


def test_importing_the_channels_imports_no_sdk() -> None:
    program = (
        "import sys, functions.actions.eventbridge, functions.actions.sqs, functions.actions.sns\n"
        "print(sorted({'botocore', 'boto3', 'urllib3', 'httpx', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
