"""The problems of what specs share, and of folders as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.spec.loading import SpecFolder, load_folder
from functions.spec.problems import Problem

Check = Callable[..., list[Problem]]
Load = Callable[..., SpecFolder]

# (file, what is replaced, by what, line, column, code, hint)
SHARED_FAULTS = [
    ("actions.yaml", "kind: file", "kind: fle", 2, 11, "spec.unknown_kind", "did you mean 'file'?"),
    (
        "actions.yaml",
        "path: offers.jsonl",
        "pth: offers.jsonl",
        2,
        25,
        "spec.unknown_key",
        "did you mean 'path'?",
    ),
    (
        "actions.yaml",
        "channel: offers",
        "channel: ofers",
        5,
        14,
        "spec.unknown_channel",
        "did you mean 'offers'?",
    ),
    (
        "actions.yaml",
        "channel: offers",
        "chanel: offers",
        5,
        5,
        "spec.unknown_key",
        "did you mean 'channel'?",
    ),
    ("actions.yaml", "channel: offers", "channel: offers\n    cost: -1", 6, 11, "spec.wrong_value", ""),
    ("actions.yaml", ">= `1`", ">= `1", 6, 37, "expression.syntax", ""),
    ("actions.yaml", "{ from: risk }", "{ from: nope(risk) }", 7, 51, "expression.unknown_function", ""),
    (
        "actions.yaml",
        "{ from: risk }",
        "{ from: rsk }",
        7,
        51,
        "expression.unknown_root",
        "did you mean 'risk'?",
    ),
    (
        "actions.yaml",
        "{ from: risk }",
        "{ from: profile.email }",
        7,
        51,
        "expression.unknown_root",
        "known here: features, risk",
    ),
    (
        "contract.yaml",
        "consent: marketing",
        "consnt: marketing",
        2,
        16,
        "spec.unknown_key",
        "did you mean 'consent'?",
    ),
    ("contract.yaml", "consent: marketing", "consent: A B", 2, 25, "spec.wrong_value", ""),
    ("contract.yaml", "purposes:", "purposes: {}\nx:", 1, 11, "spec.wrong_value", ""),
    (
        "contract.yaml",
        "purposes:",
        "consents: { marketting: { gpc: denies } }\npurposes:",
        1,
        13,
        "spec.unknown_consent",
        "did you mean 'marketing'?",
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "column", "code", "hint"), SHARED_FAULTS, ids=lambda value: str(value)[:30]
)
def test_fault_of_a_shared_file_is_reported_once_at_its_place(
    check: Check, file: str, old: str, new: str, line: int, column: int, code: str, hint: str
) -> None:
    found = check((old, new), file=file)
    (problem,) = [p for p in found if (p.line, p.column, p.code) == (line, column, code)]
    assert Path(problem.file).name == file
    if hint:
        assert problem.hint == hint


def test_action_that_no_spec_uses_is_checked_as_well(load: Load) -> None:
    unused = "channels: { a: { kind: memory } }\nactions:\n  x: { channel: a, eligible: nope(risk) }\n"
    found = load({"actions.yaml": unused, "churn.yaml": None}).problems
    assert [(p.line, p.column, p.code) for p in found] == [(3, 30, "expression.unknown_function")]


def test_action_that_reads_what_one_function_lacks_names_that_function(load: Load, spec_text: str) -> None:
    other = spec_text.replace("name: churn", "name: other").replace("risk", "danger")
    (problem,) = load({"other.yaml": other}).problems
    assert problem.message == "'risk' is nothing that this expression can read when other uses it"
    assert (Path(problem.file).name, problem.line, problem.column) == ("actions.yaml", 7, 51)


def test_feature_of_a_shared_action_that_a_function_lacks_is_a_warning(load: Load, spec_text: str) -> None:
    other = spec_text.replace("name: churn", "name: other").replace("frequency", "orders")
    folder = load({"other.yaml": other})
    (problem,) = folder.problems
    assert (problem.severity, problem.code) == ("warning", "expression.unknown_feature")
    assert set(folder.plans) == {"churn", "other"}


def test_spec_of_another_shape_than_a_mapping_is_one_problem(load: Load) -> None:
    for text in ("- a\n", "text\n", "7\n", "null\n"):
        assert [p.code for p in load({"churn.yaml": text}).problems] == ["spec.wrong_type"]


def test_many_faults_are_bounded_and_quick_to_render(tmp_path: Path) -> None:
    text = "".join(f"key{number}: 1\n" for number in range(20_000))
    (tmp_path / "a.yaml").write_text(text)
    problems = [p for p in load_folder(tmp_path).problems if p.file.endswith("a.yaml")]
    assert len(problems) == 200
    assert all(problem.render() for problem in problems)
