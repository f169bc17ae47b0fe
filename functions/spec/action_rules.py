"""The registry's actions and channels: checked where they stand, and compiled to plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from functions.documents import Json
from functions.expressions import Expression
from functions.spec.collecting import Collector
from functions.spec.money import minor_units
from functions.spec.plan import ActionPlan, ChannelPlan
from functions.spec.problems import Problem, closest
from functions.spec.registry import Action, Registry
from functions.spec.source import Path, Source
from functions.spec.templates import leaves

Compile = Callable[[Path, str], Expression | None]
"""Compiles an expression at a path of the registry; None when it has errors, which are then collected."""


def check_registry(registry: Registry, source: Source) -> Iterator[Problem]:
    """Yield what is wrong with the actions, whether a spec uses them or not."""
    collector = Collector(source)
    for name, action in registry.actions.items():
        if action.channel not in registry.channels:
            message = f"there is no channel {action.channel!r}"
            hint = closest(action.channel, registry.channels)
            collector.add(("actions", name, "channel"), "spec.unknown_channel", message, hint)
        elif registry.channels[action.channel].kind == "tealium":
            message = "a channel of the kind tealium takes scores only, by `notify`"
            collector.add(("actions", name, "channel"), "spec.channel_mismatch", message)
        if "all" in action.tags:
            path: Path = ("actions", name, "tags", action.tags.index("all"))
            collector.add(path, "spec.reserved_tag", "`all` is no tag: rails mean every action by it")
        _check_amounts(name, action, registry.currency, collector)
        for path, text in (*_expressions(name, action), *leaves(action.payload, _at(name, "payload"))):
            collector.check(path, text)
    yield from collector.problems


def _check_amounts(name: str, action: Action, currency: str | None, collector: Collector) -> None:
    if currency is not None and action.cost is not None:
        try:
            minor_units(action.cost, currency)
        except ValueError as error:
            collector.add(_at(name, "cost"), "spec.wrong_amount", f"the cost can't be paid: {error}")
    if isinstance(action.risk, float) and not 0 <= action.risk <= 1:
        collector.add(_at(name, "risk"), "spec.wrong_value", "a risk is from 0 to 1")


def _expressions(name: str, action: Action) -> Iterator[tuple[Path, str]]:
    for key, text in (("eligible", action.eligible), ("risk", action.risk)):
        if isinstance(text, str):
            yield _at(name, key), text
    for key, amounts in (("value", action.value), ("chance", action.chance)):
        for objective, amount in amounts.items():
            if isinstance(amount, str):
                yield (*_at(name, key), objective), amount


def _at(name: str, key: str) -> Path:
    return "actions", name, key


def action_plan(
    name: str, action: Action, currency: str | None, *, over: Compile, payload_over: Compile
) -> ActionPlan:
    """Compile an action.

    Args:
        name: Its name.
        action: As it was written.
        currency: Of its cost.
        over: Compiles what may read the whole document.
        payload_over: Compiles what may read features and outputs alone.
    """
    eligible = over(_at(name, "eligible"), action.eligible) if action.eligible is not None else None
    payload = {
        text: compiled
        for path, text in leaves(action.payload, _at(name, "payload"))
        if (compiled := payload_over(path, text)) is not None
    }
    return ActionPlan(
        name=name,
        tags=tuple(action.tags),
        channel=action.channel,
        eligible=eligible,
        payload=action.payload,
        payload_expressions=payload,
        cost=action.cost,
        cost_minor=_minor(action.cost, currency),
        value=amounts_of(_at(name, "value"), action.value, payload_over),
        chance=amounts_of(_at(name, "chance"), action.chance, payload_over),
        risk=_amount(_at(name, "risk"), action.risk, payload_over),
        subject_to_caps=action.subject_to_caps,
        counts_towards_caps=action.counts_towards_caps,
        defer=action.defer,
    )


def amounts_of(
    path: Path, amounts: Mapping[str, str | float], over: Compile
) -> dict[str, float | Expression]:
    """Compile amounts by objective; one with errors, which are collected, is left out."""
    found = {name: _amount((*path, name), amount, over) for name, amount in amounts.items()}
    return {name: amount for name, amount in found.items() if amount is not None}


def _amount(path: Path, amount: str | float | None, over: Compile) -> float | Expression | None:
    return over(path, amount) if isinstance(amount, str) else amount


def _minor(cost: float | None, currency: str | None) -> int | None:
    if cost is None or currency is None:
        return None
    try:
        return minor_units(cost, currency)
    except ValueError:  # reported where the registry is checked
        return None


def channel_plan(name: str, registry: Registry) -> ChannelPlan:
    """Return the plan of a channel that the registry has."""
    document: dict[str, Json] = registry.channels[name].model_dump(exclude={"kind"}, exclude_none=True)
    # A class of the author's own gets what stands under `options`, the others all their keys.
    return ChannelPlan(
        name=name, kind=registry.channels[name].kind, options=document.get("options", document)
    )


def channel_plans(registry: Registry) -> Mapping[str, ChannelPlan]:
    """Return the plans of all channels of a registry."""
    return {name: channel_plan(name, registry) for name in registry.channels}
