"""Labels of paths: what stands at a path of a profile or an event, and for which purposes it may be read.

A rule labels a path with everything below it; the most specific rule wins. What no rule labels is
`unlabelled`, and nothing may use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
        """Yield pairs of rules of which neither wins where both match, and that do not say the same."""
        given = [rule for rule in self._rules if rule.given]
        for one, other in combinations(given, 2):
            same = (one.label, one.purposes) == (other.label, other.purposes)
            if not same and one.specificity == other.specificity and _meet(one.path, other.path):
                yield one, other

    def readings(self, reads: Reads) -> tuple[Reading, ...]:
        """Return every label that the reads of an expression touch, in the order of their paths."""
        found: dict[Reading, None] = {}
        for path, how in sorted(_told(reads).items()):
            for reading in self._touched(path, how):
                found[reading] = None
        return tuple(found)

    def _touched(self, path: Path, how: How) -> Iterator[Reading]:
        steps = without_elements(path)
        holding = [rule for rule in self._rules if _holds(rule.path, steps)]
        below = [
            rule
            for rule in self._rules
            if len(rule.path) > len(steps) and _meet(rule.path[: len(steps)], steps)
        ]
        # Where a read goes through any key, a rule for one of these keys is touched too.
        beside = [
            rule
            for rule in self._rules
            if rule not in holding
            and len(rule.path) <= len(steps)
            and _meet(rule.path, steps[: len(rule.path)])
        ]
        whole = how >= How.SIZE  # the keys of an object may tell as much as what they hold
        touched = [max(holding, key=lambda rule: rule.specificity)] if holding else []
        touched += beside
        if whole or not touched:
            touched += below
        for rule in touched:
            yield Reading(path, rule.label, rule.purposes)
        if not holding and (whole or not touched):
            yield Reading(path, UNLABELLED)


def _told(reads: Reads) -> dict[Path, How]:
    """Return the reads under the labelled roots, without those that others imply."""
    roots = {key(root) for root in ROOTS}
    found: dict[Path, How] = {}
    for path, how in reads.items():
        if not path and how >= How.SIZE:
            found.update(dict.fromkeys(((root,) for root in sorted(roots)), How.VALUE))
        elif path and path[0] in roots and (how >= How.SIZE or not _leads_on(path, reads)):
            found[path] = how
    return found


def _leads_on(path: Path, reads: Reads) -> bool:
    return any(other[: len(path)] == path and other != path for other in reads)


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
