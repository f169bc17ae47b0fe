"""A backstop: patterns and checksums that tell personal data in what is about to leave.

Never the control, which is the lineage gate: a detector misses what it has no pattern for. It looks at payloads,
prompts and log lines, names what it found and never the value. Its time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_BEFORE_AT: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-"
)
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}(?![A-Za-z0-9])")
_PHONE: Final = re.compile(r"\+[1-9](?:[ ()./-]{0,2}[0-9]){6,14}(?![0-9])")
# What must not stand before is asked after the first sign: a search for a set of signs is far cheaper.
_IBAN: Final = re.compile(
    r"[A-Z](?<![A-Za-z0-9].)[A-Z][0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
# CSV writes every number as a float, so `.0` may follow; the digits of a fraction are no card.
_CARD: Final = re.compile(
    r"[2-6](?<![0-9A-Za-z.].)(?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])(?!\.(?:[1-9]|0[0-9]))"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that looks like personal data.

    Attributes:
        where: On its way to a `model`, or with an `action`.
        pattern: What it looks like.
    """

    where: str
    pattern: str


def detect(text: str) -> tuple[str, ...]:
    """Return the names of the patterns that a text holds: `email`, `phone`, `iban`, `card`.

    >>> detect('{"contact": "zoe@mail.example.com", "card": 4111111111111111}')
    ('email', 'card')
    """
    return tuple(name for name, holds in _PATTERNS if holds(text))


def is_email(text: str) -> bool:
    """Say whether a text holds an e-mail address."""
    return any(
        at > 0 and text[at - 1] in _BEFORE_AT and _DOMAIN.match(text, at + 1) for at in _places(text, "@")
    )


def is_phone(text: str) -> bool:
    """Say whether a text holds a phone number in its international form."""
    return "+" in text and _PHONE.search(text) is not None


def is_iban(text: str) -> bool:
    """Say whether a text holds an account number whose check digits are right."""
    return any(_mod_97(found[0].replace(" ", "")) for found in _IBAN.finditer(text))


def is_card(text: str) -> bool:
    """Say whether a text holds a card number whose check digit is right."""
    return any(_luhn(re.sub("[ -]", "", found[0])) for found in _CARD.finditer(text))


def _places(text: str, sign: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


def _mod_97(number: str) -> bool:
    if not 15 <= len(number) <= 34:
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1


def _luhn(number: str) -> bool:
    digits = [int(sign) for sign in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_PATTERNS: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("email", is_email),
    ("phone", is_phone),
    ("iban", is_iban),
    ("card", is_card),
)
