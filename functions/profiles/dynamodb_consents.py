"""The CONSENT item: one map per purpose, under the name `purpose#` and the purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.governance.consent import ConsentRecord
from functions.profiles.codec import decode_document
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Attribute, Item
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


def put_consent_expression(record: ConsentRecord) -> Expression:
    """Return the update that replaces a record, unless the stored one was given later."""
    expression, value = Expression(), consent_value(record)
    name = expression.name(consent_attribute(record.purpose))
    expression.set(consent_attribute(record.purpose), expression.value(value))
    given_at = expression.value(value["M"]["at"])
    expression.when(f"attribute_not_exists({name}) OR {name}.{expression.name('at')}<={given_at}")
    return expression


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
