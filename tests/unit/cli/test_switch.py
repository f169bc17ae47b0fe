"""`functions switch`: what it writes, what it refuses, and what the next event makes of it."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Functions = Callable[..., CompletedProcess[str]]


def _receipt(functions: Functions, project: Path) -> Any:
    functions("profile", "import", project / "feature_specs" / "profiles.jsonl")
    event = project / "events" / "cancellation-page.json"
    return json.loads(functions("invoke", "churn-retention", "--event", event, "--new-id", "--json").stdout)


def test_switched_off_action_is_not_chosen_until_it_is_on_again(functions: Functions, project: Path) -> None:
    done = functions("switch", "off", "action", "retention-offer-20", "--because", "wrong percentage")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "action retention-offer-20 is now switched off\n"
    assert _receipt(functions, project)["action"]["name"] == "retention-offer-10"
    assert functions("switch", "on", "action", "retention-offer-20").returncode == 0
    assert _receipt(functions, project)["action"]["name"] == "retention-offer-20"


def test_switched_off_function_decides_nothing(functions: Functions, project: Path) -> None:
    functions("switch", "off", "function", "churn-retention")
    receipt = _receipt(functions, project)
    assert (receipt["outcome"], receipt["reason"]["code"]) == ("suppressed", "switch.function_off")
    assert receipt["reason"]["text"] == "Nothing was done: the function churn-retention is switched off."


def test_a_switch_answers_as_json(functions: Functions) -> None:
    call = ("function", "churn-retention", "--json")
    answers = [json.loads(functions("switch", step, *call).stdout) for step in ("off", "off", "on")]
    assert [(one["switched"], one["changed"]) for one in answers] == [
        ("off", True),
        ("off", False),
        ("on", True),
    ]
    assert (answers[0]["kind"], answers[0]["name"]) == ("function", "churn-retention")


def test_list_shows_what_is_off_with_when_and_why(functions: Functions) -> None:
    done = functions("switch", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is switched off\n")
    functions("switch", "off", "function", "churn-retention")
    functions("switch", "off", "action", "retention-offer-20", "--because", "wrong percentage")
    rows = json.loads(functions("switch", "list", "--json").stdout)
    assert [(row["kind"], row["name"], row["because"]) for row in rows] == [
        ("action", "retention-offer-20", "wrong percentage"),
        ("function", "churn-retention", None),
    ]
    first, second = functions("switch", "list").stdout.splitlines()
    assert first.startswith(f"action retention-offer-20  off since {rows[0]['at']}")
    assert first.endswith("wrong percentage")
    assert second == f"function churn-retention  off since {rows[1]['at']}"


def test_switching_twice_changes_nothing_and_is_no_fault(functions: Functions) -> None:
    functions("switch", "off", "action", "retention-offer-20", "--because", "first")
    done = functions("switch", "off", "action", "retention-offer-20", "--because", "second")
    assert (done.returncode, done.stderr) == (0, "action retention-offer-20 is already switched off\n")
    assert json.loads(functions("switch", "list", "--json").stdout)[0]["because"] == "first"
    done = functions("switch", "on", "action", "retention-offer-10")
    assert (done.returncode, done.stderr) == (0, "action retention-offer-10 is already switched on\n")


@pytest.mark.parametrize(
    ("step", "kind", "name", "hint"),
    [
        ("off", "action", "retention-ofer-20", "retention-offer-20"),
        ("off", "function", "churn-retenton", "churn-retention"),
        ("off", "function", "retention-offer-20", None),
        ("on", "action", "retention-ofer-20", "retention-offer-20"),
    ],
)
def test_misspelt_name_is_refused_with_the_closest_one(
    functions: Functions, step: str, kind: str, name: str, hint: str | None
) -> None:
    done = functions("switch", step, kind, name)
    assert done.returncode == 2
    assert "error[switch.unknown_name]" in done.stderr
    assert (hint or "called") in done.stderr
    assert functions("switch", "list", "--json").stdout == "[]\n"


def test_name_that_is_off_can_be_switched_on_when_the_folder_has_it_no_more(
    functions: Functions, project: Path
) -> None:
    functions("switch", "off", "function", "churn-retention")
    (project / "feature_specs" / "churn-retention.yaml").unlink()
    done = functions("switch", "on", "function", "churn-retention")
    assert (done.returncode, done.stderr) == (0, "function churn-retention is now switched on\n")


def test_without_a_folder_of_specs_the_name_is_not_checked_and_that_is_said(
    functions: Functions, project: Path
) -> None:
    nowhere = {"FUNCTIONS_SPECS": str(project / "nowhere")}
    done = functions("switch", "off", "action", "anything", environment=nowhere)
    assert done.returncode == 0
    assert done.stderr.startswith("the name is not checked: the folder of specs")


def test_faults_of_the_folder_do_not_stand_in_the_way_of_an_emergency(
    functions: Functions, project: Path
) -> None:
    (project / "feature_specs" / "broken.yaml").write_text("version: 1\n")
    assert functions("switch", "off", "function", "churn-retention").returncode == 0
    (project / "feature_specs" / "actions.yaml").write_text("actions: [\n")
    done = functions("switch", "off", "action", "retention-offer-20")
    assert (done.returncode, done.stderr.partition(":")[0]) == (0, "the name is not checked")


@pytest.mark.parametrize("because", ["", "  ", "x" * 201, "two\nlines"])
def test_reason_is_one_line_of_some_length(functions: Functions, because: str) -> None:
    done = functions("switch", "off", "function", "churn-retention", "--because", because)
    assert done.returncode == 2
    assert "give 1 to 200 characters on one line" in done.stderr


def test_store_that_keeps_no_shared_documents_says_so(functions: Functions) -> None:
    own = {"FUNCTIONS_STORE": "functions.profiles.memory:MemoryProfileStore"}
    done = functions("switch", "list", environment=own)
    assert done.returncode == 3
    assert "keeps no shared documents" in done.stderr
    assert functions("outbox", "--redrive", environment=own).returncode == 0
