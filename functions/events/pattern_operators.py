"""The comparison operators of an event pattern: what one entry of a field's list asks of one value.

Sources: Amazon EventBridge user guide, "Comparison operators for use in event patterns"; the grammar's
finer points (ranges, masks, escapes) from the open-source matcher, aws/event-ruler.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from functions.documents import Json
from functions.events.pattern_problems import Faults, Where
from functions.events.wildcards import WildcardError, compile_wildcard

Test = Callable[[Json], bool]
"""Says whether one scalar of an event satisfies one entry of a pattern's list."""

NUMBER_LIMIT: Final = 5_000_000_000
"""EventBridge compares numbers between plus and minus this."""

_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def absent(_: Json) -> bool:
    """Stand for `{"exists": false}`: no value at all satisfies it, only the lack of one."""
    return False


def compile_entry(entry: Json, path: Where, faults: Faults) -> Test | None:
    """Compile one entry of a field's list; None after noting a fault."""
    if isinstance(entry, dict):
        return _compile_operator(entry, OPERATORS, path, faults)
    if isinstance(entry, str | bool | None):
        return _exactly(entry)
    if _is_number(entry):
        return _exactly(entry) if _in_limits(entry, path, faults) else None
    faults.add(
        path,
        "bad_value",
        "an entry is text, a number, true, false, null or an operator such as {prefix: ...}",
    )
    return None


def _compile_operator(
    entry: dict[str, Json], known: dict[str, Operator], path: Where, faults: Faults
) -> Test | None:
    if len(entry) != 1:
        faults.add(path, "not_one_operator", f"an operator object has one key, not {len(entry)}")
        return None
    ((name, operand),) = entry.items()
    operator = known.get(str(name))
    if operator is None:
        faults.add(path, "unknown_operator", f"no operator is called {name!r} here", _closest(name, known))
        return None
    return operator(operand, (*path, name), faults)


def _closest(name: Json, known: dict[str, Operator]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def _exactly(wanted: Json) -> Test:
    # Python holds True and 1 for equal; JSON does not.
    if _is_number(wanted):
        return lambda value: _is_number(value) and bool(value == wanted)
    return lambda value: type(value) is type(wanted) and bool(value == wanted)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_limits(value: Json, path: Where, faults: Faults) -> bool:
    if -NUMBER_LIMIT <= value <= NUMBER_LIMIT:
        return True
    faults.add(
        path,
        "number_out_of_range",
        "EventBridge compares numbers between -5e9 and 5e9 only",
        "send such a number as text and compare text",
    )
    return False


def _text(operand: Json, path: Where, faults: Faults) -> str | None:
    if isinstance(operand, str) and operand:
        return operand
    faults.add(path, "not_text", "this operator takes text that is not empty")
    return None


def _prefix(operand: Json, path: Where, faults: Faults) -> Test | None:
    return _at_end(operand, path, faults, str.startswith)


def _suffix(operand: Json, path: Where, faults: Faults) -> Test | None:
    return _at_end(operand, path, faults, str.endswith)


def _at_end(operand: Json, path: Where, faults: Faults, holds: Callable[[str, str], bool]) -> Test | None:
    if isinstance(operand, dict):
        return _compile_operator(
            operand,
            {
                "equals-ignore-case": lambda inner, at, found: _on_text(
                    inner, at, found, lambda value, wanted: holds(value.lower(), wanted.lower())
                )
            },
            path,
            faults,
        )
    return _on_text(operand, path, faults, holds)


def _on_text(operand: Json, path: Where, faults: Faults, holds: Callable[[str, str], bool]) -> Test | None:
    wanted = _text(operand, path, faults)
    if wanted is None:
        return None
    return lambda value: isinstance(value, str) and holds(value, wanted)


def _equals_ignore_case(operand: Json, path: Where, faults: Faults) -> Test | None:
    return _on_text(operand, path, faults, lambda value, wanted: value.lower() == wanted.lower())


def _wildcard(operand: Json, path: Where, faults: Faults) -> Test | None:
    text = _text(operand, path, faults)
    if text is None:
        return None
    try:
        matches = compile_wildcard(text)
    except WildcardError as error:
        faults.add(path, error.code, str(error), error.hint)
        return None
    return lambda value: isinstance(value, str) and matches(value)


def _exists(operand: Json, path: Where, faults: Faults) -> Test | None:
    if not isinstance(operand, bool):
        faults.add(path, "not_boolean", "exists takes true or false")
        return None
    return (lambda _: True) if operand else absent


def _cidr(operand: Json, path: Where, faults: Faults) -> Test | None:
    text = _text(operand, path, faults)
    if text is None:
        return None
    network = _network(text)
    if network is None:
        faults.add(
            path,
            "bad_cidr",
            "no IPv4 or IPv6 range",
            "for example 10.0.0.0/24 or 2001:db8::/32, with no bits set after the mask",
        )
        return None
    if network.prefixlen == network.max_prefixlen:
        faults.add(path, "bad_cidr", "a range of one address", "give the address as a plain value")
        return None
    return lambda value: isinstance(value, str) and _contains(network, value)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text) if "/" in text else None
    except ValueError:
        return None


def _contains(network: IPv4Network | IPv6Network, text: str) -> bool:
    try:
        return ip_address(text) in network
    except ValueError:
        return False


def _numeric(operand: Json, path: Where, faults: Faults) -> Test | None:
    pairs = _pairs(operand)
    if pairs is None:
        faults.add(
            path,
            "bad_numeric",
            "no comparison or range",
            'for example ["=", 5], [">=", 10] or [">", 0, "<=", 5], the lower bound first',
        )
        return None
    in_limits = [_in_limits(bound, path, faults) for _, bound in pairs]
    if not all(in_limits):
        return None
    if len(pairs) == 2 and pairs[0][1] >= pairs[1][1]:
        faults.add(path, "empty_range", "the lower bound is not below the upper one, so nothing is between")
        return None
    return lambda value: _is_number(value) and all(_BOUNDS[sign](value, bound) for sign, bound in pairs)


def _pairs(operand: Json) -> tuple[tuple[str, Json], ...] | None:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return None
    pairs = tuple(zip(operand[::2], operand[1::2], strict=True))
    if not all(isinstance(sign, str) and sign in _BOUNDS and _is_number(bound) for sign, bound in pairs):
        return None
    if len(pairs) == 2 and not (pairs[0][0] in (">", ">=") and pairs[1][0] in ("<", "<=")):
        return None
    return pairs


def _anything_but(operand: Json, path: Where, faults: Faults) -> Test | None:
    if isinstance(operand, dict):
        excluded = _compile_operator(operand, _EXCLUDABLE, path, faults)
        return None if excluded is None else lambda value: not excluded(value)
    values = operand if isinstance(operand, list) else [operand]
    texts = all(isinstance(value, str) for value in values)
    if not values or not (texts or all(_is_number(value) for value in values)):
        faults.add(path, "bad_anything_but", "anything-but takes text, numbers, or a list of one of the two")
        return None
    in_limits = [texts or _in_limits(value, path, faults) for value in values]
    if not all(in_limits):
        return None
    tests = [_exactly(value) for value in values]
    return lambda value: not any(test(value) for test in tests)


def _any_of(one: Operator) -> Operator:
    """Let an operator inside anything-but take a list of texts as well as one."""

    def several(operand: Json, path: Where, faults: Faults) -> Test | None:
        if not isinstance(operand, list):
            return one(operand, path, faults)
        if not operand:
            faults.add(path, "empty_list", "an empty list excludes nothing")
        found = [one(text, (*path, index), faults) for index, text in enumerate(operand)]
        tests = [test for test in found if test is not None]
        return lambda value: any(test(value) for test in tests)

    return several


Operator = Callable[[Json, Where, Faults], Test | None]
"""Compiles an operator's operand; None after noting a fault."""

_EXCLUDABLE: dict[str, Operator] = {
    "prefix": _any_of(lambda operand, path, faults: _on_text(operand, path, faults, str.startswith)),
    "suffix": _any_of(lambda operand, path, faults: _on_text(operand, path, faults, str.endswith)),
    "equals-ignore-case": _any_of(_equals_ignore_case),
    "wildcard": _any_of(_wildcard),
}

OPERATORS: Final[dict[str, Operator]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
}
"""Every operator that may stand in a field's list."""
