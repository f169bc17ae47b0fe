"""Arithmetic. Integers stay exact; what no finite number can hold is null."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Number = int | float

_LARGEST = int(sys.float_info.max)


def is_number(value: object) -> bool:
    """Return whether the value is a JSON number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(value: Any) -> Number | None:
    """Return the number, or null when it is NaN, infinite or beyond the range of a float."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else None
    return None


def add(*terms: Any) -> Number | None:
    """Add two or more numbers."""
    return _fold(lambda x, y: x + y, terms)


def subtract(a: Any, b: Any) -> Number | None:
    """Subtract `b` from `a`."""
    return _fold(lambda x, y: x - y, (a, b))


def multiply(*factors: Any) -> Number | None:
    """Multiply two or more numbers."""
    return _fold(lambda x, y: x * y, factors)


def divide(a: Any, b: Any) -> Number | None:
    """Divide `a` by `b`; null when `b` is zero."""
    return _fold(lambda x, y: x / y, (a, b))


def modulo(a: Any, b: Any) -> Number | None:
    """Return the remainder of `a` by `b`, with the sign of `b`; null when `b` is zero."""
    return _fold(lambda x, y: x % y, (a, b))


def power(base: Any, exponent: Any) -> Number | None:
    """Raise `base` to `exponent`, in floating point, so that no integer can grow without bound."""
    return _fold(math.pow, (base, exponent))


def round_to(x: Any, digits: Any = 0) -> Number | None:
    """Round to `digits` decimals; halves go to the even neighbour, as in NumPy and IEEE 754."""
    if not is_number(x) or type(digits) is not int or abs(digits) > _MOST_DIGITS:
        return None
    try:
        return finite(round(x, digits) if digits else round(x))
    except (ValueError, OverflowError):
        return None


_MOST_DIGITS = 308


def log(x: Any) -> Number | None:
    """Return the natural logarithm; null for zero and below."""
    return _apply(math.log, x)


def log1p(x: Any) -> Number | None:
    """Return the natural logarithm of 1 + x, exact near zero; null for -1 and below."""
    return _apply(math.log1p, x)


def exp(x: Any) -> Number | None:
    """Return e to the power of x; null when that is beyond the range of a float."""
    return _apply(math.exp, x)


def sqrt(x: Any) -> Number | None:
    """Return the square root; null below zero."""
    return _apply(math.sqrt, x)


def clip(x: Any, low: Any, high: Any) -> Number | None:
    """Return `x` limited to `low`..`high`; null when `low` is above `high`."""
    if not (is_number(x) and is_number(low) and is_number(high)) or low > high:
        return None
    return finite(low if x < low else high if x > high else x)


def min_of(*numbers: Any) -> Number | None:
    """Return the smallest argument."""
    return finite(min(numbers)) if all(map(is_number, numbers)) else None


def max_of(*numbers: Any) -> Number | None:
    """Return the largest argument."""
    return finite(max(numbers)) if all(map(is_number, numbers)) else None


def exact_sum(numbers: list[Number]) -> Number:
    """Return the sum, exact for integers and correctly rounded as soon as a float takes part.

    This replaces JMESPath's own `sum`, whose last digits depend on the order of the elements and on the
    version of Python. Where it meets NaN or infinities, which JSON does not have, the plain sum stands.

    Raises:
        OverflowError: A float takes part, and the sum is beyond the range of one.
    """
    kinds = set(map(type, numbers))
    if float not in kinds:
        return sum(numbers)
    try:
        if int not in kinds or (min(numbers) >= -_EXACT and max(numbers) <= _EXACT):
            return math.fsum(numbers)
    except (OverflowError, ValueError):  # on the way; the sum may be within the range all the same
        pass
    if not all(map(math.isfinite, (number for number in numbers if isinstance(number, float)))):
        return _plain_sum(numbers)
    return float(_total(numbers))


def exact_mean(numbers: list[Number]) -> Number | None:
    """Return the exact sum divided by the count; null for an empty array.

    Raises:
        OverflowError: The mean is beyond the range of a float.
    """
    if not numbers:
        return None
    try:
        return exact_sum(numbers) / len(numbers)
    except OverflowError:  # the mean can be within the range when the sum is not
        return float(_total(numbers) / len(numbers))


_EXACT = 2**53  # up to here every integer is a float
_SMALLEST = 1074  # 2**-1074 is the smallest float: in this unit every float is an integer


def _total(numbers: list[Number]) -> Fraction:
    """Return the sum without any rounding."""
    total = 0
    for number in numbers:
        above, below = number.as_integer_ratio()
        total += above << (_SMALLEST + 1 - below.bit_length())
    return Fraction(total, 1 << _SMALLEST)


def _plain_sum(numbers: list[Number]) -> Number:
    # Not the built-in `sum`: it compensates rounding since Python 3.12, and this must not differ by version.
    total: Number = 0
    for number in numbers:
        total = total + number
    return total


def _fold(operation: Callable[[Any, Any], Any], terms: tuple[Any, ...]) -> Number | None:
    total, *rest = terms
    if not is_number(total):
        return None
    for term in rest:
        if not is_number(term):
            return None
        try:
            total = operation(total, term)
        except (ArithmeticError, ValueError):
            return None
    return finite(total)


def _apply(function: Callable[[Any], float], x: Any) -> Number | None:
    if not is_number(x):
        return None
    try:
        return finite(function(x))
    except (ValueError, OverflowError):
        return None
