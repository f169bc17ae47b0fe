"""Money as whole minor units, so that a budget adds up to the cent."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimals of a currency where they are not two. Source: ISO 4217, list one."""

LARGEST = 2**53 - 1
"""The largest amount, in minor units: what every JSON reader holds exactly."""


def minor_units(amount: str | float, currency: str) -> int:
    """Return an amount in minor units of its currency.

    Raises:
        ValueError: More decimals than the currency has, negative, or out of range.

    >>> minor_units(12.5, "EUR"), minor_units("5000", "JPY")
    (1250, 5000)
    """
    digits = _DIGITS.get(currency, 2)
    try:
        scaled = Decimal(str(amount)).scaleb(digits)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError("no amount of money") from None
    if scaled != whole:
        raise ValueError(f"{currency} has {digits} decimals")
    if not 0 <= whole <= LARGEST:
        raise ValueError("an amount of money is not negative, and not astronomical")
    return whole


def format_money(minor: int, currency: str) -> str:
    """Write an amount with its currency.

    >>> format_money(500000, "EUR"), format_money(1250, "EUR")
    ('5,000 EUR', '12.50 EUR')
    """
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole:,}{f'.{rest:0{digits}}' if rest else ''} {currency}"
