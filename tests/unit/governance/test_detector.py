"""The detector: patterns with checksums, linear on hostile text, cheap on what really leaves."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.governance.detector import detect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoe@mail.example.com", ("email",)),
        ('{"to":"o\'neil+news@work.example"}', ("email",)),
        ("Write to a@b.co, please", ("email",)),
        ("user@localhost", ()),
        ("@handle and a @ b.com", ()),
        ("+49 30 23125 429", ("phone",)),
        ("call +44 (20) 7946-0383 now", ("phone",)),
        ("2026-11-02T09:15:00.000+00:00", ()),
        ("1e+16,2.5e+300", ()),
        ("DE89370400440532013000", ("iban",)),
        ("DE89 3704 0044 0532 0130 00", ("iban",)),
        ("GB82WEST12345698765432", ("iban",)),
        ("DE88370400440532013000", ()),  # wrong check digits
        ("4111111111111111", ("card",)),
        ("4111 1111 1111 1111", ("card",)),
        ("4111-1111-1111-1111", ("card",)),
        ("120.0,4111111111111111.0,3.0", ("card",)),  # a number in CSV
        ("4111111111111112", ()),  # wrong check digit
        ("0.4111111111111111", ()),
        ("4111111111111111.25", ()),
        ("1586423700000", ()),  # milliseconds since 1970
        ("120.0,3.0,180.5", ()),
        ('{"instances":[{"views_14d":2,"tier":"gold"}]}', ()),
        ("10c6201edf7da63b ff8b3fc6f077ee5b9482e9dd8fc3ffc0", ()),
        ("", ()),
        ("zoe@mail.example.com 4111111111111111 DE89370400440532013000 +493023125429",
         ("email", "phone", "iban", "card")),
    ],
)  # fmt: skip
def test_patterns_are_told_by_their_names(text: str, expected: tuple[str, ...]) -> None:
    assert detect(text) == expected


@given(st.text(max_size=200), st.sampled_from(["zoe@mail.example.com", "+493023125429"]))
def test_a_value_is_found_wherever_it_stands(around: str, value: str) -> None:
    assert detect(f"{around} {value} {around}")


HOSTILE = {
    "at signs": "@",
    "address begun": "a@",
    "domain without end": "a@" + "a-" * 100,
    "dots": "a@a.a.a.a.a.a.a.a.",
    "pluses": "+1",
    "phone begun": "+1 2 3 4 5 ",
    "digits": "4",
    "digits apart": "4 ",
    "dashes": "4-1-",
    "account begun": "DE89 3704 ",
    "capitals": "AB12",
    "letters": "a",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear_on_hostile_text(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 1e9
        for _ in range(3):
            begin = time.perf_counter()
            detect(text)
            best = min(best, time.perf_counter() - begin)
        return best

    # Eight times the text may take twenty times the time on a busy machine; a square would take sixty-four.
    assert seconds(160_000) < 20 * seconds(20_000) + 0.05
