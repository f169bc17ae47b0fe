"""A checked spec becomes a plan: what the parts of the spec mean there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from functions.spec.feature_plan import CLIP, ERROR, Answer
from functions.spec.loading import SpecFolder, load_function
from functions.spec.plan import Plan

Load = Callable[..., SpecFolder]
MakeFolder = Callable[..., Path]


def plan_of(make_folder: MakeFolder, text: str) -> Plan:
    return load_function(make_folder({"churn.yaml": text}), "churn")


def test_answers_of_a_feature_are_told_apart(make_folder: MakeFolder, spec_text: str) -> None:
    keys = "missing: 0\n    null: 1\n    range: [0, 9]\n    outside: clip\n"
    keys += "    stale_after: 2d\n    stale: null\n    as_of: profile.at"
    (feature,) = plan_of(make_folder, spec_text.replace("missing: 0", keys)).features
    assert feature.answers == {
        "missing": Answer("value", 0),
        "null": Answer("value", 1),
        "stale": Answer("value", None),
        "out_of_range": CLIP,
        "wrong_type": ERROR,
    }
    assert (feature.low, feature.high, feature.stale_after) == (0, 9, timedelta(days=2))
    assert feature.as_of is not None
    assert feature.as_of.source == "profile.at"


def test_answer_to_missing_counts_for_null_when_null_has_none(
    make_folder: MakeFolder, spec_text: str
) -> None:
    (feature,) = plan_of(make_folder, spec_text).features
    assert feature.answers["null"] == feature.answers["missing"] == Answer("value", 0)
    assert feature.answers["stale"] == feature.answers["out_of_range"] == ERROR


def test_null_may_be_an_error_where_missing_has_a_value(make_folder: MakeFolder, spec_text: str) -> None:
    text = spec_text.replace("missing: 0", "missing: 0\n    null: error")
    (feature,) = plan_of(make_folder, text).features
    assert (feature.answers["missing"], feature.answers["null"]) == (Answer("value", 0), ERROR)


def test_words_of_the_language_can_be_written_as_values(make_folder: MakeFolder, spec_text: str) -> None:
    text = spec_text.replace(
        "type: int\n    missing: 0", "type: string\n    missing: { value: error }\n    null: clip"
    ).replace("features.frequency >= `1`", "'x'")
    (feature,) = plan_of(make_folder, text).features
    assert feature.answers["missing"] == Answer("value", "error")
    assert feature.answers["null"] == Answer("value", "clip")


def test_score_has_an_instant_of_its_own_also_with_blanks_around_it(
    make_folder: MakeFolder, spec_text: str
) -> None:
    text = spec_text.replace(
        "from: profile.orders.count\n    type: int\n    missing: 0",
        ("from: ' profile.scores.churn.value '\n    type: float\n    stale_after: 7d\n    stale: 0.5"),
    )
    plan = plan_of(make_folder, text)
    (feature,) = plan.features
    assert feature.as_of is not None
    assert feature.as_of.source == "profile.scores.churn.at"
    assert "profile.scores.churn.at" in plan.reads


def test_model_keeps_what_its_adapter_takes_and_has_units_in_its_names(
    make_folder: MakeFolder, spec_text: str
) -> None:
    text = spec_text.replace(
        "  timeout: 1s",
        "  timeout: 1500ms\n  max_payload: 2KB\n  attempts: 3\n  bearer: { secret: key }\n  headers: { X-Team: a }",
    )
    model = plan_of(make_folder, text).model
    assert model is not None
    assert model.options == {
        "url": "https://models.example.com/churn",
        "bearer": {"secret": "key"},
        "headers": {"X-Team": "a"},
    }
    assert (model.timeout_s, model.max_attempts, model.max_payload_bytes) == (1.5, 3, 2000)
    assert (model.kind, model.target, model.format) == ("http", "https://models.example.com/churn", "json")
    assert model.ranges == {"risk": (0.0, 1.0)}
    assert [(rung.kind, dict(rung.constants)) for rung in model.fallback] == [("fallback", {"risk": 0.5})]


def test_model_class_of_your_own_gets_its_options_and_target(make_folder: MakeFolder, spec_text: str) -> None:
    text = spec_text.replace(
        "kind: http\n  url: https://models.example.com/churn",
        "kind: team.models:Churn\n  target: churn-v2\n  options: { depth: 3 }",
    )
    model = plan_of(make_folder, text).model
    assert model is not None
    assert (model.kind, model.target, dict(model.options)) == ("team.models:Churn", "churn-v2", {"depth": 3})


def test_spec_without_model_and_actions_is_a_plan(make_folder: MakeFolder) -> None:
    text = "version: 1\nname: churn\nowner: o\ndescription: d\npurpose: support\n"
    text += "trigger: { event_pattern: { source: [a] } }\n"
    plan = plan_of(make_folder, text)
    assert (plan.model, plan.actions, plan.features, plan.when) == (None, (), (), None)
    assert (plan.consent, plan.max_age, plan.cold_start, plan.score) == ("service", None, False, "always")
    assert plan.key.source == "event.user_id || event.anonymous_id"
    assert plan.bundle.model == "none"
    assert plan.reads == ("event.anonymous_id", "event.user_id")


def test_bundle_follows_the_content_and_not_the_writing(
    load: Load, spec_text: str, contract_text: str
) -> None:
    first = load().plans["churn"].bundle
    same = load({"churn.yaml": "# a comment\n" + spec_text.replace("team", "'team'")}).plans["churn"].bundle
    spec = load({"churn.yaml": spec_text.replace("0.6", "0.7")}).plans["churn"].bundle
    assert first == same
    assert (spec.spec != first.spec, spec.policy == first.policy) == (True, True)
    contract = load({"contract.yaml": contract_text.replace("marketing", "service")}).plans["churn"].bundle
    assert (contract.spec != first.spec, contract.policy == first.policy) == (True, True)
    rails = "rails: [{ name: two, cap: all, at_most: 2, per: 7d rolling }]\n"
    policy = load({"policy.yaml": rails}).plans["churn"].bundle
    assert (policy.spec == first.spec, policy.policy != first.policy) == (True, True)


def test_plan_has_the_channels_of_its_actions_only(load: Load) -> None:
    actions = "channels: { a: { kind: memory }, b: { kind: memory } }\n"
    actions += "actions: { offer-20: { channel: a }, call: { channel: a } }\n"
    assert set(load({"actions.yaml": actions}).plans["churn"].channels) == {"a"}
