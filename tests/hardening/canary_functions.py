"""Functions that canaries are sent through, and what each of them declares to let out, by hand."""

from __future__ import annotations

from dataclasses import dataclass

from functions.documents import Json
from functions.spec.plan import Plan
from functions.testing.sample_function import SPEC, a_plan

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
    "channels": {"offers": {"kind": "memory"}},
    "actions": {
        "say": {
            "channel": "offers",
            "eligible": "profile.identity.email != `1`",
            "payload": {"note": {"from": "features.note"}, "risk": {"from": "churn_risk"}},
        },
        "hush": {"channel": "offers", "payload": {"fixed": True}},
    },
}
TEMPLATE: dict[str, Json] = {"prompt": {"from": "join(' ', ['Visits:', features.visits])"}}


def plan(name: str, **sections: Json) -> Plan:
    trigger = {"event_pattern": {"detail-type": ["page_view"]}, "max_age": "12h"}
    return a_plan(SAY, CONTRACT, name=name, trigger=trigger, **sections)


@dataclass(frozen=True)
class Function:
    """A plan, and the paths whose values may reach the model, the channel, and what is kept of a decision."""

    plan: Plan
    model: frozenset[str]
    channel: frozenset[str]
    kept: frozenset[str]


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
}
