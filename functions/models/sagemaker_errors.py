"""What a failure of SageMaker means for a model, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelReplyError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from functions.outbound.aws_failures import AwsFailure, codes, failure_of

MODEL_ERROR_CODE: Final = "ModelError"
"""The container failed; what that means depends on the status it gave (`error_for_container_status`)."""

_MEANING: Final = MappingProxyType[AwsFailure, type[ModelError]](
    {
        "throttled": ModelThrottledError,
        "internal": ModelUnavailableError,
        "unavailable": ModelUnavailableError,
        "expired": ModelDeniedError,
        "forbidden": ModelDeniedError,
        "unconnected": ModelUnavailableError,
        "connect_timeout": ModelTimeoutError,
        "read_timeout": ModelTimeoutError,
        "broken": ModelUnavailableError,
        "unreadable": ModelReplyError,
        "no_credentials": ModelDeniedError,
        "setup": ModelDeniedError,
        "parameters": ModelDeniedError,
    }
)

# Source: botocore 1.44, data/sagemaker-runtime/2017-05-13/service-2.json.
CODE_ERRORS: Final = codes(
    _MEANING,
    [
        (ModelUnavailableError, "InternalDependencyException"),
        (ModelThrottledError, "ModelNotReadyException"),
        # Such as an endpoint or variant that does not exist: nothing that another attempt would cure.
        (ModelDeniedError, "ValidationError ValidationException ResourceNotFound ResourceNotFoundException"),
    ],
)
"""Errors by the code of a response."""


def error_for_exception(kind_of_error: type[BaseException]) -> type[ModelError] | None:
    """Return our error for an exception class of botocore; None where there is none."""
    failure = failure_of(kind_of_error)
    return None if failure is None else _MEANING[failure]
