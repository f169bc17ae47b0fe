"""The lineage gate: what a spec may compute and let leave, with the way from source to sink in words."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from functions.documents import Json
from functions.spec.loading import load_folder
from functions.spec.plan import Flow, Plan
from functions.spec.problems import Problem, SpecError
from functions.testing.sample_function import REGISTRY, SPEC, a_plan

CONTRACT: dict[str, Json] = {
    "profile": {
        "email": {"label": "direct-identifier"},
        "identity": {"label": "direct-identifier"},
        "identity.crm_id": {"label": "pseudonymous"},
        "health": {"label": "sensitive"},
        "orders": {"label": "transactional"},
        "last_order_at": {"label": "transactional"},
        "web": {"label": "behavioral"},
        "visits": {"label": "transactional", "purposes": ["support"]},
    },
    "event": {"traits": {"label": "direct-identifier"}},
    "purposes": {
        "retention": {"consent": "marketing", "may_read": ["transactional", "derived"]},
        "support": {"consent": "service", "may_read": ["behavioral", "transactional", "pseudonymous"]},
    },
}
LAST = "profile.scores.churn_risk.value"
FREE: dict[str, Json] = {"write_back": None, "model": None, "decide": {}}


def text(expression: str) -> dict[str, Json]:
    return {"from": expression, "type": "string", "missing": ""}


def built(**sections: Json) -> Plan:
    return a_plan(contract=CONTRACT, **sections)


def problems(**sections: Json) -> list[Problem]:
    with pytest.raises(SpecError) as caught:
        built(**sections)
    return [problem for problem in caught.value.problems if problem.severity == "error"]


def only(**sections: Json) -> tuple[str, str]:
    (problem,) = problems(**sections)
    return problem.code, problem.message


def test_an_identifier_on_its_way_to_a_model_is_an_error_with_its_way() -> None:
    code, message = only(features={"domain": text("split(profile.email, '@')[1]")})
    assert code == "governance.leaves"
    assert message == (
        "direct-identifier data would leave: profile.email → features.domain → payload of model churn-risk"
    )


def test_the_fault_is_shown_where_the_path_stands(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(
        "profile: { email: { label: direct-identifier } }\npurposes: { retention: { consent: marketing } }\n"
    )
    (tmp_path / "actions.yaml").write_text("channels: {}\n")
    (tmp_path / "churn.yaml").write_text(
        dedent("""\
        version: 1
        name: churn
        owner: team
        description: Scores.
        trigger: { event_pattern: { detail-type: [x] } }
        purpose: retention
        features:
          domain: { from: "lower(profile.email)", type: string }
        model: { kind: http, url: "https://models.example.com/churn", response: { risk: score }, timeout: 1s }
        """)
    )
    (problem,) = load_folder(tmp_path).problems
    assert (problem.line, problem.column, problem.length) == (8, 26, len("profile.email"))


def test_a_sensitive_path_is_as_guarded_and_one_that_may_not_be_read_is_another_fault() -> None:
    assert only(features={"x": text("profile.health.glasses")})[0] == "governance.leaves"
    assert only(features={"x": text("profile.web.visits")}) == (
        "governance.not_allowed",
        (
            "the purpose retention may not read profile.web.visits (behavioral): "
            "profile.web.visits → features.x → payload of model churn-risk"
        ),
    )


def test_what_has_no_label_is_not_used_wherever_it_stands() -> None:
    assert only(features={"x": text("profile.secret")})[0] == "governance.unlabelled"
    decide = {"when": "profile.secret == 'a'", "actions": ["offer-10"]}
    assert only(decide=decide)[0] == "governance.unlabelled"
    write_back = {"scores.x": {"from": "event.properties.x"}}
    code, message = only(write_back=write_back)
    assert (code, message) == (
        "governance.unlabelled",
        (
            "event.properties.x has no label in the data contract, so nothing may use it: "
            "event.properties.x → score x of the profile"
        ),
    )


def test_reading_a_whole_is_reading_everything_below() -> None:
    found = problems(features={"x": text("to_string(profile)")})
    assert {(problem.code, problem.message.split(":")[0]) for problem in found} >= {
        ("governance.leaves", "direct-identifier data would leave"),
        ("governance.leaves", "sensitive data would leave"),
        ("governance.not_allowed", "the purpose retention may not read profile (behavioral)"),
    }
    assert "governance.unlabelled" in {problem.code for problem in found}


def test_paths_of_one_label_are_one_fault() -> None:
    (problem,) = problems(features={"x": text("join(' ', [profile.email, profile.identity.name])")})
    assert "profile.email → features.x" in problem.message
    assert "profile.identity.name → features.x" in problem.message


def test_a_feature_that_goes_nowhere_may_not_read_more_either() -> None:
    (problem,) = problems(features={"x": text("profile.email")}, **FREE)
    assert problem.code == "governance.not_allowed"
    assert problem.message == "the purpose retention may not read profile.email (direct-identifier)"


def test_only_what_a_template_takes_goes_to_the_model() -> None:
    request = {"format": "json", "template": {"orders": {"from": "features.orders"}}}
    model = {**SPEC["model"], "request": request}
    features = {**SPEC["features"], "mail": text("profile.email")}
    assert only(model=model, features=features)[0] == "governance.not_allowed"
    whole = {**request, "template": {"all": {"from": "features"}}}
    assert only(model={**model, "request": whole}, features=features)[0] == "governance.leaves"


def test_features_carry_their_labels_to_actions() -> None:
    actions = {"mail": {"channel": "offers", "payload": {"to": {"from": "features.mail"}}}}
    (problem,) = problems(
        registry={**REGISTRY, "actions": actions},
        features={"mail": text("profile.email")},
        model=None,
        write_back=None,
        decide={"actions": ["mail"]},
    )
    assert "profile.email → features.mail → payload of action mail" in problem.message


@pytest.mark.parametrize("source", ["profile.email", "features.mail"])
def test_no_identifier_is_written_as_a_score(source: str) -> None:
    found = problems(
        features={"mail": text("profile.email")},
        model=None,
        decide={},
        write_back={"scores.x": {"from": source}},
    )
    assert any("score x of the profile" in problem.message for problem in found)
    assert "governance.leaves" in {problem.code for problem in found}


def test_no_identifier_comes_back_as_an_output() -> None:
    model = {**SPEC["model"], "range": {}, "fallback": [{"churn_risk": "profile.email"}]}
    code, message = only(model=model)
    assert code == "governance.leaves"
    step = "profile.email → output churn_risk when the model does not answer"
    assert message == (
        f"direct-identifier data would leave: {step}; {step} → score churn_risk of the profile; "
        f"{step} → payload of action offer-20"
    )


def test_the_id_of_a_profile_is_no_name() -> None:
    code, message = only(profile={"key": "event.traits.email"})
    assert code == "governance.leaves"
    assert message.endswith("event.traits.email → id of the profile, which every action carries")


@pytest.mark.parametrize("path", ["profile.email", "profile.identity.crm_id", "profile.orders"])
def test_conditions_may_ask_who_somebody_is(path: str) -> None:
    built(decide={"when": f"{path} != `null`", "actions": ["offer-10"]})


@pytest.mark.parametrize(("path", "label"), [("profile.health", "sensitive"), ("profile.web", "behavioral")])
def test_conditions_may_not_ask_more_about_them_than_features_may(path: str, label: str) -> None:
    code, message = only(decide={"when": f"{path}.x == 'a'", "actions": ["offer-10"]})
    assert (code, label in message) == ("governance.not_allowed", True)
    actions = {"a": {"channel": "offers", "eligible": f"{path}.x == 'a'"}}
    (problem,) = problems(registry={**REGISTRY, "actions": actions}, decide={"actions": ["a"]})
    assert (problem.code, Path(problem.file).name) == ("governance.not_allowed", "actions.yaml")
    assert "when churn uses it" in problem.message


def test_a_path_serves_only_the_purposes_that_it_names() -> None:
    feature = {"visits": {"from": "profile.visits", "type": "int", "missing": 0}}
    assert only(features=feature, **FREE)[0] == "governance.not_allowed"
    assert built(features=feature, purpose="support", **FREE).features[0].purposes == ("support",)


def test_a_feature_has_the_union_of_labels_and_the_intersection_of_purposes() -> None:
    feature = {"x": text("join('', [profile.web.a, profile.orders.b])")}
    (plan,) = built(features=feature, purpose="support", **FREE).features
    assert (plan.labels, plan.purposes) == (("behavioral", "transactional"), ("support",))
    (orders,) = built(features={"x": text("profile.orders.b")}, **FREE).features
    assert orders.purposes == ("retention", "support")


def exception(reads: str, *to: str) -> dict[str, Json]:
    return {
        "reads": reads,
        "to": list(to or ("model",)),
        "because": "The model knows domains.",
        "reviewed_by": "Ada P.",
    }


def test_an_exception_lets_one_path_leave_and_the_plan_says_so() -> None:
    features = {"domain": text("split(profile.identity.email, '@')[1]")}
    plan = built(features=features, exceptions=[exception("profile.identity.email")])
    (named,) = plan.governance.exceptions
    assert named.as_document() == {**exception("profile.identity.email"), "labels": ["direct-identifier"]}
    assert plan.governance.may_leave == ("derived", "direct-identifier", "transactional")
    assert plan.governance.sent == Flow(
        "model", "churn-risk", ("domain",), (), outputs=False, labels=("direct-identifier",)
    )
    built(features=features, exceptions=[exception("profile.identity")])


def test_an_exception_excuses_nothing_else() -> None:
    features = {"domain": text("split(profile.email, '@')[1]"), "name": text("profile.identity.name")}
    (problem,) = problems(features=features, exceptions=[exception("profile.email")])
    assert "profile.identity.name → features.name" in problem.message
    (whole,) = problems(
        features={"x": text("to_string(profile.identity)")}, exceptions=[exception("profile.identity.name")]
    )[:1]
    assert whole.code in ("governance.leaves", "governance.exception")


@pytest.mark.parametrize(
    "reads", ["profile", "event", "profile.*", "profile.identity.*", "email", "profile.a b"]
)
def test_an_exception_names_one_path(reads: str) -> None:
    found = problems(exceptions=[exception(reads)])
    assert {problem.code for problem in found} == {"governance.exception"}


def test_an_exception_that_nothing_needs_is_a_fault() -> None:
    code, message = only(exceptions=[exception("profile.email")])
    assert (code, "nothing needs this exception" in message) == ("governance.exception", True)
    assert only(exceptions=[exception("profile.orders")])[0] == "governance.exception"


def test_an_exception_does_not_stand_in_for_a_label() -> None:
    found = problems(features={"x": text("profile.secret")}, exceptions=[exception("profile.secret")])
    assert {problem.code for problem in found} == {"governance.unlabelled", "governance.exception"}


def test_a_score_lives_no_longer_than_its_purpose_lets_it() -> None:
    bounded = {**CONTRACT["purposes"]["retention"], "retention": {"scores": "7d"}}
    contract = {**CONTRACT, "purposes": {"retention": bounded}}
    contract["profile"] = {**CONTRACT["profile"], "visits": {"label": "transactional"}}
    for expires, fine in (("7d", True), ("8d", False), (None, False)):
        entry = {"from": "churn_risk", **({"expires_after": expires} if expires else {})}
        if fine:
            a_plan(contract=contract, write_back={"scores.churn_risk": entry})
            continue
        with pytest.raises(SpecError) as caught:
            a_plan(contract=contract, write_back={"scores.churn_risk": entry})
        assert [problem.code for problem in caught.value.problems] == ["governance.retention"]


TOLD_REGISTRY = {**REGISTRY, "channels": {**REGISTRY["channels"], "platform": {"kind": "memory"}}}


def telling(source: str, **sections: Json) -> dict[str, Json]:
    """Return the sections of a spec that tells a channel a score."""
    target = {"from": source, "notify": "platform"}
    return {"registry": TOLD_REGISTRY, "write_back": {"scores.x": target}, **sections}


def told_flow(plan: Plan) -> Flow:
    (flow,) = [flow for flow in plan.governance.flows if flow.to == "channel"]
    return flow


@pytest.mark.parametrize(
    ("source", "way"), [("profile.email", ""), ("features.mail", " → features.mail")], ids=["path", "feature"]
)
def test_no_identifier_is_told_to_a_channel_as_a_score(source: str, way: str) -> None:
    features = {"mail": text("profile.email")}
    found = problems(**telling(source, features=features, model=None, decide={}))
    messages = [problem.message for problem in found if problem.code == "governance.leaves"]
    assert f"profile.email{way} → messages about scores to channel platform" in "; ".join(messages)


def test_a_score_with_an_excused_identifier_says_so_at_its_channel() -> None:
    plan = built(**telling("profile.email", exceptions=[exception("profile.email", "score", "channel")]))
    labels = ("direct-identifier", "pseudonymous")
    assert told_flow(plan) == Flow(
        "channel", "platform", (), ("profile.email",), outputs=False, labels=labels
    )


def test_scores_of_one_channel_and_the_ids_with_them_are_one_way_out() -> None:
    write_back = {
        "scores.risk": {"from": "churn_risk", "notify": "platform"},
        "scores.days": {"from": "features.recency_days", "notify": "platform"},
        "scores.kept": {"from": "features.orders"},
    }
    plan = built(**telling("churn_risk", write_back=write_back))
    labels = ("derived", "pseudonymous", "transactional")
    assert told_flow(plan) == Flow(
        "channel", "platform", ("recency_days",), (LAST,), outputs=True, labels=labels
    )
    assert plan.told("platform") == ("risk", "days")
    assert "event.anonymous_id" in plan.reads
    assert "event.anonymous_id" not in built(profile={"key": "event.user_id"}).reads


def test_the_anonymous_id_of_a_message_about_a_score_is_no_name() -> None:
    contract = {**CONTRACT, "event": {"anonymous_id": {"label": "direct-identifier"}}}
    sections = telling("churn_risk", profile={"key": "event.user_id"})
    with pytest.raises(SpecError) as caught:
        a_plan(contract=contract, **sections)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == (
        "governance.leaves",
        "direct-identifier data would leave: event.anonymous_id → messages about scores to channel platform",
    )
    excused = a_plan(contract=contract, **sections, exceptions=[exception("event.anonymous_id", "channel")])
    assert "direct-identifier" in told_flow(excused).labels


def test_the_id_of_a_profile_that_a_channel_is_told_has_its_labels() -> None:
    sections = telling("churn_risk", profile={"key": "event.traits.email"})
    assert only(**sections)[0] == "governance.leaves"
    excused = built(**sections, exceptions=[exception("event.traits.email", "action", "channel")])
    assert told_flow(excused).labels == ("derived", "direct-identifier", "pseudonymous")


def test_what_leaves_is_told_way_by_way() -> None:
    plan = built()
    assert plan.governance.flows == (
        Flow("model", "churn-risk", ("recency_days", "orders"), (), outputs=False, labels=("transactional",)),
        Flow("score", "churn_risk", (), (LAST,), outputs=True, labels=("derived",)),
        Flow("action", "offer-20", (), (LAST,), outputs=True, labels=("derived", "pseudonymous")),
        Flow("action", "offer-10", (), (), outputs=False, labels=("pseudonymous",)),
    )
