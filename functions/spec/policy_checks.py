"""What is wrong with rails as a whole: rules that never bind, and actions that can never pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from functions.spec.money import minor_units
from functions.spec.policy import PolicyFile
from functions.spec.problems import Problem
from functions.spec.rail_conflicts import conflicts
from functions.spec.rails import (
    BudgetRail,
    CapRail,
    ExclusionRail,
    Rail,
    RiskRail,
    Rolling,
    SuppressRail,
    ValidityRail,
    applies,
    selection_of,
)
from functions.spec.registry import Action, Registry
from functions.spec.source import Source

CONTACTS = 500
"""What the contact log of a customer holds at the most; a cap of more than that never binds."""

_KEYS: Mapping[type[Rail], str] = MappingProxyType(
    {CapRail: "cap", BudgetRail: "budget", SuppressRail: "suppress", ExclusionRail: "only_one_of"}
)


def check_rails(
    rails: tuple[Rail, ...],
    policy: PolicyFile,
    registry: Registry,
    *,
    source: Source,
    actions: Source,
    now: datetime,
) -> Iterator[Problem]:
    """Yield what is wrong with rules that are fine one by one.

    Args:
        rails: The rules without errors of their own.
        policy: All rules as they were written.
        registry: What they speak about.
        source: The document of the policy.
        actions: The document of the registry.
        now: By which a period is over.
    """
    places = {rule.name: index for index, rule in enumerate(policy.rails)}
    for rail in rails:
        path = ("rails", places[rail.name])
        unbound = _why_unbound(rail, rails, registry)
        if unbound is not None:
            yield source.problem((*path, "at_most"), "policy.never_binds", unbound)
        if _takes_nothing(rail, registry):
            message = f"the rule {rail.name!r} takes nothing away: {_why_nothing(rail)}"
            key = (*path, _KEYS.get(type(rail), "name"))
            yield source.problem(key, "policy.selects_nothing", message, warning=True)
        elif isinstance(rail, ValidityRail) and rail.end is not None and rail.end <= now:
            message = f"the period of {rail.name!r} is over: none of its actions can pass any more"
            yield source.problem((*path, "until"), "policy.period_over", message, warning=True)
    for name, action in registry.actions.items():
        killers = [rail.name for rail in rails if _kills(rail, name, action, registry)]
        if killers:
            message = f"the action {name!r} can never pass: {', '.join(killers)} always forbids it"
            yield actions.problem(("actions", name), "policy.never_passes", message, at_key=True)
        concern = [rail for rail in rails if _concerns(rail, name, action)]
        for found in conflicts(concern, action.eligible):
            message = f"the action {name!r} can never pass: {' and '.join(found.names)} {found.why}"
            yield actions.problem(("actions", name), "policy.never_passes", message, at_key=True)


def _why_unbound(rail: Rail, rails: tuple[Rail, ...], registry: Registry) -> str | None:
    if not isinstance(rail, CapRail):
        return None
    if rail.at_most >= CONTACTS:
        return f"the cap never binds: at {CONTACTS} contacts the log is full, and nothing passes any more"
    tighter = next((other for other in rails if other is not rail and _is_tighter(other, rail)), None)
    if tighter is not None:
        return f"the cap never binds: {tighter.name} allows no more in as long a time"
    selected = [action for name, action in registry.actions.items() if _selects(rail, name, action)]
    if not any(action.counts_towards_caps for action in selected):
        return "the cap never binds: none of its actions counts towards caps"
    return None


def _is_tighter(other: Rail, rail: CapRail) -> bool:
    """Say whether another cap forbids whatever this one forbids."""
    if not isinstance(other, CapRail) or other.selection != rail.selection:
        return False
    if other.window == rail.window:
        # Of two that are alike, the second is the one too many; the first is reported nowhere.
        return (other.at_most, other.name) < (rail.at_most, rail.name)
    if not isinstance(other.window, Rolling) or not isinstance(rail.window, Rolling):
        return False
    return other.at_most <= rail.at_most and other.window.length > rail.window.length


def _selects(rail: Rail, name: str, action: Action) -> bool:
    return selection_of(rail).covers(name, action.tags)


def _takes_nothing(rail: Rail, registry: Registry) -> bool:
    selected = {name: action for name, action in registry.actions.items() if _selects(rail, name, action)}
    if isinstance(rail, BudgetRail):
        return not any(action.cost for action in selected.values())
    return not any(
        applies(rail, name, action.tags, subject_to_caps=action.subject_to_caps)
        for name, action in selected.items()
    )


def _why_nothing(rail: Rail) -> str:
    return (
        "none of its actions costs anything"
        if isinstance(rail, BudgetRail)
        else "none of its actions is subject to it"
    )


def _concerns(rail: Rail, name: str, action: Action) -> bool:
    return applies(rail, name, action.tags, subject_to_caps=action.subject_to_caps)


def _kills(rail: Rail, name: str, action: Action, registry: Registry) -> bool:
    """Say whether a rule forbids an action whatever happens."""
    if not _concerns(rail, name, action):
        return False
    match rail:
        case CapRail():
            return rail.at_most == 0
        case ExclusionRail():
            return len(set(rail.kinds) & set(action.tags)) > 1
        case RiskRail():
            return isinstance(action.risk, float | int) and action.risk > rail.ceiling
        case BudgetRail():
            return action.cost is not None and _costs(action.cost, registry) > rail.limit
    return False


def _costs(cost: float, registry: Registry) -> int:
    try:
        return minor_units(cost, registry.currency or "")
    except ValueError:  # reported where the cost stands
        return 0
