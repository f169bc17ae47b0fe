"""Something between answers in the place of AWS: the SDK's own confusion never gets past an adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from functions.actions.eventbridge import EventBridgeChannel
from functions.actions.sns import SnsChannel
from functions.actions.sqs import SqsChannel
from functions.errors import (
    ActionAmbiguousError,
    DependencyError,
    FunctionsError,
    ModelUnavailableError,
    StoreUnavailableError,
)
from functions.models.model import ModelConnection
from functions.models.sagemaker import SageMakerModel
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings
from functions.spec.plan import ChannelPlan
from functions.testing.channels import NOW, sample_message
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.models import cleared_payload
from functions.testing.sample_function import a_plan

SECRET = "s3cr3t-4711"
BODIES = {
    "no UTF-8": b"<html>\xe9 s3cr3t-4711</html>",
    "a page": b"<html>s3cr3t-4711</html>",
    "a list": b'["s3cr3t-4711"]',
    "a text": b'"s3cr3t-4711"',
    "null": b"null",
    "a type that is no text": b'{"__type": 5, "code": [1], "Item": "s3cr3t-4711"}',
    "deep": b"[" * 100_000,
    "members of other types": b'{"Responses": ["s3cr3t-4711"], "FailedEntryCount": {}, "Entries": 5}',
    "nothing": b"",
}
STATUSES = (200, 301, 400, 424, 500, 503)

Call = Callable[[], object]


def client(service: str, url: str) -> Any:
    """Return the SDK's own client, which makes one attempt."""
    return botocore.session.Session().create_client(
        service,
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="unused",
        aws_secret_access_key="unused",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _sagemaker(url: str) -> Call:
    plan = a_plan().model
    assert plan is not None
    connection = ModelConnection(lambda name: name)
    model = SageMakerModel(plan, connection, client=client("sagemaker-runtime", url))
    return lambda: model.invoke(cleared_payload(), inference_id="decision-1", timeout_s=5.0)


def _dynamodb(url: str) -> Call:
    seconds = iter(range(1_000_000))
    around = Surroundings(2.0, lambda: float(next(seconds)), lambda _: None, lambda: 1.0)
    store = DynamoProfileStore("profiles", client=client("dynamodb", url), around=around)
    return lambda: store.load("profile-1", "decision-1")


def _sqs(url: str) -> Call:
    options = {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/offers"}
    channel = SqsChannel(ChannelPlan("offers", "sqs", options), client=client("sqs", url))
    return lambda: channel.send(sample_message(), now=NOW)


def _sns(url: str) -> Call:
    options = {"topic": "arn:aws:sns:eu-central-1:123456789012:offers"}
    channel = SnsChannel(ChannelPlan("offers", "sns", options), client=client("sns", url))
    return lambda: channel.send(sample_message(), now=NOW)


def _eventbridge(url: str) -> Call:
    options = {"bus": "offers", "source": "shop"}
    channel = EventBridgeChannel(ChannelPlan("offers", "eventbridge", options), client=client("events", url))
    return lambda: channel.send(sample_message(), now=NOW)


class Gateway:
    """Answers in the place of every service, as it is told."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.server = LoopbackReceiver(lambda _: self.answer)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    with gateway.server:
        yield gateway


@pytest.mark.parametrize("service", [_sagemaker, _dynamodb, _sqs, _sns, _eventbridge])
def test_whatever_answers_in_the_place_of_a_service_becomes_an_error_of_ours_or_a_value(
    gateway: Gateway, service: Callable[[str], Call]
) -> None:
    call = service(gateway.server.url)
    for body in BODIES.values():
        for status in STATUSES:
            gateway.answer = Answer(status, body, "application/x-amz-json-1.0")
            error = _error(call)
            assert error is None or isinstance(error, DependencyError)
            if error is not None:
                assert SECRET not in f"{error} {error.hint} {error.__cause__!r}"


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (_sagemaker, ModelUnavailableError),
        (_dynamodb, StoreUnavailableError),
        (_sqs, ActionAmbiguousError),
        (_eventbridge, ActionAmbiguousError),
    ],
)
def test_a_page_that_is_no_utf8_may_be_followed_by_a_better_answer(
    gateway: Gateway, service: Callable[[str], Call], expected: type[FunctionsError]
) -> None:
    gateway.answer = Answer(400, BODIES["no UTF-8"], "text/html")
    error = _error(service(gateway.server.url))
    assert type(error) is expected
    assert error is not None
    assert error.retryable
    assert str(error).endswith("(UnicodeDecodeError)")


def _error(call: Call) -> FunctionsError | None:
    try:
        call()
    except FunctionsError as error:
        return error
    return None
