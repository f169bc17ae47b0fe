"""Stream records: typed values read exactly, and an event that names changes without telling them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.errors import EventMalformedError
from functions.events.dynamodb_stream import plain_value, profile_changed
from functions.events.envelopes import unwrap


def record(change: str = "MODIFY", **stream: Json) -> dict[str, Json]:
    return {
        "eventID": "ab12",
        "eventName": change,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"ApproximateCreationDateTime": 1793610900, "Keys": {"pk": {"S": "c-1"}}, **stream},
    }


def changed(change: str, **stream: Json) -> Json:
    return profile_changed(record(change, **stream), "Records[0]")["properties"]["changed"]


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ({"S": "text"}, "text"),
        ({"N": "42"}, 42),
        ({"N": "9007199254740993"}, 9007199254740993),
        ({"N": "99999999999999999999999999999999999999"}, 99999999999999999999999999999999999999),
        ({"N": "-1.5"}, -1.5),
        ({"N": "1E+3"}, 1000),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"B": "aGVsbG8="}, "aGVsbG8="),
        ({"SS": ["b", "a"]}, ["a", "b"]),
        ({"NS": ["2", "1.5"]}, [1.5, 2]),
        ({"L": [{"N": "1"}, {"S": "x"}]}, [1, "x"]),
        ({"M": {"a": {"M": {"b": {"N": "0"}}}}}, {"a": {"b": 0}}),
    ],
)
def test_a_typed_value_becomes_plain_json(typed: Json, plain: Json) -> None:
    value = plain_value(typed, "here")
    assert value == plain
    assert type(value) is type(plain)


@given(st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1))
def test_every_whole_number_of_dynamodb_stays_exact(number: int) -> None:
    assert plain_value({"N": str(number)}, "here") == number


@pytest.mark.parametrize(
    "typed",
    [
        None,
        {},
        {"S": 1},
        {"N": 1},
        {"N": "NaN"},
        {"N": "Infinity"},
        {"N": "1E+999999999"},
        {"N": "secret"},
        {"BOOL": 1},
        {"X": "y"},
        {"S": "a", "N": "1"},
        {"SS": "a"},
        {"NS": [1]},
        {"M": []},
    ],
)
def test_what_is_no_attribute_value_is_refused_without_its_content(typed: Json) -> None:
    with pytest.raises(EventMalformedError) as caught:
        plain_value(typed, "here")
    assert str(caught.value).startswith("here: ")
    assert "secret" not in str(caught.value)


def test_no_decimal_leaves_the_reader() -> None:
    assert not isinstance(plain_value({"N": "1.25"}, "here"), Decimal)


def test_an_insert_changes_everything_but_the_keys() -> None:
    new = {"pk": {"S": "c-1"}, "a": {"N": "1"}, "b": {"NULL": True}}
    assert changed("INSERT", NewImage=new) == ["a", "b"]


def test_a_removal_changes_everything_but_the_keys() -> None:
    assert changed("REMOVE", OldImage={"pk": {"S": "c-1"}, "a": {"N": "1"}}) == ["a"]


def test_a_modification_names_what_differs_by_value_and_type() -> None:
    old = {"same": {"SS": ["a", "b"]}, "one": {"N": "1"}, "gone": {"S": "x"}, "null": {"NULL": True}}
    new = {"same": {"SS": ["b", "a"]}, "one": {"BOOL": True}, "new": {"S": "x"}, "null": {"NULL": True}}
    assert changed("MODIFY", OldImage=old, NewImage=new) == ["gone", "new", "one"]


def test_a_stream_without_images_cannot_tell() -> None:
    assert changed("MODIFY") is None
    assert changed("MODIFY", NewImage={"a": {"N": "1"}}) is None


def test_a_numeric_partition_key_is_handed_on() -> None:
    body = profile_changed(record(Keys={"pk": {"N": "42"}}), "Records[0]")
    assert body["user_id"] == 42


@pytest.mark.parametrize("broken", [{"eventName": "DROP"}, {"dynamodb": None}])
def test_a_record_that_no_stream_delivers_is_refused(broken: dict[str, Json]) -> None:
    with pytest.raises(EventMalformedError, match=r"^Records\[0\]: no eventName"):
        unwrap({"Records": [{**record(), "eventSource": "aws:dynamodb", "dynamodb": {}, **broken}]})


def test_a_record_that_came_through_a_kinesis_stream_is_read_alike() -> None:
    (delivery,) = unwrap([record()])
    assert (delivery.envelope, delivery.body["id"]) == ("dynamodb", "dynamodb:ab12")
