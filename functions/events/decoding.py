"""From the text a transport carries to a JSON value, with every size bounded before it is paid for."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from dataclasses import dataclass

from functions.documents import MAX_DEPTH, DocumentError, DocumentTooLargeError, Json, parse_json
from functions.errors import EventMalformedError, EventTooLargeError

MAX_EVENT_BYTES = 1_048_576
"""The most one event may hold, as compact JSON. SQS and EventBridge carry no more than this."""

MAX_ENVELOPE_BYTES = 10 * 1_048_576
"""The most a whole envelope may hold as text, and the most a compressed body may inflate to."""

MAX_EVENTS = 10_000
"""The most events one document may hold: the largest batch that Lambda delivers from SQS or Kinesis."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # lets zlib tell the two apart by their header
_ZLIB_METHOD = 0x78  # deflate with a 32 KB window, what every encoder writes (RFC 1950)


def decode_document(text: str | bytes, position: str) -> Json:
    """Parse JSON text.

    Raises:
        EventTooLargeError: Over `MAX_ENVELOPE_BYTES`, or nested too deeply.
        EventMalformedError: No JSON; the message gives line and column, never content.
    """
    try:
        return parse_json(text, max_bytes=MAX_ENVELOPE_BYTES)
    except DocumentTooLargeError as error:
        raise EventTooLargeError(f"{position}: {error}") from None
    except DocumentError as error:
        raise EventMalformedError(f"{position}: {error}") from None


@dataclass(slots=True)
class Allowance:
    """What one document may still cost: the only thing here that changes.

    Without it, thousands of small records could each inflate to the most that one may.

    Attributes:
        inflated_bytes: Bytes that may still come out of compressed bodies.
        events: Events and refusals that may still come out of the document.
    """

    inflated_bytes: int = 4 * MAX_ENVELOPE_BYTES
    events: int = MAX_EVENTS


def decode_body(body: Json, position: str, allowance: Allowance, *, encoded: bool = False) -> Json:
    """Read a body: JSON text, or base64 of JSON that may be compressed with gzip or zlib.

    Args:
        body: What stands in the envelope.
        position: Where it stands, for the error.
        allowance: What the document may still cost; an inflated body is taken from it.
        encoded: Whether the envelope says that it is base64; otherwise its first character tells.

    Raises:
        EventMalformedError: No text, no base64, a broken stream or no JSON.
        EventTooLargeError: Over `MAX_ENVELOPE_BYTES`, before or after inflating.
    """
    if not isinstance(body, str):
        raise EventMalformedError(f"{position}: no text")
    if not encoded and body.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return decode_document(body, position)
    data = _from_base64(body)
    if data is None:
        raise EventMalformedError(
            f"{position}: no base64" if encoded else f"{position}: no JSON object or list"
        )
    return decode_document(_inflated(data, position, allowance), position)


def check_bounds(body: Json, position: str, max_bytes: int = MAX_EVENT_BYTES) -> None:
    """Check size, depth, numbers and text of one event that is already parsed.

    A Lambda runtime hands over parsed documents whose parser is more lenient than ours.

    Raises:
        EventTooLargeError: Over `max_bytes` as compact JSON, or over `MAX_DEPTH` levels.
        EventMalformedError: Holds NaN, an infinity or half a surrogate pair, which can't be stored.
    """
    left = max_bytes
    pending: list[tuple[Json, int]] = [(body, 1)]
    while pending:
        value, depth = pending.pop()
        left -= _cost(value, position)
        if left < 0:
            raise EventTooLargeError(f"{position}: over {max_bytes:,} bytes")
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise EventTooLargeError(f"{position}: more than {MAX_DEPTH} levels deep")
            pending.extend((child, depth + 1) for child in value)
            if isinstance(value, dict):
                pending.extend((child, depth + 1) for child in value.values())


def _cost(value: Json, position: str) -> int:
    if isinstance(value, str):
        try:
            return len(value) + 3 if value.isascii() else len(value.encode()) + 3
        except UnicodeEncodeError:
            raise EventMalformedError(f"{position}: text with half a surrogate pair") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise EventMalformedError(f"{position}: NaN and Infinity are no JSON numbers")
    if isinstance(value, int):
        return 2 + value.bit_length() // 3
    return 2


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _inflated(data: bytes, position: str, allowance: Allowance) -> bytes:
    zlib_header = data[:1] == bytes([_ZLIB_METHOD]) and int.from_bytes(data[:2], "big") % 31 == 0
    if not (data.startswith(_GZIP_MAGIC) or zlib_header):
        return data
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    most = min(MAX_ENVELOPE_BYTES, allowance.inflated_bytes)
    try:
        inflated = stream.decompress(data, most + 1)
    except zlib.error:
        raise EventMalformedError(f"{position}: a broken compressed stream") from None
    allowance.inflated_bytes -= min(len(inflated), most)
    if len(inflated) > most:
        raise EventTooLargeError(f"{position}: inflates to over {most:,} bytes")
    if not stream.eof or stream.unused_data:
        raise EventMalformedError(f"{position}: a broken compressed stream")
    return inflated
