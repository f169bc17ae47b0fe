"""The tables of foreign errors are complete for the installed SDK."""

from __future__ import annotations

import botocore.exceptions
import botocore.session
import pytest

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from functions.models.http_status import error_for_container_status, error_for_status
from functions.models.sagemaker_errors import (
    CODE_ERRORS,
    MODEL_ERROR_CODE,
    error_for_exception,
)
from functions.outbound.aws_failures import CREDENTIAL_CODES


def test_every_error_of_invoke_endpoint_is_mapped() -> None:
    service = botocore.session.Session().get_service_model("sagemaker-runtime")
    shapes = service.operation_model("InvokeEndpoint").error_shapes
    codes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}
    assert codes == {
        "InternalDependencyException",
        "InternalFailure",
        "ModelError",
        "ModelNotReadyException",
        "ServiceUnavailable",
        "ValidationError",
    }
    assert codes - {MODEL_ERROR_CODE} <= set(CODE_ERRORS)


def test_credential_codes_are_denials() -> None:
    assert {CODE_ERRORS[code] for code in CREDENTIAL_CODES} == {ModelDeniedError}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ReadTimeoutError", ModelTimeoutError),
        ("ConnectTimeoutError", ModelTimeoutError),
        ("EndpointConnectionError", ModelUnavailableError),
        ("ConnectionClosedError", ModelUnavailableError),
        ("ResponseStreamingError", ModelUnavailableError),
        ("NoCredentialsError", ModelDeniedError),
        ("UnauthorizedSSOTokenError", ModelDeniedError),
        ("ParamValidationError", ModelDeniedError),
    ],
)
def test_exception_becomes(name: str, error: type[ModelError]) -> None:
    assert error_for_exception(getattr(botocore.exceptions, name)) is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ModelRejectedError),
        (404, ModelRejectedError),
        (415, ModelRejectedError),
        (429, ModelThrottledError),
        (500, ModelUnavailableError),
        (503, ModelUnavailableError),
        (0, ModelUnavailableError),
    ],
)
def test_status_of_a_container_becomes(status: int, error: type[ModelError]) -> None:
    assert error_for_container_status(status) is error


def test_every_status_has_an_error_and_only_these_are_retried() -> None:
    errors = {status: error_for_status(status) for status in range(600)}
    assert {status for status, error in errors.items() if error.retryable} == {
        408,
        425,
        429,
        *range(500, 600),
    }


def test_redirect_and_missing_route_are_denied() -> None:
    assert {error_for_status(status) for status in (301, 302, 307, 308, 401, 403, 404, 405)} == {
        ModelDeniedError
    }
