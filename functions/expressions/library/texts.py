"""Text. There are no regular expressions: one that backtracks could stop a whole batch."""

from __future__ import annotations

import sys
import unicodedata
from itertools import groupby
from typing import Any

LONGEST_TEXT = 1_000_000
"""Characters that `replace` may produce; a longer result is null, so that nesting it can't exhaust memory."""


LONGEST_JOIN = 10_000_000
"""Characters that JMESPath's `join` may produce here: a long separator times a long array has no bound."""


MOST_GROWTH = 16
"""How many times as long as what they are given the results of `replace` and `join` may be. They are called for
each element of an array as well, where a limit on the length of one result would bound nothing. What replaces a
single text, or joins with a separator of up to 15 characters, never comes near it."""


MOST_MARKS = 100
"""Combining marks in a row that `normalize` takes. Putting marks into their order costs the square of their
number: half a megabyte of them would take minutes. No script needs more than 30 in a row.

Source: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""


class TextTooLongError(ValueError):
    """A `join` would produce too much text."""


def joined(separator: str, texts: list[str]) -> str:
    """Return JMESPath's `join`.

    Raises:
        TextTooLongError: The result would have more than `LONGEST_JOIN` characters, or more than
            `MOST_GROWTH` times as many as what is joined, each text counting one more than it has.
    """
    if _is_too_long(separator, texts):
        raise TextTooLongError("join would produce too much text")
    return separator.join(texts)


def _is_too_long(separator: str, texts: list[str]) -> bool:
    between, given = len(separator) * len(texts), len(separator) + len(texts)
    if between > LONGEST_JOIN:
        return True
    return between > MOST_GROWTH * given and between > MOST_GROWTH * (given + sum(map(len, texts)))


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
    """Return the text in Unicode form NFKC, case folded, each run of white space as one space.

    Text with more than `MOST_MARKS` combining marks in a row is null.
    """
    if not isinstance(text, str) or not (text.isascii() or _can_be_ordered(text)):
        return None
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _can_be_ordered(text: str) -> bool:
    # What has no combining class may still decompose into a mark, such as the halfwidth voiced sound mark.
    marks = {sign for sign in set(text) if unicodedata.combining(unicodedata.normalize("NFKD", sign)[0])}
    if not marks:
        return True
    runs = groupby(text, marks.__contains__)
    return all(sum(1 for _ in run) <= MOST_MARKS for is_mark, run in runs if is_mark)


def split(text: Any, separator: Any) -> list[str] | None:
    """Return the parts of the text between separators; null for an empty separator."""
    if not isinstance(text, str) or not isinstance(separator, str) or not separator:
        return None
    return text.split(separator)


def replace(text: Any, old: Any, new: Any) -> str | None:
    """Return the text with every `old` replaced by `new`; null for an empty `old`.

    A result of more than `LONGEST_TEXT` characters is null, and so is one of more than `MOST_GROWTH` times
    as many as the three texts have.
    """
    if not isinstance(text, str) or not isinstance(old, str) or not isinstance(new, str) or not old:
        return None
    length = len(text) + text.count(old) * (len(new) - len(old))
    if length > min(LONGEST_TEXT, MOST_GROWTH * (len(text) + len(old) + len(new))):
        return None
    return text.replace(old, new)


def substring(text: Any, start: Any, length: Any = sys.maxsize) -> str | None:
    """Return `length` characters from the 0-based `start`, or all that follow; negative counts are null."""
    if not isinstance(text, str) or type(start) is not int or type(length) is not int:
        return None
    return text[start : start + length] if start >= 0 and length >= 0 else None
