"""Wildcards match as a regular expression would, and never slower than the text is long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.events.wildcards import WildcardError, compile_wildcard


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("dir/*.png", "dir/a.png", True),
        ("dir/*.png", "dir/.png", True),
        ("dir/*.png", "dir/a.jpg", False),
        ("*", "", True),
        ("*/lib/*", "/usr/lib/x", True),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "aXbXbXc", True),
        ("a*b*c", "acb", False),
        ("a*bc*c", "abc", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"a\\*", "a\\x", True),
        ("plain", "plain", True),
        ("plain", "plainer", False),
        ("Simple*Service", "SimpleQueueService", True),
    ],
)
def test_a_wildcard_matches_any_run(pattern: str, value: str, matches: bool) -> None:
    assert compile_wildcard(pattern)(value) is matches


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4), st.text("ab", max_size=12))
def test_wildcards_agree_with_a_regular_expression(parts: list[str], value: str) -> None:
    expected = re.fullmatch(".*".join(parts), value) is not None
    assert compile_wildcard("*".join(parts))(value) is expected


def test_a_hostile_value_costs_no_more_than_its_length() -> None:
    matches = compile_wildcard("*a*a*a*a*a*a*a*a*b")
    assert matches("a" * 1_000_000) is False
    assert matches("a" * 1_000_000 + "b") is True


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("a**b", "consecutive_wildcards"),
        ("**", "consecutive_wildcards"),
        ("a\\b", "bad_escape"),
        ("a\\", "bad_escape"),
        ("*a" * 11, "too_many_wildcards"),
    ],
)
def test_what_eventbridge_refuses_is_refused(pattern: str, code: str) -> None:
    with pytest.raises(WildcardError) as caught:
        compile_wildcard(pattern)
    assert caught.value.code == code
