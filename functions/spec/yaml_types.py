"""The type of a plain YAML scalar, by the core schema of YAML 1.2: `no` and `21:00` are texts.

Source: YAML 1.2.2, section 10.3.2, "Tag Resolution".
"""

from __future__ import annotations

import re

from functions.documents import Json

_NULL = re.compile(r"(?:~|null|Null|NULL|)")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]{1,80}|0x[0-9a-fA-F]{1,80}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> Json:
    """Return the value of a plain scalar.

    Raises:
        ValueError: It is a number that is not finite, or too large.
    """
    if text in _BOOL:
        return _BOOL[text]
    if _NULL.fullmatch(text):
        return None
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if abs(number) == float("inf"):
            raise ValueError("the number is too large")
        return number
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("numbers must be finite")
    return text
