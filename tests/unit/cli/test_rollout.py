"""`functions policy publish --canary` and what follows, and `functions rollout`, which tells the difference."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.documents import Json
from functions.times import format_instant, utc_now

Functions = Callable[..., CompletedProcess[str]]


def _change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def live(functions: Functions, project: Path, samples: None) -> str:
    """A policy in force, one decision by it, and a folder with another policy, in which an offer costs more."""
    assert samples is None
    version = functions("policy", "publish").stdout.strip()
    event = project / "events" / "cancellation-page.json"
    functions("invoke", "churn-retention", "--event", event)
    _change(project / "feature_specs" / "actions.yaml", "cost: 12.00", "cost: 13.00")
    return version


def _log(functions: Functions, project: Path, **changes: Json) -> Path:
    """Return a log with the decision, a minute from now, and with what a process that runs makes of it."""
    packed, log = project / "log.jsonl.gz", project / "log.jsonl"
    functions("decisions", "export", "--to", packed)
    document = {**json.loads(gzip.decompress(packed.read_bytes())), **changes}
    document["decided_at"] = format_instant(utc_now() + timedelta(minutes=1))
    log.write_text(json.dumps(document) + "\n")
    return log


def test_a_canary_is_begun_widened_promoted_and_listed(
    functions: Functions, project: Path, live: str
) -> None:
    begun = functions("policy", "publish", "--canary", "5%", "--note", "dearer")
    tried = begun.stdout.strip()
    assert begun.stderr.startswith("canary for 5% of the customers: ")
    rows = json.loads(functions("policy", "list", "--json").stdout)
    assert [(row["hash"], row["in_force"]) for row in rows] == [(tried, False), (live, True)]
    assert rows[0]["rollout"] == {"mode": "canary", "share": 0.05, "seed": tried}
    assert "  canary 5%  dearer" in functions("policy", "list").stdout.splitlines()[0]
    wide = functions("policy", "use", tried, "--canary", "0.25")
    assert wide.stderr == f"canary for 25% of the customers: {tried}\n"
    row = json.loads(functions("policy", "list", "--json").stdout)[0]
    assert (row["note"], row["rollout"]["share"], row["rollout"]["seed"]) == ("dearer", 0.25, tried)
    assert functions("policy", "promote").stderr == f"in force: {tried}\n"
    rows = json.loads(functions("policy", "list", "--json").stdout)
    assert [(row["hash"], row["in_force"], row["note"]) for row in rows[:2]] == [
        (tried, True, "dearer"),
        (live, False, None),
    ]


def test_a_canary_that_is_stopped_decides_no_more(functions: Functions, project: Path, live: str) -> None:
    tried = functions("policy", "publish", "--canary", "100%").stdout.strip()
    done = functions("policy", "stop")
    assert done.stderr == f"stopped: {tried}; everybody goes by {live}\n"
    assert [row["hash"] for row in json.loads(functions("policy", "list", "--json").stdout)] == [live]


def test_a_shadow_is_told_in_words_and_numbers(functions: Functions, project: Path, live: str) -> None:
    tried = functions("policy", "publish", "--shadow", "100%").stdout.strip()
    shadow = {"policy": tried, "action": "retention-offer-20"}
    log = _log(functions, project, shadow=shadow)
    lines = functions("rollout", "--decisions", log).stdout.splitlines()
    assert lines[0].startswith(f"shadow: {tried} in the place of {live}, for 1 of the customers, since ")
    assert lines[1] == "  0 of 1 decision would differ"
    assert lines[-1].split() == ["spend", "12", "USD", "13", "USD"]
    document = json.loads(functions("rollout", "--decisions", log, "--json").stdout)
    assert document["live"]["by_action"] == {"retention-offer-20": {"actions": 1, "customers": 1}}
    unknown = _log(functions, project, shadow={"policy": tried, "unknown": "shadow.failed"})
    assert "1 not known: shadow.failed" in functions("rollout", "--decisions", unknown).stdout


def test_a_canary_is_told_in_words_and_numbers(functions: Functions, project: Path, live: str) -> None:
    tried = functions("policy", "publish", "--canary", "100%").stdout.strip()
    for version, number in ((tried, 1), (live, 0)):
        log = _log(functions, project, bundle={"policy": version})
        document = json.loads(functions("rollout", "--decisions", log, "--json").stdout)
        found = (document["mode"], document["live"]["decisions"], document["tried"]["decisions"])
        assert found == ("canary", 0, number)
    log = _log(functions, project, bundle={"policy": tried})
    assert "get retention-offer-20" in functions("rollout", "--decisions", log).stdout
    assert json.loads(functions("rollout", "--json").stdout)["tried"]["decisions"] == 0


def test_a_function_in_the_shadow_of_another_is_told(
    functions: Functions, project: Path, samples: None
) -> None:
    assert samples is None
    specs = project / "feature_specs"
    spec = (specs / "churn-retention.yaml").read_text()
    (specs / "churn-next.yaml").write_text(
        spec.replace("name: churn-retention", "name: churn-next").replace(
            "actions: [retention-offer-20, retention-offer-10]", "actions: [retention-offer-10]"
        )
    )
    (specs / "experiments.yaml").write_text(
        "rollouts:\n  churn-next: { of: churn-retention, mode: shadow, range: [0, 1] }\n"
    )
    event = project / "events" / "cancellation-page.json"
    for name in ("churn-retention", "churn-next"):
        assert functions("invoke", name, "--event", event).returncode == 0
    document = json.loads(functions("rollout", "churn-next", "--json").stdout)
    assert document["moves"] == [{"from": "retention-offer-20", "to": "retention-offer-10", "decisions": 1}]
    assert (
        "1: retention-offer-10 in the place of retention-offer-20"
        in functions("rollout", "churn-next").stdout
    )
    assert "churn-next, shadow of churn-retention: in; bucket " in functions("bucket", "customer-0042").stdout
    assert "not tried" in functions("rollout", "churn-retention").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("policy", "publish", "--canary", "0%"), 2, "give a share from 0.01% to 100%"),
        (("policy", "publish", "--canary", "a"), 2, "give a share from 0.01% to 100%"),
        (("policy", "publish", "--canary", "5%", "--shadow", "5%"), 2, "give --canary or --shadow, not both"),
        (("policy", "publish", "--seed", "a"), 2, "--seed is for --canary or --shadow"),
        (("policy", "publish", "--canary", "5%"), 2, "nothing was published that the other customers"),
        (("policy", "promote"), 2, "no version is tried"),
        (("policy", "stop"), 2, "no version is tried"),
        (("rollout",), 0, "no version is tried"),
        (("rollout", "chrun"), 2, "no function is called"),
    ],
)
def test_what_can_not_be_is_said(
    functions: Functions, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = functions(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
