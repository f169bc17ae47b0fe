"""How a call over HTTP can fail, in the few words that callers act on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

FailureKind = Literal[
    "refused_address", "unresolved", "unreachable", "timeout", "broken", "too_large", "encoded", "unusable"
]
"""What happened.

- `refused_address`: the host has an address that may not be called.
- `unresolved`: the host has no address.
- `unreachable`: no connection, or no TLS session.
- `timeout`: too slow.
- `broken`: the connection broke, or what came back was no HTTP.
- `too_large`: the body of the answer is over its limit.
- `encoded`: the body is compressed, although that was not asked for.
- `unusable`: the request can't be made as configured.
"""


class HttpCallError(OSError):
    """A call without a usable answer. Says nothing of what was sent or received.

    Attributes:
        kind: What happened.
        sent: Whether the body began to leave. False is a promise: it did not and never will.
    """

    def __init__(self, kind: FailureKind, *, sent: bool = False) -> None:
        super().__init__(kind)
        self.kind: FailureKind = kind
        self.sent = sent


# By the name of httpx's class; a class that is not here is looked up by its parents.
HTTPX_FAILURES: Final = MappingProxyType[str, FailureKind](
    {
        "ConnectError": "unreachable",
        "ConnectTimeout": "unreachable",
        "PoolTimeout": "unreachable",
        "ProxyError": "unreachable",
        "TimeoutException": "timeout",
        "NetworkError": "broken",
        "RemoteProtocolError": "broken",
        "DecodingError": "broken",
        "StreamError": "broken",
        "LocalProtocolError": "unusable",
        "UnsupportedProtocol": "unusable",
        "InvalidURL": "unusable",
        "TooManyRedirects": "unusable",
        "HTTPStatusError": "unusable",
        "CookieConflict": "unusable",
        # Parents of all of the above: what a later httpx may add below them.
        "ProtocolError": "broken",
        "TransportError": "broken",
        "RequestError": "broken",
        "HTTPError": "broken",
    }
)


UNREADABLE_ANSWER: Final = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
)
"""What botocore's parsers let through when an answer is not what the service writes: no UTF-8, JSON of another
shape, an instant out of range. Something between, a gateway most often, has answered in its place."""


def httpx_failure(kind_of_error: type[BaseException]) -> FailureKind | None:
    """Return what an exception class of httpx means; None for a class that is not httpx's."""
    for ancestor in kind_of_error.__mro__:
        if ancestor.__name__ in HTTPX_FAILURES:
            return HTTPX_FAILURES[ancestor.__name__]
    return None
