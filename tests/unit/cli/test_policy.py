"""`functions policy`: publish, go back, list and show; what does not fit every spec is not published."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Functions = Callable[..., CompletedProcess[str]]


def _change(project: Path, before: str, after: str) -> None:
    path = project / "feature_specs" / "actions.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def _published(functions: Functions, *more: str) -> str:
    done = functions("policy", "publish", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_publishing_prints_the_hash_that_receipts_show(functions: Functions, project: Path) -> None:
    done = functions("policy", "publish", "--note", "spring prices")
    assert done.returncode == 0
    assert done.stderr.startswith("in force: ")
    assert done.stderr.endswith(", checked with 1 function\n")
    functions("profile", "import", project / "feature_specs" / "profiles.jsonl")
    event = project / "events" / "cancellation-page.json"
    receipt = json.loads(functions("invoke", "churn-retention", "--event", event, "--json").stdout)
    assert receipt["bundle"]["policy"] == done.stdout.strip()


def test_publishing_the_same_twice_changes_nothing(functions: Functions) -> None:
    version = _published(functions)
    done = functions("policy", "publish")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{version} is in force already\n")
    assert len(json.loads(functions("policy", "list", "--json").stdout)) == 1


def test_what_came_into_force_is_told_as_json(functions: Functions, project: Path) -> None:
    def told(*arguments: str) -> object:
        return json.loads(functions("policy", *arguments, "--json").stdout)

    first = _published(functions)
    assert told("publish") == {"hash": first, "changed": False}
    _change(project, "cost: ", "cost: 1")
    second = told("publish")
    assert second == {
        "hash": json.loads(functions("policy", "list", "--json").stdout)[0]["hash"],
        "changed": True,
    }
    assert told("use", first) == {"hash": first, "changed": True}
    assert told("use", first) == {"hash": first, "changed": False}


def test_list_shows_what_came_into_force_newest_first(functions: Functions, project: Path) -> None:
    done = functions("policy", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "nothing was published: every function goes by what it was built with\n"
    first = _published(functions, "--note", "winter")
    _change(project, "percent: 20", "percent: 25")
    second = _published(functions)
    assert functions("policy", "use", first, "--note", "back").stderr == f"in force: {first}\n"
    rows = json.loads(functions("policy", "list", "--json").stdout)
    assert [(row["hash"], row["note"], row["in_force"]) for row in rows] == [
        (first, "back", True),
        (second, None, False),
        (first, "winter", False),
    ]
    lines = functions("policy", "list").stdout.splitlines()
    assert lines[0] == f"{first}  {rows[0]['at']}  in force  back"
    assert lines[1] == f"{second}  {rows[1]['at']}"


def test_show_prints_the_texts_of_a_version(functions: Functions, project: Path) -> None:
    first = _published(functions)
    _change(project, "percent: 20", "percent: 25")
    _published(functions)
    assert '"percent": 25' in functions("policy", "show").stdout
    older = json.loads(functions("policy", "show", first).stdout)
    assert older["hash"] == first
    offer = older["actions"][0]
    assert (offer["name"], offer["payload"]["percent"]) == ("retention-offer-20", 20)
    assert offer["eligible"]["at"] == "features.frequency >= `1` && features.lifetime_value >= `100`"


def test_what_breaks_a_spec_is_listed_and_not_published(functions: Functions, project: Path) -> None:
    first = _published(functions)
    _change(project, "eligible: features.frequency >= `1`\n", "eligible: churn_rsk >= `1`\n")
    _change(project, "  retention-offer-20:", "  retention-offer-30:")
    done = functions("policy", "publish")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[spec.unknown_action]" in done.stderr
    assert "error[expression.unknown_root]" in done.stderr
    assert json.loads(functions("policy", "list", "--json").stdout)[0]["hash"] == first


def test_a_channel_is_no_part_of_the_policy(functions: Functions, project: Path) -> None:
    version = _published(functions)
    _change(project, str(project / "offers.jsonl"), str(project / "elsewhere.jsonl"))
    assert functions("policy", "publish").stderr == f"{version} is in force already\n"
    assert "jsonl" not in functions("policy", "show").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("use", "0123456789abcdef"), 2, "error[policy.unknown_version]"),
        (("show",), 2, "error[policy.unknown_version] nothing was published"),
        (("show", "0123456789abcdef"), 1, "error[policy.unusable]"),
        (("publish", "--note", "two\nlines"), 2, "give 1 to 200 characters on one line"),
    ],
)
def test_what_is_not_there_is_said(
    functions: Functions, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = functions("policy", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
