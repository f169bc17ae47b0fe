"""The SageMaker adapter with the unmodified SDK, over real HTTP on this machine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError
from botocore.parsers import ResponseParserError

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelReplyError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
    SettingsError,
)
from functions.expressions import compile_expression
from functions.models.limits import MAX_BODY_BYTES
from functions.models.model import ModelConnection, ModelReply
from functions.models.sagemaker import SageMakerModel
from functions.spec.plan import ModelPlan
from functions.testing.loopback import Answer, LoopbackReceiver, Received
from functions.testing.models import (
    ANSWER,
    SERVER_SECRET,
    Behaviour,
    ModelConformance,
    ModelStage,
    OpenModelStage,
    ReceivedCall,
    cleared_payload,
)


def no_secret(name: str) -> str:
    raise SettingsError(f"there is no secret {name}")


def make_plan(options: dict[str, object]) -> ModelPlan:
    return ModelPlan(
        kind="sagemaker",
        target="churn-risk",
        options=options,
        format="csv",
        template=None,
        template_expressions={},
        response={"churn_risk": compile_expression("[0]")},
        ranges={},
        timeout_s=0.15,
        max_attempts=1,
        max_payload_bytes=1000,
        missing_token=None,
        fallback=(),
    )


def open_at(url: str, **options: object) -> SageMakerModel:
    connection = ModelConnection(secrets=no_secret, sagemaker_url=url, unsigned=True)
    return SageMakerModel(make_plan(options), connection)


def invoke(model: SageMakerModel, timeout_s: float = 5.0) -> ModelReply:
    return model.invoke(cleared_payload(), inference_id="decision-1", timeout_s=timeout_s)


def failure(model: SageMakerModel, timeout_s: float = 5.0) -> ModelError:
    with pytest.raises(ModelError) as caught:
        invoke(model, timeout_s)
    return caught.value


def aws_error(code: str, status: int, **members: object) -> Answer:
    body = json.dumps({"Message": SERVER_SECRET, **members}).encode()
    return Answer(status=status, body=body, headers={"x-amzn-ErrorType": code})


def model_error(original: int) -> Answer:
    return aws_error("ModelError", 424, OriginalStatusCode=original, OriginalMessage=SERVER_SECRET)


BEHAVIOURS: dict[Behaviour, Answer] = {
    "answers": Answer(body=ANSWER, content_type="Application/JSON; charset=utf-8"),
    "refuses": model_error(400),
    "throttles": aws_error("ThrottlingException", 400),
    "fails": aws_error("InternalFailure", 500),
    "denies": aws_error("AccessDeniedException", 403),
    "hangs_up": Answer(drop=True),
    "cuts": Answer(body=ANSWER, cut_to=10),
    "overflows": Answer(body=b"0" * (MAX_BODY_BYTES + 1)),
    "is_silent": Answer(silent=True),
    "drips": Answer(body=ANSWER, drip_s=0.05),
}


class Switchboard:
    """One server for all tests, since a client of the SDK per address takes its time.

    Each stage is an endpoint of its own on it.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self.server = LoopbackReceiver(lambda request: self._answers[request.path])

    def open(self, answer: Answer, **options: object) -> SageMakerModel:
        """Open a model whose every call is answered so."""
        name = str(options.pop("endpoint", f"endpoint-{len(self._answers)}"))
        self._answers[f"/endpoints/{name}/invocations"] = answer
        return open_at(self.server.url, endpoint=name, **options)

    def received(self, model: SageMakerModel) -> list[Received]:
        path = f"/endpoints/{model._endpoint}/invocations"
        return [one for one in self.server.received if one.path == path]


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    board = Switchboard()
    with board.server:
        yield board


class TestSageMakerModel(ModelConformance):
    @pytest.fixture
    def stage(self, board: Switchboard) -> OpenModelStage:
        def open_stage(behaviour: Behaviour) -> ModelStage:
            model = board.open(BEHAVIOURS[behaviour])
            return ModelStage(model, lambda: calls(board.received(model)))

        return open_stage


def calls(received: list[Received]) -> list[ReceivedCall]:
    return [
        ReceivedCall(one.body, one.headers["content-type"], one.headers["x-amzn-sagemaker-inference-id"])
        for one in received
    ]


def test_every_option_travels_as_the_api_names_it(board: Switchboard) -> None:
    model = board.open(
        BEHAVIOURS["answers"],
        target_variant="blue",
        target_model="eu.tar.gz",
        target_container="second",
        inference_component="churn-1",
        custom_attributes="tenant=1",
        accept="text/csv",
    )
    invoke(model)
    (sent,) = board.received(model)
    assert {name: sent.headers[name] for name in sent.headers if "sagemaker" in name or name == "accept"} == {
        "accept": "text/csv",
        "x-amzn-sagemaker-inference-id": "decision-1",
        "x-amzn-sagemaker-target-variant": "blue",
        "x-amzn-sagemaker-target-model": "eu.tar.gz",
        "x-amzn-sagemaker-target-container-hostname": "second",
        "x-amzn-sagemaker-inference-component": "churn-1",
        "x-amzn-sagemaker-custom-attributes": "tenant=1",
    }


def test_target_is_the_endpoint_and_accept_is_the_payloads_by_default(board: Switchboard) -> None:
    board.open(BEHAVIOURS["answers"], endpoint="churn-risk")
    invoke(open_at(board.server.url, endpoint=None, target_variant=None))
    (sent,) = [one for one in board.server.received if one.path == "/endpoints/churn-risk/invocations"]
    assert sent.headers["accept"] == "application/json"


def test_variant_that_answered_is_told(board: Switchboard) -> None:
    answer = Answer(body=ANSWER, headers={"x-Amzn-Invoked-Production-Variant": "blue"})
    assert invoke(board.open(answer)).variant == "blue"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (model_error(400), ModelRejectedError, "container answered 400"),
        (model_error(500), ModelUnavailableError, "container answered 500"),
        (model_error(0), ModelUnavailableError, "container answered nothing in time"),
        (aws_error("ModelNotReadyException", 429), ModelThrottledError, "ModelNotReadyException"),
        (aws_error("ValidationError", 400), ModelDeniedError, "ValidationError"),
        (aws_error("ServiceUnavailable", 503), ModelUnavailableError, "ServiceUnavailable"),
        (aws_error("InternalDependencyException", 530), ModelUnavailableError, "InternalDependencyException"),
        (aws_error("ExpiredTokenException", 403), ModelDeniedError, "ExpiredTokenException"),
        (aws_error("UnrecognizedClientException", 400), ModelDeniedError, "UnrecognizedClientException"),
        (aws_error("SomethingNewException", 400), ModelRejectedError, "HTTP status 400"),
        (aws_error("SomethingNewException", 418), ModelError, "HTTP status 418"),
        (
            Answer(status=503, body=b"<html>busy</html>", content_type="text/html"),
            ModelUnavailableError,
            "503",
        ),
        (Answer(status=302, body=b"", headers={"Location": "/x"}), ModelDeniedError, "HTTP status 302"),
    ],
)
def test_error_response_becomes_our_error(
    board: Switchboard, answer: Answer, error: type[ModelError], text: str
) -> None:
    found = failure(board.open(answer))
    assert type(found) is error
    assert text in str(found)
    assert SERVER_SECRET not in f"{found} {found.hint}"
    assert found.__cause__ is None


def test_code_that_is_not_known_is_not_repeated(board: Switchboard) -> None:
    assert SERVER_SECRET not in str(failure(board.open(aws_error(SERVER_SECRET, 400))))


def test_dead_port_is_unavailable() -> None:
    with LoopbackReceiver(Answer()) as server:
        url = server.url
    assert type(failure(open_at(url))) is ModelUnavailableError


def test_connections_are_reused() -> None:
    clients: list[object] = []
    with LoopbackReceiver(BEHAVIOURS["answers"]) as server:
        model = open_at(server.url)
        for _ in range(5):
            invoke(model)
        clients = [one.client for one in server.received]
    assert (len(clients), len(set(clients))) == (5, 1)


def test_models_of_one_region_and_url_share_a_client() -> None:
    first, second = open_at("http://127.0.0.1:9"), open_at("http://127.0.0.1:9", target_variant="blue")
    assert first._client is second._client
    assert open_at("http://127.0.0.1:10")._client is not first._client


def test_client_makes_one_attempt_and_ends_abandoned_calls() -> None:
    config = open_at("http://127.0.0.1:9")._client.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.read_timeout, config.connect_timeout) == (1, 1)


def test_unsigned_connection_looks_for_no_credentials_anywhere() -> None:
    code = (
        "from functions.models.sagemaker import _runtime_client\n"
        "client = _runtime_client(None, 'http://127.0.0.1:9', True, 1)\n"
        "print(client._request_signer._credentials.method, client.meta.region_name)"
    )
    env = {"AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert found.stdout.split() == ["explicit", "us-east-1"]


def test_unsigned_connection_uses_no_proxy(board: Switchboard) -> None:
    board.open(BEHAVIOURS["answers"], endpoint="past-the-proxy")
    code = (
        "import sys\nfrom functions.models.sagemaker import _runtime_client\n"
        "client = _runtime_client(None, sys.argv[1], True, 1)\n"
        "print(client.invoke_endpoint(EndpointName='past-the-proxy', Body=b'1')['ContentType'])"
    )
    env = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    found = subprocess.run(
        [sys.executable, "-c", code, board.server.url], capture_output=True, text=True, check=True, env=env
    )
    assert found.stdout.strip() == "Application/JSON; charset=utf-8"


def test_missing_region_is_a_setting_to_correct() -> None:
    code = (
        "from functions.models.sagemaker import _runtime_client\n"
        "try:\n    _runtime_client(None, None, False, 1)\n"
        "except Exception as error:\n    print(type(error).__name__, error, error.hint)"
    )
    env = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert found.stdout.startswith(
        "SettingsError the AWS SDK can't be set up for SageMaker: NoRegionError Set AWS_REGION"
    )


class FakeClient:
    """Gives or raises what a test wants, in the place of the SDK's client."""

    def __init__(self, outcome: object) -> None:
        self._outcome = outcome

    def invoke_endpoint(self, **_: object) -> object:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def open_with(outcome: object) -> SageMakerModel:
    client = FakeClient(outcome)
    return SageMakerModel(make_plan({}), ModelConnection(secrets=no_secret), client=client)


@pytest.mark.parametrize(
    ("outcome", "error", "hint"),
    [
        (NoCredentialsError(), ModelDeniedError, "credentials"),
        (ParamValidationError(report=SERVER_SECRET), ModelDeniedError, "None"),
        (ResponseParserError(SERVER_SECRET), ModelReplyError, "None"),
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "InvokeEndpoint"), ModelDeniedError, "credentials"),
        (ClientError({}, "InvokeEndpoint"), ModelError, "None"),
    ],
)
def test_exception_of_the_sdk_becomes_our_error(
    outcome: Exception, error: type[ModelError], hint: str
) -> None:
    found = failure(open_with(outcome))
    assert type(found) is error
    assert hint in str(found.hint)
    assert SERVER_SECRET not in f"{found} {found.hint} {found.__cause__!r}"


def test_reply_without_a_content_type_has_an_empty_one() -> None:
    assert invoke(open_with({"Body": io.BytesIO(b"0.5")})) == ModelReply(b"0.5", "", None)


def test_body_of_exactly_the_limit_is_read() -> None:
    reply = invoke(open_with({"Body": io.BytesIO(b"0" * MAX_BODY_BYTES), "ContentType": "text/csv"}))
    assert len(reply.body) == MAX_BODY_BYTES


def test_call_that_blocks_is_left_behind_at_the_deadline() -> None:
    release = threading.Event()

    class Blocking(io.RawIOBase):
        def read(self, _: int = -1) -> bytes:
            release.wait()
            return b""

    try:
        found = failure(open_with({"Body": Blocking()}), timeout_s=0.05)
    finally:
        release.set()
    assert type(found) is ModelTimeoutError


def test_sdk_client_is_the_one_that_boto3_makes() -> None:
    import boto3

    ours = open_at("http://127.0.0.1:9")._client
    theirs = boto3.client("sagemaker-runtime", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.meta.service_model.signing_name == theirs.meta.service_model.signing_name == "sagemaker"
