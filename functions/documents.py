"""JSON from outside and JSON to the outside: read strictly, written canonically."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NoReturn

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys, and nothing else."""

MAX_DEPTH = 100
"""Levels of nesting that are read; deeper documents are refused before they are walked."""

# Possessive, and a string without end runs to the end: one pass, whatever the text.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class DocumentError(ValueError):
    """A text is no acceptable JSON. The message holds positions and sizes, never content."""


class DocumentTooLargeError(DocumentError):
    """A text is over its limit of bytes or levels."""


def parse_json(text: str | bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Json:
    """Parse one JSON document of bounded size and depth.

    NaN and Infinity are refused, as are numbers that overflow to infinity and keys given twice:
    each is a value that two readers of one document would understand differently. Halves of surrogate
    pairs are refused as well: they are no Unicode text, and can be neither sent nor stored.

    Args:
        text: UTF-8 bytes or text.
        max_bytes: The most that is accepted, in bytes (characters for text).
        max_depth: The most levels of nesting.

    Raises:
        DocumentTooLargeError: Over `max_bytes` or `max_depth`.
        DocumentError: No JSON, with line and column where known.
    """
    if len(text) > max_bytes:
        raise DocumentTooLargeError(f"{len(text):,} bytes, at most {max_bytes:,} are read")
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
        if _may_be_deep(decoded, max_depth):
            _check_depth(decoded, max_depth)
        value = json.loads(
            decoded, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique_keys
        )
        _check_unicode(decoded, value)
        return value
    except json.JSONDecodeError as error:
        raise DocumentError(f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"no UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise DocumentTooLargeError(f"more than {max_depth} levels deep") from None
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError("an integer has too many digits") from None


def canonical_json(value: Json) -> str:
    """Print a JSON value in one way only: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: The value holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Json) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical form."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def _refuse_constant(_: str) -> NoReturn:
    raise DocumentError("NaN and Infinity are no JSON numbers")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise DocumentError("a number is too large to be represented")
    return number


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DocumentError("an object gives a key twice")
    return found


def _check_unicode(text: str, value: Json) -> None:
    """Try to encode what could hold half of a surrogate pair; most documents can't, and cost nothing.

    Raises:
        DocumentError: There is one.
    """
    try:
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        elif not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        raise DocumentError("half of a surrogate pair is no Unicode text") from None


def _may_be_deep(text: str, max_depth: int) -> bool:
    return text.count("[") + text.count("{") > max_depth


def _check_depth(text: str, max_depth: int) -> None:
    """Count brackets outside strings, so that depth is bounded before anything recurses."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise DocumentTooLargeError(f"more than {max_depth} levels deep")
        elif mark in "]}":
            depth -= 1
