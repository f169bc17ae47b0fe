"""A process that is killed between any two steps loses nothing and acts under one key."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.profiles.outbox import OutboxEntry
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import DecisionRecord
from functions.testing.sample_function import CUSTOMER, NOW, REGISTRY, consent, put_customer, write_specs
from functions.times import format_instant

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
STAGES = ("loaded", "prepared", "invoked", "decided", "committed", "leased", "sent", "settled")
AFTER_THE_COMMIT = STAGES[STAGES.index("committed") :]

_DYING = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from functions.cli.composition import opened_runtime, opened_store
from functions.events.reading import read_events
from functions.settings import read_settings
from functions.spec.loading import load_function

name, event_file, last_stage = sys.argv[1:]

def die(stage):
    if stage == last_stage:
        os.kill(os.getpid(), signal.SIGKILL)

plan = load_function(Path(os.environ["FUNCTIONS_SPECS"]), name)
event = read_events(Path(event_file).read_bytes(), received_at=datetime.now().astimezone())[0].value()
settings = read_settings(os.environ)
with opened_store(settings) as store, opened_runtime(settings, store, at_stage=die) as runtime:
    runtime.handle(plan, event, now=event.time)
"""


class House:
    """A folder with specs, a store, a channel file, and the commands that run on them."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self._database = folder / "profiles.db"
        self._messages = folder / "messages.jsonl"
        self.event_file = folder / "event.json"
        specs = folder / "specs"
        specs.mkdir()
        registry = {**REGISTRY, "channels": {"offers": {"kind": "file", "path": str(self._messages)}}}
        features = {
            "recency_days": {
                "from": "days_since(profile.last_order_at)",
                "type": "float",
                "range": [0, 3650],
            },
            "frequency": {"from": "profile.orders", "type": "int", "range": [0, 10000]},
            "lifetime_value": {"from": "profile.revenue", "type": "float", "range": [0, 1000000]},
        }
        registry["actions"] = {"offer-20": {"channel": "offers", "payload": {"risk": {"from": "churn_risk"}}}}
        model = {
            "kind": "sagemaker",
            "endpoint": "churn-risk",
            "request": {"format": "csv"},
            "response": {"churn_risk": "predictions[0].score || [0]"},
            "range": {"churn_risk": [0, 1]},
            "timeout": "10s",
        }
        write_specs(
            specs,
            registry,
            **{"features": features, "model": model, "decide": {"actions": ["offer-20"]}, **sections},
        )
        self.environment: Mapping[str, str] = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("AWS_", "FUNCTIONS_"))
            },
            "FUNCTIONS_SPECS": str(specs),
            "FUNCTIONS_STORE": f"sqlite:///{self._database}",
            "FUNCTIONS_MODELS": str(REPOSITORY / "models"),
            "FUNCTIONS_LEASE": "1ms",
            "PYTHONPATH": str(REPOSITORY),
        }
        self.event_file.write_text(json.dumps(an_event_document("event-1")))
        with closing(SqliteProfileStore(self._database)) as store:
            last_order_at = format_instant(NOW - timedelta(days=120))
            put_customer(store, {"last_order_at": last_order_at, "orders": 3, "revenue": 180.5})

    def die_at(self, stage: str) -> int:
        """Run the event in a process that is killed at a stage; return its exit code."""
        return self._run("-c", _DYING, "churn", str(self.event_file), stage).returncode

    def command(self, *arguments: str) -> Any:
        """Run `functions` with arguments; return what it printed as JSON."""
        done = self._run("-m", "functions.cli.main", *arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def redrive(self, after: timedelta = timedelta(0)) -> list[dict[str, Any]]:
        """Redrive the outbox with a time of the act."""
        rows: list[dict[str, Any]] = self.command("outbox", "--redrive", "--now", format_instant(NOW + after))
        return rows

    def invoke(self) -> dict[str, Any]:
        """Deliver the event once more."""
        receipt: dict[str, Any] = self.command("invoke", "churn", "--event", str(self.event_file))
        return receipt

    def decisions(self) -> list[DecisionRecord]:
        """Return the decisions about the customer."""
        with closing(self.store()) as store:
            return list(store.decisions(CUSTOMER))

    def outbox_entry(self) -> OutboxEntry | None:
        """Return the entry of the only decision."""
        (decision,) = self.decisions()
        with closing(self.store()) as store:
            return store.outbox_entry(CUSTOMER, decision.id)

    def score(self) -> Any:
        """Return the stored score; None when there is none."""
        with closing(self.store()) as store:
            found = store.load(CUSTOMER).state.scores.get("churn_risk")
        return found.value if found else None

    def contacts(self) -> list[str]:
        """Return the statuses of the contact log."""
        with closing(self.store()) as store:
            return [contact.status for contact in store.load(CUSTOMER).state.contacts]

    def keys(self) -> list[str]:
        """Return the idempotency key of every message that left."""
        if not self._messages.exists():
            return []
        return [json.loads(line)["idempotency_key"] for line in self._messages.read_text().splitlines()]

    def store(self) -> SqliteProfileStore:
        """Open the store."""
        return SqliteProfileStore(self._database)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=self._database.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def an_event_document(event_id: str) -> dict[str, Any]:
    """Return an event that fires the function."""
    time = format_instant(NOW)
    return {
        "id": event_id,
        "name": "page_view",
        "type": "page",
        "time": time,
        "source": "web",
        "user_id": CUSTOMER,
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_process_killed_at_a_stage_leaves_one_decision_one_score_and_one_key(
    tmp_path: Path, stage: str
) -> None:
    house = House(tmp_path)
    assert house.die_at(stage) == -signal.SIGKILL
    committed = stage in AFTER_THE_COMMIT
    assert (len(house.decisions()), house.score() is not None) == (int(committed), committed)
    assert len(house.keys()) == int(stage in ("sent", "settled"))

    redriven = house.redrive()
    assert [row["status"] for row in redriven] == (
        ["sent"] if stage in ("committed", "leased", "sent") else []
    )

    receipt = house.invoke()
    (decision,) = house.decisions()
    entry = house.outbox_entry()
    assert (receipt["outcome"], receipt["decision_id"]) == (
        "duplicate" if committed else "acted",
        decision.id,
    )
    assert receipt["action"]["delivery"] == "sent"
    assert (decision.outcome, decision.body["scores"]) == ("acted", {"churn_risk": house.score()})
    assert (entry.status if entry else None, house.contacts()) == ("sent", ["sent"])
    assert set(house.keys()) == {decision.id}
    # Only a death between the act and its record sends a second time, under the same key.
    assert len(house.keys()) == (2 if stage == "sent" else 1)


@pytest.mark.parametrize("stage", ["committed", "leased", "sent"])
def test_an_action_whose_moment_passed_before_the_redrive_is_given_up_and_says_why(
    tmp_path: Path, stage: str
) -> None:
    """Before its first attempt it surely never left; in an attempt nobody knows, and it goes on to count."""
    status, delivery = ("released", "none") if stage == "committed" else ("unconfirmed", "unconfirmed")
    house = House(tmp_path)
    house.die_at(stage)
    (row,) = house.redrive(after=timedelta(seconds=30))
    entry = house.outbox_entry()
    assert (row["status"], row["note"]) == (status, "action.expired")
    assert entry is not None
    assert (entry.status, entry.note, house.contacts()) == (status, "action.expired", [status])
    receipt = house.invoke()
    assert (receipt["outcome"], receipt["original_outcome"]) == ("duplicate", "acted")
    assert (receipt["action"]["delivery"], receipt["action"]["note"]) == (delivery, "action.expired")
    assert len(house.keys()) == int(stage == "sent")
    assert house.score() is not None


def test_an_action_whose_consent_was_withdrawn_before_the_redrive_is_released(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.die_at("committed")
    with closing(house.store()) as store:
        store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    (row,) = house.redrive()
    assert (row["status"], row["note"], house.keys()) == ("released", "consent.revoked", [])


def test_a_redelivery_alone_finishes_what_a_killed_process_began(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.die_at("committed")
    receipt = house.invoke()
    assert (receipt["outcome"], receipt["action"]["delivery"]) == ("duplicate", "sent")
    assert house.keys() == [receipt["decision_id"]]
    assert house.redrive() == []


def test_the_stages_of_these_tests_are_the_stages_of_a_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    script = _DYING.replace("def die(stage):", "def die(stage):\n    print(stage)")
    done = subprocess.run(
        [sys.executable, "-c", script, "churn", str(house.event_file), "never"],
        env=house.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert tuple(done.stdout.split()) == STAGES
