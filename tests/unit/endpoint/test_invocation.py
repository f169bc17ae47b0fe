import json
from collections.abc import Sequence
from typing import get_args

import pytest

from functions.endpoint.faults import Fault
from functions.endpoint.invocation import ReceivedRequest, answer
from functions.endpoint.replies import STATUS, ErrorKind, Reply


class Sum:
    """A scorer whose scores are easy to tell."""

    feature_names = ("a", "b")

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        return [sum(row) for row in rows]


def invoke(
    *,
    path: str = "/endpoints/risk/invocations",
    method: str = "POST",
    body: bytes = b"0.25,0.5",
    fault: Fault | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    named = {"content-type": "text/csv", **(headers or {})}
    return answer({"risk": Sum()}, ReceivedRequest(method, path, named, body), fault or Fault())


def error(reply: Reply) -> tuple[int, str | None, str]:
    return reply.status, reply.headers.get("x-amzn-ErrorType"), json.loads(reply.body)["Message"]


def test_a_row_is_answered_with_a_score_and_the_variant() -> None:
    reply = invoke(headers={"accept": "text/csv"})
    assert (reply.status, reply.content_type, reply.body) == (200, "text/csv", b"0.75\n")
    assert reply.headers == {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv; q=0.5", "text/csv"),
        ("image/png, TEXT/CSV", "text/csv"),
        ("application/jsonlines", "application/jsonlines"),
    ],
)
def test_accept_chooses_the_format(accept: str, content_type: str) -> None:
    assert invoke(headers={"accept": accept}).content_type == content_type


def test_the_variant_that_was_asked_for_is_the_one_that_answers() -> None:
    reply = invoke(headers={"x-amzn-sagemaker-target-variant": "blue"})
    assert reply.headers["x-Amzn-Invoked-Production-Variant"] == "blue"


def test_custom_attributes_come_back() -> None:
    reply = invoke(headers={"x-amzn-sagemaker-custom-attributes": "trace=1; a b"})
    assert reply.headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace=1; a b"


@pytest.mark.parametrize("attributes", ["x" * 1025, "caf\u00e9", "a\r\nSet-Cookie: b"])
def test_custom_attributes_that_can_not_be_a_header_are_refused(attributes: str) -> None:
    status, kind, _ = error(invoke(headers={"x-amzn-sagemaker-custom-attributes": attributes}))
    assert (status, kind) == (400, "ValidationError")


def test_an_unknown_endpoint_is_named_in_a_validation_error() -> None:
    reply = invoke(path="/endpoints/other/invocations")
    assert error(reply) == (400, "ValidationError", "Endpoint other of account 000000000000 not found.")


@pytest.mark.parametrize("name", ["-a", "a-", "a_b", "%2e%2e", "a" * 64, "a%2Fb"])
def test_a_name_that_no_endpoint_can_have_is_a_validation_error(name: str) -> None:
    status, kind, message = error(invoke(path=f"/endpoints/{name}/invocations"))
    assert (status, kind) == (400, "ValidationError")
    assert message.startswith("1 validation error detected")


@pytest.mark.parametrize("header", ["target-variant", "inference-component"])
def test_a_variant_or_component_that_is_no_name_is_a_validation_error(header: str) -> None:
    status, kind, _ = error(invoke(headers={f"x-amzn-sagemaker-{header}": "a b"}))
    assert (status, kind) == (400, "ValidationError")


@pytest.mark.parametrize("header", ["target-model", "target-container-hostname", "enable-explanations"])
def test_what_is_not_served_is_refused_and_not_ignored(header: str) -> None:
    status, kind, _ = error(invoke(headers={f"x-amzn-sagemaker-{header}": "x"}))
    assert (status, kind) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("headers", "body", "original"),
    [
        ({"content-type": "text/plain"}, b"1,2", 415),
        ({"content-type": ""}, b"1,2", 415),
        ({"accept": "image/png"}, b"1,2", 406),
        ({}, b"1,", 400),
        ({}, b"1,2,3", 400),
        ({}, b"", 400),
        ({"content-type": "application/json"}, b'{"instances": [[1', 400),
    ],
)
def test_what_the_container_refuses_is_a_model_error_with_its_status(
    headers: dict[str, str], body: bytes, original: int
) -> None:
    reply = invoke(body=body, headers=headers)
    document = json.loads(reply.body)
    assert (reply.status, reply.headers["x-amzn-ErrorType"]) == (424, "ModelError")
    assert document["OriginalStatusCode"] == original
    assert document["Message"].startswith(f"Received client error ({original}) from primary with message ")
    assert document["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/risk")


def test_no_value_of_a_refused_row_is_in_the_reply() -> None:
    assert b"4711" not in invoke(body=b"4711.4711,secret4711").body


@pytest.mark.parametrize("content_type", ["text/csv; charset=utf-8", "TEXT/CSV"])
def test_the_content_type_is_read_without_its_parameters(content_type: str) -> None:
    assert invoke(headers={"content-type": content_type}).status == 200


def test_every_kind_of_error_has_a_status() -> None:
    assert set(STATUS) == set(get_args(ErrorKind))


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_an_error_on_purpose_wears_its_status_and_type(kind: ErrorKind) -> None:
    reply = invoke(fault=Fault(error=kind, message="as told"))
    assert (reply.status, reply.headers["x-amzn-ErrorType"]) == (STATUS[kind], kind)
    assert "as told" in json.loads(reply.body)["Message"]


def test_a_container_that_timed_out_is_a_server_error_with_status_zero() -> None:
    document = json.loads(invoke(fault=Fault(error="ModelError", original_status=0)).body)
    assert (document["OriginalStatusCode"], document["ErrorCode"]) == (0, "SERVER_ERROR_FROM_MODEL")


def test_a_score_on_purpose_stands_in_for_every_row() -> None:
    assert (
        invoke(body=b"1,2\n3,4", headers={"accept": "text/csv"}, fault=Fault(score=36e6)).body
        == b"36000000.0\n36000000.0\n"
    )


def test_a_body_and_a_content_type_on_purpose_replace_those_of_the_model() -> None:
    reply = invoke(fault=Fault(body=b"<html>", content_type="text/html"))
    assert (reply.status, reply.content_type, reply.body) == (200, "text/html", b"<html>")


def test_ping_is_answered_with_nothing() -> None:
    reply = invoke(method="GET", path="/ping")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/endpoints/risk/invocations"),
        ("POST", "/ping"),
        ("POST", "/endpoints/risk/async-invocations"),
        ("POST", "/endpoints/risk/invocations-response-stream"),
        ("POST", "/endpoints/a/b/invocations"),
        ("GET", "/"),
    ],
)
def test_anything_else_is_an_unknown_operation(method: str, path: str) -> None:
    status, kind, _ = error(invoke(method=method, path=path))
    assert (status, kind) == (404, "UnknownOperationException")
