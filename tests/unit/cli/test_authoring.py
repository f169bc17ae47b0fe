"""What authors use: `validate`, `explain`, `test`, `schema`, `settings`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.settings import without_credentials
from functions.handlers.settings import HANDLER_SETTINGS
from functions.settings import SETTINGS

Command = Callable[..., CompletedProcess[str]]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def spec(project: Path) -> Path:
    """The sample spec, free to be spoilt."""
    return project / "feature_specs" / "churn-retention.yaml"


def test_fine_specs_are_counted(functions: Command, project: Path) -> None:
    done = functions("validate")
    named = functions("validate", project / "feature_specs", environment={"FUNCTIONS_SPECS": "nowhere"})
    document = json.loads(functions("validate", "--json").stdout)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "1 function fine\n")
    assert named.stderr == done.stderr
    assert document == {"functions": ["churn-retention"], "errors": 0, "problems": []}


def test_all_problems_are_printed_at_once_each_at_its_place(functions: Command, spec: Path) -> None:
    text = spec.read_text().replace("max_age:", "max_agee:").replace("days_since(", "days_sinse(")
    spec.write_text(text.replace("retention-offer-10]", "retention-offer-1]"))
    done = functions("validate")
    document = json.loads(functions("validate", "--json").stdout)

    assert done.returncode == 1
    assert document["errors"] == len(document["problems"]) >= 3
    for problem in document["problems"]:
        place = f"{problem['file']}:{problem['line']}:{problem['column']}"
        assert f"{place}: error[{problem['code']}] {problem['message']}\n" in done.stdout
    for hint in ("did you mean 'max_age'?", "Did you mean days_since?", "did you mean 'retention-offer-10'?"):
        assert hint in done.stdout
    assert "^" in done.stdout
    assert done.stderr == f"0 functions fine, {document['errors']} errors\n"


def test_problems_are_coloured_on_a_terminal(functions: Command, spec: Path) -> None:
    spec.write_text(spec.read_text().replace("max_age:", "max_agee:"))

    assert functions("validate", tty=True).stdout.startswith("\x1b[31m")


def test_a_folder_without_a_spec_is_a_problem(functions: Command, spec: Path) -> None:
    for path in spec.parent.glob("churn-retention*"):
        path.unlink()
    done = functions("validate")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"there is no spec in {spec.parent}\n"


def test_explain_says_what_is_read_sent_and_done(functions: Command) -> None:
    lines = functions("explain", "churn-retention").stdout.splitlines()

    assert lines[0] == "churn-retention  lifecycle-team"
    assert "  an event older than 30s gets no action" in lines
    assert "  consent to marketing, for the purpose retention; checked before the model and the act" in lines
    assert lines[lines.index("Reads") + 1 : lines.index("Computes") - 1] == [
        "  event.anonymous_id",
        "  event.user_id",
        "  profile.orders.count",
        "  profile.orders.last_at",
        "  profile.orders.revenue",
        "  profile.scores.churn_risk.value",
    ]
    assert "  csv of at most 1,000 bytes to sagemaker churn-risk, in this order:" in lines
    assert "    recency_days, frequency, lifetime_value" in lines
    assert "    labels: transactional; for the purpose retention" in lines
    assert "  lifetime_value: float USD, 0 to 1,000,000 = profile.orders.revenue" in lines
    assert "    missing: 365, null: 365, out of range: clip, else an error" in lines
    assert "  do-nothing" in [line.removeprefix("  ") for line in lines]


def test_explain_sends_only_what_the_request_template_takes(functions: Command, project: Path) -> None:
    shutil.copy(ROOT / "feature_specs" / "footwear-offer.yaml", project / "feature_specs")
    lines = functions("explain", "footwear-offer").stdout.splitlines()
    computed, sent, written = lines.index("Computes"), lines.index("Sends"), lines.index("Writes")
    assert any(line.startswith("  tier: category") for line in lines[computed:sent])
    assert not any("tier" in line for line in lines[sent:written])


def test_explain_as_json_holds_the_same(functions: Command) -> None:
    document = json.loads(functions("explain", "churn-retention", "--json").stdout)

    assert document["consent"] == {"purpose": "retention", "consent": "marketing"}
    assert [feature["name"] for feature in document["features"]] == [
        "recency_days",
        "frequency",
        "lifetime_value",
    ]
    assert document["model"]["fallback"] == [
        {"churn_risk": "profile.scores.churn_risk.value"},
        {"churn_risk": 0.5},
    ]
    assert [action["name"] for action in document["actions"]] == ["retention-offer-20", "retention-offer-10"]


@pytest.mark.parametrize("command", ["explain", "test"])
def test_an_unknown_function_gets_a_suggestion(functions: Command, command: str) -> None:
    done = functions(command, "churn-retentio")

    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'churn-retention'?" in done.stderr


def test_the_sample_cases_pass(functions: Command) -> None:
    done = functions("test")
    document = json.loads(functions("test", "churn-retention", "--json").stdout)

    assert done.returncode == 0
    assert done.stderr == f"{len(document)} passed, 0 failed\n"
    assert len(document) >= 10
    assert all(line.startswith("pass  churn-retention: ") for line in done.stdout.splitlines())
    assert {row["passed"] for row in document} == {True}


def test_a_failing_case_shows_what_was_expected_and_what_was_found(functions: Command, spec: Path) -> None:
    spec.write_text(spec.read_text().replace("`0.6`", "`0.9`"))
    done = functions("test")
    document = json.loads(functions("test", "--json").stdout)

    failed = [row for row in document if not row["passed"]]
    assert done.returncode == 1
    assert done.stderr == f"{len(document) - len(failed)} passed, {len(failed)} failed\n"
    assert "FAIL  churn-retention: A customer of some value who is likely to leave" in done.stdout
    assert '        outcome: expected "acted", found "no_action"' in done.stdout.splitlines()
    assert 'outcome: expected "acted", found "no_action"' in failed[0]["differences"]


def test_no_cases_at_all_is_no_success(functions: Command, spec: Path) -> None:
    spec.with_name("churn-retention.cases.yaml").unlink()
    done = functions("test")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "there are no cases: write NAME.cases.yaml beside the spec\n"


def test_cases_that_can_not_be_read_are_shown_at_their_place(functions: Command, spec: Path) -> None:
    cases = spec.with_name("churn-retention.cases.yaml")
    cases.write_text(cases.read_text().replace("given:", "givn:", 1))
    done = functions("test")

    assert done.returncode == 1
    assert f"{cases}:" in done.stderr
    assert "did you mean 'given'?" in done.stderr


@pytest.mark.parametrize("kind", ["spec", "contract", "actions", "cases"])
def test_a_schema_is_printed_as_json(functions: Command, kind: str) -> None:
    document = json.loads(functions("schema", kind).stdout)

    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["type"] == "object"


def test_the_committed_schemas_are_those_of_this_version(functions: Command, tmp_path: Path) -> None:
    done = functions("schema", "--write", tmp_path / "schema")

    written = {path.name: path.read_text() for path in (tmp_path / "schema").iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / "feature_specs" / "schema").iterdir()}
    assert done.returncode == 0
    assert len(written) == 6
    assert written == committed, "run: functions schema --write feature_specs/schema"


def test_every_sample_file_names_a_schema_that_is_there() -> None:
    folder = ROOT / "feature_specs"
    for path in folder.glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema="), path
        assert (folder / first.partition("=")[2]).is_file(), path


def test_schemas_that_can_not_be_written_end_with_three(functions: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = functions("schema", "--write", tmp_path / "file")

    assert done.returncode == 3
    assert "can't be written" in done.stderr


def test_every_setting_is_listed_with_its_value_and_where_it_comes_from(functions: Command) -> None:
    done = functions("settings", environment={"FUNCTIONS_LEASE": "1m"})
    document = json.loads(functions("settings", "--json", environment={"FUNCTIONS_LEASE": "1m"}).stdout)

    lines = done.stdout.splitlines()
    assert "FUNCTIONS_LEASE = 1m" in lines
    assert "FUNCTIONS_EVENT_SKEW = 5m  default" in lines
    assert [row["variable"] for row in document["settings"]] == [setting.variable for setting in SETTINGS]
    assert [row["variable"] for row in document["lambda"]] == [one.variable for one in HANDLER_SETTINGS]


def test_the_settings_of_lambda_functions_are_known(functions: Command) -> None:
    environment = {
        "FUNCTIONS_NAME": "churn",
        "FUNCTIONS_DLQ_URL": "https://sqs.eu-central-1.amazonaws.com/1/parked",
        "FUNCTIONS_VISITOR_KEY": "a-key-of-more-than-24-bytes",
    }
    done = functions("settings", environment=environment)
    wrong = functions("settings", environment={"FUNCTIONS_TRACING": "perhaps"})

    assert done.stderr == ""
    assert "FUNCTIONS_NAME = churn" in done.stdout.splitlines()
    assert "Secrets: FUNCTIONS_VISITOR_KEY" in done.stdout.splitlines()
    assert "a-key-of" not in done.stdout
    assert wrong.returncode == 3
    assert "FUNCTIONS_TRACING: must be on or off" in wrong.stderr


def test_no_secret_is_shown(functions: Command) -> None:
    environment = {
        "FUNCTIONS_SECRET_CRM_KEY": "hunter2",
        "FUNCTIONS_STORE": "shop.stores:Store?password=hunter2",
        "AWS_ENDPOINT_URL": "https://me:hunter2@proxy.example:8080/?key=hunter2",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
    }
    text = functions("settings", environment=environment)
    document = functions("settings", "--json", environment=environment)

    assert "hunter2" not in text.stdout + text.stderr + document.stdout + document.stderr
    assert json.loads(document.stdout)["secrets"] == ["FUNCTIONS_SECRET_CRM_KEY"]
    assert "https://***@proxy.example:8080/?key=***" in text.stdout


def test_an_address_without_credentials_is_shown_as_it_is() -> None:
    assert without_credentials("sqlite:////tmp/a@b/x.db") == "sqlite:////tmp/a@b/x.db"


def test_a_variable_that_is_no_setting_gets_a_suggestion(functions: Command) -> None:
    done = functions("settings", environment={"FUNCTIONS_SPEC": "x"})

    assert done.stderr == "FUNCTIONS_SPEC is no setting; did you mean 'FUNCTIONS_SPECS'?\n"


def test_labels_are_proposed_from_profiles(functions: Command, project: Path, tmp_path: Path) -> None:
    done = functions("contract", "suggest", "--profiles", project / "feature_specs" / "profiles.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "# Proposed from 16 profiles, for a person to review. What has no label is not used.",
        "profile:",
    ]
    assert (
        "  health: { label: sensitive } # all 4 paths below; the first: the name 'allergies'\n" in done.stdout
    )
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b'{"orders": {"count": 1}}\n{"secret@mail.example": \n\xff\n')
    done = functions("contract", "suggest", "--profiles", broken)
    assert (done.returncode, done.stdout.count("\n")) == (1, 3)
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [f"{broken}:2", f"{broken}:3"]
    assert "secret" not in done.stderr
    assert functions("contract", "suggest", "--profiles", "nowhere").returncode == 3
