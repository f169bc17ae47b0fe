"""Plans and policies as JSON and back, so that they can be kept, deployed and exchanged as one value.

Every value of a closed list of types is written with the name of its type and all of its fields: none is named
here, so none can be forgotten. Expressions are written by whatever the caller hands in: as their text, or as
the number of compiled code in an artefact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from functions.documents import Json
from functions.events.patterns import EventPattern, compile_pattern
from functions.expressions import CompiledFeatures, Expression
from functions.governance.statements import ConsentSource
from functions.spec import experiment_plan, feature_plan, plan, rails, ranking_plan
from functions.spec.plan import Plan, Policy
from functions.times import format_instant, parse_instant

TYPES: Final[Mapping[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        Policy, plan.ActionPlan, plan.ChannelPlan, rails.Selection, rails.Rolling, rails.Calendar,
        rails.ConsentRail, rails.CapRail, rails.CooldownRail, rails.SuppressRail, rails.QuietRail,
        rails.BudgetRail, rails.ExclusionRail, rails.ListRail, rails.EligibilityRail, rails.ValidityRail,
        rails.RiskRail, ranking_plan.RankingPlan, ranking_plan.ObjectivePlan, ranking_plan.LearningPlan,
        Plan, plan.ModelPlan, plan.Rung, plan.WriteBackPlan, plan.Bundle, plan.Governance, plan.Flow,
        plan.ExceptionPlan, feature_plan.FeaturePlan, feature_plan.Answer, ranking_plan.Baseline, ConsentSource,
        experiment_plan.ExperimentsPlan, experiment_plan.ExperimentPlan, experiment_plan.Slice,
        experiment_plan.RolloutPlan,
    )
}  # fmt: skip

_TYPE: Final = "is"
_AS_IT_IS: Final = frozenset({"payload", "options", "template", "constants"})
"""Fields that hold JSON of the author's own, whatever it looks like."""

_APART: Final = frozenset({"values"})
"""The features of a plan: their code is one piece, which whoever keeps the plan keeps beside it."""


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


def plan_document(plan: Plan, write: Callable[[Expression], Json]) -> dict[str, Json]:
    """Return the JSON form of a plan, without the code of its features.

    Args:
        plan: The plan.
        write: Writes an expression.
    """
    document: dict[str, Json] = _written(plan, write)
    return document


def plan_from_document(
    document: Mapping[str, Json], values: CompiledFeatures, read: Callable[[Json], Expression]
) -> Plan:
    """Return the plan of a JSON form.

    Args:
        document: As `plan_document` returned it.
        values: The features.
        read: Reads an expression.
    """
    return Plan(values=values, **_fields_read(document, read))


def _written(value: Any, write: Callable[[Expression], Json]) -> Json:
    if isinstance(value, Expression):
        return {_TYPE: "expression", "at": write(value)}
    if isinstance(value, EventPattern):
        return {_TYPE: "pattern", "at": value.source}
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
        if not one.init or one.name in _APART:
            continue
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
    if kind == "pattern":
        return compile_pattern(value["at"])
    if kind == "seconds":
        return timedelta(seconds=value["at"])
    if kind == "instant":
        return parse_instant(value["at"])
    if kind == "map":
        return {name: _read(part, read) for name, part in value["at"].items()}
    return TYPES[kind](**_fields_read(value, read))


def _fields_read(document: Mapping[str, Json], read: Callable[[Json], Expression]) -> dict[str, Any]:
    given = {name: part for name, part in document.items() if name != _TYPE}
    return {name: part if name in _AS_IT_IS else _read(part, read) for name, part in given.items()}
