"""The PROFILE item: packed by this store, or plain attributes of somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from functions.errors import StoreRejectedError
from functions.profiles.codec import PLAIN, pack_profile
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_items import MAX_ITEM_BYTES
from functions.profiles.dynamodb_profiles import profile_json
from functions.profiles.store import MAX_PROFILE_BYTES
from functions.testing.store_checks.samples import HOUR, NOW, document_of

KEY = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}}

ATTRIBUTES: dict[str, Any] = {
    "mpid": {"N": "9007199254740993"},
    "huge": {"N": "12345678901234567890123456789012345678"},
    "price": {"N": "19.990000000000000000000000000000001"},
    "small": {"N": "-1E-130"},
    "name": {"S": 'Zoë "🚀"\n\u2028\x00'},
    "": {"S": ""},
    "empty": {"M": {}},
    "none": {"L": []},
    "deep": {
        "M": {"list": {"L": [{"N": "1"}, {"NULL": True}, {"BOOL": False}, {"M": {"x": {"BOOL": True}}}]}}
    },
    "tags": {"SS": ["b", "a"]},
    "sizes": {"NS": ["10", "9", "-1.5"]},
    "raw": {"B": b"\x00\xff"},
    "chunks": {"BS": [b"b", b"a"]},
    "pk_of_other": {"S": "kept"},
}
DOCUMENT = {
    "mpid": 9007199254740993,
    "huge": 12345678901234567890123456789012345678,
    "price": Decimal("19.990000000000000000000000000000001"),
    "small": Decimal("-1E-130"),
    "name": 'Zoë "🚀"\n\u2028\x00',
    "": "",
    "empty": {},
    "none": [],
    "deep": {"list": [1, None, False, {"x": True}]},
    "tags": ["a", "b"],
    "sizes": [Decimal("-1.5"), 9, 10],
    "raw": "AP8=",
    "chunks": ["YQ==", "Yg=="],
    "pk_of_other": "kept",
}


def exactly(text: bytes) -> object:
    """Read JSON without rounding a number."""
    return json.loads(text, parse_float=Decimal)


def test_plain_attributes_of_another_writer_are_read_digit_by_digit() -> None:
    assert exactly(profile_json(KEY | ATTRIBUTES | {"ttl": {"N": "1"}})) == DOCUMENT


def test_map_of_another_writer_is_the_profile_when_nothing_stands_beside_it() -> None:
    assert exactly(profile_json(KEY | {"profile": {"M": ATTRIBUTES}})) == DOCUMENT
    beside = profile_json(KEY | {"profile": {"M": {"n": {"N": "1"}}}, "orders": {"L": []}})
    assert exactly(beside) == {"profile": {"n": 1}, "orders": []}


def test_binary_profile_is_read_by_its_codec_byte() -> None:
    document = {"mpid": 2**62 + 1, "price": 0.1}
    for packed in (pack_profile(document), bytes([PLAIN]) + json.dumps(document).encode()):
        assert json.loads(profile_json(KEY | {"profile": {"B": packed}})) == document


@pytest.mark.parametrize(
    "attributes",
    [
        {"profile": {"B": b"\x07{}"}},
        {"profile": {"B": b"\x01damaged"}},
        {"profile": {"B": b""}},
        {"n": {"N": "NaN"}},
        {"n": {"N": "1,5"}},
        {"text": {"S": "a" * MAX_PROFILE_BYTES}},
    ],
)
def test_profile_that_can_not_be_read_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(StoreRejectedError, match="the store holds a profile"):
        profile_json(KEY | attributes)


def test_attributes_that_another_writer_put_are_read_and_can_be_replaced(
    dynamodb: Any, new_table: Callable[[], str]
) -> None:
    table = new_table()
    named = {name: value for name, value in ATTRIBUTES.items() if name}
    dynamodb.put_item(TableName=table, Item=KEY | named)
    store = DynamoProfileStore(table, client=dynamodb)
    text = store.load("profile-1").profile_json
    assert text is not None
    assert exactly(text) == {name: value for name, value in DOCUMENT.items() if name}
    assert store.put_profile("profile-1", {"n": 1}, updated_at=NOW) is True
    assert store.put_profile("profile-1", {"n": 0}, updated_at=NOW - HOUR) is False
    assert document_of(store, "profile-1") == {"n": 1}


def test_rich_profile_takes_a_fraction_of_an_item(dynamodb: Any, new_table: Callable[[], str]) -> None:
    table = new_table()
    document = {"orders": [{"sku": f"sku-{n:05}", "at": "2026-10-01", "paid": n / 8} for n in range(8_000)]}
    assert len(json.dumps(document)) > MAX_ITEM_BYTES
    DynamoProfileStore(table, client=dynamodb).put_profile("profile-1", document, updated_at=NOW)
    item = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert set(item) == {"pk", "sk", "profile", "profile_at", "profile_write"}
    assert len(item["profile"]["B"]) < MAX_ITEM_BYTES / 4
