"""A policy as JSON and back, so that actions, channels and rails can be kept and exchanged as one value.

Every value of a closed list of types is written with the name of its type. Expressions are written by whatever
the caller hands in: as their text, or as the number of compiled code in an artefact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from functions.documents import Json
from functions.expressions import Expression
from functions.spec import rails
from functions.spec.plan import ActionPlan, ChannelPlan, Policy
from functions.spec.ranking_plan import LearningPlan, ObjectivePlan, RankingPlan
from functions.times import format_instant, parse_instant

TYPES: Final[Mapping[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        Policy, ActionPlan, ChannelPlan, rails.Selection, rails.Rolling, rails.Calendar, rails.ConsentRail,
        rails.CapRail, rails.CooldownRail, rails.SuppressRail, rails.QuietRail, rails.BudgetRail,
        rails.ExclusionRail, rails.ListRail, rails.EligibilityRail, rails.ValidityRail, rails.RiskRail,
        RankingPlan, ObjectivePlan, LearningPlan,
    )
}  # fmt: skip

_TYPE: Final = "is"
_AS_IT_IS: Final = frozenset({"payload", "options"})
"""Fields that hold JSON of the author's own, whatever it looks like."""


class PolicyFormatError(ValueError):
    """A document is no policy that this version reads."""


def text_of(expression: Expression) -> Json:
    """Write an expression as its author did."""
    return expression.source


def policy_document(policy: Policy, write: Callable[[Expression], Json] = text_of) -> dict[str, Json]:
    """Return the JSON form of a policy.

    Args:
        policy: The policy.
        write: Writes an expression; by default as its text.
    """
    document: dict[str, Json] = _written(policy, write)
    return document


def policy_from_document(document: Json, read: Callable[[Json], Expression]) -> Policy:
    """Return the policy of a JSON form.

    Args:
        document: As `policy_document` returned it.
        read: Reads an expression, such as `functions.expressions.compile_expression` for texts.

    Raises:
        PolicyFormatError: It is of another form.
        ValueError: An expression can't be read; so says `read`.
    """
    try:
        policy = _read(document, read)
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyFormatError("this is no policy, or one of another version") from error
    if not isinstance(policy, Policy):
        raise PolicyFormatError("this is no policy")
    return policy


def _written(value: Any, write: Callable[[Expression], Json]) -> Json:
    if isinstance(value, Expression):
        return {_TYPE: "expression", "at": write(value)}
    if isinstance(value, timedelta):
        return {_TYPE: "seconds", "at": value.total_seconds()}
    if isinstance(value, datetime):
        return {_TYPE: "instant", "at": format_instant(value)}
    if isinstance(value, tuple):
        return [_written(part, write) for part in value]
    if isinstance(value, Mapping):
        return {_TYPE: "map", "at": {name: _written(part, write) for name, part in value.items()}}
    if type(value).__name__ in TYPES:
        return _fields_written(value, write)
    return value


def _fields_written(value: Any, write: Callable[[Expression], Json]) -> dict[str, Json]:
    document: dict[str, Json] = {_TYPE: type(value).__name__}
    for one in fields(value):
        part = getattr(value, one.name)
        document[one.name] = _plain(part) if one.name in _AS_IT_IS else _written(part, write)
    return document


def _plain(value: Json) -> Json:
    """Return options as JSON; a duration becomes its seconds, as adapters read it."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value


def _read(value: Json, read: Callable[[Json], Expression]) -> Any:
    if isinstance(value, list):
        return tuple(_read(part, read) for part in value)
    if not isinstance(value, dict):
        return value
    kind = value[_TYPE]
    if kind == "expression":
        return read(value["at"])
    if kind == "seconds":
        return timedelta(seconds=value["at"])
    if kind == "instant":
        return parse_instant(value["at"])
    if kind == "map":
        return {name: _read(part, read) for name, part in value["at"].items()}
    given = {name: part for name, part in value.items() if name != _TYPE}
    return TYPES[kind](
        **{name: part if name in _AS_IT_IS else _read(part, read) for name, part in given.items()}
    )
