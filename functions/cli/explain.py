"""`functions explain NAME`: what a function reads, sends and may do; `--policy`: what the rails say."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.documents import Json
from functions.times import format_duration

if TYPE_CHECKING:
    from functions.spec.experiment_plan import RolloutPlan
    from functions.spec.feature_plan import Answer, FeaturePlan
    from functions.spec.plan import ActionPlan, ExceptionPlan, Flow, ModelPlan, Plan

_EPILOG = """examples:
  functions explain churn-retention
  functions explain churn-retention --json
  functions explain churn-retention --code
  functions explain --policy
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the function")
    parser.add_argument(
        "--policy",
        action="store_true",
        help="print every rule of the rails as a sentence, and whom it concerns",
    )
    parser.add_argument("--code", action="store_true", help="print the Python that computes the features")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.loading import load_function

    if arguments.policy:
        return _explain_policy(arguments, console)
    if arguments.name is None:
        console.err("name a function, or ask for --policy")
        return 2
    plan = load_function(specs_folder(console), arguments.name)
    if arguments.code:
        console.out(plan.values.code.rstrip())
        return 0
    document = explanation(plan)
    if arguments.json:
        console.json(document)
        return 0
    console.out(f"{console.paint(plan.name, 'bold')}  {plan.owner}")
    console.out(plan.description)
    for title, lines in sections(plan, document):
        console.out()
        console.out(console.paint(title, "bold"))
        for line in lines:
            console.out(f"  {line}")
    return 0


def _explain_policy(arguments: argparse.Namespace, console: Console) -> int:
    """Print what the rails say, to whoever never saw the file."""
    from functions.decision.sentences import sentence
    from functions.spec.loading import load_policy
    from functions.spec.rails import rail_applies

    policy = load_policy(specs_folder(console))
    if arguments.name is not None:
        from functions.spec.loading import load_function

        policy = load_function(specs_folder(console), arguments.name).policy
    rules: list[dict[str, Json]] = [
        {
            "name": rail.name,
            "sentence": sentence(rail),
            "actions": [action.name for action in policy.actions if rail_applies(rail, action)],
        }
        for rail in policy.rails
    ]
    if arguments.json:
        console.json({"policy": policy.hash, "rails": rules})
        return 0
    for rule in rules:
        console.out(console.paint(str(rule["name"]), "bold"))
        console.out(f"  {rule['sentence']}")
        console.out(console.paint(f"  concerns {', '.join(rule['actions']) or 'no action'}", "dim"))
    if not rules:
        console.err("there are no rails")
    return 0


def explanation(plan: Plan) -> dict[str, Json]:
    """Return what a plan reads, sends and may do, as JSON."""
    return {
        "function": plan.name,
        "owner": plan.owner,
        "description": plan.description,
        "bundle": {"spec": plan.bundle.spec, "policy": plan.bundle.policy, "model": plan.bundle.model},
        "fires_on": {
            "event_pattern": plan.pattern.source,
            "max_age": format_duration(plan.max_age) if plan.max_age else None,
        },
        "consent": {"purpose": plan.purpose, "consent": plan.consent},
        "reads": [path for path in plan.reads if path.startswith(("profile", "event"))],
        "features": [
            {
                "name": feature.name,
                "from": plan.values.expressions[feature.name].source,
                "type": feature.type,
                "unit": feature.unit,
                "range": [feature.low, feature.high] if feature.low is not None else None,
                "reads": list(plan.values.expressions[feature.name].reads),
                "labels": list(feature.labels),
                "purposes": list(feature.purposes),
                "answers": {state: _answer(answer) for state, answer in feature.answers.items()},
            }
            for feature in plan.features
        ],
        "model": _model(plan.model) if plan.model else None,
        "leaves": [flow.as_document() for flow in plan.governance.flows],
        "exceptions": [exception.as_document() for exception in plan.governance.exceptions],
        "detector": {"on_hit": plan.governance.on_hit},
        "writes": {
            f"profile.scores.{target.name}": {
                "from": target.source.source,
                "expires_after": format_duration(target.expires_after) if target.expires_after else None,
                "notify": target.notify,
            }
            for target in plan.write_back
        },
        "acts_when": plan.when.source if plan.when else None,
        "actions": [_action(plan, action) for action in plan.actions],
        "rollouts": [_rollout(one) for one in plan.experiments.rollouts],
    }


def rollout_sentence(function: str, rollout: RolloutPlan) -> str:
    """Say what a rollout of `experiments.yaml` means for one of its two functions."""
    part = f"{_share(rollout):.4g} of 100 customers, drawn by the seed {rollout.part.seed},"
    if function == rollout.candidate and rollout.mode == "shadow":
        return (
            f"is tried in the shadow of {rollout.of}: it decides about {part} and nothing of it is done or "
            "written but the record"
        )
    if function == rollout.candidate:
        return f"is tried as a canary of {rollout.of}: it decides for {part} and for nobody else"
    if rollout.mode == "shadow":
        return (
            f"{rollout.candidate} is tried in its shadow: it also decides about {part} for the record alone"
        )
    return f"{rollout.candidate} is tried as its canary: {part} are left to it"


def _action(plan: Plan, action: ActionPlan) -> Json:
    return {
        "name": action.name,
        "channel": action.channel,
        "kind": plan.channels[action.channel].kind,
        "tags": list(action.tags),
        "eligible": action.eligible.source if action.eligible else None,
        "payload": action.payload,
    }


def _rollout(rollout: RolloutPlan) -> Json:
    return {
        "candidate": rollout.candidate,
        "of": rollout.of,
        "mode": rollout.mode,
        "percent": _share(rollout),
        "seed": rollout.part.seed,
        "ranges": [list(pair) for pair in rollout.part.ranges],
    }


def _share(rollout: RolloutPlan) -> float:
    """Return how many of 100 customers the part has."""
    return round(100 * sum(high - low for low, high in rollout.part.ranges), 4)


def _model(model: ModelPlan) -> Json:
    return {
        "kind": model.kind,
        "target": model.target,
        "format": model.format,
        "timeout_ms": round(model.timeout_s * 1000),
        "max_payload_bytes": model.max_payload_bytes,
        "outputs": {
            name: list(model.ranges[name]) if name in model.ranges else None for name in model.response
        },
        "fallback": [
            {**{name: source.source for name, source in rung.sources.items()}, **rung.constants}
            for rung in model.fallback
        ],
    }


def _answer(answer: Answer) -> Json:
    return answer.value if answer.kind == "value" else answer.kind


def sections(plan: Plan, document: dict[str, Json]) -> Iterator[tuple[str, list[str]]]:
    """Yield what people read of an explanation: titles, each with its lines."""
    fires = document["fires_on"]
    limit = fires["max_age"]
    age = f"an event older than {limit} gets no action" if limit else "an event of any age"
    yield "Fires on", [json.dumps(fires["event_pattern"]), age]
    yield (
        "Needs",
        [f"consent to {plan.consent}, for the purpose {plan.purpose}; checked before the model and the act"],
    )
    yield "Reads", list(document["reads"])
    yield "Computes", list(_computes(plan))
    yield "Sends", list(_sends(plan))
    if plan.write_back:
        yield "Writes", [f"{path} = {entry['from']}" for path, entry in document["writes"].items()]
    told = [flow for flow in plan.governance.flows if flow.to == "channel"]
    if told:
        yield "Tells", [line for flow in told for line in _tells(plan, flow)]
    yield "May do", list(_may_do(plan))
    if plan.governance.exceptions:
        yield "By exception", [_exception(one) for one in plan.governance.exceptions]
    if plan.experiments.rollouts:
        yield "On trial", [rollout_sentence(plan.name, one) for one in plan.experiments.rollouts]


def _sends(plan: Plan) -> Iterator[str]:
    if plan.model is None:
        yield "nothing: the function has no model"
        return
    model = plan.model
    sent = plan.governance.sent
    how = "as the template has them" if model.template is not None else "in this order"
    yield f"{model.format} of at most {model.max_payload_bytes:,} bytes to {model.kind} {model.target}, {how}:"
    yield f"  {', '.join(sent.features) or 'no feature'}"
    yield f"  {_told(sent, plan.purpose)}"
    for rung in model.fallback:
        parts = {**{name: found.source for name, found in rung.sources.items()}, **rung.constants}
        yield "else " + ", ".join(f"{name} = {value}" for name, value in parts.items())


def _computes(plan: Plan) -> Iterator[str]:
    if not plan.features:
        yield "nothing: the function has no features"
    for feature in plan.features:
        yield f"{feature.name}: {_feature(plan, feature)}"
        yield f"  {_answers(feature)}"
        yield f"  labels: {', '.join(feature.labels) or 'none'}"


def _told(flow: Flow, purpose: str) -> str:
    """Say what leaves, by its labels."""
    return f"labels: {', '.join(flow.labels) or 'none'}; for the purpose {purpose}"


def _exception(exception: ExceptionPlan) -> str:
    labels, ways = ", ".join(exception.labels), ", ".join(exception.to)
    return f"{exception.reads} ({labels}) to {ways}: {exception.because} Reviewed by {exception.reviewed_by}."


def _feature(plan: Plan, feature: FeaturePlan) -> str:
    unit = f" {feature.unit}" if feature.unit else ""
    bounds = f", {_number(feature.low)} to {_number(feature.high)}" if feature.low is not None else ""
    return f"{feature.type}{unit}{bounds} = {plan.values.expressions[feature.name].source}"


def _answers(feature: FeaturePlan) -> str:
    """Say what stands in for a value that is not there, or not as declared."""
    declared = [
        f"{state.replace('_', ' ')}: {_word(answer)}"
        for state, answer in feature.answers.items()
        if answer.kind != "error"
    ]
    return ", ".join([*declared, "else an error"])


def _number(value: float | None) -> str:
    """Write a bound as its author did: whole numbers without a fraction, with thousands parted."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def _word(answer: Answer) -> str:
    return json.dumps(answer.value) if answer.kind == "value" else answer.kind


def _may_do(plan: Plan) -> Iterator[str]:
    if plan.when is not None:
        yield f"when {plan.when.source}:"
    for action in plan.actions:
        kind = plan.channels[action.channel].kind
        only = f", only if {action.eligible.source}" if action.eligible else ""
        yield f"  {action.name} to {action.channel} ({kind}){only}"
        yield f"    {_carried(plan, action.name)}"
    yield "  do-nothing"


def _carried(plan: Plan, action: str) -> str:
    """Say what an action carries besides its fixed texts."""
    flow = next(one for one in plan.governance.flows if (one.to, one.name) == ("action", action))
    return _content(flow, "the id of the profile")


def _tells(plan: Plan, flow: Flow) -> Iterator[str]:
    """Say what a channel is told about scores."""
    yield f"{', '.join(plan.told(flow.name))} to {flow.name} ({plan.channels[flow.name].kind})"
    yield f"  {_content(flow, 'the id of the profile', 'the anonymous id of the event')}"


def _content(flow: Flow, *ids: str) -> str:
    parts = [*ids, *(f"features.{name}" for name in flow.features), *flow.reads]
    if flow.outputs:
        parts.append("outputs of the model")
    return f"carries {', '.join(parts)}; labels: {', '.join(flow.labels)}"
