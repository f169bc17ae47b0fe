"""From the bytes of a reply to outputs that can be believed: decoded, found, finite, in range."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.documents import DocumentError, Json, canonical_json, parse_json
from functions.errors import ModelReplyError, ModelReplyRangeError
from functions.models.limits import MAX_BODY_BYTES, MAX_OUTPUT_BYTES
from functions.models.model import ModelReply

if TYPE_CHECKING:
    from functions.expressions import Expression
    from functions.spec.plan import ModelPlan

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
# What the servers of this field write for a number that is none, in any case.
_NOT_FINITE: Final = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def read_reply(reply: ModelReply, plan: ModelPlan) -> dict[str, Json]:
    """Return the outputs that a plan declares, each checked.

    Args:
        reply: What came back.
        plan: Its response expressions are evaluated over the decoded document: the JSON itself, the list
            of the lines' documents, or the list of CSV rows. A single CSV row stands for itself, so that
            `[0]` is its first value.

    Raises:
        ModelReplyError: Content type, syntax or shape are not as declared.
        ModelReplyRangeError: A number is not finite or outside its range.
    """
    document = decode_reply(reply)
    return {
        name: _checked(name, _evaluated(name, expression, document), plan.ranges.get(name))
        for name, expression in plan.response.items()
    }


def decode_reply(reply: ModelReply) -> Json:
    """Return the document of a reply, by its content type.

    Raises:
        ModelReplyError: No type that is read, or not what the type promises.
        ModelReplyRangeError: A CSV cell is NaN or infinite.
    """
    decode = _DECODERS.get(reply.content_type)
    if decode is None:
        raise ModelReplyError(
            "the reply has a content type that is not read",
            hint=f"Ask for one of these with `accept`: {', '.join(_DECODERS)}.",
        )
    if len(reply.body) > MAX_BODY_BYTES:
        raise ModelReplyError(f"the reply has over {MAX_BODY_BYTES:,} bytes")
    try:
        return decode(reply.body)
    except DocumentError as error:
        raise ModelReplyError(f"the reply is not what its content type says: {error}") from None


def _decode_json(body: bytes) -> Json:
    return parse_json(body, max_bytes=MAX_BODY_BYTES)


def _decode_lines(body: bytes) -> Json:
    documents = [parse_json(line, max_bytes=MAX_BODY_BYTES) for line in body.split(b"\n") if line.strip()]
    if not documents:
        raise DocumentError("there is no line")
    return documents


def _decode_csv(body: bytes) -> Json:
    try:
        text = body.decode("utf-8-sig")
        rows = [[_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text), strict=True) if row]
    except UnicodeDecodeError as error:
        raise DocumentError(f"no UTF-8 at byte {error.start}") from None
    except csv.Error:
        raise DocumentError("a row can't be read") from None
    if not rows:
        raise DocumentError("there is no row")
    return rows[0] if len(rows) == 1 else rows


def _cell(text: str) -> Json:
    """Return a cell as number, text, or None where it is empty."""
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NOT_FINITE.fullmatch(text):
        raise ModelReplyRangeError("a cell of the reply is NaN or infinite")
    if not _NUMBER.fullmatch(text):
        return text or None
    number = float(text)
    if not math.isfinite(number):
        raise ModelReplyRangeError("a cell of the reply is too large a number")
    return number


_DECODERS: Final = MappingProxyType[str, Callable[[bytes], Json]](
    {
        "application/json": _decode_json,
        "text/csv": _decode_csv,
        "application/jsonlines": _decode_lines,
        "application/x-ndjson": _decode_lines,
    }
)


def _evaluated(name: str, expression: Expression, document: Json) -> Json:
    try:
        return expression.evaluate(document)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        # The text of the foreign error holds values of the reply.
        raise ModelReplyError(
            f"output {name}: its expression failed on the reply ({type(error).__name__})"
        ) from None


def _checked(name: str, value: Json, bounds: tuple[float, float] | None) -> Json:
    if value is None:
        raise ModelReplyError(f"output {name}: the reply has nothing where its expression looks")
    if bounds is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ModelReplyError(f"output {name}: has a range, and the reply holds no number for it")
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelReplyRangeError(f"output {name}: is not finite")
    # The comparison is written so that NaN could not pass it either.
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        raise ModelReplyRangeError(f"output {name}: is outside its range {bounds[0]:g} to {bounds[1]:g}")
    if not isinstance(value, bool | float):
        _check_size(name, value)
    return value


def _check_size(name: str, value: Json) -> None:
    try:
        size = len(canonical_json(value).encode())
    except (ValueError, TypeError):
        raise ModelReplyError(f"output {name}: holds a number or a text that JSON can't carry") from None
    if size > MAX_OUTPUT_BYTES:
        raise ModelReplyError(f"output {name}: has {size:,} bytes, at most {MAX_OUTPUT_BYTES:,} are used")
