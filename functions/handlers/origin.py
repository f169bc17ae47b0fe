"""Where a record comes from: its event source, its account, and when it arrived there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import EventEnvelopeError, EventForeignAccountError
from functions.events.envelopes import Vet, account_in
from functions.times import parse_instant

# Kind of the record to the path of the instant at which AWS took it. Clocks of producers are corrected by
# it, so it must be the same at every redelivery.
_ARRIVALS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:sqs": ("attributes", "SentTimestamp"),
    "aws:kinesis": ("kinesis", "approximateArrivalTimestamp"),
    "aws:dynamodb": ("dynamodb", "ApproximateCreationDateTime"),
    "eventbridge": ("time",),
    "http": ("requestContext", "timeEpoch"),
}


def check_source(record: Json, source: str) -> None:
    """Refuse a record of another event source than the handler is for.

    Raises:
        EventEnvelopeError: It is one.
    """
    if not isinstance(record, dict) or record.get("eventSource") != source:
        raise EventEnvelopeError(
            f"the record is none of {source}", hint="Check which event source invokes this Lambda function."
        )


def check_account(account: Json, *, own: str, accepted: Collection[str]) -> None:
    """Refuse a record of an account that is not accepted.

    Args:
        account: Of the record.
        own: Account of the function.
        accepted: Accounts of the settings; `*` is any, none is the function's own.

    Raises:
        EventForeignAccountError: The account is another, or the record does not say.
    """
    if "*" in accepted or account in (accepted or (own,)):
        return
    raise EventForeignAccountError(
        "the record comes from an AWS account that is not accepted",
        hint="Name the accounts that may send events in FUNCTIONS_ACCOUNTS.",
    )


def vetting(own: str, accepted: Collection[str]) -> Vet:
    """Return what refuses accounts that are not accepted; the arguments are those of `check_account`."""
    return lambda account: check_account(account, own=own, accepted=accepted)


def arn_account(record: Json) -> Json:
    """Return the account in the ARN of a record's event source; None where there is none."""
    return account_in(record.get("eventSourceARN")) if isinstance(record, dict) else None


def arrived_at(record: Json, kind: str, *, otherwise: datetime) -> datetime:
    """Return when AWS took a record.

    Args:
        record: The record.
        kind: Its event source, `eventbridge` or `http`.
        otherwise: For a record that does not say.
    """
    value = record
    for step in _ARRIVALS[kind]:
        value = value.get(step) if isinstance(value, dict) else None
    try:
        return parse_instant(float(value) if kind == "aws:sqs" else value)
    except (ValueError, TypeError):
        return otherwise
