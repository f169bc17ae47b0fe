"""What an error of SageMaker or of botocore means, as data."""

from __future__ import annotations

from collections.abc import Iterable
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

MODEL_ERROR_CODE: Final = "ModelError"
"""The container failed; what that means depends on the status it gave (`error_for_container_status`)."""


def _each(error: type[ModelError], names: str) -> Iterable[tuple[str, type[ModelError]]]:
    return ((name, error) for name in names.split())


# By the error code of the response. The first three groups are the codes of InvokeEndpoint, the others
# those that every AWS service may answer with.
# Source: botocore 1.44, data/sagemaker-runtime/2017-05-13/service-2.json, and retries/standard.py for the
# names of throttling; https://docs.aws.amazon.com/general/latest/gr/ for the common errors.
CODE_ERRORS: Final = MappingProxyType[str, type[ModelError]](
    dict(
        [
            *_each(ModelUnavailableError, "InternalFailure ServiceUnavailable InternalDependencyException"),
            *_each(ModelThrottledError, "ModelNotReadyException"),
            # Such as an endpoint or variant that does not exist: nothing that another attempt would cure.
            *_each(ModelDeniedError, "ValidationError ValidationException"),
            *_each(
                ModelUnavailableError,
                "InternalServerError InternalServerException InternalError InternalServiceException "
                "ServiceUnavailableException RequestTimeout RequestTimeoutException",
            ),
            *_each(
                ModelThrottledError,
                "Throttling ThrottlingException ThrottledException RequestThrottledException "
                "RequestThrottled TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded "
                "LimitExceededException ProvisionedThroughputExceededException SlowDown "
                "PriorRequestNotComplete TransactionInProgressException EC2ThrottledException",
            ),
            *_each(
                ModelDeniedError,
                "AccessDenied AccessDeniedException NotAuthorized UnauthorizedOperation AuthFailure "
                "UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId "
                "MissingAuthenticationToken MissingAuthenticationTokenException "
                "IncompleteSignature IncompleteSignatureException "
                "InvalidSignatureException SignatureDoesNotMatch ExpiredToken ExpiredTokenException "
                "RequestExpired InvalidToken OptInRequired ResourceNotFound ResourceNotFoundException "
                "UnknownOperationException UnknownOperation InvalidAction",
            ),
        ]
    )
)

CREDENTIAL_CODES: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidToken",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    }
)
"""Codes that say the credentials are at fault, not the rights."""

CREDENTIAL_EXCEPTIONS: Final = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "NoAuthTokenError",
        "TokenRetrievalError",
        "SSOError",
        "LoginError",
        "UnknownCredentialError",
    }
)
"""Exceptions of botocore that say the same."""

# By the name of botocore's class; a class that is not here is looked up by its parents, short of the
# root: a test walks botocore and finds every class covered.
EXCEPTION_ERRORS: Final = MappingProxyType[str, type[ModelError]](
    dict(
        [
            *_each(ModelTimeoutError, "ReadTimeoutError ConnectTimeoutError"),
            *_each(
                ModelUnavailableError,
                "ConnectionError HTTPClientError IncompleteReadError MetadataRetrievalError",
            ),
            *_each(ModelThrottledError, "CapacityNotAvailableError"),
            *_each(ModelReplyError, "ResponseParserError ChecksumError FlexibleChecksumError"),
            *_each(
                ModelDeniedError,
                # Credentials.
                "NoCredentialsError PartialCredentialsError CredentialRetrievalError NoAuthTokenError "
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
                # Parameters, such as an endpoint name that can't be one.
                "ParamValidationError ValidationError MissingParametersError InvalidHostLabelError "
                "InvalidDNSNameError InvalidExpressionError UnseekableStreamError AwsChunkedWrapperError "
                # A service model or a client that is not as this code expects.
                "DataNotFoundError ApiVersionNotFoundError UnknownServiceStyle UnknownClientMethodError "
                "UndefinedModelAttributeError UnsupportedServiceProtocolsError PaginationError "
                "OperationNotPageableError WaiterError WaiterConfigError StubResponseError "
                # Of other services.
                "UnsupportedS3ArnError UnsupportedS3ControlArnError UnsupportedOutpostResourceError "
                "UnsupportedS3ConfigurationError UnsupportedS3AccesspointConfigurationError "
                "UnsupportedS3ControlConfigurationError",
            ),
        ]
    )
)


def error_for_exception(kind_of_error: type[BaseException]) -> type[ModelError] | None:
    """Return our error for a class of botocore by its name or its parents'; None where there is none."""
    for ancestor in kind_of_error.__mro__:
        if ancestor.__name__ in EXCEPTION_ERRORS:
            return EXCEPTION_ERRORS[ancestor.__name__]
    return None


def is_about_credentials(kind_of_error: type[BaseException]) -> bool:
    """Say whether a class of botocore means that credentials are missing or can't be had."""
    return any(ancestor.__name__ in CREDENTIAL_EXCEPTIONS for ancestor in kind_of_error.__mro__)
