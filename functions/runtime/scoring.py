"""Ask the model, believe only what was checked, and climb down the fallback ladder otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from functions.documents import Json
from functions.errors import ModelError
from functions.governance.gate import Payload
from functions.models.attempts import Attempted, invoke_with_retries
from functions.models.model import Model, ModelReply
from functions.models.replies import read_reply
from functions.runtime.ports import Ports
from functions.runtime.receipt import ModelCall
from functions.spec.plan import ModelPlan, Rung


@dataclass(frozen=True, slots=True)
class Scored:
    """The outputs, and who gave them."""

    outputs: Mapping[str, Json]
    call: ModelCall


def score(
    plan: ModelPlan,
    model: Model,
    payload: Payload,
    document: Mapping[str, Json],
    *,
    inference_id: str,
    ports: Ports,
) -> Scored:
    """Return the outputs of the model or of the first rung that answers.

    Args:
        plan: How the model is called and its reply is read.
        model: Its adapter.
        payload: What the gate built.
        document: The root, for the rungs.
        inference_id: The decision id.
        ports: The surroundings.

    Raises:
        ModelError: The model gave no believable answer and no rung is left; the model's own error.
    """
    attempted = invoke_with_retries(
        model,
        payload,
        inference_id=inference_id,
        timeout_s=plan.timeout_s,
        max_attempts=plan.max_attempts,
        monotonic=ports.monotonic,
        sleep=ports.sleep,
        jitter=ports.jitter,
    )
    try:
        outputs = _believed(plan, attempted.outcome)
    except ModelError as error:
        return _fall_back(plan, document, attempted, error)
    return Scored(outputs, _call(plan, attempted, "model", None))


def _believed(plan: ModelPlan, outcome: ModelReply | ModelError) -> dict[str, Json]:
    if isinstance(outcome, ModelError):
        raise outcome
    return read_reply(outcome, plan)


def _fall_back(
    plan: ModelPlan, document: Mapping[str, Json], attempted: Attempted, error: ModelError
) -> Scored:
    for rung in plan.fallback:
        outputs = _rung_outputs(plan, rung, document)
        if outputs is not None:
            return Scored(outputs, _call(plan, attempted, rung.kind, error.code))
    raise error


def _rung_outputs(plan: ModelPlan, rung: Rung, document: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what a rung gives, None when any of it is null, failed, or out of its range."""
    outputs: dict[str, Json] = dict(rung.constants)
    for name, expression in rung.sources.items():
        try:
            outputs[name] = expression.evaluate(document)
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            return None
    believable = all(_in_range(outputs[name], plan.ranges.get(name)) for name in plan.response)
    return {name: outputs[name] for name in plan.response} if believable else None


def _in_range(value: Json, bounds: tuple[float, float] | None) -> bool:
    if value is None or bounds is None:
        return value is not None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return bounds[0] <= value <= bounds[1]


def _call(plan: ModelPlan, attempted: Attempted, rung: str, error: str | None) -> ModelCall:
    return ModelCall(
        kind=plan.kind,
        target=plan.target,
        rung="model" if rung == "model" else ("cache" if rung == "cache" else "fallback"),
        latency_ms=attempted.latency_ms,
        attempts=attempted.attempts,
        error=error,
    )
