"""The bodies that go in and out: text/csv, application/json and application/jsonlines, read strictly.

A stock SageMaker container reads an empty CSV cell as zero and scores it. Here it is refused, as is every
text that is no number: a score of a value that was never sent is worse than none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence

from functions.documents import DocumentError, Json, parse_json

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"

_NUMBER = re.compile(r"[ \t]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t]*", re.ASCII)

Rows = list[list[float]]


class BodyError(ValueError):
    """A body is not what its content type promises. The message holds positions, never content."""


def decode(content_type: str, body: bytes, names: Sequence[str]) -> Rows:
    """Read the rows of a request body.

    Args:
        content_type: A key of `DECODERS`.
        body: As received.
        names: The model's features; each row has their length and order.

    Raises:
        BodyError: The body holds no rows, or one that is not exactly the model's features as numbers.
    """
    rows = DECODERS[content_type](body, names)
    if not rows:
        raise BodyError("the body holds no rows")
    return rows


def encode(content_type: str, scores: Sequence[float]) -> bytes:
    """Write scores in the form that a client accepts: a key of `ENCODERS`."""
    return ENCODERS[content_type](scores).encode()


def _decode_csv(body: bytes, names: Sequence[str]) -> Rows:
    rows = []
    for number, line in enumerate(_lines(body), start=1):
        cells = line.split(",")
        _check_length(len(cells), names, f"row {number}")
        rows.append([_csv_number(cell, number, column) for column, cell in enumerate(cells, start=1)])
    return rows


def _csv_number(cell: str, row: int, column: int) -> float:
    where = f"row {row}, column {column}"
    if not cell.strip():
        raise BodyError(f"{where}: the cell is empty")
    if not _NUMBER.fullmatch(cell):
        raise BodyError(f"{where}: the cell is no number")
    return _finite(float(cell), where)


def _decode_json(body: bytes, names: Sequence[str]) -> Rows:
    document = _parse(body, "the body")
    if not isinstance(document, dict) or document.keys() != {"instances"}:
        raise BodyError('the body must be an object with the one key "instances"')
    instances = document["instances"]
    if not isinstance(instances, list):
        raise BodyError('"instances" must be a list')
    return [_instance(entry, names, f"instance {index}") for index, entry in enumerate(instances, start=1)]


def _decode_json_lines(body: bytes, names: Sequence[str]) -> Rows:
    return [
        _instance(_parse(line.encode(), f"line {number}"), names, f"line {number}")
        for number, line in enumerate(_lines(body), start=1)
    ]


def _instance(entry: Json, names: Sequence[str], where: str) -> list[float]:
    """Read one row: a list, an object that holds a list as `features`, or an object by feature name."""
    if isinstance(entry, dict):
        entry = entry["features"] if entry.keys() == {"features"} else _by_name(entry, names, where)
    if not isinstance(entry, list):
        raise BodyError(f"{where} is neither a list nor an object")
    _check_length(len(entry), names, where)
    return [_json_number(value, f"{where}, {name}") for value, name in zip(entry, names, strict=True)]


def _by_name(entry: dict[str, Json], names: Sequence[str], where: str) -> list[Json]:
    missing = [name for name in names if name not in entry]
    if missing:
        raise BodyError(f"{where} has no {', '.join(missing)}")
    if len(entry) > len(names):
        # Dropping what the model does not know would hide a misspelt or stale payload.
        raise BodyError(f"{where} has {len(entry) - len(names)} keys that this model does not read")
    return [entry[name] for name in names]


def _json_number(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BodyError(f"{where}: the value is no number")
    try:
        return _finite(float(value), where)
    except OverflowError:
        raise BodyError(f"{where}: the number is too large") from None


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise BodyError(f"{where}: the number is too large")
    return value


def _check_length(length: int, names: Sequence[str], where: str) -> None:
    if length != len(names):
        raise BodyError(f"{where} has {length} values; this model reads {len(names)}: {', '.join(names)}")


def _lines(body: bytes) -> list[str]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BodyError("the body is no UTF-8 text") from None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return [] if lines == [""] else lines


def _parse(text: bytes, where: str) -> Json:
    try:
        return parse_json(text, max_bytes=len(text))
    except DocumentError as error:
        raise BodyError(f"{where}: {error}") from None


def _encode_csv(scores: Sequence[float]) -> str:
    return "".join(f"{score!r}\n" for score in scores)


def _encode_json(scores: Sequence[float]) -> str:
    return json.dumps({"predictions": [{"score": score} for score in scores]})


def _encode_json_lines(scores: Sequence[float]) -> str:
    return "".join(json.dumps({"score": score}) + "\n" for score in scores)


DECODERS: Mapping[str, Callable[[bytes, Sequence[str]], Rows]] = {
    CSV: _decode_csv,
    JSON: _decode_json,
    JSON_LINES: _decode_json_lines,
}
"""What a request may hold, by its content type."""

ENCODERS: Mapping[str, Callable[[Sequence[float]], str]] = {
    JSON: _encode_json,
    CSV: _encode_csv,
    JSON_LINES: _encode_json_lines,
}
"""What a reply may hold, by its content type; the first is the default."""
