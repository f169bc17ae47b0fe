"""Consent: one record per purpose, and the only reading of it that lets anything pass.

Fails closed: only a record that says `granted`, is in force and has not expired passes. A missing
record is unknown, and unknown is no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from functions.documents import Json
from functions.times import format_instant, parse_instant

ConsentStatus = Literal["granted", "denied", "revoked", "unknown", "conflict"]
"""What a record can say."""

_STATUSES: dict[str, ConsentStatus] = {name: name for name in get_args(ConsentStatus)}

Verdict = Literal["granted", "denied", "revoked", "unknown", "conflict", "expired", "not_yet"]
"""What a record means at an instant; only `granted` passes."""

_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,62}")

CONSENT_FIELDS = frozenset({"purpose", "status", "at", "expires_at", "source", "jurisdiction"})
"""What a consent record can hold."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of our clock a record may be dated before it counts as not yet given."""


class ConsentFormatError(ValueError):
    """A consent record is not of the documented form. The message names the field, never its value.

    A purpose is named where it has the form of one; another key came with the event and is not repeated.
    """


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What one person said about one use of their data.

    Attributes:
        purpose: The name that a data contract's purpose asks for, such as `marketing`.
        status: What was said.
        at: When it was said.
        expires_at: From when on it no longer counts; None for no end.
        source: Where it was collected, free text for the audit.
        jurisdiction: Under which law, free text for the audit.
    """

    purpose: str
    status: ConsentStatus
    at: datetime
    expires_at: datetime | None = None
    source: str | None = None
    jurisdiction: str | None = None

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form, without the fields that are not set."""
        fields = {
            "purpose": self.purpose,
            "status": self.status,
            "at": format_instant(self.at),
            "expires_at": format_instant(self.expires_at) if self.expires_at else None,
            "source": self.source,
            "jurisdiction": self.jurisdiction,
        }
        return {name: value for name, value in fields.items() if value is not None}


def verdict_at(record: ConsentRecord | None, now: datetime) -> Verdict:
    """Say what a record means at an instant.

    A refusal has no beginning: it counts at every instant, also before it was given, since whoever has said no by now
    is not to be bothered by what is decided late, or again. A grant counts from when it was given.

    Args:
        record: The record for the purpose, None when there is none.
        now: Decision time, or the time of the act for what is redriven.
    """
    if record is None:
        return "unknown"
    if record.status != "granted":
        return record.status
    # Differences of instants never leave the calendar, as sums may.
    if record.at - now > CLOCK_SKEW:
        return "not_yet"
    if record.expires_at is not None and record.expires_at <= now:
        return "expired"
    return "granted"


def parse_consent(document: Json, *, default_at: datetime) -> dict[str, ConsentRecord]:
    """Read consent records from JSON: `{purpose: status}` or `{purpose: {status, at, ...}}`.

    Args:
        document: The object, keyed by purpose.
        default_at: The instant of records that give none.

    Raises:
        ConsentFormatError: A record has another form, a status that is not known, or no instant
            where one is needed. The purpose is named.
    """
    if not isinstance(document, Mapping):
        raise ConsentFormatError("consent must be an object keyed by purpose")
    return {str(purpose): _parse_record(str(purpose), body, default_at) for purpose, body in document.items()}


def is_purpose(name: str) -> bool:
    """Say whether a consent record can have a name: lower case, digits, dashes and underscores."""
    return _PURPOSE.fullmatch(name) is not None


def _parse_record(purpose: str, body: Json, default_at: datetime) -> ConsentRecord:
    shown = f"consent.{purpose}" if is_purpose(purpose) else "a consent record"
    fields = {"status": body} if isinstance(body, str) else body
    if not isinstance(fields, Mapping):
        raise ConsentFormatError(f"{shown} must be a status or an object with a status")
    unknown = set(fields) - CONSENT_FIELDS
    if unknown:
        raise ConsentFormatError(f"{shown} has fields that are not known: {len(unknown)}")
    if fields.get("purpose", purpose) != purpose:
        raise ConsentFormatError(f"{shown}.purpose is not the purpose that it stands under")
    status = _STATUSES.get(str(fields.get("status")))
    if status is None:
        raise ConsentFormatError(f"{shown}.status must be one of {', '.join(_STATUSES)}")
    at = _instant(f"{shown}.at", fields.get("at"))
    return ConsentRecord(
        purpose=purpose,
        status=status,
        at=at or default_at,
        expires_at=_instant(f"{shown}.expires_at", fields.get("expires_at")),
        source=_text(f"{shown}.source", fields.get("source")),
        jurisdiction=_text(f"{shown}.jurisdiction", fields.get("jurisdiction")),
    )


def _instant(field: str, value: Json) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_instant(value)
    except ValueError:
        raise ConsentFormatError(f"{field} is no instant") from None


def _text(field: str, value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ConsentFormatError(f"{field} must be text")
