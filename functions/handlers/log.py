"""The receipt as a log line: names, codes, sizes and hashed ids, and no value of an event or a profile."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from functions.documents import Json
from functions.runtime.receipt import Receipt
from functions.times import format_instant


def log_document(receipt: Receipt, *, known_names: Collection[str] = ()) -> dict[str, Json]:
    """Return what a log may keep of a receipt, under the keys that the receipt has.

    Lists of names stand where the receipt has values. To find the lines of one profile, hash its id:
    `printf %s customer-0042 | sha256sum | cut -c1-16`.

    Args:
        receipt: What became of an event.
        known_names: Names of events that the author of the spec wrote. A name that only a producer wrote
            could hold anything, so it is hashed.
    """
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


def hashed(text: str | None) -> str | None:
    """Return the first 16 hex digits of the SHA-256 of an id; None for none.

    >>> hashed("customer-0042")
    '10c6201edf7da63b'
    """
    if text is None:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
