"""The exceptions of a spec: which paths they name for which ways out, and which of them are needed."""

from __future__ import annotations

from collections.abc import Iterator

from functions.expressions.paths import Path as DocumentPath
from functions.governance.labels import Reading, parse_pattern, without_elements
from functions.spec.language import GovernanceException
from functions.spec.plan import ExceptionPlan, Way
from functions.spec.source import Path


class Exceptions:
    """Says what is excused, and remembers what for.

    Args:
        listed: As the spec has them.
    """

    def __init__(self, listed: list[GovernanceException]) -> None:
        self._listed = [(one, _named(one.reads)) for one in listed]
        self._used: dict[tuple[int, Way], set[str]] = {}

    def excuse(self, reading: Reading, way: Way | None) -> bool:
        """Say whether an exception names a reading for a way out; for any way where it goes nowhere."""
        path = without_elements(reading.path)
        for index, (exception, named) in enumerate(self._listed):
            if named is None or path[: len(named)] != named:
                continue
            ways = [one for one in exception.to if way in (one, None)]
            for one in ways:
                self._used.setdefault((index, one), set()).add(reading.label)
            if ways:
                return True
        return False

    def excused(self, way: Way) -> set[str]:
        """Return the labels that were excused for a way."""
        return {label for (_, one), labels in self._used.items() if one == way for label in labels}

    def problems(self, *, complete: bool) -> Iterator[tuple[Path, str, str]]:
        """Yield place, message and hint of what is wrong.

        Args:
            complete: Whether all of the spec was seen, so that what nothing needs is known.
        """
        for index, (exception, named) in enumerate(self._listed):
            unneeded = [way for way in exception.to if (index, way) not in self._used]
            if named is None:
                message = "an exception names one path below `profile` or `event`, without `*`"
                yield ("exceptions", index, "reads"), message, ""
            elif complete and unneeded == exception.to:
                message = (
                    f"nothing needs this exception: no expression reads guarded data at {exception.reads}"
                )
                yield (
                    ("exceptions", index, "reads"),
                    f"{message} on its way to {_all(unneeded)}",
                    "leave it out",
                )
            elif complete and unneeded:
                message = f"nothing that this exception names is on its way to {_all(unneeded)}"
                yield ("exceptions", index, "to"), message, "leave it out"

    def plans(self) -> tuple[ExceptionPlan, ...]:
        """Return the exceptions with the labels that each was needed for."""
        found = []
        for index, (one, _) in enumerate(self._listed):
            labels = {label for (number, _), some in self._used.items() if number == index for label in some}
            found.append(
                ExceptionPlan(one.reads, tuple(one.to), tuple(sorted(labels)), one.because, one.reviewed_by)
            )
        return tuple(found)


def _all(ways: list[Way]) -> str:
    return ", ".join(ways)


def _named(text: str) -> DocumentPath | None:
    """Return the path of an exception; None where it is none, or names too much."""
    root, _, rest = text.partition(".")
    if root not in ("profile", "event") or not rest or "*" in rest:
        return None
    try:
        return parse_pattern(root, rest)
    except ValueError:
        return None
