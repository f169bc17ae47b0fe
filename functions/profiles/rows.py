"""Values as flat rows and back: text, integers and None only, instants as sortable text.

Every store that keeps rows or attributes uses these, so that all of them keep the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, TypeVar

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.governance.consent import ConsentFormatError, ConsentRecord, parse_consent
from functions.profiles.budgets import BudgetTake
from functions.profiles.codec import check_id, check_text, decode_document, encode_document
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.outbox import OutboxEntry, Unreadable
from functions.profiles.store import Contact, DecisionRecord, Score
from functions.times import format_instant, parse_instant

Row = dict[str, str | int | None]
"""A value as it is kept, by column."""

StoredRow = Mapping[str, Any]
"""A row as a store gives it back."""

_Found = TypeVar("_Found")

_INSTANTS: Final = frozenset(
    ("at", "created_at", "decided_at", "due_at", "expires_at", "keep_until", "lease_until")
)
_DOCUMENTS: Final = frozenset(("body", "message", "value", "zones"))
_NAMES: Final = frozenset(("known_as", "tags"))
_IDS: Final = frozenset(("decision_id", "id", "name", "owner", "profile_id", "purpose"))
_INT64: Final = range(-(2**63), 2**63)


def decision_row(record: DecisionRecord) -> Row:
    """Return a decision as a row.

    Raises:
        StoreRejectedError: It holds something that can't be kept; so for every function below.
    """
    return _row(record)


def decision_from(row: StoredRow) -> DecisionRecord:
    """Read a decision from its row."""
    return DecisionRecord(**_values(DecisionRecord, row))


def outbox_row(entry: OutboxEntry) -> Row:
    """Return an outbox entry as a row."""
    return _row(entry)


def outbox_from(row: StoredRow) -> OutboxEntry:
    """Read an outbox entry from its row."""
    return OutboxEntry(**_values(OutboxEntry, row))


def row_key(row: StoredRow) -> tuple[str, str]:
    """Return whose entry a row is, and its key."""
    return row["profile_id"], row["decision_id"]


def readable(
    found: Iterable[_Found],
    read: Callable[[_Found], OutboxEntry],
    unreadable: Unreadable | None,
    key: Callable[[_Found], tuple[str, str]],
) -> Iterator[OutboxEntry]:
    """Yield outbox entries; one that is damaged is told, and the others come all the same.

    Args:
        found: As they are kept.
        read: Reads one.
        unreadable: Told of what can't be read; None to raise.
        key: Says of one that can't be read whose it is, and its key.

    Raises:
        StoreRejectedError: An entry can't be read, and nobody wants to be told.
    """
    for one in found:
        try:
            entry = read(one)
        except StoreRejectedError:
            if unreadable is None:
                raise
            unreadable(*key(one))
        else:
            yield entry


def score_row(profile_id: str, name: str, score: Score) -> Row:
    """Return a score as a row."""
    return _row(score, profile_id=profile_id, name=name)


def score_from(row: StoredRow) -> Score:
    """Read a score from its row."""
    return Score(**_values(Score, row))


def contact_row(profile_id: str, contact: Contact) -> Row:
    """Return an entry of the contact log as a row."""
    return _row(contact, profile_id=profile_id)


def contact_from(row: StoredRow) -> Contact:
    """Read an entry of the contact log from its row."""
    return Contact(**_values(Contact, row))


def feedback_row(record: FeedbackRecord) -> Row:
    """Return a trial, a counter or the responses of a profile as a row."""
    return _row(record)


def feedback_from(row: StoredRow) -> FeedbackRecord:
    """Read a trial, a counter or the responses of a profile from its row."""
    return FeedbackRecord(**_values(FeedbackRecord, row))


def consent_row(profile_id: str, record: ConsentRecord) -> Row:
    """Return a consent record as a row: its JSON form, and its instant to compare by."""
    document = encode_document(record.as_document(), "the consent record")
    row: Row = {"profile_id": profile_id, "purpose": record.purpose, "at": format_instant(record.at)}
    return _checked(row) | {"record": document}


def consent_from(row: StoredRow) -> ConsentRecord:
    """Read a consent record from its row."""
    purpose = row["purpose"]
    document = decode_document(row["record"], "a consent record")
    try:
        return parse_consent({purpose: document}, default_at=_instant(row["at"]))[purpose]
    except ConsentFormatError:
        raise StoreRejectedError("the store holds a consent record that can't be read") from None


def as_stored(record: ConsentRecord) -> ConsentRecord:
    """Return a consent record as a store would give it back: instants in milliseconds."""
    return consent_from(consent_row("-", record))


def _row(value: Score | Contact | DecisionRecord | FeedbackRecord | OutboxEntry, **keys: str) -> Row:
    row: Row = dict(keys)
    for field in fields(value):
        row[field.name] = _encoded(field.name, getattr(value, field.name))
    return _checked(row)


def _encoded(name: str, value: Json) -> str | int | None:
    if name in _DOCUMENTS:
        return encode_document(value, f"the field {name}")
    if name in _NAMES:
        return encode_document(list(value), f"the field {name}")
    if name == "paid":
        takes = [[take.budget, take.period, take.shard, take.amount, take.limit] for take in value]
        return encode_document(takes, "the field paid")
    if name == "counts":
        return int(value)
    if isinstance(value, datetime):
        return format_instant(value)
    kept: str | int | None = value
    return kept


def _checked(row: Row) -> Row:
    """Refuse what one store would keep and another would not."""
    for name, value in row.items():
        if isinstance(value, int) and value not in _INT64:
            raise StoreRejectedError(f"the field {name} is too large a number")
        if isinstance(value, str) and name in _IDS:
            check_id(value, f"the field {name}")
        elif isinstance(value, str):
            check_text(value, f"the field {name}")
    return row


def _values(kind: type[Any], row: StoredRow) -> dict[str, Any]:
    return {field.name: _decoded(field.name, row[field.name]) for field in fields(kind)}


def _decoded(name: str, value: str | int | None) -> Any:
    if name == "counts":
        return bool(value)
    if not isinstance(value, str):
        return value
    if name in _INSTANTS:
        return _instant(value)
    if name in _DOCUMENTS:
        return decode_document(value, f"a field {name}")
    if name in _NAMES:
        return tuple(decode_document(value, f"a field {name}"))
    if name == "paid":
        return tuple(BudgetTake(*take) for take in decode_document(value, "a field paid"))
    return value


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        raise StoreRejectedError("the store holds an instant that can't be read") from None
