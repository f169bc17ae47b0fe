"""An unmodified boto3 client against the embedded endpoint: what a user's own code will see."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError, ResponseStreamingError

from functions.endpoint.artefact import load_model
from functions.endpoint.faults import Fault, Faults
from functions.endpoint.replies import MAX_BODY_BYTES, ErrorKind
from functions.endpoint.server import EndpointServer

MODELS = Path(__file__).parents[2] / "models"
ROWS = [[42.0, 3.0, 249.99], [400.0, 1.0, 12.5]]
SCORES = load_model(MODELS / "churn-risk" / "model.json").score(ROWS)
NAMES = ("recency_days", "frequency", "lifetime_value")

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(faults: Faults) -> Iterator[EndpointServer]:
    with EndpointServer(MODELS, faults=faults) as running:
        yield running


@pytest.fixture
def connect(session: boto3.Session, server: EndpointServer) -> Iterator[Connect]:
    opened = []

    def open_client(**config: Any) -> Any:
        opened.append(
            session.client(
                "sagemaker-runtime", endpoint_url=server.url, config=Config(**config) if config else None
            )
        )
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Any:
    return connect()


@pytest.fixture
def one_attempt(connect: Connect) -> Any:
    return connect(retries={"total_max_attempts": 1}, read_timeout=0.2)


def invoke(client: Any, body: bytes = b"42.0,3.0,249.99", **parameters: Any) -> dict[str, Any]:
    defaults = {"EndpointName": "churn-risk", "ContentType": "text/csv", "Accept": "text/csv"}
    answer: dict[str, Any] = client.invoke_endpoint(Body=body, **{**defaults, **parameters})
    return answer


def refused(client: Any, body: bytes = b"42.0,3.0,249.99", **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        invoke(client, body, **parameters)
    response: dict[str, Any] = caught.value.response
    return response


def test_a_plain_client_gets_a_score(server: EndpointServer) -> None:
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    answer = client.invoke_endpoint(
        EndpointName="churn-risk", ContentType="text/csv", Body=b"42.0,3.0,249.99"
    )
    assert json.loads(answer["Body"].read()) == {"predictions": [{"score": SCORES[0]}]}
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]
    client.close()


def csv_body() -> bytes:
    return "\n".join(",".join(map(str, row)) for row in ROWS).encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", csv_body()),
        ("application/json", json.dumps({"instances": ROWS}).encode()),
        ("application/json", json.dumps({"instances": [{"features": row} for row in ROWS]}).encode()),
        (
            "application/json",
            json.dumps({"instances": [dict(zip(NAMES, row, strict=True)) for row in ROWS]}).encode(),
        ),
        ("application/jsonlines", "\n".join(json.dumps({"features": row}) for row in ROWS).encode()),
    ],
)
@pytest.mark.parametrize(
    ("accept", "read"),
    [
        ("text/csv", lambda text: [float(line) for line in text.splitlines()]),
        ("application/json", lambda text: [entry["score"] for entry in json.loads(text)["predictions"]]),
        ("application/jsonlines", lambda text: [json.loads(line)["score"] for line in text.splitlines()]),
    ],
)
def test_scores_over_the_wire_equal_those_of_the_scorer_to_the_last_bit(
    client: Any, content_type: str, body: bytes, accept: str, read: Callable[[str], list[float]]
) -> None:
    answer = invoke(client, body, ContentType=content_type, Accept=accept)
    assert answer["ContentType"] == accept
    assert read(answer["Body"].read().decode()) == SCORES


def test_every_parameter_of_a_single_model_endpoint_is_taken(client: Any, server: EndpointServer) -> None:
    answer = invoke(
        client,
        TargetVariant="blue",
        InferenceComponentName="part-1",
        InferenceId="decision-1",
        CustomAttributes="trace=abc",
    )
    assert answer["InvokedProductionVariant"] == "blue"
    assert answer["CustomAttributes"] == "trace=abc"
    [request] = server.requests
    assert request.path == "/endpoints/churn-risk/invocations"
    assert request.headers["x-amzn-sagemaker-inference-component"] == "part-1"
    assert request.headers["x-amzn-sagemaker-inference-id"] == "decision-1"
    assert "/us-east-1/sagemaker/aws4_request" in request.headers["authorization"]
    assert request.body == b"42.0,3.0,249.99"


def test_an_unknown_endpoint_is_a_validation_error(client: Any) -> None:
    response = refused(client, EndpointName="nobody")
    assert response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint nobody of account 000000000000 not found.",
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("body", "parameters", "original"),
    [
        (b"12.5,,249.99", {}, 400),
        (b"12.5,nan,249.99", {}, 400),
        (b"12.5,three,249.99", {}, 400),
        (b"-1,3,249.99", {}, 400),
        (b"1,2", {}, 400),
        (b"\x00", {"ContentType": "application/x-recordio-protobuf"}, 415),
        (b"1,2,3", {"Accept": "image/png"}, 406),
        (b'{"instances": [[1, 2', {"ContentType": "application/json"}, 400),
    ],
)
def test_what_the_model_refuses_is_a_model_error_with_all_its_members(
    client: Any, body: bytes, parameters: dict[str, str], original: int
) -> None:
    response = refused(client, body, **parameters)
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == original
    assert response["OriginalMessage"] in response["Error"]["Message"]
    assert response["LogStreamArn"].startswith("arn:aws:logs:")


def test_the_modelled_exception_classes_are_raised(client: Any) -> None:
    with pytest.raises(client.exceptions.ModelError):
        invoke(client, b"1,2")
    with pytest.raises(client.exceptions.ValidationError):
        invoke(client, EndpointName="nobody")


def test_a_body_over_the_limit_has_the_status_for_a_code(client: Any) -> None:
    response = refused(client, b"1" * (MAX_BODY_BYTES + 1))
    assert response["Error"] == {"Code": "413", "Message": "HTTP content length exceeded 6291456 bytes."}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ModelError", 424),
        ("ModelNotReadyException", 429),
        ("ValidationError", 400),
        ("InternalFailure", 500),
        ("ServiceUnavailable", 503),
        ("InternalDependencyException", 530),
        ("ThrottlingException", 400),
    ],
)
def test_each_error_of_the_service_is_parsed_by_its_name(
    one_attempt: Any, faults: Faults, kind: ErrorKind, status: int
) -> None:
    faults.push(Fault(error=kind, message="down for a test"))
    response = refused(one_attempt)
    assert response["Error"]["Code"] == kind
    assert "down for a test" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("original", [0, 500, 503])
def test_a_failing_container_tells_its_status(one_attempt: Any, faults: Faults, original: int) -> None:
    faults.push(Fault(error="ModelError", original_status=original, message="Traceback"))
    response = refused(one_attempt)
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (original, "Traceback")


def test_a_score_out_of_range_arrives_as_it_was_sent(client: Any, faults: Faults) -> None:
    faults.push(Fault(score=36_000_000.0), Fault(score=float("nan")))
    assert [invoke(client)["Body"].read() for _ in range(2)] == [b"36000000.0\n", b"nan\n"]


def test_a_garbage_body_and_content_type_arrive_as_they_were_sent(client: Any, faults: Faults) -> None:
    faults.push(Fault(body=b"<html>", content_type="text/html"))
    answer = invoke(client)
    assert (answer["ContentType"], answer["Body"].read()) == ("text/html", b"<html>")


def test_a_dropped_connection_is_a_connection_error(one_attempt: Any, faults: Faults) -> None:
    faults.push(Fault(drop=True))
    with pytest.raises(ConnectionClosedError):
        invoke(one_attempt)


def test_a_late_answer_is_a_read_timeout(one_attempt: Any, faults: Faults) -> None:
    faults.push(Fault(latency_ms=60_000))
    with pytest.raises(ReadTimeoutError):
        invoke(one_attempt)


def test_a_truncated_body_fails_when_it_is_read(client: Any, faults: Faults) -> None:
    faults.push(Fault(truncate_to=3))
    body = invoke(client)["Body"]
    with pytest.raises(ResponseStreamingError):
        body.read()


def test_a_dripping_body_slips_past_the_read_timeout(one_attempt: Any, faults: Faults) -> None:
    # Each byte arrives within the 200 ms of the client; all of them take longer.
    faults.push(Fault(drip_ms=200 / len(repr(SCORES[0])) + 2))
    assert invoke(one_attempt)["Body"].read() == f"{SCORES[0]!r}\n".encode()
