"""Texts whose normal form costs more than their length are refused before it is sought."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from functions.expressions import compile_features
from functions.expressions.library.texts import MOST_MARKS, normalize

NORMALIZED = compile_features({"x": "normalize(profile.x)"})

# Where a later mark belongs before an earlier one, each has to travel.
UNORDERED = {
    "alternating": "\u0315\u0300",
    "descending": "\u0315" * 4 + "\u0300" * 4,
    "four classes": "\u0315\u031b\u0300\u0327",
    "halfwidth sound marks, which are marks after decomposition only": "\u0300\uff9e",
}


@pytest.mark.parametrize("marks", UNORDERED.values(), ids=list(UNORDERED))
def test_half_a_megabyte_of_combining_marks_is_null(marks: str) -> None:
    text = "a" + marks * (500_000 // len(marks))
    assert NORMALIZED.evaluate({"profile": {"x": text}}) == {"x": None}


@pytest.mark.parametrize("marks", UNORDERED.values(), ids=list(UNORDERED))
def test_marks_up_to_the_limit_are_put_into_their_order(marks: str) -> None:
    fits = "A" + (marks * MOST_MARKS)[:MOST_MARKS]
    found = normalize(fits)
    assert found == unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", fits).casefold())
    assert normalize(fits + "\u0300") is None


def test_many_short_runs_of_marks_are_no_long_run() -> None:
    text = ("e" + "\u0301" * MOST_MARKS) * 500
    found = normalize(text)
    assert found is not None
    assert found.startswith("é")


def test_every_sign_that_becomes_a_mark_counts_as_one() -> None:
    becoming = [
        sign
        for sign in map(chr, range(sys.maxunicode + 1))
        if all(map(unicodedata.combining, unicodedata.normalize("NFKD", sign)))
    ]
    assert len(becoming) > 800
    assert [sign for sign in becoming if normalize("a" + sign * (MOST_MARKS + 1)) is not None] == []


def test_plain_text_of_two_megabytes_is_normalized() -> None:
    assert NORMALIZED.evaluate({"profile": {"x": "  Ab" * 500_000}})["x"] == " ".join(["ab"] * 500_000)
