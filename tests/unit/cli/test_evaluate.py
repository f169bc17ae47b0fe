"""`functions outcomes` and `functions evaluate`, from a decision to its lift."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def decided(functions: Call, project: Path, samples: None) -> str:
    """A decision of the first sample, with the experiments of the folder; its customer."""
    assert samples is None
    text = (ROOT / "feature_specs" / "experiments.yaml").read_text()
    known = text.replace("[churn-retention, footwear-offer, saas-account-health]", "[churn-retention]")
    (project / "feature_specs" / "experiments.yaml").write_text(known)
    done = functions(
        "invoke", "churn-retention", "--event", project / "events/cancellation-page.json", "--json"
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["profile_id"])


def an_outcome(project: Path, customer: str, **properties: object) -> Path:
    path = project / "outcome.json"
    event = {"id": "o-1", "name": "Order Completed", "type": "track", "time": "2026-11-03T09:00:00Z"}
    path.write_text(json.dumps({**event, "user_id": customer, "properties": properties}))
    return path


def test_an_outcome_counts_once_and_is_evaluated(functions: Call, project: Path, decided: str) -> None:
    outcome = an_outcome(project, decided, revenue=42)
    first = functions("outcomes", "record", "--event", outcome, "--json")
    second = functions("outcomes", "record", "--event", outcome, "--json")
    assert [json.loads(one.stdout)["status"] for one in (first, second)] == ["recorded", "repeated"]
    (evaluated,) = json.loads(functions("evaluate", "--json").stdout)
    assert evaluated["groups"]["optimised"]["amount"] == 42
    assert "optimised: 1 customers, 1 converted" in functions("evaluate").stdout


def test_what_is_exported_is_evaluated_alike(functions: Call, project: Path, decided: str) -> None:
    assert decided
    (project / "log.jsonl").write_text(functions("evaluate", "--export").stdout)
    here = functions("evaluate", "--json").stdout
    assert functions("evaluate", "--decisions", project / "log.jsonl", "--json").stdout == here


def test_a_packed_log_is_read_too(functions: Call, project: Path, decided: str) -> None:
    assert decided
    (project / "log.jsonl.gz").write_bytes(gzip.compress(functions("evaluate", "--export").stdout.encode()))
    here = functions("evaluate", "--json").stdout
    assert functions("evaluate", "--decisions", project / "log.jsonl.gz", "--json").stdout == here


def test_a_log_of_aws_is_evaluated_alone(functions: Call, project: Path, decided: str) -> None:
    """Decisions and outcomes are in folders of their own there, gzipped, in any order, and more than once."""
    before = [json.loads(line) for line in functions("evaluate", "--export").stdout.splitlines()]
    functions("outcomes", "record", "--event", an_outcome(project, decided, revenue=42))
    here = functions("evaluate", "--json").stdout
    after = [json.loads(line) for line in functions("evaluate", "--export").stdout.splitlines()]
    functions("decisions", "export", "--to", project / "log-1.jsonl.gz")
    outcomes, decisions = project / "log/outcomes/function=x", project / "log/decisions/function=x"
    for folder in (outcomes, decisions):
        folder.mkdir(parents=True)
    (project / "log-1.jsonl.gz").rename(decisions / "1.jsonl.gz")
    lines = [{name: value for name, value in one.items() if name != "decision"} for one in (*after, *before)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (outcomes / "1.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    found = functions("evaluate", "--decisions", project / "log", "--json")
    assert (found.stdout, found.stderr) == (here, "")
    assert json.loads(here)[0]["groups"]["optimised"]["amount"] == 42
    alone = functions("evaluate", "--decisions", decisions)
    assert "take the folder outcomes of the log as well" in alone.stderr


def test_a_draft_that_can_not_be_judged_says_why(functions: Call, project: Path, decided: str) -> None:
    assert decided
    shutil.copytree(project / "feature_specs", project / "draft")
    done = functions("evaluate", "--draft", project / "draft")
    assert (
        "churn-retention: the draft can't be judged: it needs drawn decisions of two customers" in done.stderr
    )


def test_a_line_that_is_no_decision_is_named(functions: Call, project: Path) -> None:
    (project / "log.jsonl").write_text('\n{"decided_at": "2026-11-02T09:00:00Z"}\n')
    done = functions("evaluate", "--decisions", project / "log.jsonl")
    assert (done.returncode, "log.jsonl: entry 1 is no exported decision" in done.stderr) == (1, True)


def test_an_event_of_another_kind_is_no_outcome(functions: Call, project: Path, decided: str) -> None:
    assert decided
    done = functions("outcomes", "record", "--event", project / "events/cancellation-page.json")
    assert done.stdout == "the event tells of no outcome\n"


def test_windows_that_closed_are_counted(functions: Call, decided: str) -> None:
    assert decided
    done = functions("outcomes", "fold", "--now", "2027-01-01T00:00:00Z")
    # This function is measured, and learns nothing: the policy has no section for it.
    assert done.stdout == "0 decisions looked at: 0 responses, 0 closed without one, 0 corrected\n"
