"""The JSON Schemas for editors: valid themselves, and as strict about shape as the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml

from functions.documents import Json
from functions.spec.schema import Kind, json_schema

KINDS: list[Kind] = ["spec", "contract", "actions", "cases"]


def accepts(kind: Kind, document: Json) -> bool:
    return bool(jsonschema.Draft202012Validator(json_schema(kind)).is_valid(document))


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_a_valid_draft_2020_12_schema(kind: Kind) -> None:
    schema = json_schema(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_of_a_schema_are_what_it_would_accept_itself(kind: Kind) -> None:
    schema = json_schema(kind)

    def walk(place: Any) -> None:
        if isinstance(place, dict):
            if "default" in place and "properties" not in place:
                whole = {**place, "$defs": schema.get("$defs", {})}
                assert jsonschema.Draft202012Validator(whole).is_valid(place["default"]), place
            for child in place.values():
                walk(child)
        elif isinstance(place, list):
            for child in place:
                walk(child)

    walk(schema)


def test_valid_spec_is_accepted(spec_text: str) -> None:
    assert accepts("spec", yaml.safe_load(spec_text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: team", "ownr: team"),
        ("owner: team\n", ""),
        ("owner: team", "owner: 7"),
        ("version: 1", "version: 2"),
        ("name: churn", "name: Churn"),
        ("max_age: 30s", "max_age: 30"),
        ("max_age: 30s", "max_age: 30y"),
        ("max_age: 30s", "max_age: 1.23456s"),
        ("    from: profile", "    from_: profile"),
        ("    type: int\n", ""),
        ("type: int", "type: integer"),
        ("missing: 0", "missing: [0]"),
        ("missing: 0", "missing: { valu: 0 }"),
        ("missing: 0", "missing: 0\n    range: [0]"),
        ("missing: 0", "missing: 0\n    range: [0, 1, 2]"),
        ("missing: 0", "missing: 0\n    categories: []"),
        ("  frequency:", "  how often:"),
        ("kind: http", "kind: fax"),
        ("  url: https:", "  endpoint: https:"),
        ("url: https:", "url: ftp:"),
        ("response: { risk: score }", "response: {}"),
        ("timeout: 1s\n", "timeout: fast\n"),
        ("timeout: 1s\n", "timeout: 1s\n  max_payload: 1000\n"),
        ("timeout: 1s\n", "timeout: 1s\n  max_payload: 0KB\n"),
        ("timeout: 1s\n", "timeout: 1s\n  max_payload: 1GB\n"),
        ("timeout: 1s\n", "timeout: 1s\n  attempts: 6\n"),
        ("timeout: 1s\n", "timeout: 1s\n  bearer: key\n"),
        ("timeout: 1s\n", "timeout: 1s\n  headers: { A: { secrt: x } }\n"),
        ("timeout: 1s\n", "timeout: 1s\n  request: { format: xml }\n"),
        ("{ from: risk, expires_after: 1d }", "{ from: risk, expires_after: soon }"),
        ("  scores.risk:", "  risk:"),
        ("actions: [offer-20, call]", "actions: offer-20"),
        ("when: risk", "wen: risk"),
    ],
)
def test_what_the_model_refuses_for_its_shape_the_schema_refuses_as_well(
    check: Callable[..., list[Any]], spec_text: str, old: str, new: str
) -> None:
    assert old in spec_text
    assert any(problem.code.startswith("spec.") for problem in check((old, new)))
    assert not accepts("spec", yaml.safe_load(spec_text.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("kind", "document", "accepted"),
    [
        ("contract", {"purposes": {"retention": {"consent": "marketing"}}}, True),
        ("contract", {"purposes": {}}, False),
        ("contract", {"purposes": {"retention": {}}}, False),
        ("contract", {"purposes": {"Retention": {"consent": "marketing"}}}, False),
        ("actions", {}, True),
        ("actions", {"channels": {"a": {"kind": "memory"}}, "actions": {"b": {"channel": "a"}}}, True),
        ("actions", {"channels": {"a": {"kind": "team.crm:Channel", "options": {"x": 1}}}}, True),
        ("actions", {"channels": {"a": {"kind": "webhook", "url": "https://x.example"}}}, False),
        ("actions", {"channels": {"a": {"kind": "file"}}}, False),
        ("actions", {"actions": {"b": {}}}, False),
        ("actions", {"actions": {"b": {"channel": "a", "cost": -1}}}, False),
        ("cases", {"cases": []}, False),
        (
            "cases",
            {"cases": [{"name": "n", "given": {"event": "e", "model": "sideways"}, "expect": {}}]},
            False,
        ),
        (
            "cases",
            {
                "cases": [
                    {"name": "n", "given": {"event": "e", "model": "down"}, "expect": {"outcome": "acted"}}
                ]
            },
            True,
        ),
        (
            "cases",
            {
                "cases": [
                    {"name": "n", "given": {"event": "e", "model": None}, "expect": {"outcome": "acted"}}
                ]
            },
            True,
        ),
    ],
)
def test_schema_of_shared_files_and_cases_says_what_they_may_hold(
    kind: Kind, document: Json, accepted: bool
) -> None:
    assert accepts(kind, document) is accepted


def test_every_key_of_the_language_is_described() -> None:
    schema = json_schema("spec")
    sections = [schema, *(section for section in schema["$defs"].values() if "properties" in section)]
    short = {
        "kind",
        "target_variant",
        "target_model",
        "target_container",
        "inference_component",
        "custom_attributes",
    }
    bare = {
        f"{section['title']}.{name}"
        for section in sections
        for name, field in section["properties"].items()
        if "description" not in field and "$ref" not in field and name not in short
    }
    assert bare == set()
