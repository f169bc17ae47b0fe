"""The CONSENT item: one map per purpose, under the name `purpose#` and the purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from functions.documents import Json
from functions.errors import StoreContendedError, StoreRejectedError
from functions.governance.consent import ConsentRecord
from functions.profiles.codec import decode_document
from functions.profiles.consents import supersedes
from functions.profiles.dynamodb_calls import DynamoCalls
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Attribute, Item
from functions.profiles.dynamodb_keys import CONSENT, key
from functions.profiles.rows import consent_from, consent_row

PURPOSE: Final = "purpose#"
"""First part of the name of an attribute that holds the record of a purpose."""


def consent_attribute(purpose: str) -> str:
    """Return the name of the attribute that holds the record of a purpose."""
    return PURPOSE + purpose


def consent_value(record: ConsentRecord) -> Attribute:
    """Return a record as a map of text.

    Raises:
        StoreRejectedError: It holds what can't be kept.
    """
    document = decode_document(str(consent_row("-", record)["record"]), "a consent record")
    return {"M": {name: {"S": text} for name, text in document.items() if name != "purpose"}}


def consent_of(item: Item | None, purpose: str) -> ConsentRecord | None:
    """Read the record of one purpose.

    Raises:
        StoreRejectedError: It is not of the documented form, or gives no instant.
    """
    value = (item or {}).get(consent_attribute(purpose))
    if value is None:
        return None
    fields: Mapping[str, Attribute] = value.get("M", {})
    document: dict[str, Json] = {name: text.get("S") for name, text in fields.items() if "NULL" not in text}
    if not isinstance(document.get("at"), str):
        raise StoreRejectedError("the store holds a consent record without an instant")
    text = json.dumps(document | {"purpose": purpose})
    return consent_from({"purpose": purpose, "at": document["at"], "record": text})


def consents_of(item: Item | None) -> dict[str, ConsentRecord]:
    """Read every record, by purpose.

    Raises:
        StoreRejectedError: As `consent_of`.
    """
    purposes = [name.removeprefix(PURPOSE) for name in item or {} if name.startswith(PURPOSE)]
    found = {purpose: consent_of(item, purpose) for purpose in purposes}
    return {purpose: record for purpose, record in found.items() if record is not None}


def write_consent(calls: DynamoCalls, profile_id: str, record: ConsentRecord, *, now: datetime) -> bool:
    """Replace the record of a purpose, on what was read; False when that one counts.

    An attempt whose answer was lost finds its own record at the next look.

    Raises:
        StoreContendedError: Others wrote the same record at every attempt.
        ProfileStoreError: As its subclasses say.
    """
    patience, where, name = calls.patience(), key(profile_id, CONSENT), consent_attribute(record.purpose)
    value = consent_value(record)
    while True:
        found = calls.read([where], patience)
        item = found[0] if found else {}
        stored = consent_of(item, record.purpose)
        if stored == record:
            return True
        if not supersedes(record, stored, now):
            return False
        expression = same_consents_expression({record.purpose: item.get(name)})
        expression.set(name, expression.value(value))
        request = expression.request(calls.table, where)
        if calls.insist("update_item", patience, **request).response is not None:
            return True
        if not patience.wait():
            raise StoreContendedError(f"the profile store {calls.table}: others wrote the consent each time")


def same_consents_expression(stored: Mapping[str, Attribute | None]) -> Expression:
    """Return the condition that records are still the same, by purpose; None for absent."""
    expression = Expression()
    for purpose, value in stored.items():
        name = expression.name(consent_attribute(purpose))
        if value is None:
            expression.when(f"attribute_not_exists({name})")
        else:
            expression.when(f"{name}={expression.value(value)}")
    return expression
