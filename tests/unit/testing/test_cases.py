"""The cases of authors: what passes, what is told apart, and what can't be run."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.spec.cases import Case
from functions.spec.plan import Plan
from functions.testing.cases import CaseResult, run_case
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, a_profile
from functions.times import format_instant

PLAN = a_plan()
HERE = Path(__file__).parent

EVENT = {
    "id": "event-1",
    "name": "page_view",
    "time": format_instant(NOW),
    "source": "web",
    "user_id": CUSTOMER,
}
GIVEN = {
    "event": EVENT,
    "profile": a_profile(),
    "consent": {"marketing": "granted"},
    "model": {"body": "0.83", "content_type": "text/csv"},
}


def _case(expect: dict[str, Any], *, plan: Plan = PLAN, folder: Path = HERE, **given: Any) -> CaseResult:
    case = Case.model_validate({"name": "a case", "given": {**GIVEN, **given}, "expect": expect})
    return run_case(plan, case, folder=folder)


def test_a_case_that_says_what_happens_passes() -> None:
    result = _case(
        {
            "outcome": "acted",
            "reason": "action.chosen",
            "action": "offer-20",
            "features": {"recency_days": 120, "orders": 5},
            "imputed": {},
            "payload": "120.0,5.0",
            "scores": {"churn_risk": 0.83},
            "rung": "model",
            "write_back": {"scores.churn_risk": 0.83},
        }
    )
    assert (result.passed, result.differences) == (True, ())


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ({"outcome": "suppressed"}, 'outcome: expected "suppressed", found "acted"'),
        ({"reason": "condition.false"}, 'reason: expected "condition.false", found "action.chosen"'),
        ({"action": "offer-10"}, 'action: expected "offer-10", found "offer-20"'),
        ({"action": None}, 'action: expected null, found "offer-20"'),
        ({"imputed": {"orders": "null"}}, 'imputed: expected {"orders": "null"}, found {}'),
        ({"payload": "120,5"}, 'payload: expected "120,5", found "120.0,5.0"'),
        (
            {"scores": {"churn_risk": 0.8300001}},
            'scores: expected {"churn_risk": 0.8300001}, found {"churn_risk": 0.83}',
        ),
        ({"scores": {}}, 'scores: expected {}, found {"churn_risk": 0.83}'),
        ({"rung": "cache"}, 'rung: expected "cache", found "model"'),
        ({"write_back": {}}, 'write_back: expected {}, found {"scores.churn_risk": 0.83}'),
        (
            {"features": {"recency_days": 120, "orders": True}},
            'features: expected {"recency_days": 120, "orders": true}, found {"recency_days": 120.0, "orders": 5}',
        ),
    ],
)
def test_a_case_that_says_otherwise_is_told_what_was_found(expect: dict[str, Any], difference: str) -> None:
    assert _case(expect).differences == (difference,)


def test_every_difference_is_told_at_once() -> None:
    assert len(_case({"outcome": "no_action", "action": None, "rung": "none"}).differences) == 3


def test_what_is_not_expected_is_not_compared() -> None:
    assert _case({}).passed


@pytest.mark.parametrize(("one", "code"), [("down", "model.unavailable"), ("timeout", "model.timeout")])
def test_a_model_can_be_down_or_too_slow(one: str, code: str) -> None:
    result = _case({"rung": "fallback", "scores": {"churn_risk": 0.5}}, model=one)
    assert (result.passed, result.differences) == (True, ())
    assert result.receipt is not None
    assert result.receipt.model is not None
    assert result.receipt.model.error == code


def test_a_case_without_a_reply_says_that_the_model_must_not_be_called() -> None:
    assert _case({"rung": "fallback"}, model=None).differences == (
        "model: the case gives no reply, but the model was called",
    )
    assert _case({"reason": "consent.unknown"}, model=None, consent={}).passed


def test_a_last_score_can_be_given_as_a_value_or_with_its_instants() -> None:
    given = {"value": 0.72, "at": "2026-11-01T00:00:00Z", "expires_at": "2026-11-02T09:15:00Z"}
    assert _case({"rung": "cache"}, model="down", scores={"churn_risk": 0.72}).passed
    assert _case({"rung": "fallback"}, model="down", scores={"churn_risk": given}).passed


def test_decision_time_is_that_of_the_event_unless_the_case_gives_one() -> None:
    assert _case({"outcome": "acted"}).passed
    assert _case({"reason": "event.too_old"}, now="2026-11-02T09:16:00Z").passed


def test_an_event_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    assert _case({"outcome": "acted"}, folder=tmp_path, event="event.json").passed


def test_an_event_that_is_refused_has_an_outcome_to_expect() -> None:
    without_id = {name: value for name, value in EVENT.items() if name != "id"}
    assert _case({"outcome": "rejected", "reason": "event.no_id"}, event=without_id, model=None).passed


def test_an_event_without_a_key_has_an_outcome_to_expect() -> None:
    plan = a_plan(profile={"key": "join('-', event.properties.parts)"})
    event = {**EVENT, "properties": {"parts": [1]}}
    assert _case({"reason": "event.no_key"}, plan=plan, event=event, model=None).passed


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"event": "missing.json"}, "missing.json"),
        ({"event": [EVENT, EVENT]}, "a case is about one event, and 2 are given"),
        ({"profile": ["a"]}, "the profile is an object, or null for none"),
        ({"consent": {"marketing": "perhaps"}}, "consent.marketing.status"),
        ({"scores": {"churn_risk": {"at": "2026-11-01T00:00:00Z"}}}, "the score churn_risk"),
        (
            {"scores": {"churn_risk": {"value": 1, "expire_at": "2026-11-01T00:00:00Z"}}},
            "the score churn_risk",
        ),
        ({"now": "yesterday"}, "no instant"),
    ],
)
def test_a_case_that_can_not_be_run_says_why(given: dict[str, Any], says: str) -> None:
    result = _case({}, **given)
    assert (result.passed, result.receipt, len(result.differences)) == (False, None, 1)
    assert result.differences[0].startswith("the case can't be run: ")
    assert says in result.differences[0]
