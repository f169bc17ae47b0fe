"""`functions decisions` and `functions outbox`: what is kept, told and sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.profiles.sqlite import SqliteProfileStore
from functions.times import format_instant, parse_instant, utc_now

Command = Callable[..., CompletedProcess[str]]


def _in(*, seconds: int) -> str:
    """Give a time soon after now: later than a first retry is due, which the wall clock says."""
    return format_instant(utc_now() + timedelta(seconds=seconds))


pytestmark = pytest.mark.usefixtures("samples")


@pytest.fixture
def event(project: Path) -> Path:
    """The sample event of the README."""
    return project / "events" / "cancellation-page.json"


@pytest.fixture
def queued(functions: Command, project: Path, event: Path) -> Path:
    """One action of this moment that could not be sent, since the disk was full; where it goes from now on."""
    document = json.loads(event.read_text())
    document["detail"]["time"] = format_instant(utc_now())
    event.write_text(json.dumps(document))
    registry, offers = project / "feature_specs" / "actions.yaml", project / "offers.jsonl"
    text = registry.read_text()
    registry.write_text(text.replace(str(offers), "/dev/full"))
    receipt = json.loads(functions("invoke", "churn-retention", "--event", event, "--json").stdout)
    registry.write_text(text)
    assert receipt["action"]["delivery"] == "queued"
    return offers


def test_no_decision_is_a_sentence_and_an_empty_list(functions: Command) -> None:
    text = functions("decisions", "--profile", "customer-0042")
    document = functions("decisions", "--profile", "customer-0042", "--json")

    assert (text.returncode, text.stdout) == (0, "")
    told, place = text.stderr.splitlines()
    assert told == "nothing was decided about 'customer-0042', and nothing was tried"
    assert place.startswith("  = looked in sqlite:///")
    assert json.loads(document.stdout) == []


def test_what_failed_is_told_until_it_is_decided(functions: Command, event: Path) -> None:
    call = ("invoke", "churn-retention", "--event", event)
    for _ in range(2):
        functions(*call, environment={"FUNCTIONS_MODELS": "/nowhere"})
    text = functions("decisions", "--profile", "customer-0042")
    (document,) = json.loads(functions("decisions", "--profile", "customer-0042", "--json").stdout)

    first, why, tried, decision = text.stdout.splitlines()
    assert first == "2026-11-02T09:15:00.000Z  churn-retention  failed"
    assert why.startswith("  The folder of models /nowhere does not exist.")
    assert tried == "  nothing was decided; settings.invalid, tried 2 times"
    assert decision == f"  decision {document['decision_id']}"
    assert (document["outcome"], document["decided_at"], document["attempts"]) == ("failed", None, 2)
    exported = json.loads(functions("profile", "export", "customer-0042").stdout)
    assert len(exported["records"][0]["attempts"]) == 1

    functions(*call)
    (decided,) = json.loads(functions("decisions", "--profile", "customer-0042", "--json").stdout)
    assert (decided["decision_id"], decided["outcome"]) == (document["decision_id"], "acted")


def test_an_alias_finds_the_decisions_of_its_customer(functions: Command, event: Path, project: Path) -> None:
    functions("invoke", "churn-retention", "--event", event)
    store = SqliteProfileStore(project / "store.db")
    store.put_alias("visitor-7", "customer-0042")
    store.close()

    by_id, by_alias = (functions("decisions", "--profile", one) for one in ("customer-0042", "visitor-7"))
    assert by_id.stdout == by_alias.stdout != ""


def test_a_command_that_reads_creates_no_store_and_says_where_it_looked(
    functions: Command, project: Path
) -> None:
    store = project / "below" / "store.db"
    environment = {"FUNCTIONS_STORE": f"sqlite:///{store}"}
    for reading in (
        ("decisions", "--profile", "a"), ("profile", "get", "a"), ("profile", "export", "a"), ("outbox",),
        ("profile", "delete", "a"), ("suppress", "check", "a"), ("suppress", "remove", "calls", "a"),
        ("switch", "list"), ("policy", "list"), ("bucket", "a"), ("evaluate", "churn-retention"),
    ):  # fmt: skip
        functions(*reading, environment=environment)
        assert not store.parent.exists(), reading
    for asked in (("decisions", "--profile", "a"), ("profile", "get", "a"), ("profile", "export", "a")):
        said = functions(*asked, environment=environment).stderr
        assert f"looked in sqlite:///{store}, where there is no file" in said


def test_decisions_tell_what_was_done_and_why_the_newest_first(functions: Command, event: Path) -> None:
    functions("invoke", "churn-retention", "--event", event)
    functions("profile", "put", "customer-0042", "--consent", "marketing=revoked")
    functions("invoke", "churn-retention", "--event", event, "--new-id", "--now", "2026-11-02T09:15:05Z")
    text = functions("decisions", "--profile", "customer-0042")
    one = json.loads(functions("decisions", "--profile", "customer-0042", "--limit", "1", "--json").stdout)

    lines = text.stdout.splitlines()
    assert lines[0] == "2026-11-02T09:15:05.000Z  churn-retention  suppressed"
    assert lines[1] == "  Nothing was done for retention: the customer has withdrawn consent to marketing."
    assert lines[3] == "2026-11-02T09:15:00.000Z  churn-retention  acted"
    assert lines[5] == "  retention-offer-20 to offers: sent"
    assert [document["outcome"] for document in one] == ["suppressed"]
    assert "payload" not in one[0]


def test_an_empty_outbox_says_so(functions: Command) -> None:
    for argv in (["outbox"], ["outbox", "--redrive"]):
        done = functions(*argv)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing waits to be sent\n")
        assert functions(*argv, "--json").stdout == "[]\n"


def test_a_redrive_before_anything_is_due_says_what_still_waits(functions: Command, queued: Path) -> None:
    done = functions("outbox", "--redrive")

    assert (done.stdout, done.stderr) == ("", "nothing is due; 1 action to be sent later\n")


def test_the_outbox_shows_what_waits(functions: Command, queued: Path) -> None:
    text = functions("outbox")
    rows = json.loads(functions("outbox", "--json").stdout)

    assert text.stdout.startswith("reserved  retention-offer-20 to offers for customer-0042 (")
    assert [(row["status"], row["attempts"], row["action"]) for row in rows] == [
        ("reserved", 1, "retention-offer-20")
    ]
    created, expires = parse_instant(rows[0]["created_at"]), parse_instant(rows[0]["expires_at"])
    assert expires - created == timedelta(seconds=30)


def test_a_redrive_sends_what_waits_under_the_same_key(functions: Command, queued: Path, event: Path) -> None:
    waiting = json.loads(functions("outbox", "--json").stdout)[0]
    done = functions("outbox", "--redrive", "--now", _in(seconds=25), "--json")

    rows = json.loads(done.stdout)
    sent = [json.loads(line) for line in queued.read_text().splitlines()]
    assert [(row["status"], row["decision_id"]) for row in rows] == [("sent", waiting["decision_id"])]
    assert [message["idempotency_key"] for message in sent] == [waiting["decision_id"]]
    assert functions("outbox").stderr == "nothing waits to be sent\n"


def test_a_redrive_after_the_moment_has_passed_sends_nothing_and_says_so(
    functions: Command, queued: Path
) -> None:
    done = functions("outbox", "--redrive", "--now", _in(seconds=60))

    assert done.returncode == 0
    assert done.stdout.startswith(
        "released  retention-offer-20 to offers for customer-0042 (action.expired)\n"
    )
    assert not queued.exists()


def test_a_redrive_after_consent_was_withdrawn_sends_nothing_and_says_so(
    functions: Command, queued: Path
) -> None:
    functions("profile", "put", "customer-0042", "--consent", "marketing=revoked")
    done = functions("outbox", "--redrive", "--now", _in(seconds=25))

    assert "(consent.revoked)" in done.stdout
    assert not queued.exists()
    decision = json.loads(functions("decisions", "--profile", "customer-0042", "--json").stdout)[0]
    assert (decision["action"]["delivery"], decision["action"]["note"]) == ("none", "consent.revoked")


def test_a_redrive_asks_the_conditions_of_the_folder_again(
    functions: Command, queued: Path, project: Path
) -> None:
    spec = project / "feature_specs" / "churn-retention.yaml"
    spec.write_text(spec.read_text().replace("churn_risk >= `0.6`", "churn_risk > `1`"))
    done = functions("outbox", "--redrive", "--now", _in(seconds=25))

    assert done.stdout.startswith(
        "released  retention-offer-20 to offers for customer-0042 (condition.false)\n"
    )
    assert not queued.exists()


@pytest.fixture
def died(queued: Path, project: Path) -> Path:
    """A process died in its attempt to send the action that waits."""
    with closing(SqliteProfileStore(project / "store.db")) as store:
        (entry,) = store.outbox()
        now = entry.created_at
        assert store.lease(entry.profile_id, entry.decision_id, owner="dead", now=now, until=now)
    return queued


def test_what_may_have_arrived_says_so_in_plain_words(functions: Command, died: Path) -> None:
    done = functions("outbox", "--redrive", "--now", _in(seconds=60))

    assert done.stdout.startswith(
        "unconfirmed, it may have arrived  retention-offer-20 to offers for customer-0042 (action.expired)\n"
    )
    decisions = functions("decisions", "--profile", "customer-0042").stdout
    assert "retention-offer-20 to offers: unconfirmed, it may have arrived (action.expired)" in decisions


def test_an_entry_that_is_damaged_is_told_and_left_out(
    functions: Command, queued: Path, project: Path
) -> None:
    with closing(sqlite3.connect(project / "store.db", isolation_level=None)) as other:
        (key,) = other.execute("SELECT decision_id FROM outbox").fetchone()
        other.execute("UPDATE outbox SET message = 'no JSON'")
    for argv in (["outbox", "--json"], ["outbox", "--redrive", "--now", _in(seconds=25), "--json"]):
        done = functions(*argv)
        assert (done.returncode, done.stdout) == (0, "[]\n")
        assert f"entry {key} of customer-0042 can't be read, and is left out\n" in done.stderr
