"""Functions that canaries are sent through, and what each of them declares to let out, by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from functions.build.published import published_form
from functions.decision.rollouts import Rollout
from functions.documents import Json
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.runtime.in_force import AsBuilt, PolicySource
from functions.runtime.stored_policy import StoredPolicy
from functions.runtime.versions import publish, store_version, stored_pointer, try_out
from functions.spec.experiment_plan import ExperimentsPlan, Mode, RolloutPlan, Slice
from functions.spec.loading import load_policy
from functions.spec.plan import Plan
from functions.testing.sample_function import NOW, SPEC, a_plan, write_specs

CONTRACT: dict[str, Json] = {
    "profile": {
        "identity": {"label": "direct-identifier"},
        "health": {"label": "sensitive"},
        "orders": {"label": "transactional"},
        "web": {"label": "behavioral"},
    },
    "event": {"properties": {"label": "behavioral"}, "traits": {"label": "direct-identifier"}},
    "purposes": {
        "retention": {"consent": "marketing", "may_read": ["transactional", "behavioral", "derived"]}
    },
}


def text(expression: str) -> dict[str, Json]:
    return {"from": expression, "type": "string", "missing": "none", "wrong_type": "odd"}


NUMBER: dict[str, Json] = {"from": "profile.orders.count", "type": "float", "missing": 0, "wrong_type": 0}
MODEL: dict[str, Json] = {
    **SPEC["model"],
    "range": {},
    "response": {"churn_risk": "[0]"},
    "fallback": [{"churn_risk": "profile.scores.churn_risk.value"}, {"churn_risk": 0.9}],
    "max_payload": "100KB",
}
SAY: dict[str, Json] = {
    "channels": {"offers": {"kind": "memory"}, "platform": {"kind": "memory"}},
    "actions": {
        "say": {
            "channel": "offers",
            "eligible": "profile.identity.email != `1`",
            "payload": {"note": {"from": "features.note"}, "risk": {"from": "churn_risk"}},
        },
        "post": {
            "channel": "offers",
            "payload": {"mail": {"from": "features.mail"}, "ill": {"from": "features.ill"}},
        },
        "call": {"channel": "offers", "payload": {"phone": {"from": "features.phone"}}},
        "hush": {"channel": "offers", "payload": {"fixed": True}},
    },
}
TEMPLATE: dict[str, Json] = {"prompt": {"from": "join(' ', ['Visits:', features.visits])"}}


def plan(name: str, **sections: Json) -> Plan:
    trigger = {"event_pattern": {"detail-type": ["page_view"]}, "max_age": "12h"}
    return a_plan(SAY, CONTRACT, name=name, trigger=trigger, **sections)


def excused(path: str, *ways: str) -> dict[str, Json]:
    return {"reads": path, "to": list(ways), "because": "Agreed.", "reviewed_by": "Ada P."}


def asked(*names: str) -> dict[str, Json]:
    """The model, asked by a template with some features in it."""
    told = ", ".join(f"features.{name}" for name in names)
    request = {"format": "json", "template": {"prompt": {"from": f"join(' ', [{told}])"}}}
    return {**MODEL, "request": request, "fallback": [{"churn_risk": 1}]}


def tried_policy(mode: Mode, actions: dict[str, Json]) -> PolicySource:
    """A policy that is tried for everybody, with other actions than the one in force, as operators keep them."""
    documents = MemoryOperatorStore()
    forms = []
    for one in (SAY["actions"], {**SAY["actions"], **actions}):
        with TemporaryDirectory() as folder:
            write_specs(Path(folder), {**SAY, "actions": one}, CONTRACT)
            forms.append(published_form(load_policy(Path(folder))))
    publish(documents, forms[0], stored_pointer(documents), note=None, at=NOW)
    rollout = Rollout(store_version(documents, forms[1]), mode, Slice("trial", ((0.0, 1.0),)), NOW)
    try_out(documents, rollout, stored_pointer(documents))
    return StoredPolicy(documents, wall=lambda: NOW, published=True)


def in_trial(made: Plan, mode: Mode, share: float) -> Plan:
    """Let a plan be tried in the place of another one."""
    tried = RolloutPlan(made.name, "table", mode, Slice("trial", ((0.0, share),)))
    return replace(made, experiments=ExperimentsPlan(rollouts=(tried,)))


@dataclass(frozen=True)
class Function:
    """A plan, and the paths whose values may reach the model, the channel, and what is kept of a decision.

    Attributes:
        plan: The function.
        model: What may reach the model.
        channel: What may reach the channel.
        kept: What may be kept.
        policy: What knows which policy is in force, and which is tried.
        outcome: Of a decision with nothing in its way.
        messages: How many a decision sends, the one about a score included.
    """

    plan: Plan
    model: frozenset[str]
    channel: frozenset[str]
    kept: frozenset[str]
    policy: PolicySource = field(default_factory=AsBuilt)
    outcome: Literal["acted", "suppressed", "rejected"] = "acted"
    messages: int = 1


def function(made: Plan, model: set[str], channel: set[str], kept: set[str]) -> Function:
    return Function(made, frozenset(model), frozenset(channel), frozenset(model | channel | kept))


SCORE = "profile.scores.churn_risk.value"
FUNCTIONS = {
    "table": function(
        plan(
            "table",
            features={"note": text("profile.orders.note"), "count": NUMBER},
            model=MODEL,
            write_back={"scores.last_note": {"from": "features.note"}},
            decide={"actions": ["say"]},
        ),
        model={"profile.orders.note", "profile.orders.count"},
        channel={"profile.orders.note", SCORE},
        kept=set(),
    ),
    "prompt": function(
        plan(
            "prompt",
            features={
                "visits": text("join(' ', profile.web.visits[].page || `[]`)"),
                "note": text("event.properties.note"),
            },
            model={
                **MODEL,
                "request": {"format": "json", "template": TEMPLATE},
                "fallback": [{"churn_risk": 1}],
            },
            write_back=None,
            decide={"actions": ["say"]},
        ),
        model={"profile.web.visits.page"},
        channel={"event.properties.note"},
        kept=set(),
    ),
    "exception": function(
        plan(
            "exception",
            features={"mail": text("profile.identity.email"), "note": text("profile.orders.note")},
            exceptions=[{"reads": "profile.identity.email", "because": "Agreed.", "reviewed_by": "Ada P."}],
            model=MODEL,
            write_back=None,
            decide={"actions": ["hush"]},
        ),
        model={"profile.identity.email", "profile.orders.note"},
        channel=set(),
        kept={SCORE},
    ),
    "rule": function(
        plan(
            "rule",
            features={"note": text("profile.orders.note")},
            model=None,
            write_back=None,
            decide={"when": "profile.identity.phone != `1`", "actions": ["hush"]},
        ),
        model=set(),
        channel=set(),
        kept={"profile.orders.note"},
    ),
    "ways": replace(
        function(
            plan(
                "ways",
                features={
                    "mail": text("profile.identity.email"),
                    "phone": text("profile.identity.phone"),
                    "name": text("profile.identity.name"),
                    "ill": text("profile.health.note"),
                    "note": text("profile.orders.note"),
                },
                exceptions=[
                    excused("profile.identity.email", "model", "action"),
                    excused("profile.identity.phone", "score"),
                    excused("profile.identity.name", "score", "channel"),
                    excused("profile.health.note", "action"),
                ],
                model=asked("mail", "note"),
                write_back={
                    "scores.phone": {"from": "features.phone"},
                    "scores.name": {"from": "features.name", "notify": "platform"},
                },
                decide={"actions": ["post"]},
            ),
            model={"profile.identity.email", "profile.orders.note"},
            channel={"profile.identity.email", "profile.health.note", "profile.identity.name"},
            kept={"profile.identity.phone"},
        ),
        messages=2,
    ),
}

TRIAL = plan(
    "trial",
    features={
        "mail": text("profile.identity.email"),
        "phone": text("profile.identity.phone"),
        "note": text("profile.orders.note"),
    },
    exceptions=[excused("profile.identity.email", "model"), excused("profile.identity.phone", "action")],
    model=asked("mail", "note"),
    write_back={"scores.last_note": {"from": "features.note"}},
    decide={"actions": ["hush", "call"]},
)
TOLD = {"profile.identity.email", "profile.orders.note"}
# What was agreed to for the model must not leave with an action, nor what was agreed to for one with the other.
SLY: dict[str, Json] = {
    "hush": {**SAY["actions"]["hush"], "payload": {"mail": {"from": "features.mail"}}},
    "call": {**SAY["actions"]["call"], "eligible": "profile.identity.name != `1`"},
}
NOSY: dict[str, Json] = {"hush": {**SAY["actions"]["hush"], "eligible": "profile.health.note != `1`"}}
FUNCTIONS |= {
    "policy-canary": replace(
        function(TRIAL, model=TOLD, channel={"profile.identity.phone"}, kept=set()),
        policy=tried_policy("canary", SLY),
    ),
    "policy-shadow": replace(
        function(TRIAL, model=TOLD, channel=set(), kept={"profile.identity.phone"}),
        policy=tried_policy("shadow", {**SLY, **NOSY}),
    ),
    "shadow": replace(
        function(in_trial(TRIAL, "shadow", 1.0), model=TOLD, channel=set(), kept={"profile.identity.phone"}),
        outcome="suppressed",
    ),
    "elsewhere": replace(
        function(in_trial(TRIAL, "canary", 0.0001), model=set(), channel=set(), kept=set()),
        outcome="rejected",
    ),
}
