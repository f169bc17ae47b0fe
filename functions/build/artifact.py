"""A plan as JSON, with the code of its expressions inside.

The code is tied to the version of Python that built it. The texts of the expressions are in the artefact
too, so that another Python can compile them anew; that needs `jmespath` and some milliseconds.

An artefact holds bytecode: load only what your own build made, as you would any package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.documents import Json, content_hash
from functions.errors import BuiltPlanError
from functions.expressions import (
    ArtifactError,
    CompiledFeatures,
    Expression,
    compile_expression,
    compile_features,
    load_expression,
    load_features,
)
from functions.spec.plan import Plan
from functions.spec.plan_codec import plan_document, plan_from_document

FORMAT: Final = 4
"""Counts up whenever the shape of the artefact changes."""


def plan_to_artifact(plan: Plan) -> dict[str, Json]:
    """Return the artefact of a plan: JSON, with a hash over all of it."""
    writer = _Writer()
    document: dict[str, Json] = {
        "format": FORMAT,
        "name": plan.name,
        "plan": plan_document(plan, writer.number),
        "values": plan.values.to_artifact(),
        "texts": {name: one.source for name, one in plan.values.expressions.items()},
        "expressions": writer.artifacts,
    }
    return {**document, "hash": content_hash(document)}


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan out of an artefact.

    Attributes:
        plan: The plan.
        recompiled: Why its expressions were compiled anew; None when the code of the artefact is used.
    """

    plan: Plan
    recompiled: str | None = None


def plan_from_artifact(document: Json) -> LoadedPlan:
    """Return the plan of an artefact. Code of another Python is compiled anew from the texts.

    Raises:
        BuiltPlanError: No artefact, of another format, or damaged.
    """
    if not isinstance(document, dict) or "plan" not in document:
        raise BuiltPlanError("this is no built plan")
    if document.get("format") != FORMAT:
        raise BuiltPlanError("the plan was built by another version of this package; build it again")
    if content_hash({key: value for key, value in document.items() if key != "hash"}) != document.get("hash"):
        raise BuiltPlanError("the plan does not match its hash; build it again")
    try:
        return LoadedPlan(_plan(document, load_features(document["values"]), load_expression))
    except ArtifactError as error:
        values = compile_features(document["texts"])
        return LoadedPlan(_plan(document, values, _compile_anew), str(error))


def _plan(
    document: Mapping[str, Json],
    values: CompiledFeatures,
    load: Callable[[Mapping[str, Json]], Expression],
) -> Plan:
    return plan_from_document(document["plan"], values, _Reader(document["expressions"], load).one)


def _compile_anew(artifact: Mapping[str, Json]) -> Expression:
    return compile_expression(artifact["text"])


@dataclass(slots=True)
class _Writer:
    """Collects expressions, each once, and hands out their numbers."""

    artifacts: list[dict[str, Json]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, expression: Expression) -> int:
        text = expression.source
        if text not in self._numbers:
            self._numbers[text] = len(self.artifacts)
            compiled = compile_features({"value": text})
            self.artifacts.append({**compiled.to_artifact(), "text": text})
        return self._numbers[text]


class _Reader:
    """Gives expressions by their numbers, each loaded once."""

    def __init__(
        self, artifacts: list[dict[str, Json]], load: Callable[[Mapping[str, Json]], Expression]
    ) -> None:
        self._artifacts = artifacts
        self._load = load
        self._loaded: dict[int, Expression] = {}

    def one(self, number: int) -> Expression:
        if number not in self._loaded:
            self._loaded[number] = self._load(self._artifacts[number])
        return self._loaded[number]
