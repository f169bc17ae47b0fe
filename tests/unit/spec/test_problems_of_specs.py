"""Every problem of the spec language: its code, its place, its hint; and all of them in one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.spec.loading import SpecFolder
from functions.spec.problems import Problem

Check = Callable[..., list[Problem]]
Load = Callable[..., SpecFolder]

# (what is replaced, by what, line, column, code, hint)
FAULTS = [
    # keys
    ("owner: team", "ownr: team", 3, 1, "spec.unknown_key", "did you mean 'owner'?"),
    ("    type: int", "    typ: int", 13, 5, "spec.unknown_key", "did you mean 'type'?"),
    ("  timeout: 1s", "  timeout: 1s\n  endpiont: x", 21, 3, "spec.unknown_key", ""),
    ("  timeout: 1s", "  timeout: 1s\n  acept: x", 21, 3, "spec.unknown_key", "did you mean 'accept'?"),
    ("owner: team\n", "", 1, 1, "spec.missing_key", ""),
    ("    type: int\n", "", 11, 3, "spec.missing_key", ""),
    ("  timeout: 1s\n", "", 15, 1, "spec.missing_key", ""),
    ("owner: team", "owner: team\nowner: team", 4, 1, "yaml.duplicate_key", "keep one of them"),
    # types and values
    ("version: 1", "version: 2", 1, 10, "spec.wrong_value", ""),
    ("version: 1", "version: '1'", 1, 10, "spec.wrong_value", ""),
    ("name: churn", "name: Churn", 2, 7, "spec.wrong_value", ""),
    ("owner: team", "owner: 7", 3, 8, "spec.wrong_type", ""),
    ("owner: team", "owner: ''", 3, 8, "spec.wrong_value", ""),
    ("owner: team", "owner:", 3, 7, "spec.wrong_type", ""),
    ("max_age: 30s", "max_age: 30", 8, 12, "spec.wrong_type", ""),
    ("max_age: 30s", "max_age: 30 sec", 8, 12, "spec.wrong_value", ""),
    ("max_age: 30s", "max_age: 999999999w", 8, 12, "spec.wrong_value", ""),
    ("type: int", "type: integer", 13, 11, "spec.wrong_value", "did you mean 'int'?"),
    ("missing: 0", "missing: [0]", 14, 14, "spec.wrong_type", ""),
    ("missing: 0", "missing: { value: [0] }", 14, 23, "spec.wrong_type", ""),
    ("missing: 0", "missing: { valu: 0 }", 14, 16, "spec.unknown_key", "did you mean 'value'?"),
    ("  frequency:", "  how often:", 11, 3, "spec.wrong_value", ""),
    ("response: { risk: score }", "response: [score]", 18, 13, "spec.wrong_type", ""),
    ("range: { risk: [0, 1] }", "range: { risk: [0] }", 19, 18, "spec.wrong_value", ""),
    ("range: { risk: [0, 1] }", "range: { risk: [0, x] }", 19, 22, "spec.wrong_type", ""),
    ("timeout: 1s", "timeout: 1s\n  max_payload: 1000", 21, 16, "spec.wrong_type", ""),
    ("timeout: 1s", "timeout: 1s\n  max_payload: 0KB", 21, 16, "spec.wrong_value", ""),
    ("timeout: 1s", "timeout: 1s\n  max_payload: 1GB", 21, 16, "spec.wrong_value", ""),
    ("timeout: 1s", "timeout: 1s\n  attempts: 9", 21, 13, "spec.wrong_value", ""),
    (
        "timeout: 1s",
        "timeout: 1s\n  request: { missing_token: 'a,b' }",
        21,
        29,
        "spec.wrong_value",
        "",
    ),
    ("actions: [offer-20, call]", "actions: offer-20", 26, 12, "spec.wrong_type", ""),
    ("  scores.risk:", "  risk:", 23, 3, "spec.wrong_value", ""),
    # kinds
    ("kind: http", "kind: htp", 16, 3, "spec.unknown_kind", "did you mean 'http'?"),
    ("kind: http", "kind: [http]", 16, 3, "spec.unknown_kind", ""),
    ("  url: https://models", "  url: ftp://models", 17, 8, "spec.wrong_value", ""),
    ("  url: https://models", "  url: https://user:pw@models", 17, 8, "spec.wrong_value", ""),
    # names of the shared files
    ("purpose: retention", "purpose: retension", 9, 10, "spec.unknown_purpose", "did you mean 'retention'?"),
    ("[offer-20, call]", "[offer-2, call]", 26, 13, "spec.unknown_action", "did you mean 'offer-20'?"),
    ("[offer-20, call]", "[offer-20, x]", 26, 23, "spec.unknown_action", "known here: call, offer-20"),
    # expressions
    ("from: profile.orders.count", "from: profile.orders.", 12, 26, "expression.syntax", ""),
    ("from: profile.orders.count", "from: 'profile.a b'", 12, 22, "expression.syntax", ""),
    (
        "from: profile.orders.count",
        "from: |\n      profile.orders ||\n        nope(now)",
        14,
        9,
        "expression.unknown_function",
        "",
    ),
    (
        "from: profile.orders.count",
        "from: days_sinc(profile.x)",
        12,
        11,
        "expression.unknown_function",
        "Did you mean days_since?",
    ),
    (
        "from: profile.orders.count",
        'from: "abs(1 || log1p(`1`, `2`))"',
        12,
        16,
        "expression.syntax",
        "",
    ),
    ("from: profile.orders.count", "from: log1p(`1`, `2`)", 12, 11, "expression.arity", "log1p(x)"),
    (
        "from: profile.orders.count",
        "from: profile.event || evnt.id",
        12,
        28,
        "expression.unknown_root",
        "did you mean 'event'?",
    ),
    (
        "from: profile.orders.count",
        "from: features.frequency",
        12,
        11,
        "expression.unknown_root",
        "known here: event, now, profile",
    ),
    (
        "from: profile.orders.count",
        "from: risk",
        12,
        11,
        "expression.unknown_root",
        "known here: event, now, profile",
    ),
    (
        "from: profile.orders.count",
        "from: length(@)",
        12,
        11,
        "expression.unknown_root",
        "read one of event, profile, now",
    ),
    (
        "from: profile.orders.count",
        "from: length(*)",
        12,
        11,
        "expression.unknown_root",
        "read one of event, profile, now",
    ),
    (
        "from: profile.orders.count",
        "from: '\"a.b\".c'",
        12,
        12,
        "expression.unknown_root",
        "known here: event, now, profile",
    ),
    (
        "owner: team",
        "owner: team\nprofile: { key: profile.id }",
        4,
        17,
        "expression.unknown_root",
        "known here: event",
    ),
    ("when: risk >= `0.6`", "when: rsk >= `0.6`", 25, 9, "expression.unknown_root", "did you mean 'risk'?"),
    (
        "when: risk >= `0.6`",
        "when: features.frequncy > `1`",
        25,
        18,
        "expression.unknown_feature",
        "did you mean 'frequency'?",
    ),
    ("{ from: risk,", "{ from: rsk,", 23, 24, "expression.unknown_root", "did you mean 'risk'?"),
    ("{ risk: score }", "{ risk: 'score ||' }", 18, 30, "expression.syntax", ""),
    # event patterns
    (
        "    detail-type: [page_view]",
        "    detail_type: [page_view]",
        7,
        5,
        "pattern.unknown_field",
        "did you mean 'detail-type'?",
    ),
    (
        "    detail-type: [page_view]",
        "    $or: [{ source: [a] }, { sorce: [b] }]",
        7,
        30,
        "pattern.unknown_field",
        "did you mean 'source'?",
    ),
    ("[page_view]", "page_view", 7, 18, "pattern.not_a_list", "write [value]"),
    ("[page_view]", "[]", 7, 18, "pattern.empty_list", ""),
    (
        "    detail-type: [page_view]",
        "    detail: { properties: { page_type: cancellation } }",
        7,
        40,
        "pattern.not_a_list",
        "write [value]",
    ),
    # features
    ("missing: 0", "missing: 0\n    range: [3, 1]", 15, 12, "feature.range", ""),
    ("missing: 0", "missing: 0\n    range: [0, 1.5]", 15, 12, "feature.range", ""),
    ("missing: 0", "missing: 0\n    outside: clip", 15, 14, "feature.range", ""),
    ("type: int\n    missing: 0", "type: string\n    range: [0, 1]", 14, 5, "feature.range", ""),
    ("type: int\n    missing: 0", "type: category", 13, 11, "feature.categories", ""),
    ("missing: 0", "missing: 0\n    categories: [a]", 13, 11, "feature.categories", ""),
    ("missing: 0", "missing: none", 14, 14, "feature.answer_type", ""),
    ("missing: 0", "missing: clip", 14, 14, "feature.answer_type", ""),
    ("missing: 0", "missing: 0.5", 14, 14, "feature.answer_type", ""),
    ("missing: 0", "missing: true", 14, 14, "feature.answer_type", ""),
    ("missing: 0", "missing: { value: error }", 14, 14, "feature.answer_type", ""),
    ("missing: 0", "null: x", 14, 11, "feature.answer_type", ""),
    ("missing: 0", "stale: 0", 14, 5, "feature.staleness", ""),
    ("missing: 0", "as_of: profile.at", 14, 5, "feature.staleness", ""),
    ("missing: 0", "as_of: profile.at\n    stale_after: 1d", 15, 5, "feature.staleness", ""),
    (
        "missing: 0",
        "stale_after: 1d\n    stale: 0",
        14,
        5,
        "feature.staleness",
        "only profile.scores.NAME.value has an instant of its own",
    ),
    ("missing: 0", "stale_after: 1d\n    stale: 0\n    as_of: 'at('", 16, 16, "expression.syntax", ""),
    # model
    ("{ risk: score }\n", "{ risk: score, features: x }\n", 18, 28, "model.output_name", ""),
    ("range: { risk:", "range: { rsk:", 19, 12, "model.unknown_output", "did you mean 'risk'?"),
    ("range: { risk: [0, 1] }", "range: { risk: [1, 0.9] }", 19, 18, "model.range", ""),
    ("timeout: 1s", "timeout: 0s", 20, 12, "model.timeout", ""),
    (
        "timeout: 1s",
        "timeout: 1s\n  request: { format: csv, template: { a: 1 } }",
        21,
        37,
        "model.template",
        "",
    ),
    ("timeout: 1s", "timeout: 1s\n  request: { missing_token: nan }", 21, 29, "model.template", ""),
    (
        "timeout: 1s",
        "timeout: 1s\n  request: { template: [{ from: profile.email }] }",
        21,
        33,
        "expression.unknown_root",
        "known here: features",
    ),
    (
        "timeout: 1s",
        "timeout: 1s\n  request: { template: [{ from: features.freq }] }",
        21,
        42,
        "expression.unknown_feature",
        "did you mean 'frequency'?",
    ),
    ("[{ risk: 0.5 }]", "[{ rsk: 0.5 }]", 21, 16, "model.unknown_output", "did you mean 'risk'?"),
    ("{ risk: score }\n  range: { risk: [0, 1] }", "{ risk: s, x: y }", 20, 14, "model.fallback", ""),
    ("[{ risk: 0.5 }]", "[{ risk: 5 }]", 21, 22, "model.fallback", ""),
    ("[{ risk: 0.5 }]", "[{ risk: null }]", 21, 22, "model.fallback", ""),
    ("[{ risk: 0.5 }]", "[{ risk: true }]", 21, 22, "model.fallback", ""),
    (
        "[{ risk: 0.5 }]",
        "[{ risk: features.x }]",
        21,
        22,
        "expression.unknown_root",
        "known here: event, now, profile",
    ),
    ("[{ risk: 0.5 }]", "[{ risk: [0.5] }]", 21, 22, "spec.wrong_type", ""),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code", "hint"), FAULTS, ids=lambda value: str(value)[:40]
)
def test_fault_is_reported_at_its_place_with_its_hint(
    check: Check, old: str, new: str, line: int, column: int, code: str, hint: str
) -> None:
    found = check((old, new))
    assert (line, column, code) in [(p.line, p.column, p.code) for p in found]
    problem = next(p for p in found if (p.line, p.column, p.code) == (line, column, code))
    if hint:
        assert problem.hint == hint
    assert Path(problem.file).name == "churn.yaml"
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code", "hint"), FAULTS, ids=lambda value: str(value)[:40]
)
def test_one_fault_draws_no_others_after_it(
    check: Check, old: str, new: str, line: int, column: int, code: str, hint: str
) -> None:
    others = [p.code for p in check((old, new)) if (p.line, p.column, p.code) != (line, column, code)]
    # By their nature: a key that is missing because it is misspelt, a feature that an action reads.
    expected = {
        "    typ: int": ["spec.missing_key"],
        "ownr: team": ["spec.missing_key"],
        "missing: { valu: 0 }": ["spec.missing_key"],
        "  how often:": ["expression.unknown_feature"],
    }
    assert others == expected.get(new, [])


def test_the_valid_folder_has_no_problems(check: Check) -> None:
    assert check() == []


def test_all_faults_of_a_spec_are_reported_in_one_run_sorted_by_place(check: Check) -> None:
    found = check(
        ("owner: team", "owner: [team]"),
        ("detail-type: [page_view]", "detail_type: [page_view]"),
        ("purpose: retention", "purpose: retension"),
        ("from: profile.orders.count", "from: days_sinc(profile.x)"),
        ("  timeout: 1s", "  timeout: 1"),
        ("response: { risk: score }", "response: { risk: 'score ||' }"),
        ("when: risk >= `0.6`", "when: nope(risk)"),
        ("[offer-20, call]", "[offer-2, call]"),
    )
    assert [(p.line, p.column, p.code) for p in found] == [
        (3, 8, "spec.wrong_type"),
        (7, 5, "pattern.unknown_field"),
        (9, 10, "spec.unknown_purpose"),
        (12, 11, "expression.unknown_function"),
        (18, 30, "expression.syntax"),
        (20, 12, "spec.wrong_type"),
        (25, 9, "expression.unknown_function"),
        (26, 13, "spec.unknown_action"),
    ]


def test_six_faults_of_six_kinds_are_six_problems(check: Check) -> None:
    found = check(
        ("version: 1", "version: 3"),
        ("    missing: 0", "    missing: 0\n    missing: 1"),
        ("    type: int", "    type: int\n    rnge: [0, 1]"),
        ("url: https:", "url: ftp:"),
        ("expires_after: 1d", "expires_after: 1 day"),
        ("when: risk >= `0.6`", "when: risk >="),
    )
    assert [p.code for p in found] == [
        "spec.wrong_value",
        "spec.unknown_key",
        "yaml.duplicate_key",
        "spec.wrong_value",
        "spec.wrong_value",
        "expression.syntax",
    ]


def test_output_names_are_not_guessed_at_when_the_model_is_at_fault(check: Check) -> None:
    assert [p.code for p in check(("kind: http", "kind: htp"))] == ["spec.unknown_kind"]
    assert [p.code for p in check(("model:", "modle:"))] == ["spec.unknown_key"]


def test_message_of_a_missing_key_names_it_and_its_place(check: Check) -> None:
    (problem,) = check(("    type: int\n", ""))
    assert problem.message == "the key 'type' is missing in features.frequency"
    (problem,) = check(("purpose: retention\n", ""))
    assert problem.message == "the key 'purpose' is missing in the document"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner: team", "owner: 7", "owner: must be a text"),
        ("trigger:\n", "trigger: 1\nx:\n", "trigger: must be a mapping of keys to values"),
        ("[offer-20, call]", "x", "decide.actions: must be a list"),
        ("[0, 1]", "[0, x]", "model.range.risk.1: must be a number"),
        ("timeout: 1s", "timeout: 1s\n  attempts: x", "model.attempts: must be a whole number"),
        (
            "timeout: 1s",
            "timeout: 0.1",
            "model.timeout: must be a duration with its unit: 150ms, 30s, 15m, 12h, 7d or 2w",
        ),
        (
            "max_age: 30s",
            "max_age: 30y",
            "trigger.max_age: a duration is a number and a unit: 150ms, 30s, 15m, 12h, 7d or 2w",
        ),
        ("max_age: 30s", "max_age: 99999w", "trigger.max_age: a duration is at most 100 years"),
        ("kind: http", "kind: 1", "model: kind must be sagemaker, http, or package.module:Class"),
        (
            "missing: 0",
            "missing: []",
            "features.frequency.missing: must be a text, a number, true, false or null",
        ),
        (
            "missing: 0",
            "missing: 0\n    outside: {}",
            "the key 'value' is missing in features.frequency.outside",
        ),
    ],
)
def test_messages_are_sentences_for_people(check: Check, old: str, new: str, message: str) -> None:
    assert message in [p.message for p in check((old, new))]
