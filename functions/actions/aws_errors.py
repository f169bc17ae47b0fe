"""What a failure of EventBridge, SQS or SNS means for an action, as data: one table for the three.

What says that nothing was taken is told from what leaves it open: a fault inside a service, or an answer
that was lost, may come after the message was taken, so it is ambiguous and keeps its key.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
)
from functions.outbound.aws_failures import AwsFailure, codes, failure_of

_MEANING: Final = MappingProxyType[AwsFailure, type[ActionError]](
    {
        "throttled": ActionThrottledError,
        "internal": ActionAmbiguousError,
        "unavailable": ActionUnavailableError,
        # Credentials that have run out are fetched anew; nothing was taken meanwhile.
        "expired": ActionUnavailableError,
        "forbidden": ActionDeniedError,
        "unconnected": ActionUnavailableError,
        "connect_timeout": ActionUnavailableError,
        "read_timeout": ActionAmbiguousError,
        "broken": ActionAmbiguousError,
        "unreadable": ActionAmbiguousError,
        "no_credentials": ActionUnavailableError,
        "setup": ActionDeniedError,
        "parameters": ActionRejectedError,
    }
)

# The codes of PutEvents and its entries, SendMessage and Publish.
# Source: botocore 1.44, data/{events,sqs,sns}/*/service-2.json; PutEventsResultEntry of the EventBridge API
# reference for the codes of entries.
CODE_ERRORS: Final = codes(
    _MEANING,
    [
        (ActionAmbiguousError, "InternalException InternalErrorException"),
        (
            ActionRejectedError,
            (
                "InvalidMessageContents UnsupportedOperation InvalidParameter InvalidParameterException "
                "InvalidParameterValue ParameterValueInvalid InvalidParameterValueException "
                "MalformedDetail InvalidArgument EventTooLarge RequestEntityTooLarge MessageTooLong "
                "ValidationError ValidationException InvalidAttributeValue InvalidAttributeName "
                "MissingParameter MalformedQueryString"
            ),
        ),
        # A queue, topic, bus, platform or key that is not there, or may not be used.
        (
            ActionDeniedError,
            (
                "InvalidAddress InvalidSecurity InvalidSecurityException QueueDoesNotExist "
                "AWS.SimpleQueueService.NonExistentQueue NotFound NotFoundException ResourceNotFound "
                "ResourceNotFoundException EndpointDisabled EndpointDisabledException "
                "PlatformApplicationDisabled PlatformApplicationDisabledException "
                "AuthorizationError AuthorizationErrorException NotAuthorizedForSourceException "
                "NotAuthorizedForDetailTypeException OperationDisabledException "
                "KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired "
                "KMSAccessDenied KMSAccessDeniedException KMSDisabled KMSDisabledException KMSInvalidState "
                "KMSInvalidStateException KMSNotFound KMSNotFoundException KMSOptInRequired"
            ),
        ),
        (ActionThrottledError, "KmsThrottled KMSThrottling KMSThrottlingException OverLimit"),
    ],
)
"""Errors by the code of a response, or of an entry of PutEvents."""


def error_for_code(code: str, status: int = 0) -> type[ActionError]:
    """Return the error for the code of a response; the status decides about codes that are not known.

    Args:
        code: The code of the response.
        status: Its HTTP status; 0 where there is none.
    """
    if code in CODE_ERRORS:
        return CODE_ERRORS[code]
    if 400 <= status < 500:
        return ActionThrottledError if status == 429 else ActionRejectedError
    return ActionUnavailableError if status == 503 else ActionAmbiguousError


def error_for_exception(kind_of_error: type[BaseException]) -> type[ActionError] | None:
    """Return our error for an exception class of botocore; None where there is none."""
    failure = failure_of(kind_of_error)
    return None if failure is None else _MEANING[failure]
