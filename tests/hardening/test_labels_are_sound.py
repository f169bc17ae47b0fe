"""What an accepted expression gives does not depend on what is guarded or has no label.

Random contracts, expressions and documents: where every label that an expression touches is free, documents that
differ only in guarded and unlabelled values give the same. Which label a value has is worked out here by other means.
Plain random numbers are used, since most draws are refused by the gate and cost nothing so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from random import Random

import pytest

from functions.decision.evaluating import evaluate
from functions.documents import Json
from functions.expressions import EvaluationFailure, Expression, ExpressionError, compile_expression
from functions.governance.labels import GUARDED, UNLABELLED, LabelMap, LabelRule, parse_pattern

KEYS = ("a", "b", "c")
LabelAt = Callable[[tuple[str, ...]], str]
SCALARS: tuple[Json, ...] = (None, True, False, 0, 1, 7, "", "x")
FORMS = (
    "{0}", "length({0})", "length({0} | [?@])", "if_else({0}, {1}, `0`)", "if_else({0}, 'some', {1})",
    "not_null({0}, {1})", "coalesce({0}, 'none')", "type({0})", "[type({0}), {1}] | [0]", "{0} || {1}",
    "{0} && 'yes' || 'no'", "keys({0})", "values({0})", "merge({0}, {1})", "to_array({0})", "reverse({0})",
    "{0} == {1}", "{0} == `7`", "{0}[?{k} != `1`]", "length({0}[?{k} == `1`])", "length(values({0}))",
    "map(&{k}, {0})", "length(map(&{k}, {0}))", "sort_by({0}, &{k})[0].{k}", "max_by({0}, &{k}).{k}",
    "{0}.[{k}, {1}]", "{0}.{{x: {k}}}", "{0}[:1].{k}", "{0}[?{k}].{k}", "{0} | [?{k}] | length(@)",
    "length({0}[?{k}])", "join(',', map(&to_string(@), {0}))",
)  # fmt: skip


def a_pattern(random: Random) -> str:
    while True:
        steps = [random.choice((*KEYS, *KEYS, "*")) for _ in range(random.randint(1, 4))]
        if set(steps) != {"*"}:
            return ".".join(steps)


def a_contract(random: Random) -> dict[str, str]:
    labels = ("sensitive", "behavioral", "behavioral")
    return {a_pattern(random): random.choice(labels) for _ in range(random.randint(2, 7))}


def a_read(random: Random) -> str:
    steps = [random.choice((*KEYS, *KEYS, "*")) for _ in range(random.randint(1, 4))]
    marks = [random.choice(("", "", "", "[]", "[*]", "[0]")) for _ in steps]
    root = "*" if random.random() < 0.05 else "profile"
    return root + "".join(f".{step}{mark}" for step, mark in zip(steps, marks, strict=True))


def an_expression(random: Random) -> str:
    return random.choice(FORMS).format(a_read(random), a_read(random), k=random.choice(KEYS))


def an_object(random: Random, depth: int = 4) -> dict[str, Json]:
    """Return an object; an array holds objects only.

    That something is an array, and how many objects it has, is no secret where a field of them is free.
    """
    made: dict[str, Json] = {}
    for name in KEYS:
        kind = random.random()
        if kind < 0.4 and depth:
            made[name] = an_object(random, depth - 1)
        elif kind < 0.55 and depth:
            made[name] = [an_object(random, depth - 1) for _ in range(random.randint(1, 3))]
        elif kind < 0.8:
            made[name] = random.choice(SCALARS)
    return made


def label_at(contract: Mapping[str, str], keys: tuple[str, ...]) -> str:
    """Return what stands at a place: the longest pattern counts, of two as long the one with fewer `*`."""
    fitting = []
    for text, label in contract.items():
        steps = text.split(".")
        if len(steps) <= len(keys) and all(one in ("*", key) for one, key in zip(steps, keys, strict=False)):
            fitting.append((len(steps), -steps.count("*"), label))
    return max(fitting)[2] if fitting else UNLABELLED


def is_secret(value: Json, keys: tuple[str, ...], label_of: LabelAt) -> bool:
    """Say whether nothing of a value is free, itself included; arrays without a label count as free."""
    label = label_of(keys)
    if isinstance(value, list):
        return label == "sensitive" and all(is_secret(one, keys, label_of) for one in value)
    if isinstance(value, dict):
        inside = all(is_secret(one, (*keys, name), label_of) for name, one in value.items())
        return label != "behavioral" and inside
    return label != "behavioral"


def changed(
    value: dict[str, Json], label_of: LabelAt, random: Random, keys: tuple[str, ...] = ()
) -> dict[str, Json]:
    """Return an object in which every secret scalar is another, and some of what is secret is gone."""
    other: dict[str, Json] = {}
    for name, inner in value.items():
        path = (*keys, name)
        secret = is_secret(inner, path, label_of)
        if secret and random.random() < 0.3:
            continue
        if isinstance(inner, dict):
            other[name] = changed(inner, label_of, random, path)
        elif isinstance(inner, list):
            some = inner[: random.randint(1, len(inner))] if secret else inner
            other[name] = [changed(one, label_of, random, path) for one in some if isinstance(one, dict)]
        else:
            other[name] = random.choice(SCALARS) if secret else inner
    return other


@cache
def expressions() -> list[Expression]:
    """Return what every contract is asked about; to compile takes longer than all the rest."""
    random = Random(0)
    made: list[Expression] = []
    while len(made) < 400:
        with suppress(ExpressionError):  # too many loops inside each other, and the like
            made.append(compile_expression(an_expression(random)))
    return made


def outcome(expression: Expression, profile: Json) -> Json | EvaluationFailure:
    return evaluate(expression, {"profile": profile, "event": {}, "now": "2026-11-02T09:15:00.000Z"})


def is_accepted(labels: LabelMap, expression: Expression) -> bool:
    touched = {reading.label for reading in labels.readings(expression.lineage)}
    return not touched & {*GUARDED, UNLABELLED}


@pytest.mark.parametrize("seed", range(2))
def test_what_is_accepted_does_not_depend_on_what_is_guarded_or_unlabelled(seed: int) -> None:
    random, tried = Random(seed), 0
    for _ in range(150):
        contract = a_contract(random)
        rules = [LabelRule(parse_pattern("profile", text), label) for text, label in contract.items()]
        labels = LabelMap(rules)
        if list(labels.conflicts()):
            continue
        accepted = [one for one in random.sample(expressions(), 80) if is_accepted(labels, one)]
        label_of = cache(partial(label_at, contract))
        for _ in range(8):
            profile = an_object(random)
            other = changed(profile, label_of, random)
            for expression in accepted:
                found = outcome(expression, profile)
                assert found == outcome(expression, other), (expression.source, contract, profile, other)
                tried += found not in (None, [], {}) and other != profile
    assert tried > 500
