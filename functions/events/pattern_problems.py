"""What can be wrong with an event pattern, collected so that an author sees all of it at once."""

from __future__ import annotations

from dataclasses import dataclass

Where = tuple[str | int, ...]
"""Keys and list indexes that lead to a place in a pattern."""


@dataclass(frozen=True, slots=True)
class PatternProblem:
    """One fault of a pattern.

    Attributes:
        path: Where in the pattern.
        code: Stable, dotted.
        message: What is wrong, as a clause.
        hint: What to do; None where the message says it.
    """

    path: Where
    code: str
    message: str
    hint: str | None = None


class PatternError(ValueError):
    """A pattern that EventBridge would refuse, or that could not mean what it says.

    Attributes:
        problems: Everything that is wrong, in the order of the pattern.
    """

    def __init__(self, problems: tuple[PatternProblem, ...]) -> None:
        super().__init__("; ".join(f"{_dotted(problem.path)}: {problem.message}" for problem in problems))
        self.problems = problems


class Faults:
    """Collects problems while a pattern is compiled."""

    def __init__(self) -> None:
        self._found: dict[PatternProblem, None] = {}

    def add(self, path: Where, code: str, message: str, hint: str | None = None) -> None:
        """Note one problem; the same one twice counts once."""
        self._found[PatternProblem(path, f"pattern.{code}", message, hint)] = None

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            PatternError: Something was.
        """
        if self._found:
            raise PatternError(tuple(self._found))


def _dotted(path: Where) -> str:
    return ".".join(str(step) for step in path) or "pattern"
