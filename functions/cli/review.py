"""What a privacy review reads about a function: what fires it, what it reads, what leaves to whom, what may happen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

from functions.cli.explain import explanation, rollout_sentence
from functions.cli.pages import Content, code, facts, joined, page, table, tag
from functions.expressions.paths import How
from functions.governance.labels import GUARDED, ROOTS, UNLABELLED, LabelMap, parse_pattern
from functions.governance.retention import KEEP_DECISIONS
from functions.learning.trials import KEEP_TRIALS
from functions.runtime.learner import is_measured
from functions.spec.rails import CONTACT_LOG
from functions.spec.ranking_plan import LearningPlan
from functions.times import format_duration

if TYPE_CHECKING:
    from functions.documents import Json
    from functions.governance.contract import DataContract
    from functions.spec.plan import Flow, Plan
    from functions.spec.registry import Registry

INDEX = "index.html"

_ALWAYS: Final = (
    (
        "Without consent that is granted, in force and not expired, nothing is computed for a model, nothing is "
        "sent and nothing happens. No record is not consent."
    ),
    (
        "Consent is checked before the model, in the transaction that writes the decision, and again when an "
        "action that had to wait is about to leave."
    ),
    "Only what is listed on these pages can leave: a path that no expression reads is not loaded.",
    "No value of a profile or an event stands in a log line or in an error.",
)


def function_page(plan: Plan, contract: DataContract, registry: Registry) -> str:
    """Return the page of one function."""
    document = explanation(plan)
    return page(
        f"{plan.name}: what it does with customer data",
        tag("nav", tag("p", tag("a", "All functions", href=INDEX))),
        tag("h1", plan.name),
        tag("p", plan.description, class_="lead"),
        facts(_summary(plan, contract)),
        *_exceptions(plan),
        tag("h2", "What fires it"),
        *_fires(document),
        tag("h2", "What it reads"),
        *_reads(document, contract.labels()),
        tag("h2", "What it computes"),
        *_features(document),
        tag("h2", "What leaves, and to whom"),
        *_flows(plan),
        tag("h2", "What may happen"),
        *_actions(plan, registry),
        *_trials(plan),
        tag("h2", "How long it is kept"),
        *_kept(plan),
        _footer(plan.bundle.spec, plan.bundle.policy),
    )


def index_page(plans: Mapping[str, Plan], contract: DataContract) -> str:
    """Return the page that lists the functions and the purposes."""
    rows = [
        (
            tag("a", plan.name, href=f"{plan.name}.html"),
            plan.purpose,
            plan.consent,
            _target(plan),
            _labels(_leaving(plan)),
            str(len(plan.governance.exceptions)) if plan.governance.exceptions else "none",
        )
        for _, plan in sorted(plans.items())
    ]
    purposes = [
        (
            name,
            purpose.consent,
            purpose.description or "",
            _labels(purpose.may_read),
            _retention(contract, name),
        )
        for name, purpose in sorted(contract.purposes.items())
    ]
    return page(
        "What these functions do with customer data",
        tag("h1", "What these functions do with customer data"),
        tag(
            "p",
            "Everything on these pages is computed from the files that run: from the expressions of each function, "
            "the data contract and the actions. Nothing was written for the report.",
            class_="lead",
        ),
        tag("h2", "Functions"),
        table(("function", "purpose", "needs consent to", "asks", "labels that leave", "exceptions"), rows),
        tag("h2", "Purposes"),
        table(("purpose", "consent", "what it is", "may read", "kept"), purposes),
        tag("h2", "What always holds"),
        tag("ul", *(tag("li", text) for text in _ALWAYS)),
    )


def _summary(plan: Plan, contract: DataContract) -> Iterator[tuple[str, Content | list[Content]]]:
    purpose = contract.purposes.get(plan.purpose)
    what = f": {purpose.description}" if purpose and purpose.description else ""
    yield "Owner", plan.owner
    yield "Purpose", f"{plan.purpose}{what}"
    yield "Needs consent to", plan.consent
    yield "Asks", _target(plan)
    yield "Labels that leave", _labels(_leaving(plan))


def _exceptions(plan: Plan) -> Iterator[Element]:
    for one in plan.governance.exceptions:
        yield tag(
            "p",
            tag("strong", "Exception: "),
            code(one.reads),
            f" ({', '.join(one.labels)}) may leave to {', '.join(one.to)}. {one.because} "
            f"Reviewed by {one.reviewed_by}.",
            class_="note",
        )


def _fires(document: Mapping[str, Json]) -> Iterator[Element]:
    fires = document["fires_on"]
    yield tag("p", "An event that matches this pattern:")
    yield tag("pre", json.dumps(fires["event_pattern"], indent=2, ensure_ascii=False))
    limit = fires["max_age"]
    yield tag(
        "p",
        f"An event older than {limit} gets no action." if limit else "The age of the event does not matter.",
    )


def _reads(document: Mapping[str, Json], labels: LabelMap) -> Iterator[Element]:
    if not document["reads"]:
        yield tag("p", "Nothing of a profile or an event.")
        return
    yield table(
        ("path", "label"), [(code(path), _labels(_labels_of(path, labels))) for path in document["reads"]]
    )
    yield tag("p", "All other parts of a profile are skipped when it is loaded.", class_="soft")


def _labels_of(path: str, labels: LabelMap) -> list[str]:
    root, _, rest = path.partition(".")
    if root not in ROOTS or not rest:
        return [UNLABELLED]
    readings = labels.readings({parse_pattern(root, rest): How.VALUE})
    return sorted({reading.label for reading in readings})


def _features(document: Mapping[str, Json]) -> Iterator[Element]:
    if not document["features"]:
        yield tag("p", "No features.")
        return
    rows = [
        (
            code(one["name"]),
            " ".join(filter(None, (one["type"], one["unit"]))),
            code(one["from"]),
            _labels(one["labels"]),
        )
        for one in document["features"]
    ]
    yield table(("feature", "type", "computed from", "labels"), rows)


def _flows(plan: Plan) -> Iterator[Element]:
    rows = [
        (_receiver(plan, flow), _carried(flow), _labels(flow.labels), plan.purpose)
        for flow in plan.governance.flows
    ]
    if not rows:
        yield tag("p", "Nothing.")
        return
    yield table(("to", "what", "labels", "purpose"), rows)
    if plan.model is not None:
        yield tag(
            "p",
            f"The request to the model has at most {plan.model.max_payload_bytes:,} bytes; more is an error, "
            "never a silent cut.",
        )
    blocks = plan.governance.on_hit == "block"
    yield tag(
        "p",
        "As a backstop, everything that leaves is searched for what looks like personal data (addresses of e-mail, "
        "phone and card numbers, IBANs). A hit is named in the receipt and counted"
        + (", and nothing is sent." if blocks else "."),
    )


def _receiver(plan: Plan, flow: Flow) -> list[Content]:
    if flow.to == "model":
        return ["the model ", code(f"{plan.model.kind} {plan.model.target}" if plan.model else flow.name)]
    if flow.to == "score":
        return ["the profile, as the score ", code(flow.name)]
    if flow.to == "channel":
        kind = plan.channels[flow.name].kind if flow.name in plan.channels else ""
        return ["the channel ", code(flow.name), f" ({kind}), as ", *_scores(plan, flow)]
    channel = next((action.channel for action in plan.actions if action.name == flow.name), "")
    kind = plan.channels[channel].kind if channel in plan.channels else ""
    return ["the channel ", code(channel), f" ({kind}), with the action ", code(flow.name)]


def _scores(plan: Plan, flow: Flow) -> list[Content]:
    names: list[Content] = [code(name) for name in plan.told(flow.name)]
    return ["the score " if len(names) == 1 else "the scores ", *joined(names)]


def _carried(flow: Flow) -> list[Content]:
    parts: list[Content] = [code(name) for name in (*flow.features, *flow.reads)]
    if flow.outputs:
        parts.append("outputs of the model")
    if flow.to in ("action", "channel"):
        parts.append("the id of the profile")
    if flow.to == "channel":
        parts.append("the anonymous id of the event")
    return joined(parts) or ["fixed texts only"]


def _actions(plan: Plan, registry: Registry) -> Iterator[Element]:
    if plan.when is not None:
        yield tag("p", "Only when ", code(plan.when.source), " is true. Otherwise nothing happens.")
    rows = []
    for action in plan.actions:
        declared = registry.actions.get(action.name)
        only: Content = code(action.eligible.source) if action.eligible else "always"
        rows.append(
            (
                code(action.name),
                (declared.description if declared else None) or "",
                ", ".join(action.tags),
                only,
            )
        )
    if rows:
        yield table(("action", "what it is", "tags", "only if"), rows)
    yield tag("p", "Doing nothing is always possible.")


def _trials(plan: Plan) -> Iterator[Element]:
    if plan.experiments.rollouts:
        yield tag("h2", "What is on trial")
    for one in plan.experiments.rollouts:
        yield tag("p", f"{plan.name}: {rollout_sentence(plan.name, one)}.")


def _kept(plan: Plan) -> Iterator[Element]:
    keep = format_duration(plan.governance.keep_decisions or KEEP_DECISIONS)
    rows: list[tuple[str, str]] = [("the decision: reasons, features, outputs, candidates", keep)]
    for target in plan.write_back:
        life = format_duration(target.expires_after) if target.expires_after else "until it is replaced"
        rows.append((f"the score {target.name} on the profile", life))
    if any(flow.to in ("action", "channel") for flow in plan.governance.flows):
        rows.append(("the message as it is sent, in the outbox", keep))
    if plan.actions:
        rows.append(("which action was taken when, in the contact log", format_duration(CONTACT_LOG)))
    if is_measured(plan):
        learning = plan.policy.ranking.learning if plan.policy.ranking is not None else None
        life = format_duration((learning or LearningPlan()).window + KEEP_TRIALS)
        rows.append(("what responses are counted by: action, group and segment", life))
        rows.append(("the last response of each kind", "until it is replaced"))
    yield table(("what", "how long"), rows)
    yield tag(
        "p",
        "All of it is listed by ",
        code("functions profile export ID"),
        " and erased by ",
        code("functions profile delete ID"),
        ". What a deployment copies out of the store is not: decisions in the lasting log, for its ",
        code("export_days"),
        ", and events in the archive, for its ",
        code("archive_days"),
        ".",
    )


def _retention(contract: DataContract, name: str) -> str:
    kept = contract.purposes[name].retention
    decisions = format_duration(kept.decisions or KEEP_DECISIONS)
    scores = f", scores {format_duration(kept.scores)}" if kept.scores else ""
    return f"decisions {decisions}{scores}"


def _target(plan: Plan) -> list[Content]:
    return [f"{plan.model.kind} ", code(plan.model.target)] if plan.model else ["no model"]


def _leaving(plan: Plan) -> list[str]:
    return sorted({label for flow in plan.governance.flows if flow.to != "score" for label in flow.labels})


def _labels(labels: object) -> list[Content]:
    names = list(labels) if isinstance(labels, list | tuple) else []
    shown: list[Content] = [tag("span", name, class_=_label_class(name)) for name in names]
    return shown or ["none"]


def _label_class(name: str) -> str:
    return "label guarded" if name in GUARDED or name == UNLABELLED else "label"


def _footer(spec: str, policy: str) -> Element:
    return tag("footer", "Computed from spec ", code(spec), " and policy ", code(policy), ".")
