"""Encodings of values for models, and choices between values."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from itertools import pairwise
from typing import Any

from functions.expressions.library.arithmetic import is_number


def bucketize(x: Any, boundaries: Any) -> int | None:
    """Return how many of the ascending `boundaries` are at or below `x`: the index of its bucket."""
    if not is_number(x) or not isinstance(boundaries, list) or not all(map(is_number, boundaries)):
        return None
    if any(left > right for left, right in pairwise(boundaries)):
        return None
    return bisect_right(boundaries, x)


def one_hot(value: Any, categories: Any) -> list[int] | None:
    """Return 1 for the category that equals `value` and 0 for the others; all 0 when none does."""
    if value is None or not isinstance(categories, list):
        return None
    return [1 if same(value, category) else 0 for category in categories]


def hash_bucket(value: Any, buckets: Any, salt: Any = "") -> int | None:
    """Return a stable number from 0 to `buckets` - 1 for a string, number or boolean.

    The first 8 bytes of the SHA-256 of the salt, a zero byte and the value's JSON text, modulo `buckets`.
    A float without a fraction counts as the integer: JSON does not tell 1 from 1.0.
    """
    if not isinstance(value, str | int | float) or not isinstance(salt, str):
        return None
    if type(buckets) is not int or buckets < 1:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        digest = hashlib.sha256(f"{salt}\0{json.dumps(value, allow_nan=False)}".encode()).digest()
    except ValueError:  # NaN, an infinity, an integer of thousands of digits, or half a surrogate pair
        return None
    return int.from_bytes(digest[:8]) % buckets


def coalesce(*values: Any) -> Any:
    """Return the first argument that is not null."""
    return next((value for value in values if value is not None), None)


def if_else(condition: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` when the condition is true as JMESPath means it, else `otherwise`."""
    return otherwise if is_falsy(condition) else then


def is_falsy(value: Any) -> bool:
    """Return whether JMESPath takes the value for false: null, false, and empty text, array or object."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal as JSON: `1` equals `1.0`, and never `true`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
