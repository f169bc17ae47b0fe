"""What a webhook's answer means, as data: taken, refused, or perhaps taken."""

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
from functions.outbound.failures import FailureKind

# Statuses that say nothing was done are told from those after which the receiver may have acted.
STATUS_ERRORS: Final = MappingProxyType[int, type[ActionError]](
    {
        401: ActionDeniedError,
        403: ActionDeniedError,
        404: ActionDeniedError,
        405: ActionDeniedError,
        407: ActionDeniedError,
        408: ActionThrottledError,
        # A request under this key is still being worked on. It stays reserved until its lease ends.
        # Source: draft-ietf-httpapi-idempotency-key-header, 2.7
        409: ActionAmbiguousError,
        # The receiver wants no more of these. Source: Standard Webhooks, "Delivery success and failure".
        410: ActionDeniedError,
        425: ActionThrottledError,
        429: ActionThrottledError,
        501: ActionRejectedError,
        503: ActionUnavailableError,
        505: ActionRejectedError,
    }
)


def error_for_status(status: int) -> type[ActionError]:
    """Return the error for a status that is no success.

    Any other 5xx is ambiguous: a receiver, or a gateway before it, failed somewhere after the request
    had arrived. Any other status below 500, redirects included, is a refusal.
    """
    if status in STATUS_ERRORS:
        return STATUS_ERRORS[status]
    return ActionAmbiguousError if status >= 500 else ActionRejectedError


_UNSENT: Final = MappingProxyType[FailureKind, type[ActionError]](
    {
        "refused_address": ActionDeniedError,
        "unresolved": ActionUnavailableError,
        "unreachable": ActionUnavailableError,
        "timeout": ActionUnavailableError,
        "broken": ActionUnavailableError,
        "too_large": ActionAmbiguousError,
        "encoded": ActionAmbiguousError,
        "unusable": ActionRejectedError,
    }
)


def error_for_failure(kind: FailureKind, *, sent: bool) -> type[ActionError]:
    """Return the error for a call without an answer. Whatever began to leave may have arrived."""
    return ActionAmbiguousError if sent else _UNSENT[kind]
