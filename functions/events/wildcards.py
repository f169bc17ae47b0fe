r"""Wildcard patterns: `*` stands for any run of characters, `\*` and `\\` for themselves.

Matched by looking for the literal parts one after the other, so that no pattern and no value can make it
backtrack: the first place where a part fits is always as good as any later one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MAX_WILDCARDS: Final = 10
"""Wildcards in one value. EventBridge refuses rules that are "too complex" without naming a figure."""


class WildcardError(ValueError):
    """A wildcard pattern that EventBridge would refuse.

    Attributes:
        code: Last part of the problem's code.
        hint: What to write instead.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def compile_wildcard(pattern: str) -> Callable[[str], bool]:
    r"""Compile a pattern.

    Raises:
        WildcardError: Two wildcards in a row, a stray backslash, or more than `MAX_WILDCARDS`.

    >>> matches = compile_wildcard("dir/*.png")
    >>> matches("dir/a/b.png"), matches("dir/b.jpg")
    (True, False)
    """
    first, *rest = _literals(pattern)
    if not rest:
        return lambda value: value == first
    *middle, last = rest

    def matches(value: str) -> bool:
        end = len(value) - len(last)
        if not (value.startswith(first) and value.endswith(last)) or end < len(first):
            return False
        at = len(first)
        for part in middle:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def _literals(pattern: str) -> list[str]:
    """Split at the wildcards; n wildcards leave n + 1 literal parts, the outer ones maybe empty."""
    parts = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            parts.append("")
        elif character == "\\":
            escaped = next(characters, "")
            if escaped not in ("*", "\\"):
                raise WildcardError(
                    "bad_escape",
                    "a backslash may stand before * and \\ only",
                    "write \\\\ for a backslash itself",
                )
            parts[-1] += escaped
        else:
            parts[-1] += character
    if "" in parts[1:-1]:
        raise WildcardError("consecutive_wildcards", "two wildcards in a row", "one * matches as much as two")
    if len(parts) - 1 > MAX_WILDCARDS:
        raise WildcardError(
            "too_many_wildcards",
            f"{len(parts) - 1} wildcards, at most {MAX_WILDCARDS}",
            "several shorter patterns in the list mean `or`",
        )
    return parts
