"""A plan as JSON, with the code of its expressions inside.

The code is tied to the version of Python that built it. The texts of the expressions are in the artefact
too, so that another Python can compile them anew; that needs `jmespath` and some milliseconds.

An artefact holds bytecode: load only what your own build made, as you would any package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from functions.documents import Json, content_hash
from functions.errors import BuiltPlanError
from functions.events.patterns import compile_pattern
from functions.expressions import (
    ArtifactError,
    CompiledFeatures,
    Expression,
    compile_expression,
    compile_features,
    load_expression,
    load_features,
)
from functions.governance.statements import source_document, source_from
from functions.spec.experiment_plan import experiments_document, experiments_from
from functions.spec.feature_plan import Answer, FeaturePlan
from functions.spec.plan import Bundle, ExceptionPlan, Flow, Governance, ModelPlan, Plan, Rung, WriteBackPlan
from functions.spec.policy_codec import policy_document, policy_from_document

FORMAT: Final = 2
"""Counts up whenever the shape of the artefact changes."""


def plan_to_artifact(plan: Plan) -> dict[str, Json]:
    """Return the artefact of a plan: JSON, with a hash over all of it."""
    writer = _Writer()
    document: dict[str, Json] = {
        "format": FORMAT,
        "name": plan.name,
        "plan": _plan_document(plan, writer),
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

    def optional(self, expression: Expression | None) -> int | None:
        return None if expression is None else self.number(expression)

    def table(self, expressions: Mapping[str, Expression]) -> dict[str, int]:
        return {name: self.number(expression) for name, expression in expressions.items()}


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

    def optional(self, number: int | None) -> Expression | None:
        return None if number is None else self.one(number)

    def table(self, numbers: Mapping[str, int]) -> dict[str, Expression]:
        return {name: self.one(number) for name, number in numbers.items()}


def _plan_document(plan: Plan, writer: _Writer) -> dict[str, Json]:
    return {
        "name": plan.name,
        "owner": plan.owner,
        "description": plan.description,
        "pattern": plan.pattern.source,
        "max_age_s": _seconds(plan.max_age),
        "key": writer.number(plan.key),
        "purpose": plan.purpose,
        "consent": plan.consent,
        "consent_source": source_document(plan.consent_source),
        "features": [_feature_document(feature, writer) for feature in plan.features],
        "model": _model_document(plan.model, writer) if plan.model else None,
        "score": plan.score,
        "write_back": [
            [target.name, writer.number(target.source), _seconds(target.expires_after), target.notify]
            for target in plan.write_back
        ],
        "when": writer.optional(plan.when),
        "policy": policy_document(plan.policy, writer.number),
        "cold_start": plan.cold_start,
        "reads": list(plan.reads),
        "experiments": experiments_document(plan.experiments),
        "bundle": [plan.bundle.spec, plan.bundle.policy, plan.bundle.model],
        "governance": _governance_document(plan.governance),
    }


def _plan(
    document: Mapping[str, Json],
    values: CompiledFeatures,
    load: Callable[[Mapping[str, Json]], Expression],
) -> Plan:
    reader, plan = _Reader(document["expressions"], load), document["plan"]
    spec, policy, model = plan["bundle"]
    return Plan(
        name=plan["name"],
        owner=plan["owner"],
        description=plan["description"],
        pattern=compile_pattern(plan["pattern"]),
        max_age=_duration(plan["max_age_s"]),
        key=reader.one(plan["key"]),
        purpose=plan["purpose"],
        consent=plan["consent"],
        features=tuple(_feature(feature, reader) for feature in plan["features"]),
        values=values,
        model=_model(plan["model"], reader) if plan["model"] else None,
        score=plan["score"],
        write_back=tuple(
            WriteBackPlan(name, reader.one(source), _duration(seconds), notify)
            for name, source, seconds, notify in plan["write_back"]
        ),
        when=reader.optional(plan["when"]),
        policy=policy_from_document(plan["policy"], reader.one),
        cold_start=plan["cold_start"],
        reads=tuple(plan["reads"]),
        bundle=Bundle(spec, policy, model),
        experiments=experiments_from(plan["experiments"]),
        consent_source=source_from(plan["consent_source"]),
        governance=_governance(plan["governance"]),
    )


def _governance_document(governance: Governance) -> dict[str, Json]:
    return {
        "may_leave": list(governance.may_leave),
        "flows": [flow.as_document() for flow in governance.flows],
        "exceptions": [one.as_document() for one in governance.exceptions],
        "on_hit": governance.on_hit,
        "keep_decisions_s": _seconds(governance.keep_decisions),
    }


def _governance(document: Mapping[str, Json]) -> Governance:
    return Governance(
        may_leave=tuple(document["may_leave"]),
        flows=tuple(
            Flow(
                to=flow["to"],
                name=flow["name"],
                features=tuple(flow["features"]),
                reads=tuple(flow["reads"]),
                outputs=flow["outputs"],
                labels=tuple(flow["labels"]),
            )
            for flow in document["flows"]
        ),
        exceptions=tuple(
            ExceptionPlan(one["reads"], tuple(one["labels"]), one["because"], one["reviewed_by"])
            for one in document["exceptions"]
        ),
        on_hit=document["on_hit"],
        keep_decisions=_duration(document["keep_decisions_s"]),
    )


def _feature_document(feature: FeaturePlan, writer: _Writer) -> dict[str, Json]:
    return {
        "name": feature.name,
        "type": feature.type,
        "low": feature.low,
        "high": feature.high,
        "categories": list(feature.categories),
        "as_of": writer.optional(feature.as_of),
        "stale_after_s": _seconds(feature.stale_after),
        "answers": {state: [answer.kind, answer.value] for state, answer in feature.answers.items()},
        "unit": feature.unit,
        "labels": list(feature.labels),
        "purposes": list(feature.purposes),
    }


def _feature(document: Mapping[str, Json], reader: _Reader) -> FeaturePlan:
    return FeaturePlan(
        name=document["name"],
        type=document["type"],
        low=document["low"],
        high=document["high"],
        categories=tuple(document["categories"]),
        as_of=reader.optional(document["as_of"]),
        stale_after=_duration(document["stale_after_s"]),
        answers={state: Answer(kind, value) for state, (kind, value) in document["answers"].items()},
        unit=document["unit"],
        labels=tuple(document["labels"]),
        purposes=tuple(document["purposes"]),
    )


def _model_document(model: ModelPlan, writer: _Writer) -> dict[str, Json]:
    return {
        "kind": model.kind,
        "target": model.target,
        "options": _json_options(model.options),
        "format": model.format,
        "template": model.template,
        "template_expressions": writer.table(model.template_expressions),
        "missing_token": model.missing_token,
        "response": writer.table(model.response),
        "ranges": {name: list(bounds) for name, bounds in model.ranges.items()},
        "timeout_s": model.timeout_s,
        "max_attempts": model.max_attempts,
        "max_payload_bytes": model.max_payload_bytes,
        "fallback": [
            [rung.kind, writer.table(rung.sources), dict(rung.constants)] for rung in model.fallback
        ],
    }


def _model(document: Mapping[str, Json], reader: _Reader) -> ModelPlan:
    same = ("kind", "target", "options", "format", "template", "missing_token")
    numbers = ("timeout_s", "max_attempts", "max_payload_bytes")
    return ModelPlan(
        **{key: document[key] for key in (*same, *numbers)},
        template_expressions=reader.table(document["template_expressions"]),
        response=reader.table(document["response"]),
        ranges={name: (low, high) for name, (low, high) in document["ranges"].items()},
        fallback=tuple(
            Rung(kind, reader.table(sources), constants) for kind, sources, constants in document["fallback"]
        ),
    )


def _json_options(options: Mapping[str, Json]) -> dict[str, Json]:
    """Return options as JSON; a duration becomes its seconds, as adapters read it."""
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in options.items()
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
