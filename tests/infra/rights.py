"""What statements of a role allow, judged as IAM does, for the few operators that they use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis

Statement = Mapping[str, Any]


def allows(
    statements: Sequence[Statement], action: str, partition: str | None, attributes: Sequence[str] = ()
) -> bool:
    """Say whether a request to the table passes; a partition of None is one that IAM is not told."""
    found = {
        "dynamodb:LeadingKeys": [] if partition is None else [partition],
        "dynamodb:Attributes": list(attributes),
    }
    effects = {
        one["Effect"]
        for one in statements
        if action in _list(one["Action"])
        and all(_holds(operator, keys, found) for operator, keys in one.get("Condition", {}).items())
    }
    return effects == {"Allow"}


def statements_of(done: Synthesis) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of every role that may write into the table, by the construct it belongs to."""
    found = {
        name: role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for name, role in done.of_type("AWS::IAM::Role").items()
        if "Policies" in role["Properties"]
    }
    return {name: one for name, one in found.items() if "dynamodb:UpdateItem" in json.dumps(one)}


def _holds(operator: str, keys: Mapping[str, Any], found: Mapping[str, Sequence[str]]) -> bool:
    return all(_matches(operator, found[key], _list(expected)) for key, expected in keys.items())


def _matches(operator: str, values: Sequence[str], expected: Sequence[str]) -> bool:
    like = [any(fnmatchcase(value, pattern) for pattern in expected) for value in values]
    if operator == "ForAllValues:StringLike":
        return all(like)  # also of none at all
    if operator == "ForAllValues:StringNotLike":
        return not any(like)
    if operator == "Null":
        return (not values) is (expected == ["true"])
    raise NotImplementedError(operator)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
