"""Text. There are no regular expressions: one that backtracks could stop a whole batch."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

LONGEST_TEXT = 1_000_000
"""Characters that `replace` may produce; a longer result is null, so that nesting it can't exhaust memory."""


LONGEST_JOIN = 10_000_000
"""Characters that JMESPath's `join` may produce here: a long separator times a long array has no bound."""


class TextTooLongError(ValueError):
    """A `join` would produce more than `LONGEST_JOIN` characters."""


def joined(separator: str, texts: list[str]) -> str:
    """Return JMESPath's `join`.

    Raises:
        TextTooLongError: The result would have more than `LONGEST_JOIN` characters.
    """
    if len(separator) * len(texts) > LONGEST_JOIN:
        raise TextTooLongError("join would produce too much text")
    return separator.join(texts)


def lower(text: Any) -> str | None:
    """Return the text in lower case."""
    return text.lower() if isinstance(text, str) else None


def upper(text: Any) -> str | None:
    """Return the text in upper case."""
    return text.upper() if isinstance(text, str) else None


def trim(text: Any) -> str | None:
    """Return the text without white space at its ends."""
    return text.strip() if isinstance(text, str) else None


def normalize(text: Any) -> str | None:
    """Return the text in Unicode form NFKC, case folded, each run of white space as one space."""
    if not isinstance(text, str):
        return None
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def split(text: Any, separator: Any) -> list[str] | None:
    """Return the parts of the text between separators; null for an empty separator."""
    if not isinstance(text, str) or not isinstance(separator, str) or not separator:
        return None
    return text.split(separator)


def replace(text: Any, old: Any, new: Any) -> str | None:
    """Return the text with every `old` replaced by `new`; null for an empty `old`."""
    if not isinstance(text, str) or not isinstance(old, str) or not isinstance(new, str) or not old:
        return None
    if len(text) + text.count(old) * (len(new) - len(old)) > LONGEST_TEXT:
        return None
    return text.replace(old, new)


def substring(text: Any, start: Any, length: Any = sys.maxsize) -> str | None:
    """Return `length` characters from the 0-based `start`, or all that follow; negative counts are null."""
    if not isinstance(text, str) or type(start) is not int or type(length) is not int:
        return None
    return text[start : start + length] if start >= 0 and length >= 0 else None
