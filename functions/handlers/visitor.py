"""Visitor tokens: a page shows who it speaks for, and can't speak for anybody else.

The server that renders the page makes the token; `v1.<id>.<expiry>.<signature>`, where the id is base64url,
the expiry seconds since 1970, and the signature HMAC-SHA256 over all that stands before it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

_VERSION: Final = "v1"
_MAX_TOKEN: Final = 2_048
_LAST_SECOND: Final = 10**11


def mint_visitor_token(visitor_id: str, *, key: bytes, expires_at: datetime) -> str:
    """Return the token of a visitor.

    Args:
        visitor_id: What the profile key of the spec gives for the visitor's events.
        key: The secret, 24 bytes or more.
        expires_at: From when on it is worth nothing, aware.
    """
    encoded = base64.urlsafe_b64encode(visitor_id.encode()).decode().rstrip("=")
    signed = f"{_VERSION}.{encoded}.{int(expires_at.timestamp())}"
    return f"{signed}.{_signature(signed, key)}"


def visitor_of(token: str, *, keys: tuple[bytes, ...], now: datetime) -> str | None:
    """Return the visitor of a token; None for one that is forged, over, or no token at all.

    Args:
        token: As the page sent it.
        keys: Each is accepted, so that keys can be changed at leisure.
        now: The present instant, aware.
    """
    parts = token.split(".") if len(token) <= _MAX_TOKEN and token.isascii() else []
    if len(parts) != 4:
        return None
    signed, _, given = token.rpartition(".")
    # Every key is compared, each in constant time, before anything else is looked at.
    matches = [hmac.compare_digest(_signature(signed, key), given) for key in keys]
    version, encoded, expiry, _ = parts
    if not any(matches) or version != _VERSION or not expiry.isdigit():
        return None
    if min(int(expiry), _LAST_SECOND) <= now.timestamp():
        return None
    try:
        padding = "=" * (-len(encoded) % 4)
        return base64.urlsafe_b64decode(encoded + padding).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _signature(signed: str, key: bytes) -> str:
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
