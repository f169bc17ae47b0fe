"""How a call of AWS can fail, in the few words that adapters act on: what every service has in common.

Each adapter says what a failure means for it, and adds the codes of its own service. Names are compared as
text, so nothing of the AWS SDK is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeVar

AwsFailure = Literal[
    "throttled",
    "internal",
    "unavailable",
    "expired",
    "forbidden",
    "unconnected",
    "connect_timeout",
    "read_timeout",
    "broken",
    "unreadable",
    "no_credentials",
    "setup",
    "parameters",
]
"""What happened.

- `throttled`: too many calls; nothing was carried out.
- `internal`: a fault inside the service, or no answer in its time; the call may have been carried out.
- `unavailable`: the service is down; nothing was carried out.
- `expired`: credentials that ran out; new ones are fetched.
- `forbidden`: credentials or rights that do not suffice, or an operation that is not there.
- `unconnected`: no connection, so nothing left.
- `connect_timeout`: no connection in time, so nothing left.
- `read_timeout`: no answer in time; the call may have been carried out.
- `broken`: the connection broke.
- `unreadable`: an answer came, and it is not what the service writes.
- `no_credentials`: credentials could not be had just now.
- `setup`: credentials, region, endpoint or SDK are not set up for this call.
- `parameters`: the SDK refuses what it was given.
"""

Error = TypeVar("Error", bound=BaseException)


def _each(failure: AwsFailure, names: str) -> Iterable[tuple[str, AwsFailure]]:
    return ((name, failure) for name in names.split())


# Source: botocore 1.44, retries/standard.py for the names of throttling;
# https://docs.aws.amazon.com/general/latest/gr/ for the common errors.
COMMON_CODES: Final = MappingProxyType[str, AwsFailure](
    dict(
        [
            *_each(
                "throttled",
                "Throttling ThrottlingException ThrottledException RequestThrottledException "
                "RequestThrottled TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded "
                "LimitExceededException ProvisionedThroughputExceededException SlowDown "
                "PriorRequestNotComplete TransactionInProgressException EC2ThrottledException",
            ),
            *_each(
                "internal",
                "InternalFailure InternalError InternalServerError InternalServerException "
                "InternalServiceException RequestTimeout RequestTimeoutException",
            ),
            *_each("unavailable", "ServiceUnavailable ServiceUnavailableException"),
            *_each("expired", "ExpiredToken ExpiredTokenException RequestExpired InvalidToken"),
            *_each(
                "forbidden",
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
"""Error codes that every service may answer with."""

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

_CREDENTIAL_EXCEPTIONS: Final = frozenset(
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

# A class that is not here is looked up by its parents, short of the root: tests walk botocore and find every
# class covered.
EXCEPTIONS: Final = MappingProxyType[str, AwsFailure](
    dict(
        [
            *_each("unconnected", "EndpointConnectionError SSLError ProxyConnectionError"),
            *_each("connect_timeout", "ConnectTimeoutError"),
            *_each("read_timeout", "ReadTimeoutError"),
            *_each("broken", "ConnectionError HTTPClientError IncompleteReadError"),
            *_each("unreadable", "ResponseParserError ChecksumError FlexibleChecksumError"),
            *_each("throttled", "CapacityNotAvailableError"),
            *_each("no_credentials", "CredentialRetrievalError"),
            *_each("unavailable", "MetadataRetrievalError"),
            *_each(
                "setup",
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
                # A service model or a client that is not as our code expects.
                "DataNotFoundError ApiVersionNotFoundError UnknownServiceStyle UnknownClientMethodError "
                "UndefinedModelAttributeError UnsupportedServiceProtocolsError PaginationError "
                "OperationNotPageableError WaiterError WaiterConfigError StubResponseError "
                # Of other services.
                "UnsupportedS3ArnError UnsupportedS3ControlArnError UnsupportedOutpostResourceError "
                "UnsupportedS3ConfigurationError UnsupportedS3AccesspointConfigurationError "
                "UnsupportedS3ControlConfigurationError",
            ),
            # Such as a name or an address that can't be one.
            *_each(
                "parameters",
                "ParamValidationError ValidationError MissingParametersError InvalidHostLabelError "
                "InvalidDNSNameError InvalidExpressionError UnseekableStreamError AwsChunkedWrapperError",
            ),
        ]
    )
)
"""Failures by the name of botocore's exception class."""


def codes(
    meaning: Mapping[AwsFailure, type[Error]], own: Iterable[tuple[type[Error], str]]
) -> Mapping[str, type[Error]]:
    """Return errors by code.

    Args:
        meaning: What each common failure is for an adapter.
        own: Errors with further codes of its service, separated by spaces; they go before the common ones.
    """
    common = {code: meaning[failure] for code, failure in COMMON_CODES.items()}
    special = {code: error for error, names in own for code in names.split()}
    return MappingProxyType({**common, **special})


def failure_of(kind_of_error: type[BaseException]) -> AwsFailure | None:
    """Return what an exception class of botocore means; None for a class that is not botocore's."""
    for ancestor in kind_of_error.__mro__:
        if ancestor.__name__ in EXCEPTIONS:
            return EXCEPTIONS[ancestor.__name__]
    return None


def is_about_credentials(kind_of_error: type[BaseException]) -> bool:
    """Say whether a class of botocore means that credentials are missing or can't be had."""
    return any(ancestor.__name__ in _CREDENTIAL_EXCEPTIONS for ancestor in kind_of_error.__mro__)
