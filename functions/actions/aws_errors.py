"""What an error of EventBridge, SQS, SNS or of botocore means for an action, as data: one table for the three.

What says that nothing was taken is told from what leaves it open: a fault inside a service, or an answer
that was lost, may come after the message was taken, so it is ambiguous and keeps its key.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def _each(error: type[ActionError], names: str) -> Iterable[tuple[str, type[ActionError]]]:
    return ((name, error) for name in names.split())


# By the error code of a response, or of an entry of PutEvents. First the codes of PutEvents, SendMessage and
# Publish, then those that every AWS service may answer with.
# Source: botocore 1.44, data/{events,sqs,sns}/*/service-2.json, and retries/standard.py for the names of
# throttling; PutEventsResultEntry of the EventBridge API reference for the codes of entries;
# https://docs.aws.amazon.com/general/latest/gr/ for the common errors.
CODE_ERRORS: Final = MappingProxyType[str, type[ActionError]](
    dict(
        [
            *_each(
                ActionAmbiguousError,
                "InternalException InternalFailure InternalError InternalErrorException "
                "InternalServerError InternalServerException InternalServiceException "
                "RequestTimeout RequestTimeoutException",
            ),
            *_each(
                ActionRejectedError,
                "InvalidMessageContents UnsupportedOperation InvalidParameter InvalidParameterException "
                "InvalidParameterValue ParameterValueInvalid InvalidParameterValueException "
                "MalformedDetail InvalidArgument EventTooLarge RequestEntityTooLarge MessageTooLong "
                "ValidationError ValidationException InvalidAttributeValue InvalidAttributeName "
                "MissingParameter MalformedQueryString",
            ),
            *_each(
                ActionDeniedError,
                # A queue, topic, bus, platform or key that is not there, or may not be used.
                "InvalidAddress InvalidSecurity InvalidSecurityException QueueDoesNotExist "
                "AWS.SimpleQueueService.NonExistentQueue NotFound NotFoundException ResourceNotFound "
                "ResourceNotFoundException EndpointDisabled EndpointDisabledException "
                "PlatformApplicationDisabled PlatformApplicationDisabledException "
                "AuthorizationError AuthorizationErrorException NotAuthorizedForSourceException "
                "NotAuthorizedForDetailTypeException OperationDisabledException "
                "KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired "
                "KMSAccessDenied KMSAccessDeniedException KMSDisabled KMSDisabledException KMSInvalidState "
                "KMSInvalidStateException KMSNotFound KMSNotFoundException KMSOptInRequired",
            ),
            *_each(
                ActionThrottledError,
                "KmsThrottled KMSThrottling KMSThrottlingException Throttling ThrottlingException "
                "ThrottledException RequestThrottledException RequestThrottled TooManyRequestsException "
                "RequestLimitExceeded BandwidthLimitExceeded LimitExceededException "
                "ProvisionedThroughputExceededException SlowDown PriorRequestNotComplete "
                "TransactionInProgressException EC2ThrottledException OverLimit",
            ),
            *_each(ActionUnavailableError, "ServiceUnavailable ServiceUnavailableException"),
            # Credentials that have run out are fetched anew; nothing was taken meanwhile.
            *_each(
                ActionUnavailableError,
                "ExpiredToken ExpiredTokenException RequestExpired InvalidToken",
            ),
            *_each(
                ActionDeniedError,
                "AccessDenied AccessDeniedException NotAuthorized UnauthorizedOperation AuthFailure "
                "UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId "
                "MissingAuthenticationToken MissingAuthenticationTokenException "
                "IncompleteSignature IncompleteSignatureException "
                "InvalidSignatureException SignatureDoesNotMatch OptInRequired "
                "UnknownOperationException UnknownOperation InvalidAction",
            ),
        ]
    )
)

# By the name of botocore's class; a class that is not here is looked up by its parents, short of the
# root: a test walks botocore and finds every class covered.
EXCEPTION_ERRORS: Final = MappingProxyType[str, type[ActionError]](
    dict(
        [
            # Nothing has left.
            *_each(
                ActionUnavailableError,
                "ConnectTimeoutError EndpointConnectionError SSLError ProxyConnectionError "
                "CredentialRetrievalError MetadataRetrievalError CapacityNotAvailableError",
            ),
            # The request may have arrived.
            *_each(
                ActionAmbiguousError,
                "ReadTimeoutError ConnectionError HTTPClientError IncompleteReadError "
                "ResponseParserError ChecksumError FlexibleChecksumError",
            ),
            *_each(
                ActionDeniedError,
                # Credentials.
                "NoCredentialsError PartialCredentialsError NoAuthTokenError "
                "TokenRetrievalError UnknownTokenProviderError UnknownCredentialError SSOError LoginError "
                "RefreshWithMFAUnsupportedError InvalidIMDSEndpointError InvalidIMDSEndpointModeError "
                # Region, endpoint and configuration.
                "BaseEndpointResolverError EndpointProviderError InvalidEndpointConfigurationError "
                "UnknownRegionError ServiceNotInRegionError ProfileNotFound ConfigParseError ConfigNotFound "
                "InvalidConfigError InvalidRetryConfigurationError InvalidProxiesConfigError "
                "InvalidDefaultsMode InvalidChecksumConfigError InvalidEndpointDiscoveryConfigurationError "
                "InvalidSTSRegionalEndpointsConfigError InvalidS3UsEast1RegionalEndpointConfigError "
                "InvalidS3AddressingStyleError "
                # Signing.
                "UnknownSignatureVersionError UnsupportedSignatureVersionError MD5UnavailableError "
                "MissingDependencyException "
                # A service model or a client that is not as this code expects.
                "DataNotFoundError ApiVersionNotFoundError UnknownServiceStyle UnknownClientMethodError "
                "UndefinedModelAttributeError UnsupportedServiceProtocolsError PaginationError "
                "OperationNotPageableError WaiterError WaiterConfigError StubResponseError "
                # Of other services.
                "UnsupportedS3ArnError UnsupportedS3ControlArnError UnsupportedOutpostResourceError "
                "UnsupportedS3ConfigurationError UnsupportedS3AccesspointConfigurationError "
                "UnsupportedS3ControlConfigurationError",
            ),
            # Parameters, such as an address that can't be one.
            *_each(
                ActionRejectedError,
                "ParamValidationError ValidationError MissingParametersError InvalidHostLabelError "
                "InvalidDNSNameError InvalidExpressionError UnseekableStreamError AwsChunkedWrapperError",
            ),
        ]
    )
)


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
    """Return our error for a class of botocore by its name or its parents'; None where there is none."""
    for ancestor in kind_of_error.__mro__:
        if ancestor.__name__ in EXCEPTION_ERRORS:
            return EXCEPTION_ERRORS[ancestor.__name__]
    return None
