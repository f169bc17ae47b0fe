"""Documents, profiles and rows as stores write them."""

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import StoreRejectedError
from functions.profiles.codec import PLAIN, ZLIB, check_id, encode_document, pack_profile, unpack_profile
from functions.profiles.store import MAX_ID_BYTES, MAX_PROFILE_BYTES

SECRET = "jane@example.com"

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), _values))
def test_a_profile_unpacks_to_what_was_packed(document: dict[str, Any]) -> None:
    packed = pack_profile(document)
    assert packed[0] == ZLIB
    assert repr(json.loads(unpack_profile(packed))) == repr(document)


def test_a_plain_profile_unpacks_as_it_is() -> None:
    assert unpack_profile(bytes([PLAIN]) + b'{"n":1}') == b'{"n":1}'


@pytest.mark.parametrize("packed", [b"", b"\x07{}", b"\x01", b"\x01{}", pack_profile({"n": 1})[:-3]])
def test_a_damaged_profile_is_rejected(packed: bytes) -> None:
    with pytest.raises(StoreRejectedError, match="the store holds a profile"):
        unpack_profile(packed)


def test_a_profile_that_would_unpack_to_more_than_the_limit_is_rejected() -> None:
    with pytest.raises(StoreRejectedError, match="too large"):
        unpack_profile(bytes([ZLIB]) + zlib.compress(b" " * (MAX_PROFILE_BYTES + 1)))


def test_a_profile_of_exactly_the_limit_is_kept() -> None:
    document = {"t": "a" * (MAX_PROFILE_BYTES - len('{"t":""}'))}
    assert len(unpack_profile(pack_profile(document))) == MAX_PROFILE_BYTES


@pytest.mark.parametrize(
    "document",
    [
        {SECRET: float("nan")},
        {SECRET: object()},
        {SECRET: "\ud800"},
        {SECRET: {1: 0, "1": 0}},
        {SECRET: 10**5_000},
        {SECRET: "a" * MAX_PROFILE_BYTES},
        {SECRET: {(1, 2): 0}},
    ],
    ids=["nan", "object", "surrogate", "one key twice", "digits", "size", "key"],
)
def test_what_can_not_be_kept_is_rejected_without_being_repeated(document: dict[str, Any]) -> None:
    with pytest.raises(StoreRejectedError) as caught:
        encode_document(document, "the profile")
    assert "the profile" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_document_that_holds_itself_is_rejected() -> None:
    document: dict[str, Any] = {}
    document["self"] = document
    with pytest.raises(StoreRejectedError):
        encode_document(document, "the profile")


def test_the_limit_of_an_id_is_in_bytes() -> None:
    check_id("é" * (MAX_ID_BYTES // 2), "the profile id")
    with pytest.raises(StoreRejectedError, match="the profile id has 1002 bytes; 1 to 1000 can be kept"):
        check_id("é" * (MAX_ID_BYTES // 2 + 1), "the profile id")
