"""A plan survives its artefact, and an artefact that does not fit is refused."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.build.artifact import plan_from_artifact, plan_to_artifact
from functions.build.folder import build_folder, load_built, stale_functions
from functions.documents import Json
from functions.errors import BuiltPlanError
from functions.events.event import Event
from functions.events.patterns import as_envelope
from functions.spec.loading import load_folder
from functions.spec.plan import Plan
from functions.spec.problems import SpecError

ROOT = Path(__file__).parents[3]
SPECS = ROOT / "feature_specs"

RICH_SPEC = """
version: 1
name: rich
owner: o
description: d
trigger: { event_pattern: { detail: { n: [{ numeric: [">", 3] }] } } }
profile: { key: event.user_id, missing: empty }
purpose: retention
exceptions: [{ reads: profile.c, to: [model, action], because: The model was approved with it., reviewed_by: Ada P. }]
features:
  a: { from: profile.a, type: float, range: [0, 5], outside: clip, missing: 1,
       stale_after: 7d, stale: null, as_of: profile.at }
  s: { from: profile.scores.x.value, type: float, missing: 0.5, stale_after: 1d, stale: 0.25 }
  c: { from: profile.c, type: category, categories: [red, blue], missing: red, outside: blue, "null": { value: error } }
model:
  kind: http
  url: https://models.example/score
  headers: { X-Key: { secret: key } }
  request: { format: json, template: { rows: [{ from: features.a }] } }
  response: { risk: body.risk }
  range: { risk: [0, 1] }
  timeout: 150ms
  attempts: 3
  max_payload: 2KB
  fallback: [{ risk: profile.scores.risk.value }, { risk: 0.5 }]
score: when-actionable
write_back:
  scores.risk: { from: risk, expires_after: 12h }
decide:
  when: risk > `0.2`
  actions: [call]
  do_nothing: { revenue: risk }
  segment: features.c
"""
REGISTRY = """
channels: { crm: { kind: webhook, url: "https://crm.example/hook", secret: { secret: hook }, timeout: 2s } }
actions: { call: { tags: [message], channel: crm, eligible: profile.a > `1`, payload: { risk: { from: risk } },
                   cost: 1, value: { revenue: 20 }, chance: { revenue: risk }, risk: 0.5 } }
currency: EUR
"""
POLICY = """
rails: [{ name: twice, cap: message, at_most: 2, per: 7d rolling }]
objectives: { revenue: { weight: 1 } }
learning: { half_life: 30d }
"""
EXPERIMENTS = """
holdout: { seed: h, range: [0, 0.02] }
experiments: { offers: { groups: { random: [0, 0.05] } } }
"""
CONTRACT = """
profile: { a: { label: behavioral }, at: { label: behavioral }, c: { label: sensitive } }
event: { n: { label: behavioral } }
purposes: { retention: { consent: marketing, may_read: [behavioral, derived], retention: { decisions: 45d } } }
consents: { marketing: { segment: [Advertising], gpc: denies } }
detector: { on_hit: block }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "rich.yaml").write_text(RICH_SPEC)
    (specs / "actions.yaml").write_text(REGISTRY)
    (specs / "contract.yaml").write_text(CONTRACT)
    (specs / "policy.yaml").write_text(POLICY)
    (specs / "experiments.yaml").write_text(EXPERIMENTS)
    return specs


@pytest.fixture
def plan(folder: Path) -> Plan:
    return load_folder(folder).plans["rich"]


@pytest.mark.parametrize(
    "name", [path.stem for path in sorted(SPECS.glob("*-*.yaml")) if "." not in path.stem]
)
def test_every_sample_survives_its_artefact(name: str) -> None:
    plan = load_folder(SPECS).plans[name]
    again = _round_trip(plan)

    assert replace(again, pattern=plan.pattern) == plan
    assert again.pattern.source == plan.pattern.source


def _round_trip(plan: Plan) -> Plan:
    loaded = plan_from_artifact(json.loads(json.dumps(plan_to_artifact(plan))))
    assert loaded.recompiled is None
    return loaded.plan


def _event() -> Event:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    return Event("e", "n", "track", now, "s", "u", None, {}, {}, {}, None, None)


DOCUMENT: dict[str, Json] = {
    "event": {"user_id": "u"},
    "profile": {
        "a": 3,
        "at": "2026-11-01T00:00:00Z",
        "c": "red",
        "scores": {"x": {"value": 0.5, "at": "2026-11-01"}},
    },
    "features": {"a": 3.0},
    "risk": 0.4,
    "now": "2026-11-02T00:00:00.000Z",
    "body": {"risk": 0.3},
}


def test_every_field_of_a_plan_survives_its_artefact(plan: Plan) -> None:
    again = _round_trip(plan)

    assert again.pattern.source == plan.pattern.source
    assert again.channels["crm"].options == {
        "url": "https://crm.example/hook",
        "secret": {"secret": "hook"},
        "headers": {},
        "timeout": 2.0,
        "allow_private": False,
    }
    for field in fields(Plan):
        if field.name not in ("pattern", "values", "policy", "projection"):
            # A field that is forgotten comes back as its default, so none may have it here.
            assert getattr(plan, field.name) != field.default, field.name
            assert getattr(again, field.name) == getattr(plan, field.name), field.name
    assert replace(again.policy, channels={}) == replace(plan.policy, channels={})


@pytest.mark.parametrize(
    "expression",
    [
        lambda plan: plan.key,
        lambda plan: plan.when,
        lambda plan: plan.features[0].as_of,
        lambda plan: plan.model.response["risk"],
        lambda plan: plan.model.fallback[0].sources["risk"],
        lambda plan: plan.model.template_expressions["features.a"],
        lambda plan: plan.write_back[0].source,
        lambda plan: plan.actions[0].eligible,
        lambda plan: plan.actions[0].payload_expressions["risk"],
        lambda plan: plan.actions[0].chance["revenue"],
        lambda plan: plan.baseline.otherwise["revenue"],
        lambda plan: plan.baseline.segment,
    ],
)
def test_every_expression_gives_the_same_value_after_loading(
    plan: Plan, expression: Callable[[Plan], Json]
) -> None:
    value = expression(plan).evaluate(DOCUMENT)

    assert expression(_round_trip(plan)).evaluate(DOCUMENT) == value
    assert expression(_round_trip(plan)).reads == expression(plan).reads


def test_features_and_pattern_work_after_loading(plan: Plan) -> None:
    again = _round_trip(plan)

    assert again.values.evaluate(DOCUMENT) == {"a": 3, "s": 0.5, "c": "red"}
    assert again.projection.decode(b'{"a":1,"scores":{"x":{"value":2}}}')["scores"]["x"]["value"] == 2
    assert again.pattern.matches(as_envelope(_event())) is False


def test_an_artefact_is_loaded_without_jmespath_yaml_or_pydantic(folder: Path, tmp_path: Path) -> None:
    build_folder(folder, tmp_path / "out")
    script = (
        "import sys; from pathlib import Path; from functions.build.folder import load_built;"
        "plan = load_built(Path(sys.argv[1]), 'rich', specs=Path(sys.argv[2])).plan;"
        "plan.values.evaluate({'event': {}, 'profile': {}, 'now': '2026-11-02T00:00:00Z'});"
        "print(sorted({'jmespath', 'yaml', 'pydantic', 'botocore', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out"), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_code_of_another_python_is_compiled_anew(plan: Plan) -> None:
    document = plan_to_artifact(plan)
    document["values"]["python"] = "cpython-27-00"
    del document["hash"]
    from functions.documents import content_hash

    loaded = plan_from_artifact({**document, "hash": content_hash(document)})

    assert "another Python" in str(loaded.recompiled)
    assert loaded.plan.values.evaluate(DOCUMENT) == {"a": 3, "s": 0.5, "c": "red"}
    assert loaded.plan.when is not None
    assert loaded.plan.when.evaluate(DOCUMENT) is True


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda document: document["plan"].update(consent="none"), "hash"),
        (lambda document: document.update(format=99), "another version"),
        (lambda document: document.pop("plan"), "no built plan"),
        (lambda document: document.pop("hash"), "hash"),
    ],
)
def test_a_damaged_or_foreign_artefact_is_refused(
    plan: Plan, damage: Callable[[dict[str, Json]], object], message: str
) -> None:
    document = copy.deepcopy(plan_to_artifact(plan))
    damage(document)

    with pytest.raises(BuiltPlanError, match=message):
        plan_from_artifact(document)


def test_a_stale_artefact_is_refused_once_any_of_its_files_has_changed(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (built,) = build_folder(folder, output)
    assert built.bytes == built.path.stat().st_size
    assert list(stale_functions(folder, output)) == []

    for name in ("rich.yaml", "actions.yaml", "contract.yaml"):
        text = (folder / name).read_text()
        (folder / name).write_text(text + "# changed\n")
        with pytest.raises(BuiltPlanError, match="other specs"):
            load_built(output, "rich", specs=folder)
        assert list(stale_functions(folder, output)) == ["rich"]
        (folder / name).write_text(text)

    assert load_built(output, "rich", specs=folder).recompiled is None


def test_building_removes_what_is_no_more_and_writes_nothing_when_there_are_errors(
    folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    build_folder(folder, output)
    (folder / "rich.yaml").write_text(RICH_SPEC.replace("name: rich", "name: other"))
    build_folder(folder, output)
    assert sorted(path.name for path in output.iterdir()) == ["consents.json", "other.plan.json"]

    before = (output / "other.plan.json").read_bytes()
    (folder / "rich.yaml").write_text(RICH_SPEC.replace("purpose: retention", "purpose: nothing"))
    with pytest.raises(SpecError):
        build_folder(folder, output)
    assert (output / "other.plan.json").read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", "{}", "no json"])
def test_a_file_that_is_no_artefact_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.plan.json").write_text(content)

    with pytest.raises(BuiltPlanError, match="no built plan"):
        load_built(tmp_path, "x")


def test_a_missing_artefact_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BuiltPlanError, match="functions build"):
        load_built(tmp_path, "x")
