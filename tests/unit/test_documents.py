"""JSON from outside is read strictly and in linear time; to the outside it is written in one way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import (
    MAX_DEPTH,
    DocumentError,
    DocumentTooLargeError,
    canonical_json,
    content_hash,
    parse_json,
)

LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (b'{"a": [1, 2.5, "\xc3\xa9"]}', {"a": [1, 2.5, "é"]}),
        (b"\xef\xbb\xbf1", 1),
        (" [true] ", [True]),
        ("9007199254740993", 9007199254740993),
        ("9" * 4000, int("9" * 4000)),
        ("1e-999", 0.0),
        ("1e308", 1e308),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\uD83D\\uDE00 \\\\ud800"', "😀 \\ud800"),
        ('"😀"', "😀"),
        ('"' + "[" * 500 + '"', "[" * 500),
        ('"\\"' + "[{" * 300 + '"', '"' + "[{" * 300),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ("[" + "[]," * 500 + "[]]", [[]] * 501),
    ],
)
def test_document_within_its_limits_is_read(text: str | bytes, value: Any) -> None:
    found = parse_json(text, max_bytes=LIMIT)
    if value is not None:
        assert found == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON at line 1, column 1: Expecting value"),
        (b"", "no JSON at line 1, column 1: Expecting value"),
        ('{"a":\n 1,}', "no JSON at line 2, column 3: Illegal trailing comma before end of object"),
        ("nul", "no JSON at line 1, column 1: Expecting value"),
        ("1 2", "no JSON at line 1, column 3: Extra data"),
        (b'"\xff"', "no UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "no UTF-8 at byte 1"),
        ("NaN", "NaN and Infinity are no JSON numbers"),
        ("[-Infinity]", "NaN and Infinity are no JSON numbers"),
        ("1e309", "a number is too large to be represented"),
        ("-1e999999999", "a number is too large to be represented"),
        ("9" * 5000, "an integer has too many digits"),
        ('{"a": 1, "a": 1}', "an object gives a key twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "an object gives a key twice"),
        ('"\\ud800"', "half of a surrogate pair is no Unicode text"),
        ('{"\\uDFFF": 1}', "half of a surrogate pair is no Unicode text"),
        ('["\\ude00\\ud83d"]', "half of a surrogate pair is no Unicode text"),
        ('"\ud800"', "half of a surrogate pair is no Unicode text"),
        ('{"\udfff": 1}', "half of a surrogate pair is no Unicode text"),
    ],
)
def test_document_that_two_readers_would_understand_differently_is_refused(
    text: str | bytes, message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_json(text, max_bytes=LIMIT)
    if "trailing comma" in message:  # the text is that of Python 3.13; before it was another
        assert str(caught.value).startswith("no JSON at line 2, column ")
    else:
        assert str(caught.value) == message
    assert not isinstance(caught.value, DocumentTooLargeError)


def test_size_is_counted_to_the_byte() -> None:
    assert parse_json(b'"1234"', max_bytes=6) == "1234"
    with pytest.raises(DocumentTooLargeError, match="6 bytes, at most 5 are read"):
        parse_json(b'"1234"', max_bytes=5)


@pytest.mark.parametrize(
    "text",
    [
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
        "[" * 500_000,
        '["\\"", ' + "[" * 200,
    ],
)
def test_depth_is_bounded_before_anything_recurses(text: str) -> None:
    with pytest.raises(DocumentTooLargeError, match="more than 100 levels deep"):
        parse_json(text, max_bytes=LIMIT)


def test_depth_is_that_of_the_caller() -> None:
    assert parse_json("[[1]]", max_bytes=LIMIT, max_depth=2) == [[1]]
    with pytest.raises(DocumentTooLargeError, match="more than 1 levels deep"):
        parse_json("[[1]]", max_bytes=LIMIT, max_depth=1)


def test_string_without_end_is_refused_in_one_pass() -> None:
    # Quadratic reading of this text would take minutes.
    text = '"' + '\\"' * 400_000 + "[" * 101
    with pytest.raises(DocumentError, match="no JSON at line 1, column 1"):
        parse_json(text, max_bytes=LIMIT)


def test_errors_never_repeat_the_document() -> None:
    for text in (
        '{"zoe@mail": nope}',
        '{"zoe": "\\ud800"}',
        '{"zoe": 1, "zoe": 2}',
        '{"zoe": NaN}',
        '"zoe\\q"',
    ):
        with pytest.raises(DocumentError) as caught:
            parse_json(text, max_bytes=LIMIT)
        assert "zoe" not in str(caught.value)
        assert caught.value.__cause__ is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_canonical_json_is_read_back_as_it_was_and_written_the_same_again(value: Any) -> None:
    text = canonical_json(value)
    assert parse_json(text, max_bytes=LIMIT) == value
    assert parse_json(text.encode(), max_bytes=LIMIT) == value
    assert canonical_json(parse_json(text, max_bytes=LIMIT)) == text


@given(json_values)
def test_any_json_text_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert parse_json(text, max_bytes=LIMIT) == json.loads(text)


@given(
    st.binary(max_size=60) | st.text(max_size=60) | st.text(alphabet='[]{}",:\\u0d8 1eE+-.ntf', max_size=60)
)
def test_any_text_is_a_value_that_can_be_sent_or_a_document_error(text: str | bytes) -> None:
    try:
        value = parse_json(text, max_bytes=LIMIT)
    except DocumentError:
        return
    canonical_json(value).encode()


def test_canonical_json_has_one_form() -> None:
    assert canonical_json({"b": 1, "a": [1.0, "é", None]}) == '{"a":[1.0,"é",null],"b":1}'
    assert content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1}) == "d3626ac30a87e6f7"
    assert content_hash({"a": 2}) != content_hash({"a": 2.0})


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_canonical_json_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)
