"""Which pages of other origins may read the answer.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from __future__ import annotations

from collections.abc import Collection

_PREFLIGHT_AGE_S = 3_600


def cors_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """Return the headers that let a page read an answer; the name of any other origin is not repeated."""
    headers = {"vary": "origin"}
    if origin is not None and origin in allowed:
        headers["access-control-allow-origin"] = origin
    return headers


def preflight_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """Return the headers that answer the question whether a page may ask."""
    headers = cors_headers(origin, allowed)
    if "access-control-allow-origin" in headers:
        headers["access-control-allow-methods"] = "POST"
        headers["access-control-allow-headers"] = "authorization, content-type"
        headers["access-control-max-age"] = str(_PREFLIGHT_AGE_S)
    return headers
