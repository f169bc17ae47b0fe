"""`functions simulate`: a draft of the rails against the decisions of a store or a file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

DRAFT = """rails:
  - name: only-for-good-customers
    forbid: retention
    unless: features.frequency >= `100`
"""


@pytest.fixture
def decided(functions: Command, project: Path, samples: None) -> Path:
    """Three decisions of the first sample, and a draft that forbids what was done."""
    assert samples is None
    (project / "feature_specs" / "policy.yaml").write_text("rails: []\n")
    for name in ("cancellation-page", "page-view-consent-withdrawn", "page-view-loyal-customer"):
        functions("invoke", "churn-retention", "--event", project / "events" / f"{name}.json")
    (project / "draft.yaml").write_text(DRAFT)
    return project / "draft.yaml"


def test_a_draft_is_told_in_words_and_numbers(functions: Command, decided: Path) -> None:
    done = functions("simulate", "--policy", decided, "--ids")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 came out as recorded, to the last bit; 0 did not" in done.stdout
    assert "2 ended for reasons that no policy changes" in done.stdout
    assert "churn-retention: 1 of 3 decisions differ" in done.stdout
    assert "no longer get retention-offer-20: customer-0042" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["only-for-good-customers", "1", "0"]


def test_the_policy_of_today_changes_nothing(functions: Command, decided: Path, project: Path) -> None:
    assert decided.exists()
    done = functions("simulate", "--policy", project / "feature_specs" / "policy.yaml")
    assert done.stdout.endswith("nothing would have changed\n")


def test_exported_decisions_give_the_same_figures(functions: Command, decided: Path, project: Path) -> None:
    packed, plain = project / "log.jsonl.gz", project / "log.jsonl"
    functions("decisions", "export", "--to", packed)
    # A log that is delivered at least once has a decision twice.
    plain.write_bytes(gzip.decompress(packed.read_bytes()) * 2)
    here = functions("simulate", "--policy", decided, "--json")
    assert json.loads(here.stdout)["total"]["spend_minor"] == {"before": 1200, "after": 0}
    for log in (packed, plain):
        assert functions("simulate", "--policy", decided, "--decisions", log, "--json").stdout == here.stdout


def test_dearer_actions_are_tried_and_customers_are_not_named_unasked(
    functions: Command, decided: Path, project: Path
) -> None:
    assert decided.exists()
    actions = (project / "feature_specs" / "actions.yaml").read_text()
    (project / "dear.yaml").write_text(actions.replace("cost: 12.00", "cost: 20.00"))
    done = functions("simulate", "--actions", project / "dear.yaml", "--json")
    document = json.loads(done.stdout)
    assert document["total"]["spend_minor"] == {"before": 1200, "after": 2000}
    assert (document["currency"], "customer-" in done.stdout) == ("USD", False)


def test_decisions_before_the_time_are_history(functions: Command, decided: Path) -> None:
    done = functions("simulate", "--policy", decided, "--since", "2027-01-01T00:00:00Z", "--json")
    document = json.loads(done.stdout)
    assert document["left_out"] == {"before the time that was asked for": 3}
    assert document["total"]["decisions"] == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        ((), {}, 2, "give --policy or --actions"),
        (("--policy", "nowhere.yaml"), {}, 1, "nowhere.yaml"),
        (("--policy", "{draft}", "--function", "no-such"), {}, 2, "no function is called"),
        (("--policy", "{draft}", "--decisions", "/nowhere/log.gz"), {}, 3, "/nowhere/log.gz can't be read"),
        (
            ("--policy", "{draft}"),
            {"FUNCTIONS_STORE": "functions.profiles.memory_operator:MemoryOperatorStore"},
            3,
            "this store can't list every decision",
        ),
    ],
)
def test_what_can_not_be_simulated_is_said(
    functions: Command,
    decided: Path,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    said: str,
) -> None:
    given = [one.format(draft=decided) for one in arguments]
    done = functions("simulate", *given, environment=environment)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\n[1]\n", "entry 1 is no exported decision"),
        (b'{"decision_id": "a", "profile_id": "b"}\n', "entry 1 is no exported decision"),
        (b"\n{\n", "line 2: "),
        (gzip.compress(b"\n" * 9, mtime=0)[:-6], "the file is cut off or damaged"),
        (b"\x1f\x8bnothing", "the file is cut off or damaged"),
    ],
    ids=["no-object", "no-time", "no-json", "cut-off", "damaged"],
)
def test_a_line_that_is_no_decision_is_named(
    functions: Command, decided: Path, project: Path, text: bytes, said: str
) -> None:
    (project / "log").write_bytes(text)
    done = functions("simulate", "--policy", decided, "--decisions", project / "log")
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
