"""The receipt as a log line: names, codes, sizes and hashed ids, and no value of an event or a profile."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection

from functions.documents import Json
from functions.runtime.receipt import Receipt
from functions.times import format_instant

Hashed = Callable[[str | None], str | None]
"""Gives what stands in a log for an identifier."""


def log_document(
    receipt: Receipt, *, known_names: Collection[str] = (), hashed: Hashed | None = None
) -> dict[str, Json]:
    """Return what a log may keep of a receipt, under the keys that the receipt has.

    Lists of names stand where the receipt has values. To find the lines of one profile, hash its id:
    `printf %s customer-0042 | sha256sum | cut -c1-16`.

    Args:
        receipt: What became of an event.
        known_names: Names of events that the author of the spec wrote. A name that only a producer wrote
            could hold anything, so it is hashed.
        hashed: Hashes identifiers; without a key when not given.
    """
    hashed = hashed or plain_hash
    document = receipt.as_document()
    name = receipt.event_name
    document["event"] = {
        "id": hashed(receipt.event_id),
        "name": name if name in known_names else hashed(name),
        "time": format_instant(receipt.event_time) if receipt.event_time else None,
    }
    document["profile_id"] = hashed(receipt.profile_id)
    for values in ("features", "scores", "write_back"):
        document[values] = list(document[values])
    document["candidates"] = [{**one, "value": None} for one in document["candidates"]]
    if receipt.payload is not None:
        document["payload"] = {
            "content_type": receipt.payload.content_type,
            "bytes": receipt.payload.bytes,
            "body": None,
            "labels": list(receipt.payload.labels),
        }
    return document


def plain_hash(text: str | None) -> str | None:
    """Return the first 16 hex digits of the SHA-256 of an id; None for none.

    Whoever can guess the id can find its hash; `keyed_hash` needs the key too.

    >>> plain_hash("customer-0042")
    '10c6201edf7da63b'
    """
    if text is None:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def keyed_hash(key: bytes) -> Hashed:
    """Return what gives the first 16 hex digits of the HMAC-SHA256 of an id under a key.

    >>> keyed_hash(b"a key of twenty-four bytes, at least")("customer-0042")
    'ae05cfe639ea89e1'
    """

    def hashed(text: str | None) -> str | None:
        if text is None:
            return None
        return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:16]

    return hashed
