"""Calls to AWS for an operator: one attempt each, under a deadline, errors of ours only."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from functions.actions.aws import AwsService
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionThrottledError,
    ActionUnavailableError,
    OperationDeniedError,
    OperationError,
    OperationRejectedError,
    OperationUnavailableError,
)

TIMEOUT_S: Final = 20.0

_TITLES: Final = MappingProxyType(
    {
        "cloudwatch": "CloudWatch",
        "events": "EventBridge",
        "logs": "CloudWatch Logs",
        "s3": "S3",
        "sqs": "SQS",
    }
)

# The table of `functions.actions.aws_errors` says what an error of AWS means; here it is about no action.
_MEANINGS: Final = MappingProxyType[type[ActionError], type[OperationError]](
    {
        ActionAmbiguousError: OperationUnavailableError,
        ActionDeniedError: OperationDeniedError,
        ActionThrottledError: OperationUnavailableError,
        ActionUnavailableError: OperationUnavailableError,
    }
)
_HINTS: Final = MappingProxyType[type[OperationError], str](
    {
        OperationDeniedError: "Check the credentials, the region and the names: it is not there, or not "
        "allowed.",
        OperationUnavailableError: "Try again in a moment.",
    }
)


class AwsCalls:
    """The operations of one service.

    Args:
        service: As botocore names it.
        region: None for the SDK's own choice.
        timeout_s: Wall time of one call, in seconds.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """

    def __init__(
        self, service: str, *, region: str | None = None, timeout_s: float = TIMEOUT_S, client: Any = None
    ) -> None:
        self._service = AwsService(
            service, where=_TITLES[service], region=region, timeout_s=timeout_s, client=client
        )

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation once.

        Raises:
            OperationError: As its subclasses say; nothing of the request is in it.
        """
        try:
            return self._service.call(operation, request)
        except ActionError as error:
            found = _MEANINGS.get(type(error), OperationRejectedError)
            raise found(error.message, hint=_HINTS.get(found)) from None
