"""The data contract beyond the shape of its keys: what its parts promise each other."""

from __future__ import annotations

from collections.abc import Iterator

from functions.expressions.paths import VALUES, Path
from functions.governance.contract import DataContract
from functions.governance.labels import LabelMap, LabelRule
from functions.governance.retention import KEEP_DECISIONS
from functions.spec.problems import Problem, closest
from functions.spec.source import Source


def check_contract(contract: DataContract, source: Source) -> Iterator[Problem]:
    """Yield what is wrong with a contract whose shape is right."""
    places: dict[Path, tuple[str, str]] = {}
    rules: list[LabelRule] = []
    for section, pattern, rule in contract.rules():
        yield from _check_rule(contract, source, (section, pattern), rule)
        if rule.path in places:
            message = f"{pattern!r} says the same path as {places[rule.path][1]!r}"
            yield source.problem((section, pattern), "contract.overlap", message, at_key=True)
            continue
        places[rule.path] = (section, pattern)
        rules.append(rule)
    for one, other in LabelMap(rules).conflicts():
        first, second = places[one.path][1], places[other.path]
        message = (
            f"{second[1]!r} is {other.label} and {first!r} is {one.label}, some paths match both, and "
            f"{_undecided(one, other)}"
        )
        hint = "label what both match with a path of its own that has fewer `*`, or give both one label"
        yield source.problem(second, "contract.overlap", message, hint=hint, at_key=True)
    for name, purpose in contract.purposes.items():
        kept = purpose.retention.decisions
        if kept is not None and kept < KEEP_DECISIONS:
            message = f"{name}: decisions are kept for 30d or more, so that a redelivered event is not decided twice"
            yield source.problem(("purposes", name, "retention", "decisions"), "contract.retention", message)


def _undecided(one: LabelRule, other: LabelRule) -> str:
    if one.specificity == other.specificity:
        return "neither is more specific"
    return "a `*` must not take the label from what is guarded by name"


def _check_rule(
    contract: DataContract, source: Source, place: tuple[str, str], rule: LabelRule
) -> Iterator[Problem]:
    if all(step == VALUES for step in rule.path[1:]):
        message = f"{place[1]!r} would label everything, also what nobody has looked at"
        hint = "label what you know; a path without a label is not used"
        yield source.problem(place, "contract.catch_all", message, hint=hint, at_key=True)
    for index, purpose in enumerate(sorted(rule.purposes or ())):
        if purpose not in contract.purposes:
            message = f"there is no purpose {purpose!r}"
            listed = getattr(contract, place[0])[place[1]].purposes
            at = (*place, "purposes", listed.index(purpose) if listed else index)
            yield source.problem(
                at, "contract.unknown_purpose", message, hint=closest(purpose, contract.purposes)
            )
