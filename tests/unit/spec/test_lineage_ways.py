"""Ways out one by one: what stands in for an output, exceptions for some ways, triggers and instants."""

from __future__ import annotations

import pytest

from functions.documents import Json
from functions.spec.plan import Flow, Plan
from functions.spec.problems import SpecError
from functions.testing.sample_function import SPEC, a_plan

CONTRACT: dict[str, Json] = {
    "profile": {
        "email": {"label": "direct-identifier"},
        "health": {"label": "sensitive"},
        "orders": {"label": "transactional"},
        "web": {"label": "behavioral"},
    },
    "event": {
        "properties.total": {"label": "transactional"},
        "properties.health": {"label": "sensitive"},
        "properties.page": {"label": "behavioral"},
    },
    "purposes": {"retention": {"consent": "marketing", "may_read": ["transactional", "derived"]}},
}
REGISTRY: dict[str, Json] = {
    "channels": {"offers": {"kind": "memory"}},
    "actions": {"say": {"channel": "offers", "payload": {"to": {"from": "churn_risk"}}}},
}
MAIL: dict[str, Json] = {"from": "profile.email", "type": "string", "missing": "none"}
ORDERS: dict[str, Json] = {"from": "profile.orders", "type": "int", "missing": 0}
RULE: dict[str, Json] = {"model": None, "write_back": None, "decide": {}}


def model(fallback: str | float = 0.5) -> dict[str, Json]:
    return {**SPEC["model"], "range": {}, "fallback": [{"churn_risk": fallback}]}


def built(**sections: Json) -> Plan:
    given: dict[str, Json] = {
        "features": {"orders": ORDERS},
        "write_back": None,
        "decide": {"actions": ["say"]},
        "model": model(),
    }
    return a_plan(REGISTRY, CONTRACT, **{**given, **sections})


def faults(**sections: Json) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        built(**sections)
    return [(one.code, one.message) for one in caught.value.problems if one.severity == "error"]


def exception(reads: str, *to: str) -> list[Json]:
    ways: dict[str, Json] = {"to": list(to)} if to else {}
    return [{"reads": reads, **ways, "because": "Agreed.", "reviewed_by": "Ada P."}]


def flow(plan: Plan, to: str) -> Flow:
    (found,) = [one for one in plan.governance.flows if one.to == to]
    return found


STEP = "output churn_risk when the model does not answer"


def test_an_exception_for_the_model_lets_nothing_out_with_an_action_by_way_of_the_fallback() -> None:
    found = faults(model=model("profile.email"), exceptions=exception("profile.email"))
    assert found == [
        (
            "governance.leaves",
            f"direct-identifier data would leave: profile.email → {STEP} → payload of action say",
        )
    ]


def test_what_stands_in_for_an_output_is_on_every_way_of_the_output() -> None:
    plan = built(
        model=model("profile.email"),
        write_back={"scores.x": {"from": "churn_risk"}},
        exceptions=exception("profile.email", "model", "action", "score"),
    )
    labels = ("derived", "direct-identifier")
    assert flow(plan, "score") == Flow("score", "x", (), ("profile.email",), outputs=True, labels=labels)
    assert flow(plan, "action").reads == ("profile.email",)
    assert flow(plan, "action").labels == ("derived", "direct-identifier", "pseudonymous")
    assert flow(plan, "model").reads == ()


def test_a_value_that_stands_in_for_another_output_is_not_on_the_way() -> None:
    two = {**model(), "response": {"churn_risk": "[0]", "other": "[1]"}}
    two["fallback"] = [{"churn_risk": 0.5, "other": "profile.orders"}]
    assert flow(built(model=two), "action").reads == ()


def test_an_exception_excuses_the_ways_that_it_names_and_no_other() -> None:
    features = {"mail": MAIL}
    for to in ([], ["action"], ["score", "channel"]):
        codes = [code for code, _ in faults(features=features, write_back={"scores.x": {"from": "features.mail"}},
                                            exceptions=exception("profile.email", *to))]  # fmt: skip
        assert "governance.leaves" in codes
    plan = built(
        features=features,
        write_back={"scores.x": {"from": "features.mail"}},
        exceptions=exception("profile.email", "model", "score"),
    )
    assert plan.governance.exceptions[0].to == ("model", "score")
    assert "direct-identifier" in plan.governance.may_leave


def test_a_way_that_nothing_takes_is_a_fault_of_the_exception() -> None:
    found = faults(features={"mail": MAIL}, exceptions=exception("profile.email", "model", "score"))
    assert found == [
        ("governance.exception", "nothing that this exception names is on its way to score"),
    ]


def test_what_is_excused_elsewhere_does_not_leave_in_a_payload() -> None:
    plan = built(
        write_back={"scores.x": {"from": "profile.email"}}, exceptions=exception("profile.email", "score")
    )
    assert "direct-identifier" not in plan.governance.may_leave


def test_a_condition_over_guarded_data_needs_an_exception_for_actions() -> None:
    asked: dict[str, Json] = {"when": "profile.health.glasses", "actions": ["say"]}
    assert faults(decide=asked)[0][0] == "governance.not_allowed"
    features = {"glasses": {**MAIL, "from": "profile.health.glasses"}}
    both = {"features": features, "decide": {"when": "features.glasses == 'yes'", "actions": ["say"]}}
    found = faults(**both, exceptions=exception("profile.health.glasses"))
    assert found == [
        (
            "governance.not_allowed",
            (
                "the purpose retention may not read profile.health.glasses (sensitive): "
                "profile.health.glasses → features.glasses → a condition"
            ),
        )
    ]
    built(decide=asked, exceptions=exception("profile.health.glasses", "action"))
    built(**both, exceptions=exception("profile.health.glasses", "model", "action"))


def fires(**detail: Json) -> dict[str, Json]:
    return {"trigger": {"event_pattern": {"detail-type": ["page_view"], "detail": detail}, "max_age": "30s"}}


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ({"properties": {"health": ["diabetes"]}}, "governance.not_allowed"),
        ({"properties": {"page": ["cancellation"]}}, "governance.not_allowed"),
        ({"properties": {"anything": [{"exists": True}]}}, "governance.unlabelled"),
        (
            {"$or": [{"properties": {"total": [1]}}, {"properties": {"health": ["x"]}}]},
            "governance.not_allowed",
        ),
        ({"context": {"ip": [{"cidr": "10.0.0.0/24"}]}}, "governance.unlabelled"),
    ],
)
def test_a_trigger_asks_no_more_than_a_condition_may(detail: dict[str, Json], code: str) -> None:
    assert [found for found, _ in faults(**fires(**detail))] == [code]


def test_a_trigger_asks_for_kinds_of_events_and_for_what_its_purpose_reads() -> None:
    built(
        **fires(
            name=["page_view"],
            type=["track"],
            user_id=[{"exists": True}],
            properties={"total": [{"numeric": [">", 9]}]},
        )
    )
    found = faults(**fires(properties={"health": ["x"]}))
    assert found[0][1] == "the purpose retention may not read event.properties.health (sensitive)"


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("join(' ', [to_string(features.orders), features.kind])", ("orders", "kind")),
        ("{a: features.kind}.a", ("kind",)),
        ("to_string(features)", ("orders", "kind", "age")),
        ("to_string(keys(features))", ("orders", "kind", "age")),
        ("to_string(features.*)", ("orders", "kind", "age")),
    ],
)
def test_a_list_in_a_template_sends_what_stands_in_it_and_no_other_feature(
    prompt: str, sent: tuple[str, ...]
) -> None:
    kind: dict[str, Json] = {"from": "profile.orders.kind", "type": "string", "missing": "none"}
    request: dict[str, Json] = {"format": "json", "template": {"prompt": {"from": prompt}}}
    plan = built(
        features={"orders": ORDERS, "kind": kind, "age": ORDERS}, model={**model(), "request": request}
    )
    assert plan.governance.sent.features == sent


def test_the_instant_of_a_value_leaves_with_it() -> None:
    feature = {**ORDERS, "as_of": "profile.health.birthday", "stale_after": "3d", "stale": -1}
    found = faults(features={"orders": feature})
    assert found == [
        (
            "governance.leaves",
            (
                "sensitive data would leave: profile.health.birthday → features.orders → "
                "payload of model churn-risk"
            ),
        )
    ]
    assert faults(features={"orders": feature}, **RULE)[0][0] == "governance.not_allowed"
