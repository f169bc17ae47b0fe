"""The specs that ship with the project: without a problem, as the schemas want them, and what they compile to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from functions.spec.case_checks import check_cases
from functions.spec.feature_plan import CLIP, ERROR, Answer
from functions.spec.loading import SpecFolder, load_folder, read_source
from functions.spec.schema import Kind, json_schema

FOLDER = Path(__file__).parents[2] / "feature_specs"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def samples() -> SpecFolder:
    return load_folder(FOLDER)


def kind_of(name: str) -> Kind:
    if name == "contract.yaml":
        return "contract"
    if name == "actions.yaml":
        return "actions"
    if name == "experiments.yaml":
        return "experiments"
    if name == "policy.yaml":
        return "policy"
    return "cases" if name.endswith(".cases.yaml") else "spec"


def test_samples_have_no_problems_and_no_warnings(samples: SpecFolder) -> None:
    assert samples.problems == ()
    assert list(check_cases(samples)) == []


def test_every_spec_is_called_as_its_file_and_has_cases(samples: SpecFolder) -> None:
    for name, path in samples.files.items():
        assert path.stem == name
        assert path.with_name(f"{name}.cases.yaml").exists()


@pytest.mark.parametrize("name", FILES)
def test_sample_validates_against_the_schema_that_its_first_line_names(name: str) -> None:
    source = read_source(FOLDER / name)
    jsonschema.Draft202012Validator(json_schema(kind_of(name))).validate(source.data)
    named = re.fullmatch(r"# yaml-language-server: \$schema=schema/(\w+)\.json", source.lines[0])
    assert named is not None
    assert named[1] == kind_of(name)


def test_churn_retention_is_fired_by_the_cancellation_page_and_nothing_else(samples: SpecFolder) -> None:
    plan = samples.plans["churn-retention"]
    page = {"detail-type": "page_view", "detail": {"properties": {"page_type": "cancellation"}}}
    assert plan.pattern.matches(page)
    assert not plan.pattern.matches({**page, "detail-type": "page_left"})
    assert not plan.pattern.matches({**page, "detail": {"properties": {"page_type": "home"}}})
    assert plan.max_age == timedelta(seconds=30)


def test_churn_retention_compiles_to_its_plan(samples: SpecFolder) -> None:
    plan = samples.plans["churn-retention"]
    assert (plan.owner, plan.purpose, plan.consent) == ("lifecycle-team", "retention", "marketing")
    assert plan.key.source == "event.user_id || event.anonymous_id"
    assert (plan.score, plan.cold_start) == ("always", False)
    assert plan.when is not None
    assert plan.when.source == "churn_risk >= `0.6`"
    assert [action.name for action in plan.actions] == ["retention-offer-20", "retention-offer-10"]
    assert [(back.name, back.source.source, back.expires_after) for back in plan.write_back] == [
        ("churn_risk", "churn_risk", timedelta(days=1))
    ]
    assert {name: channel.kind for name, channel in plan.channels.items()} == {"offers": "file"}


def test_features_of_churn_retention_stand_in_the_order_of_the_columns(samples: SpecFolder) -> None:
    features = samples.plans["churn-retention"].features
    assert [(f.name, f.type, f.unit, f.low, f.high) for f in features] == [
        ("recency_days", "float", "days", 0, 3650),
        ("frequency", "int", "orders", 0, 10_000),
        ("lifetime_value", "float", "USD", 0, 1_000_000),
    ]
    assert features[0].answers == {
        "missing": Answer("value", 365),
        "null": Answer("value", 365),
        "stale": ERROR,
        "out_of_range": CLIP,
        "wrong_type": ERROR,
    }


def test_model_of_churn_retention_is_called_within_its_budget(samples: SpecFolder) -> None:
    model = samples.plans["churn-retention"].model
    assert model is not None
    assert (model.kind, model.target, model.format) == ("sagemaker", "churn-risk", "csv")
    assert (model.timeout_s, model.max_attempts, model.max_payload_bytes) == (0.8, 2, 1000)
    assert model.options == {"endpoint": "churn-risk"}
    assert model.ranges == {"churn_risk": (0.0, 1.0)}
    cache, constant = model.fallback
    assert (cache.kind, cache.sources["churn_risk"].source) == ("cache", "profile.scores.churn_risk.value")
    assert (constant.kind, dict(constant.constants)) == ("fallback", {"churn_risk": 0.5})
    reply = {"predictions": [{"score": 0.7}]}
    assert model.response["churn_risk"].evaluate(reply) == 0.7
    assert model.response["churn_risk"].evaluate([0.7]) == 0.7


def test_churn_retention_reads_no_more_than_it_says(samples: SpecFolder) -> None:
    assert samples.plans["churn-retention"].reads == (
        "churn_risk",
        "event.anonymous_id",
        "event.user_id",
        "features.frequency",
        "features.lifetime_value",
        "now",
        "profile.email.last_complaint_at",
        "profile.orders.count",
        "profile.orders.last_at",
        "profile.orders.revenue",
        "profile.scores.churn_risk.value",
    )


def test_bundle_names_its_parts_by_content(samples: SpecFolder) -> None:
    bundle = samples.plans["churn-retention"].bundle
    assert bundle.model == "sagemaker:churn-risk"
    assert re.fullmatch(r"[0-9a-f]{16}", bundle.spec)
    assert re.fullmatch(r"[0-9a-f]{16}", bundle.policy)
    assert load_folder(FOLDER).plans["churn-retention"].bundle == bundle
