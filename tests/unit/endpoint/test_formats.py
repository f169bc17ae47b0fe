import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.endpoint.formats import CSV, DECODERS, ENCODERS, JSON, JSON_LINES, BodyError, decode, encode

NAMES = ("days", "count")
rows = st.lists(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1
)


def written(content_type: str, values: list[list[float]]) -> bytes:
    if content_type == CSV:
        return "\n".join(",".join(map(repr, row)) for row in values).encode()
    if content_type == JSON:
        return json.dumps({"instances": values}).encode()
    return "\n".join(map(json.dumps, values)).encode()


@given(rows, st.sampled_from(sorted(DECODERS)))
def test_every_float_survives_every_format(values: list[list[float]], content_type: str) -> None:
    assert decode(content_type, written(content_type, values), NAMES) == values


@pytest.mark.parametrize(
    "body",
    [b"12.5,3", b"12.5,3\n", b"12.5,3\r\n", b" 12.5 ,\t3", b"+1.25e1,3.", b"12.5,03"],
)
def test_csv_numbers_are_read_in_every_usual_spelling(body: bytes) -> None:
    assert decode(CSV, body, NAMES) == [[12.5, 3.0]]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"12.5,", "row 1, column 2: the cell is empty"),
        (b",3", "row 1, column 1: the cell is empty"),
        (b"12.5,  ", "row 1, column 2: the cell is empty"),
        (b"12.5,3\n1,", "row 2, column 2: the cell is empty"),
        (b"12.5,nan", "row 1, column 2: the cell is no number"),
        (b"12.5,inf", "row 1, column 2: the cell is no number"),
        (b"days,count\n1,2", "row 1, column 1: the cell is no number"),
        (b'"12.5",3', "row 1, column 1: the cell is no number"),
        (b"1_000,3", "row 1, column 1: the cell is no number"),
        ("\u0661,3".encode(), "row 1, column 1: the cell is no number"),
        (b"0x10,3", "row 1, column 1: the cell is no number"),
        (b"1e999,3", "row 1, column 1: the number is too large"),
        (b"12.5", "row 1 has 1 values; this model reads 2: days, count"),
        (b"12.5,3,4", "row 1 has 3 values; this model reads 2: days, count"),
        (b"1,2\n\n3,4", "row 2 has 1 values; this model reads 2: days, count"),
        (b"", "the body holds no rows"),
        (b"\n", "the body holds no rows"),
        (b"\xff,1", "the body is no UTF-8 text"),
    ],
)
def test_csv_that_is_not_exactly_numbers_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(BodyError) as caught:
        decode(CSV, body, NAMES)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "instance", [[12.5, 3], {"features": [12.5, 3]}, {"days": 12.5, "count": 3}, {"count": 3, "days": 12.5}]
)
@pytest.mark.parametrize("content_type", [JSON, JSON_LINES])
def test_json_rows_are_lists_or_objects(instance: object, content_type: str) -> None:
    text = {JSON: json.dumps({"instances": [instance]}), JSON_LINES: json.dumps(instance) + "\n"}[
        content_type
    ]
    assert decode(content_type, text.encode(), NAMES) == [[12.5, 3.0]]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"instances": [[1, null]]}', "instance 1, count: the value is no number"),
        ('{"instances": [[1, "2"]]}', "instance 1, count: the value is no number"),
        ('{"instances": [[1, true]]}', "instance 1, count: the value is no number"),
        ('{"instances": [[1, [2]]]}', "instance 1, count: the value is no number"),
        ('{"instances": [[1, NaN]]}', "the body: NaN and Infinity are no JSON numbers"),
        ('{"instances": [[1, 1e999]]}', "the body: a number is too large to be represented"),
        ('{"instances": [[1, 1' + "0" * 400 + "]]}", "instance 1, count: the number is too large"),
        ('{"instances": [[1, 2], {"days": 1}]}', "instance 2 has no count"),
        (
            '{"instances": [{"days": 1, "count": 2, "x": 3}]}',
            "instance 1 has 1 keys that this model does not read",
        ),
        ('{"instances": [{"features": 3}]}', "instance 1 is neither a list nor an object"),
        ('{"instances": [3]}', "instance 1 is neither a list nor an object"),
        ('{"instances": [[1]]}', "instance 1 has 1 values; this model reads 2: days, count"),
        ('{"instances": []}', "the body holds no rows"),
        ('{"instances": {}}', '"instances" must be a list'),
        ('{"inputs": [[1, 2]]}', 'the body must be an object with the one key "instances"'),
        ("[[1, 2]]", 'the body must be an object with the one key "instances"'),
        ('{"instances": [[1, 2]', "the body: no JSON at line 1, column 22: Expecting ',' delimiter"),
        ('{"instances": [], "instances": [[1, 2]]}', "the body: an object gives a key twice"),
        ("[" * 200, "the body: more than 100 levels deep"),
    ],
)
def test_json_that_is_not_exactly_the_features_is_refused(body: str, problem: str) -> None:
    with pytest.raises(BodyError) as caught:
        decode(JSON, body.encode(), NAMES)
    assert str(caught.value) == problem


def test_json_lines_name_the_line_that_is_wrong() -> None:
    with pytest.raises(BodyError, match=r"^line 2: no JSON"):
        decode(JSON_LINES, b"[1, 2]\n\n[1, 2]\n", NAMES)


@pytest.mark.parametrize("content_type", sorted(DECODERS))
@given(body=st.binary(max_size=60))
def test_any_bytes_are_either_rows_of_finite_numbers_or_refused(content_type: str, body: bytes) -> None:
    try:
        found = decode(content_type, body, NAMES)
    except BodyError:
        return
    assert all(len(row) == 2 and all(map(math.isfinite, row)) for row in found)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, b"0.83\n0.25\n"),
        (JSON, b'{"predictions": [{"score": 0.83}, {"score": 0.25}]}'),
        (JSON_LINES, b'{"score": 0.83}\n{"score": 0.25}\n'),
    ],
)
def test_scores_are_written_in_each_format(content_type: str, body: bytes) -> None:
    assert encode(content_type, [0.83, 0.25]) == body


def test_json_is_what_is_written_when_anything_is_accepted() -> None:
    assert next(iter(ENCODERS)) == JSON
