"""The service's side of the wire: what SageMaker itself answers, as botocore reads it.

Source: botocore's service model `sagemaker-runtime/2017-05-13`, and its rest-json error parser, which takes
the error's code from the header `x-amzn-ErrorType` and further members from the top level of the body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_BODY_BYTES = 6_291_456
"""The most that InvokeEndpoint takes. Source: shape BodyBlob of the service model."""

ACCOUNT = "000000000000"
REGION = "local"

ErrorKind = Literal[
    "InternalDependencyException",
    "InternalFailure",
    "ModelError",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ThrottlingException",
    "ValidationError",
]

STATUS: Mapping[ErrorKind, int] = {
    "InternalDependencyException": 530,
    "InternalFailure": 500,
    "ModelError": 424,
    "ModelNotReadyException": 429,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,  # in no service model, sent by the front door of every AWS service
    "ValidationError": 400,
}

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, before its connection headers."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def service_error(kind: ErrorKind, message: str) -> Reply:
    """Answer with an error of the service itself."""
    return _error(STATUS[kind], {"Message": message}, {"x-amzn-ErrorType": kind})


def model_error(endpoint: str, status: int, message: str) -> Reply:
    """Answer that the model's container refused or failed.

    Args:
        endpoint: The endpoint's name.
        status: What the container answered: 4xx, 5xx, or 0 where it did not answer in time.
        message: What the container said.
    """
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    body = {
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL" if side == "client" else "SERVER_ERROR_FROM_MODEL",
        "LogStreamArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
        "Message": f'Received {side} error ({status}) from primary with message "{message}". '
        f"See {group} in account {ACCOUNT} for more information.",
        "OriginalMessage": message,
        "OriginalStatusCode": status,
    }
    return _error(STATUS["ModelError"], body, {"x-amzn-ErrorType": "ModelError"})


def body_too_large() -> Reply:
    """Answer that a body is over the limit; the service names no error type, so its code reads "413"."""
    return _error(413, {"Message": f"HTTP content length exceeded {MAX_BODY_BYTES} bytes."}, {})


def length_required() -> Reply:
    """Answer that a body came without its length, which this server does not read."""
    return _error(411, {"Message": "A request body needs a Content-Length."}, {})


def unknown_operation() -> Reply:
    """Answer that the method and path name no operation served here."""
    kind = "UnknownOperationException"
    return _error(
        404,
        {"Message": "This server answers InvokeEndpoint, POST /models/<name> and /ping."},
        {"x-amzn-ErrorType": kind},
    )


def _error(status: int, body: Mapping[str, str | int], headers: Mapping[str, str]) -> Reply:
    return Reply(status, _JSON, json.dumps(body).encode(), headers)
