"""Ask the model, believe only what was checked, and climb down the fallback ladder otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from functions.decision.evaluating import evaluate
from functions.documents import Json
from functions.errors import ModelError
from functions.expressions import EvaluationFailure
from functions.governance.gate import Payload
from functions.models.attempts import Attempted, invoke_with_retries
from functions.models.model import Model, ModelReply
from functions.models.replies import read_reply
from functions.runtime.ports import Ports
from functions.runtime.receipt import ModelCall, RungName
from functions.spec.plan import ModelPlan, Rung


@dataclass(frozen=True, slots=True)
class Scored:
    """The outputs, and who gave them.

    Attributes:
        outputs: By name; empty when nobody gave any.
        call: What the receipt says of it.
        error: Why there are no outputs: the model's own error, when no rung was left either.
    """

    outputs: Mapping[str, Json]
    call: ModelCall
    error: ModelError | None = None


def score(
    plan: ModelPlan,
    model: Model,
    payload: Payload,
    document: Mapping[str, Json],
    *,
    inference_id: str,
    ports: Ports,
) -> Scored:
    """Ask the model, and the rungs in order when it gives no believable answer.

    Args:
        plan: How the model is called and its reply is read.
        model: Its adapter.
        payload: What the gate built.
        document: The root, for the rungs.
        inference_id: The decision id.
        ports: The surroundings.
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
    return Scored({}, _call(plan, attempted, "none", error.code), error)


def _rung_outputs(plan: ModelPlan, rung: Rung, document: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what a rung gives, None when any of it is null, failed, or out of its range."""
    outputs: dict[str, Json] = dict(rung.constants)
    for name, expression in rung.sources.items():
        outputs[name] = evaluate(expression, document)
    believable = all(_is_believable(outputs[name], plan.ranges.get(name)) for name in plan.response)
    return {name: outputs[name] for name in plan.response} if believable else None


def _is_believable(value: Json | EvaluationFailure, bounds: tuple[float, float] | None) -> bool:
    if value is None or isinstance(value, EvaluationFailure):
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if bounds is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bounds[0] <= value <= bounds[1]


def _call(plan: ModelPlan, attempted: Attempted, rung: RungName, error: str | None) -> ModelCall:
    return ModelCall(
        kind=plan.kind,
        target=plan.target,
        rung=rung,
        latency_ms=attempted.latency_ms,
        attempts=attempted.attempts,
        error=error,
    )
