"""Signatures of webhooks, by the Standard Webhooks specification 1.0.0, symmetric scheme `v1`.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix, not a secret
MIN_KEY_BYTES: Final = 24
"""Shortest key of the specification."""

TOLERANCE: Final = timedelta(minutes=5)


def signing_keys(secret: str) -> tuple[bytes, ...]:
    """Return the keys of a secret.

    Args:
        secret: `whsec_` and the key in Base64, or any text of 24 bytes or more. Several, separated by
            spaces, sign together: receivers can move from one to the next at leisure.

    Raises:
        ValueError: There is none, one is shorter than 24 bytes, or no Base64. The secret is not repeated.
    """
    keys = tuple(_key(part) for part in secret.split())
    if not keys or any(len(key) < MIN_KEY_BYTES for key in keys):
        raise ValueError(f"a signing secret needs {MIN_KEY_BYTES} bytes or more")
    return keys


def sign(message_id: str, timestamp: int, body: bytes, keys: tuple[bytes, ...]) -> str:
    """Return the value of the signature header.

    Args:
        message_id: Without a full stop, which separates it from the timestamp.
        timestamp: Of this attempt, in seconds since 1970.
        body: The exact bytes that are sent.
        keys: One signature for each.
    """
    return " ".join(f"v1,{_signature(message_id, timestamp, body, key)}" for key in keys)


def verify_signature(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> bool:
    """Say whether a webhook is from somebody who knows the secret, unchanged and recent; for receivers.

    Then keep `webhook-id` (it equals `Idempotency-Key`) and skip what was seen before.

    Args:
        headers: Of the request; names in any case.
        body: The exact bytes of the request, before anything parses them.
        secret: As `signing_keys` takes it.
        now: The present instant, aware.
        tolerance: How far the timestamp may be from it, on either side.

    Raises:
        ValueError: The secret is none.
    """
    keys = signing_keys(secret)
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get(ID_HEADER, ""), given.get(TIMESTAMP_HEADER, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > tolerance.total_seconds():
        return False
    expected = [f"v1,{_signature(message_id, int(timestamp), body, key)}".encode() for key in keys]
    offered = [text.encode() for text in given.get(SIGNATURE_HEADER, "").split()]
    # Every pair is compared, each in constant time.
    matches = [hmac.compare_digest(one, other) for one in expected for other in offered]
    return any(matches)


def _key(text: str) -> bytes:
    if not text.startswith(SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("what follows whsec_ is no Base64") from None


def _signature(message_id: str, timestamp: int, body: bytes, key: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
