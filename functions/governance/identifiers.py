"""National identifiers with their check digits, as they stand alone in a field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_SSN: Final = re.compile(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}")
_NINO: Final = re.compile(
    r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2} ?){3}[A-D]"
)
_DNI: Final = re.compile(r"[XYZ0-9][0-9]{7}-?[A-Z]")
_INSEE: Final = re.compile(r"[12][0-9]{2}(?:0[1-9]|1[0-2]|[2-9][0-9])[0-9]{10}")
_STEUER_ID: Final = re.compile(r"[1-9][0-9]{10}")


def _is_dni(text: str) -> bool:
    number = text[:-1].rstrip("-").translate(str.maketrans("XYZ", "012"))
    return _DNI.fullmatch(text) is not None and text[-1] == _DNI_LETTERS[int(number) % 23]


def _is_insee(text: str) -> bool:
    number = text.replace(" ", "")
    return _INSEE.fullmatch(number) is not None and 97 - int(number[:13]) % 97 == int(number[13:])


def _is_steuer_id(text: str) -> bool:
    number = text.replace(" ", "")
    if _STEUER_ID.fullmatch(number) is None:
        return False
    product = 10
    for sign in number[:10]:
        product = (((int(sign) + product) % 10 or 10) * 2) % 11
    return (11 - product) % 10 == int(number[10])


NATIONAL_IDS: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("a US social security number", lambda text: _SSN.fullmatch(text) is not None),
    ("a UK national insurance number", lambda text: _NINO.fullmatch(text) is not None),
    ("a Spanish DNI or NIE", _is_dni),
    ("a French social security number", _is_insee),
    ("a German tax id", _is_steuer_id),
)
"""What a value may look like, with the check of it."""
