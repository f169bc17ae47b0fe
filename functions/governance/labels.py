"""Labels of paths: what stands at a path of a profile or an event, and for which purposes it may be read.

A rule labels a path with everything below it; the most specific rule wins. What no rule labels is
`unlabelled`, and nothing may use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Final, Literal

from functions.expressions.paths import ELEMENTS, VALUES, How, Path, Reads, format_path, key

Label = Literal["direct-identifier", "pseudonymous", "sensitive", "behavioral", "transactional", "derived"]
"""What stands at a path.

- `direct-identifier`: names a person by itself: a name, an e-mail address, a phone or card number.
- `pseudonymous`: stands for one person and means nothing outside: an id of a customer or a visitor.
- `sensitive`: harms when it is known: health, belief, exact places, children.
- `behavioral`: what a person did and likes. `transactional`: what was bought, paid and agreed.
- `derived`: computed from the others, as scores are.
"""

UNLABELLED: Final = "unlabelled"
"""What a path is that the contract does not label."""

GUARDED: Final = frozenset({"direct-identifier", "sensitive"})
"""Labels that leave only where a spec names an exception."""

IDENTIFYING: Final = frozenset({"direct-identifier", "pseudonymous"})
"""Labels that tell who somebody is, and nothing about them."""

ROOTS: Final = ("profile", "event")
"""The documents that have labels."""

KEY: Final = r'(?:[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)+"|\*)'
PATTERN: Final = rf"^{KEY}(?:\[\])*(?:\.{KEY}(?:\[\])*)*$"
"""A pattern as it is written: keys as in expressions, `*` for any key, `[]` where it helps a reader."""

_ALMOST: Final = 0.9
"""How like two paths are of which one is taken for a slip of the pen, from 0 to 1."""

_STEP: Final = re.compile(KEY)


@dataclass(frozen=True, slots=True)
class LabelRule:
    """One line of the contract.

    Attributes:
        path: From the root, with `*` for any key; elements of arrays are not told from the array.
        label: What stands there and below.
        purposes: The only purposes that it may serve; None for all that may read the label.
        given: Whether the contract says so; what is not given yields to what is.
    """

    path: Path
    label: str
    purposes: frozenset[str] | None = None
    given: bool = True

    @property
    def specificity(self) -> tuple[int, int, bool]:
        """Of two rules that match, the one for which this is greater wins."""
        return len(self.path), sum(step != VALUES for step in self.path), self.given


@dataclass(frozen=True, slots=True)
class Reading:
    """One label that a read touches.

    Attributes:
        path: What is read.
        label: A label of it, or of something below that is read with it.
        purposes: As in `LabelRule`.
    """

    path: Path
    label: str
    purposes: frozenset[str] | None = None

    @property
    def shown(self) -> str:
        """The path in writing."""
        return format_path(self.path)


def parse_pattern(root: str, text: str) -> Path:
    """Return the path of a pattern under one of `ROOTS`.

    >>> parse_pattern("profile", 'web."page views"[].*')
    ('.profile', '.web', '.page views', '*')

    Raises:
        ValueError: It is no pattern.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError("a path is written as in expressions: orders.items[].price, or web.*")
    return (key(root), *(_step(step) for step in _STEP.findall(text)))


def _step(text: str) -> str:
    if text == VALUES:
        return VALUES
    return key(str(json.loads(text)) if text.startswith('"') else text)


def without_elements(path: Path) -> Path:
    """Return a path in which elements are not told from their array, as rules hold them."""
    return tuple(step for step in path if step != ELEMENTS)


_BUILT_IN: Final = (
    *(LabelRule((".event", key(name)), "pseudonymous", given=False) for name in ("user_id", "anonymous_id")),
    *(
        LabelRule((".event", key(name)), "behavioral", given=False)
        for name in ("id", "name", "type", "time", "source")
    ),
    *(
        LabelRule((".profile", key(name)), "derived", given=False)
        for name in ("scores", "last_offer", "responses", "fatigue")
    ),
)
"""What the fields are that every event has, and what decisions add; a contract may say otherwise."""


class LabelMap:
    """The rules of a contract, to be asked what a read touches."""

    def __init__(self, rules: Iterable[LabelRule]) -> None:
        self._rules = (*rules, *_BUILT_IN)

    def conflicts(self) -> Iterator[tuple[LabelRule, LabelRule]]:
        """Yield pairs of rules that do not say the same where both match, and nobody has decided between them.

        Either neither is more specific, or the longer one gets by its `*` into what the other guards, which
        its author may not have thought of. A third rule that wins wherever both match decides.
        """
        given = [rule for rule in self._rules if rule.given]
        for one, other in combinations(given, 2):
            short, long = sorted((one, other), key=lambda rule: len(rule.path))
            both = _common(short.path, long.path)
            if both is None or (one.label, one.purposes) == (other.label, other.purposes):
                continue
            if one.specificity != other.specificity and not _declassifies(short, long):
                continue
            if not any(rule.specificity > long.specificity and _holds(rule.path, both) for rule in given):
                yield one, other

    def remedy(self, shown: str) -> str:
        """Say what to do about a path that has no label; it may be written almost like one that has."""
        for rule in self._rules:
            known = format_path(rule.path)
            steps = shown.split(".")[: known.count(".") + 1]
            if get_close_matches(".".join(steps), [known], n=1, cutoff=_ALMOST):
                return f"did you mean {known}?"
        return "label it in contract.yaml, or read what has a label"

    def readings(self, reads: Reads) -> tuple[Reading, ...]:
        """Return every label that the reads of an expression touch, in the order of their paths."""
        found: dict[Reading, None] = {}
        told = _told(reads)
        for path, how in sorted(told.items()):
            counted = _is_counted(path, how, told)
            for reading in self._touched(path, how):
                if reading.label in GUARDED or not counted:
                    found[reading] = None
        return tuple(found)

    def _touched(self, path: Path, how: How) -> Iterator[Reading]:
        steps = without_elements(path)
        holding = [rule for rule in self._rules if _holds(rule.path, steps)]
        # Where a read goes through any key, a rule for one of these keys is touched too.
        beside = [
            rule
            for rule in self._rules
            if rule not in holding
            and len(rule.path) <= len(steps)
            and _meet(rule.path, steps[: len(rule.path)])
        ]
        touched = [max(holding, key=lambda rule: rule.specificity)] if holding else []
        for rule in (*touched, *beside, *self._below(steps, how)):
            yield Reading(path, rule.label, rule.purposes)
        # Rules beside are for some keys only; under the others may stand what has no label.
        if not holding:
            yield Reading(path, UNLABELLED)

    def _below(self, steps: Path, how: How) -> Iterator[LabelRule]:
        """Yield the rules for what stands below a path and is told with it.

        The keys of an object may tell as much as what they hold. Whether it is empty tells whether
        anything stands directly below.
        """
        depth = {How.TYPE: 0, How.NULLNESS: 1}.get(how)
        for rule in self._rules:
            deeper = len(rule.path) - len(steps)
            if deeper > 0 and (depth is None or deeper <= depth) and _meet(rule.path[: len(steps)], steps):
                yield rule


def _told(reads: Reads) -> Reads:
    """Return the reads under the labelled roots; one that goes through any root goes through each."""
    found: dict[Path, How] = {}
    for path, how in reads.items():
        if not path and how < How.SIZE:
            continue  # the root is an object and never empty
        for root in ROOTS:
            if not path or path[0] in (key(root), VALUES):
                under = (key(root), *path[1:])
                found[under] = max(how if path else How.VALUE, found.get(under, How.TYPE))
    return found


def _is_counted(path: Path, how: How, reads: Reads) -> bool:
    """Say whether of a path no more is told than that it is there, on the way to something else.

    How many elements an array has tells little of what stands in them, unless the array itself is guarded:
    the number of diagnoses is one. The roots are always there.
    """
    passing = path[-1] == ELEMENTS or len(path) == 1
    return passing and how is How.TYPE and any(other[: len(path)] == path != other for other in reads)


def _common(short: Path, long: Path) -> Path | None:
    """Return the path that stands for all that both patterns match; None where they never meet."""
    if not _meet(short, long[: len(short)]):
        return None
    merged = (left if right == VALUES else right for left, right in zip(short, long, strict=False))
    return (*merged, *long[len(short) :])


def _declassifies(short: LabelRule, long: LabelRule) -> bool:
    """Say whether a longer rule weakens a guarded one without having named what it stands for."""
    unnamed = any(right == VALUES != left for left, right in zip(short.path, long.path, strict=False))
    return (
        unnamed
        and len(short.path) < len(long.path)
        and short.label in GUARDED
        and not _as_strict(long, short)
    )


def _as_strict(rule: LabelRule, guarded: LabelRule) -> bool:
    if rule.label not in GUARDED:
        return False
    return guarded.purposes is None or (rule.purposes is not None and rule.purposes <= guarded.purposes)


def _holds(pattern: Path, steps: Path) -> bool:
    """Say whether a pattern matches the beginning of every path that `steps` may stand for."""
    return len(pattern) <= len(steps) and all(
        want in (VALUES, step) for want, step in zip(pattern, steps, strict=False)
    )


def _meet(one: Path, other: Path) -> bool:
    """Say whether some path matches both; of the same length."""
    return len(one) == len(other) and all(
        left == right or VALUES in (left, right) for left, right in zip(one, other, strict=True)
    )
