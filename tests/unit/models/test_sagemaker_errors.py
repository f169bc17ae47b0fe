"""The tables of foreign errors are complete for the installed SDK."""

from __future__ import annotations

from collections.abc import Iterator

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
    CREDENTIAL_CODES,
    CREDENTIAL_EXCEPTIONS,
    EXCEPTION_ERRORS,
    MODEL_ERROR_CODE,
    error_for_exception,
)


def _exceptions() -> Iterator[type[Exception]]:
    for found in vars(botocore.exceptions).values():
        if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, Warning):
            yield found


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


def test_every_exception_of_botocore_is_mapped_by_itself_or_a_parent() -> None:
    # The root has no entry of its own, and a response with an error is read by its code.
    roots = {"BotoCoreError", "ClientError", "EventStreamError"}
    unmapped = {found.__name__ for found in _exceptions() if error_for_exception(found) is None}
    assert unmapped == roots


def test_every_name_in_the_table_is_one_of_botocore() -> None:
    known = {found.__name__ for found in _exceptions()} | {"ResponseParserError"}
    assert set(EXCEPTION_ERRORS) - known == set()
    assert known >= CREDENTIAL_EXCEPTIONS


def test_throttling_names_are_those_that_botocore_retries() -> None:
    from botocore.retries.standard import ThrottledRetryableChecker

    names = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
    assert {name for name in names if CODE_ERRORS.get(name) is not ModelThrottledError} == set()


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
