"""What an error of DynamoDB or of botocore means, as data."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from functions.errors import (
    ProfileStoreError,
    StoreDeniedError,
    StoreRejectedError,
    StoreThrottledError,
    StoreUnavailableError,
)
from functions.outbound.aws_failures import (
    CREDENTIAL_CODES,
    AwsFailure,
    codes,
    failure_of,
    is_about_credentials,
)
from functions.profiles.dynamodb_table import INDEX_ACTIONS, TABLE_ACTIONS

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
"""A condition of a single write does not hold: an answer, not an error."""

CANCELLED: Final = "TransactionCanceledException"
"""A transaction was not carried out; its reasons say why."""

CONFLICT_CODES: Final = frozenset({"TransactionConflictException", "TransactionInProgressException"})
"""Another transaction is at the same items; the same request may pass a moment later."""

TABLE_MISSING: Final = "ResourceNotFoundException"


_MEANING: Final = MappingProxyType[AwsFailure, type[ProfileStoreError]](
    {
        "throttled": StoreThrottledError,
        "internal": StoreUnavailableError,
        "unavailable": StoreUnavailableError,
        # Credentials that have run out, or can't be had just now, are fetched anew.
        "expired": StoreUnavailableError,
        "forbidden": StoreDeniedError,
        "unconnected": StoreUnavailableError,
        "connect_timeout": StoreUnavailableError,
        "read_timeout": StoreUnavailableError,
        "broken": StoreUnavailableError,
        # What was received can't be read: the answer is lost, so a write is in doubt.
        "unreadable": StoreUnavailableError,
        "no_credentials": StoreUnavailableError,
        "setup": StoreDeniedError,
        "parameters": StoreRejectedError,
    }
)

# Source: botocore 1.44, data/dynamodb/2012-08-10/service-2.json;
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html.
CODE_ERRORS: Final = codes(
    _MEANING,
    [
        (StoreThrottledError, " ".join(sorted(CONFLICT_CODES))),
        (
            StoreRejectedError,
            (
                "ValidationException ItemCollectionSizeLimitExceededException ReplicatedWriteConflictException "
                "IdempotentParameterMismatchException SerializationException"
            ),
        ),
        (StoreDeniedError, f"{TABLE_MISSING} InvalidEndpointException"),
    ],
)
"""Errors by the code of a response."""

REASON_ERRORS: Final = MappingProxyType[str, type[ProfileStoreError] | None](
    {
        "None": None,
        "ConditionalCheckFailed": None,
        "TransactionConflict": None,
        "ItemCollectionSizeLimitExceeded": StoreRejectedError,
        "ValidationError": StoreRejectedError,
        "DuplicateItem": StoreRejectedError,
        "AccessDenied": StoreDeniedError,
        "ProvisionedThroughputExceeded": StoreThrottledError,
        "ThrottlingError": StoreThrottledError,
        "RequestLimitExceeded": StoreThrottledError,
    }
)
"""By the code of a cancellation reason; None where it is an answer.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html.
"""

_CREDENTIALS_HINT: Final = (
    "Give the AWS SDK credentials (environment, profile or role) that may use the table."
)
_RIGHTS_HINT: Final = (
    f"Allow {', '.join(TABLE_ACTIONS)} on the table, {', '.join(INDEX_ACTIONS)} on its index, and the use of "
    "its key."
)


def from_code(code: str, status: int, table: str) -> ProfileStoreError:
    """Translate an error response; its own text is left out, since it may quote keys and values.

    Args:
        code: Of the response; one that is not in the table is not repeated.
        status: Of HTTP; speaks where the code is not known.
        table: Name of the table, which the message names.
    """
    if code == TABLE_MISSING:
        return StoreDeniedError(
            f"the profile store {table}: {code}",
            hint=f"There is no table {table} in this account and region, or it is not ready yet. Create it, "
            "or correct the name or the region.",
        )
    if code in CODE_ERRORS:
        kind = CODE_ERRORS[code]
        hint = _CREDENTIALS_HINT if code in CREDENTIAL_CODES else None
        if hint is None and kind is StoreDeniedError:
            hint = _RIGHTS_HINT
        return kind(f"the profile store {table}: {code}", hint=hint)
    return _by_status(status)(f"the profile store {table}: HTTP status {status}")


def from_exception(kind: type[BaseException], table: str) -> ProfileStoreError:
    """Translate an exception class of botocore; its text may quote parameters."""
    failure = failure_of(kind)
    found = ProfileStoreError if failure is None else _MEANING[failure]
    hint = _CREDENTIALS_HINT if is_about_credentials(kind) else None
    return found(f"the profile store {table}: {kind.__name__}", hint=hint)


def from_reasons(codes: Iterable[str], table: str) -> ProfileStoreError | None:
    """Return the error that cancelled a transaction; None where its reasons are answers.

    What no repetition cures comes first.
    """
    found = {code: REASON_ERRORS.get(code, ProfileStoreError) for code in codes}
    errors = [(kind.retryable, code, kind) for code, kind in found.items() if kind is not None]
    if not errors:
        return None
    _, code, kind = min(errors, key=lambda error: error[:2])
    named = code if code in REASON_ERRORS else "a reason that this version does not know"
    return kind(f"the profile store {table}: transaction cancelled, {named}")


def _by_status(status: int) -> type[ProfileStoreError]:
    if status == 429:
        return StoreThrottledError
    if status >= 500 or status in (0, 408):
        return StoreUnavailableError
    if status in (401, 403):
        return StoreDeniedError
    return StoreRejectedError if status >= 400 else ProfileStoreError
