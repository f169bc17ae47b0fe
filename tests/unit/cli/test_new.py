"""`functions new`: what it writes is valid, passes its cases and runs; nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.cli.starter import Draft, ModelKind
from functions.spec.yaml_reader import read_yaml

Command = Callable[..., CompletedProcess[str]]

BARE_REGISTRY = "channels:\n  offers: { kind: memory }\n"
OWN_ACTION = """channels:
  offers: { kind: memory }
actions:
  picky: { channel: offers, eligible: features.x >= `1` }
  filled: { channel: offers, payload: { a: [{ from: features.x }] } }
  plain: { channel: offers, payload: { template: hello } }
"""


def _files(project: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in project.rglob("*") if path.is_file()}


@pytest.mark.parametrize("model", ["none", "sagemaker", "http"])
@pytest.mark.parametrize("purpose", ["retention", "in-store"])
@pytest.mark.parametrize("registry", [None, BARE_REGISTRY, OWN_ACTION], ids=["sample", "bare", "own"])
def test_what_is_written_has_no_problems_and_its_cases_pass(
    functions: Command, project: Path, model: str, purpose: str, registry: str | None
) -> None:
    if registry is not None:
        (project / "feature_specs" / "actions.yaml").write_text(registry)
        (project / "feature_specs" / "churn-retention.yaml").unlink()
        (project / "feature_specs" / "churn-retention.cases.yaml").unlink()
    done = functions("new", "win-back", "--model", model, "--purpose", purpose)
    validated, tested = functions("validate"), functions("test", "win-back")

    assert (done.returncode, done.stdout) == (0, "")
    assert (validated.stdout, validated.returncode) == ("", 0)
    assert (tested.returncode, tested.stderr) == (0, "3 passed, 0 failed\n")


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(("model", "rung"), [("none", None), ("sagemaker", "model")])
def test_it_can_be_invoked_at_once_as_the_last_lines_say(
    functions: Command, project: Path, model: str, rung: str | None
) -> None:
    done = functions("new", "win-back", "--model", model, "--event-name", "signed_in")
    line = done.stderr.splitlines()[-1].split()
    invoked = functions(*line[1:], "--json")

    assert line[:4] == ["functions", "invoke", "win-back", "--event"]
    receipt = json.loads(invoked.stdout)
    assert (receipt["outcome"], receipt["action"]["name"]) == ("acted", "say-hello")
    assert (receipt["model"] or {}).get("rung") == rung


def test_an_event_file_is_written_when_no_file_holds_such_an_event(functions: Command, project: Path) -> None:
    (project / "events" / "win-back.json").write_text("taken")
    done = functions("new", "win-back", "--event-name", "signed_in", "--json")

    document = json.loads(done.stdout)
    assert document["event"] == str(project / "events" / "win-back-2.json")
    assert json.loads((project / "events" / "win-back-2.json").read_text())["detail"]["name"] == "signed_in"
    assert (project / "events" / "win-back.json").read_text() == "taken"
    assert (
        "event: ../events/win-back-2.json" in (project / "feature_specs" / "win-back.cases.yaml").read_text()
    )
    assert functions("test", "win-back").returncode == 0


def test_an_event_file_that_fits_is_used(functions: Command, project: Path) -> None:
    before = set(_files(project))
    document = json.loads(functions("new", "win-back", "--event-name", "Cart Abandoned", "--json").stdout)

    assert document["event"] == str(project / "events" / "cart-abandoned-by-vip.json")
    assert set(_files(project)) - before == set(document["files"])
    assert [Path(path).name for path in document["files"]] == ["win-back.yaml", "win-back.cases.yaml"]
    assert functions("test", "win-back").returncode == 0


def test_stdout_shows_the_same_and_writes_nothing(functions: Command, project: Path) -> None:
    before = _files(project)
    shown = functions("new", "win-back", "--event-name", "signed_in", "--stdout")
    document = json.loads(
        functions("new", "win-back", "--event-name", "signed_in", "--stdout", "--json").stdout
    )
    assert _files(project) == before
    assert (shown.stderr, document["written"]) == ("", False)

    functions("new", "win-back", "--event-name", "signed_in")
    for path, text in document["files"].items():
        assert Path(path).read_text() == text
        assert f"==> {path} <==\n{text}\n" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("churn-retention",), "churn-retention.yaml exists", "such as churn-retention-2"),
        (("contract",), "contract.yaml exists", "such as contract-2"),
        (("Win_Back!",), "a name is lower case", "did you mean 'win-back'?"),
        (("2nd-try",), "a name is lower case", "did you mean 'nd-try'?"),
        (("\u00fc",), "a name is lower case", "such as welcome-back"),
        (("win-back", "--purpose", "retentoin"), "no purpose 'retentoin'", "did you mean 'retention'?"),
        (("win-back", "--event-name", " "), "--event-name takes a text", "such as signed_in"),
        (("win-back", "--owner", "a\nb"), "--owner takes a text", "such as signed_in"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value).encode("unicode_escape").decode(),
)
def test_what_can_not_be_is_wrong_usage_with_a_suggestion(
    functions: Command, project: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    before = _files(project)
    done = functions("new", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert f"  = {hint}\n" in done.stderr
    assert _files(project) == before


@pytest.mark.parametrize("taken", ["win-back.cases.yaml", "other.yaml", "win-back.yml"])
def test_a_name_is_taken_by_a_spec_or_by_cases(functions: Command, project: Path, taken: str) -> None:
    (project / "feature_specs" / taken).write_text("name: win-back\n")
    done = functions("new", "win-back")

    assert (done.returncode, "nothing is overwritten\n  = such as win-back-2\n" in done.stderr) == (2, True)
    assert not (project / "feature_specs" / "win-back.yaml").exists()


def test_faults_of_other_specs_do_not_matter_and_those_of_shared_files_do(
    functions: Command, project: Path
) -> None:
    (project / "feature_specs" / "churn-retention.yaml").write_text("name: [")
    assert functions("new", "win-back").returncode == 0

    (project / "feature_specs" / "contract.yaml").unlink()
    done = functions("new", "other")
    assert (done.returncode, done.stderr.count("error[")) == (1, 1)
    assert "error[spec.missing_file]" in done.stderr


def test_when_one_file_can_not_be_written_none_is(functions: Command, project: Path) -> None:
    (project / "events").rename(project / "elsewhere")
    (project / "events").write_text("no folder")
    before = _files(project)
    done = functions("new", "win-back", "--event-name", "signed_in")

    assert done.returncode == 3
    assert "error[file.unreadable]" in done.stderr
    assert _files(project) == before


@pytest.mark.parametrize("model", ["none", "sagemaker", "http"])
@pytest.mark.parametrize("action", [None, "say-hello"])
def test_a_draft_that_reads_the_event_alone_is_valid_as_well(
    functions: Command, project: Path, model: ModelKind, action: str | None
) -> None:
    draft = Draft("win-back", "me", "page_view", "in-store", "in-store", model, "event", action)
    folder = project / "feature_specs"
    (folder / "win-back.yaml").write_text(draft.spec)
    at = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    (folder / "win-back.cases.yaml").write_text(draft.cases("../events/cancellation-page.json", at))
    tested = functions("test", "win-back")

    assert functions("validate").stdout == ""
    assert (tested.returncode, tested.stderr) == (0, "3 passed, 0 failed\n")


@given(
    name=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    event_name=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40),
)
def test_any_name_is_read_back_as_it_was_given(name: str, event_name: str) -> None:
    draft = Draft(name, event_name, event_name, "on", "no", "none", "orders", None)
    source = read_yaml(draft.spec, "a.yaml")

    assert source.problems == []
    assert (source.data["name"], source.data["owner"], source.data["purpose"]) == (name, event_name, "on")
    assert source.data["trigger"]["event_pattern"] == {"detail-type": [event_name]}
    assert json.loads(draft.event)["detail"]["name"] == event_name
