"""The deployment of outcomes: where somebody learns or asks, and narrow in what it may write."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from functions.events.outcomes import OUTCOME_EVENTS
from functions.testing.sample_function import REGISTRY, a_plan
from infra.configuration import read_configuration

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesis


def _functions(done: Synthesis) -> dict[str, dict[str, Any]]:
    found = (one["Properties"] for one in done.of_type("AWS::Lambda::Function").values())
    names = {"functions-dev_outcomes", "functions-dev_fold"}
    return {one["FunctionName"]: one for one in found if one["FunctionName"] in names}


def test_nothing_is_recorded_where_nobody_learns_or_asks(deployed: Synthesis) -> None:
    assert _functions(deployed) == {}


def test_whoever_learns_gets_outcomes_without_asking() -> None:
    from infra.outcome_recording import wants_outcomes

    silent = read_configuration(lambda _: None)
    plain = a_plan()
    ranked = a_plan({**REGISTRY}, policy={"objectives": {"kept": {}}})
    learning = a_plan({**REGISTRY}, policy={"objectives": {"kept": {}}, "learning": {}})
    assert [wants_outcomes([one], silent) for one in (plain, ranked, learning)] == [False, False, True]
    assert wants_outcomes([plain], replace(silent, outcomes=True))


def test_both_functions_have_their_handlers_and_poison_has_a_place(recording: Synthesis) -> None:
    functions = _functions(recording)
    assert {name: one["Handler"] for name, one in functions.items()} == {
        "functions-dev_outcomes": "functions.handlers.outcomes.handler",
        "functions-dev_fold": "functions.handlers.fold.handler",
    }
    assert "FUNCTIONS_DLQ_URL" in functions["functions-dev_outcomes"]["Environment"]["Variables"]


def test_the_bus_feeds_the_queue_with_every_name_of_an_outcome(recording: Synthesis) -> None:
    (pattern,) = (
        rule["Properties"]["EventPattern"]
        for rule in recording.of_type("AWS::Events::Rule").values()
        if rule["Properties"].get("Name") == "functions-dev-outcomes"
    )
    named = {one["equals-ignore-case"] for one in pattern["detail-type"]}
    assert set(OUTCOME_EVENTS) | {"action_clicked", "order.completed"} <= named
    # A rule takes 2,048 characters.
    assert len(json.dumps(pattern, separators=(",", ":"))) <= 2_048


def test_responses_are_counted_every_five_minutes(recording: Synthesis) -> None:
    rates = [
        rule["Properties"].get("ScheduleExpression")
        for rule in recording.of_type("AWS::Events::Rule").values()
        if rule["Properties"].get("Name") == "functions-dev_fold"
    ]
    assert rates == ["rate(5 minutes)"]


def test_both_have_alarms_with_their_pages(recording: Synthesis) -> None:
    names = {one["Properties"]["AlarmName"] for one in recording.of_type("AWS::CloudWatch::Alarm").values()}
    assert {
        "functions-dev_outcomes-errors",
        "functions-dev_outcomes-dead-letters",
        "functions-dev_fold-errors",
    } <= names
