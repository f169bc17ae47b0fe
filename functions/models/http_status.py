"""What an HTTP status means for a model call, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelThrottledError,
    ModelUnavailableError,
)

STATUS_ERRORS: Final = MappingProxyType[int, type[ModelError]](
    {
        400: ModelRejectedError,
        401: ModelDeniedError,
        403: ModelDeniedError,
        404: ModelDeniedError,
        405: ModelDeniedError,
        406: ModelDeniedError,
        407: ModelDeniedError,
        408: ModelUnavailableError,
        410: ModelDeniedError,
        413: ModelRejectedError,
        415: ModelRejectedError,
        422: ModelRejectedError,
        425: ModelUnavailableError,
        429: ModelThrottledError,
    }
)


def error_for_status(status: int) -> type[ModelError]:
    """Return the error for a status that is no success.

    A redirect is `ModelDeniedError`: none is followed, the address has to be put right.
    """
    if status in STATUS_ERRORS:
        return STATUS_ERRORS[status]
    if status >= 500:
        return ModelUnavailableError
    return ModelDeniedError if 300 <= status < 400 else ModelError


def error_for_container_status(status: int) -> type[ModelError]:
    """Return the error for what a model's container answered behind an endpoint.

    The endpoint itself took the call, so 4xx says that the payload is wrong, except where the container
    is busy or slow; 0 stands for a container that did not answer in time.
    """
    if status in (408, 425, 429):
        return STATUS_ERRORS[status]
    return ModelRejectedError if 400 <= status < 500 else ModelUnavailableError
