"""The PROFILE item: one that this store packed, or plain attributes that somebody else writes."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.profiles.codec import pack_profile, unpack_profile
from functions.profiles.dynamodb_items import Attribute, Item, checked
from functions.profiles.dynamodb_keys import PROFILE, key
from functions.profiles.dynamodb_table import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE
from functions.profiles.store import MAX_PROFILE_BYTES

BODY: Final = "profile"
"""The enriched profile: binary with a codec byte, or a map."""

WRITTEN_AT: Final = "profile_at"
"""The instant that `put_profile` was given, as sortable text."""

TRAITS_WRITTEN_AT: Final = "traits_at"
"""The instant of the newest trait, as sortable text; absent where there is none."""

WRITE: Final = "profile_write"
"""Says which write made the item, so that what was read can be told from what came after it."""

_NOT_PROFILE: Final = frozenset(
    {PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE, WRITTEN_AT, TRAITS_WRITTEN_AT, WRITE}
)
_JSON_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def profile_item(
    profile_id: str, document: Mapping[str, Json], updated_at: str, *, traits_at: str, write: str
) -> Item:
    """Return a profile as an item: compressed, since DynamoDB bills by size.

    Args:
        profile_id: Whose.
        document: All of it, traits included.
        updated_at: Of the whole profile.
        traits_at: Of its newest trait; empty where there is none.
        write: Which no other write has.

    Raises:
        StoreRejectedError: The document is no strict JSON, or too large even when compressed.
    """
    body: Item = {BODY: {"B": pack_profile(document)}, WRITTEN_AT: {"S": updated_at}, WRITE: {"S": write}}
    if traits_at:
        body[TRAITS_WRITTEN_AT] = {"S": traits_at}
    return checked(key(profile_id, PROFILE) | body, "the profile, compressed,")


def profile_json(item: Item) -> bytes:
    """Return the JSON text of a profile.

    An attribute `profile` is the profile when it is binary, or when it is a map and nothing else stands
    beside it; otherwise the attributes of the item are. Numbers are copied digit by digit, so that none
    is rounded. Sets become sorted lists, binary values become base64 text.

    Raises:
        StoreRejectedError: The packed form can't be read, or the text is over `MAX_PROFILE_BYTES`.
    """
    fields = {name: value for name, value in item.items() if name not in _NOT_PROFILE}
    body = fields.get(BODY, {})
    if "B" in body:
        return unpack_profile(body["B"])
    if len(fields) == 1 and "M" in body:
        fields = body["M"]
    text = "".join(_object(fields)).encode()
    if len(text) > MAX_PROFILE_BYTES:
        raise StoreRejectedError("the store holds a profile that is too large")
    return text


def _object(fields: Mapping[str, Attribute]) -> Iterable[str]:
    yield "{"
    for number, (name, value) in enumerate(fields.items()):
        yield f"{',' if number else ''}{encode_basestring(name)}:"
        yield from _value(value)
    yield "}"


def _array(parts: Iterable[str]) -> Iterable[str]:
    yield "["
    yield ",".join(parts)
    yield "]"


def _value(attribute: Attribute) -> Iterable[str]:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return _object(value)
    if kind == "L":
        return _array("".join(_value(inner)) for inner in value)
    if kind in ("SS", "NS", "BS"):
        order = Decimal if kind == "NS" else None
        return _array(_scalar(kind[0], inner) for inner in sorted(value, key=order))
    return (_scalar(kind, value),)


def _scalar(kind: str, value: Any) -> str:
    if kind == "S":
        return encode_basestring(value)
    if kind == "N":
        if _JSON_NUMBER.fullmatch(value) is None:
            raise StoreRejectedError("the store holds a profile with a number that can't be read")
        return str(value)
    if kind == "B":
        return encode_basestring(b64encode(value).decode())
    return "null" if kind == "NULL" else str(bool(value)).lower()
