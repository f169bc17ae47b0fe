"""Update and condition expressions, with a placeholder for every name and value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from functions.profiles.dynamodb_items import Attribute, Item


class Expression:
    """Collects the clauses of one write and the names and values that they use.

    Names are never written out: many are reserved words, and those of scores and purposes are free text.
    """

    def __init__(self) -> None:
        self.conditions: Final[list[str]] = []
        self._names: Final[dict[str, str]] = {}
        self._values: Final[dict[str, Attribute]] = {}
        self._sets: Final[list[str]] = []
        self._removes: Final[list[str]] = []

    def name(self, attribute: str) -> str:
        """Return the placeholder of an attribute's name."""
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def value(self, attribute: Attribute) -> str:
        """Return a placeholder of a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = attribute
        return placeholder

    def set(self, attribute: str, to: str) -> None:
        """Set an attribute to an operand, which is made of placeholders."""
        self.set_path(self.name(attribute), to)

    def set_path(self, path: str, to: str) -> None:
        """Set what a path of placeholders leads to."""
        self._sets.append(f"{path}={to}")

    def remove(self, attribute: str) -> None:
        """Remove an attribute."""
        self._removes.append(self.name(attribute))

    def when(self, condition: str) -> None:
        """Carry out the write only if this holds too."""
        self.conditions.append(condition)

    @property
    def changes(self) -> bool:
        """Whether the write would change anything."""
        return bool(self._sets or self._removes)

    def request(self, table: str, key: Item, **more: Any) -> dict[str, Any]:
        """Return the parameters of the write of one item."""
        return {"TableName": table, "Key": key, **self.parameters(), **more}

    def parameters(self) -> dict[str, Any]:
        """Return the expressions as parameters, without those that are empty."""
        clauses = [*_clause("SET", self._sets), *_clause("REMOVE", self._removes)]
        found: dict[str, Any] = {
            "UpdateExpression": " ".join(clauses),
            "ConditionExpression": " AND ".join(f"({one})" for one in self.conditions),
            "ExpressionAttributeNames": {placeholder: name for name, placeholder in self._names.items()},
            "ExpressionAttributeValues": self._values,
        }
        return {name: value for name, value in found.items() if value}


def _clause(word: str, parts: Sequence[str]) -> Sequence[str]:
    return (f"{word} {','.join(parts)}",) if parts else ()
