"""How stores write documents and profiles: strict JSON, profiles compressed behind a codec byte."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from functions.documents import DocumentTooLargeError, Json, parse_json
from functions.errors import StoreRejectedError
from functions.profiles.store import MAX_ID_BYTES, MAX_PROFILE_BYTES
from functions.times import format_instant, parse_instant

PLAIN: Final = 0
"""Codec byte of a profile that is kept as it is."""

ZLIB: Final = 1
"""Codec byte of a profile that is compressed with zlib."""


RESERVED: Final = "FUNCTIONS#"
"""What no id begins with: stores keep such keys for themselves."""


def check_id(text: str, what: str) -> None:
    """Refuse an id that not every store can use as a key.

    Args:
        text: The id, which is never repeated in the error.
        what: What the id names, for the error.

    Raises:
        StoreRejectedError: Empty, over `MAX_ID_BYTES`, not encodable as UTF-8, or it begins with `RESERVED`.
    """
    size = len(_utf8(text, what))
    if not 0 < size <= MAX_ID_BYTES:
        raise StoreRejectedError(f"{what} has {size} bytes; 1 to {MAX_ID_BYTES} can be kept")
    if text.startswith(RESERVED):
        raise StoreRejectedError(f"{what} begins with {RESERVED!r}, which stores keep for themselves")


def check_text(text: str, what: str) -> None:
    """Refuse text with a lone surrogate, which has no UTF-8 form.

    Raises:
        StoreRejectedError: It has one.
    """
    _utf8(text, what)


def encode_document(document: Json, what: str) -> str:
    """Write a JSON value so that every strict reader reads it back.

    Args:
        document: Of at most `MAX_PROFILE_BYTES` as text; its order of keys is kept.
        what: What the document is, for the error.

    Raises:
        StoreRejectedError: It holds NaN or an infinity, a lone surrogate, an object that is no JSON, two
            keys that are written alike, or it is too large or too deep.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # Reading it back is what proves it: depth, keys such as 1 and "1", numbers with too many digits.
        parse_json(_utf8(text, what), max_bytes=MAX_PROFILE_BYTES)
    except DocumentTooLargeError as error:
        raise StoreRejectedError(f"{what} is too large: {error}") from None
    except (TypeError, ValueError, RecursionError):
        raise StoreRejectedError(f"{what} is not strict JSON, so it can't be kept") from None
    return text


def decode_document(text: str, what: str) -> Json:
    """Read what `encode_document` wrote.

    Raises:
        StoreRejectedError: The store holds something else.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise StoreRejectedError(f"the store holds {what} that can't be read") from None


def pack_profile(document: Mapping[str, Json]) -> bytes:
    """Write a profile as stores keep it: a codec byte, then the JSON text in that codec.

    Raises:
        StoreRejectedError: As `encode_document`.
    """
    return bytes([ZLIB]) + zlib.compress(encode_document(dict(document), "the profile").encode())


def unpack_profile(packed: bytes) -> bytes:
    """Return the JSON text of a packed profile, in bytes.

    Raises:
        StoreRejectedError: The codec is not known, the data is damaged, or the text is over
            `MAX_PROFILE_BYTES` (measured before it is held in memory).
    """
    codec, body = packed[:1], packed[1:]
    if codec == bytes([PLAIN]):
        return body
    if codec != bytes([ZLIB]):
        raise StoreRejectedError("the store holds a profile in a codec that this version does not know")
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(body, MAX_PROFILE_BYTES + 1)
    except zlib.error:
        raise StoreRejectedError("the store holds a profile that is damaged") from None
    if len(text) > MAX_PROFILE_BYTES or not inflater.eof:
        raise StoreRejectedError("the store holds a profile that is damaged or too large")
    return text


def to_milliseconds(instant: datetime) -> datetime:
    """Cut an instant to the precision that every store keeps."""
    return parse_instant(format_instant(instant))


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # its own text would repeat the value
        raise StoreRejectedError(f"{what} holds a lone surrogate, which no UTF-8 text can") from None
