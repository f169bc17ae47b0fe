"""Slips of newcomers in specs and cases: each is found by `validate`, named, and answered by what was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

WHEN = "churn_risk >= `0.6`"


def _with(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.fixture
def spec(project: Path) -> Path:
    return project / "feature_specs" / "churn-retention.yaml"


@pytest.fixture
def cases(project: Path) -> Path:
    return project / "feature_specs" / "churn-retention.cases.yaml"


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("features.recency_days >= 180", "expression.syntax", "Write a number in backticks: `180`"),
        ("features.recency_days >= -5", "expression.syntax", "Write a number in backticks: `-5`"),
        ("churn_risk = `0.6`", "expression.syntax", "Write == to compare."),
        ("churn_risk >= `0.6` and churn_risk < `1`", "expression.syntax", "Write && for and."),
        ("churn_risk >= `0.6` or churn_risk < `1`", "expression.syntax", "Write || for or."),
        ("churn_risk == true", "expression.unknown_root", "write it in backticks: `true`"),
        ("recency_days >= `90`", "expression.unknown_root", "did you mean features.recency_days?"),
        ("profile.order.count >= `1`", "governance.unlabelled", "did you mean profile.orders?"),
        ("profile.shoe_size >= `1`", "governance.unlabelled", "label it in contract.yaml, or read what"),
    ],
)
def test_what_another_language_would_take_is_answered_by_what_to_write(
    functions: Command, spec: Path, written: str, code: str, hint: str
) -> None:
    _with(spec, WHEN, written)
    problems = json.loads(functions("validate", "--json").stdout)["problems"]

    assert any(one["code"] == code and one["hint"].startswith(hint) for one in problems), problems


@pytest.mark.parametrize(
    ("before", "after", "message", "hint"),
    [
        ("outcome: acted", "outcom: acted", "unknown key 'outcom'", "did you mean 'outcome'?"),
        ("cancellation-page.json", "cancelation-page.json", "there is no file '../events/cancelation-page.json'",
         "did you mean 'cancellation-page.json'?"),
        ("../events/", "../event/", "there is no file '../event/cancellation-page.json'", "paths begin at"),
        ("marketing: granted", "marketting: granted", "there is no consent 'marketting'", "did you mean 'marketing'?"),
        ("reason: action.chosen", "reason: action.choosen", "there is no reason 'action.choosen'",
         "did you mean 'action.chosen'?"),
        ("action: retention-offer-20", "action: retention-ofer-20", "there is no action 'retention-ofer-20'",
         "did you mean 'retention-offer-20'?"),
        ("features: { recency_days", "features: { recency_day", "there is no feature 'recency_day'",
         "did you mean 'recency_days'?"),
    ],
)  # fmt: skip
def test_a_slip_in_a_case_is_found_without_running_it(
    functions: Command, cases: Path, before: str, after: str, message: str, hint: str
) -> None:
    _with(cases, before, after)
    done = functions("validate", "--json")
    (problem,) = json.loads(done.stdout)["problems"]

    name = "A customer of some value who is likely to leave gets twenty percent"
    assert done.returncode == 1
    assert problem["message"] == f"{message}, in the case '{name}'"
    assert problem["hint"].startswith(hint)
    assert problem["code"] in ("spec.unknown_key", "cases.unknown_event", "cases.unknown_name")


def test_one_file_can_be_validated_with_what_it_shares(functions: Command, spec: Path, cases: Path) -> None:
    _with(cases, "outcome: acted", "outcom: acted")
    assert functions("validate", spec).returncode == 0
    assert functions("validate", spec).stderr == "1 function fine\n"
    assert functions("validate", cases).returncode == 1
    _with(spec.with_name("contract.yaml"), "purposes:", "purposs:")
    assert functions("validate", spec).returncode == 1


def test_a_case_that_fails_says_what_the_receipt_says(functions: Command, spec: Path) -> None:
    _with(spec, "`0.6`", "`0.9`")
    shown = functions("test").stdout

    assert "        the receipt: no action. Nothing was done: the condition churn_risk >= `0.9` does" in shown
    assert "[condition.false]\n" in shown


def test_a_case_without_its_event_says_so_in_words(functions: Command, cases: Path) -> None:
    _with(cases, "../events/cancellation-page.json", "../events/nothing.json")
    shown = functions("test").stdout

    assert "its event file ../events/nothing.json can't be read: No such file or directory\n" in shown
    assert "Errno" not in shown
