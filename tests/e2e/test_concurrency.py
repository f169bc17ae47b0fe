"""Several processes run one function at the same time, over one store file and one channel file."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from functions.profiles.sqlite import SqliteProfileStore
from functions.testing.sample_function import CUSTOMER, put_customer

pytestmark = pytest.mark.e2e

PROCESSES = 4
ROUNDS = 10

_WORKER = """
import json, os, random, sys, time
from contextlib import closing
from dataclasses import replace
from functions.actions.file import FileChannel
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.sqlite import SqliteProfileStore
from functions.runtime.engine import Runtime
from functions.spec.plan import ChannelPlan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, REGISTRY, a_plan, an_event
from functions.times import utc_now

PRICED = {
    **REGISTRY,
    "currency": "EUR",
    "actions": {name: {**action, "cost": 3} for name, action in REGISTRY["actions"].items()},
}
database, messages, rails, *events = sys.argv[1:]
plan = a_plan(PRICED, rails=json.loads(rails))
channel = FileChannel(ChannelPlan("offers", "file", {"path": messages}))
with closing(SqliteProfileStore(database)) as store:
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    runtime = Runtime(
        replace(
            world.ports,
            channel=lambda _: channel,
            wall=utc_now,
            monotonic=time.monotonic,
            sleep=time.sleep,
            jitter=random.random,
            owner=str(os.getpid()),
        )
    )
    print("ready", flush=True)
    sys.stdin.readline()
    receipts = [runtime.handle(plan, an_event(name), now=NOW).as_document() for name in events]
    print(json.dumps({"receipts": receipts, "calls": len(world.model.calls)}))
"""


class Race:
    """Processes over one store with one customer."""

    def __init__(self, folder: Path, *rails: dict[str, Any]) -> None:
        self._rails = json.dumps(rails)
        self.database = folder / "profiles.db"
        self._messages = folder / "messages.jsonl"
        with closing(SqliteProfileStore(self.database)) as store:
            put_customer(store)

    def run(self, *events: list[str]) -> list[dict[str, Any]]:
        """Give each process a list of event ids, start them together, and return what each said."""
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, str(self.database), str(self._messages), self._rails, *names],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for names in events
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]

    def messages(self) -> list[dict[str, Any]]:
        """Return every message that left."""
        return [json.loads(line) for line in self._messages.read_text().splitlines()]

    def store(self) -> SqliteProfileStore:
        """Open the store."""
        return SqliteProfileStore(self.database)


def _receipts(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [receipt for one in said for receipt in one["receipts"]]


def test_the_same_events_in_several_processes_are_each_decided_once_and_sent_under_one_key(
    tmp_path: Path,
) -> None:
    race = Race(tmp_path)
    names = [f"event-{number}" for number in range(ROUNDS)]
    receipts = _receipts(race.run(*[names] * PROCESSES))
    outcomes = Counter(receipt["outcome"] for receipt in receipts)
    with closing(race.store()) as store:
        decisions = store.decisions(CUSTOMER, limit=1_000)
        state = store.load(CUSTOMER).state
        waiting = store.outbox()
    assert outcomes == {"acted": ROUNDS, "duplicate": ROUNDS * (PROCESSES - 1)}
    assert sorted(decision.event_id for decision in decisions) == sorted(names)
    assert {receipt["original_outcome"] for receipt in receipts if receipt["outcome"] == "duplicate"} == {
        "acted"
    }
    sent = Counter(message["idempotency_key"] for message in race.messages())
    assert sent == {decision.id: 1 for decision in decisions}
    assert [contact.status for contact in state.contacts] == ["sent"] * ROUNDS
    # Every commit moves the version, and so does an action that somebody else sends later than it was decided.
    assert ROUNDS <= state.version <= 2 * ROUNDS
    assert waiting == []


def test_different_events_of_one_customer_are_each_decided_once_with_one_model_call(tmp_path: Path) -> None:
    race = Race(tmp_path)
    names = [[f"event-{process}-{number}" for number in range(ROUNDS)] for process in range(PROCESSES)]
    said = race.run(*names)
    total = PROCESSES * ROUNDS
    with closing(race.store()) as store:
        decisions = store.decisions(CUSTOMER, limit=1_000)
        state = store.load(CUSTOMER).state
    assert Counter(receipt["outcome"] for receipt in _receipts(said)) == {"acted": total}
    assert [one["calls"] for one in said] == [ROUNDS] * PROCESSES
    assert {decision.event_id for decision in decisions} == {name for part in names for name in part}
    # No reservation was lost under another: every commit moved the version by one and left its contact.
    assert (len(decisions), state.version, len(state.contacts)) == (total, total, total)
    assert {contact.decision_id for contact in state.contacts} == {decision.id for decision in decisions}
    assert Counter(message["idempotency_key"] for message in race.messages()) == {
        decision.id: 1 for decision in decisions
    }


def test_no_cap_and_no_budget_is_passed_by_several_processes(tmp_path: Path) -> None:
    names = [[f"event-{process}-{number}" for number in range(ROUNDS)] for process in range(PROCESSES)]
    (tmp_path / "cap").mkdir()
    race = Race(tmp_path / "cap", {"name": "two", "cap": "discount", "at_most": 2, "per": "7d rolling"})
    outcomes = Counter(receipt["outcome"] for receipt in _receipts(race.run(*names)))
    assert outcomes == {"acted": 2, "suppressed": PROCESSES * ROUNDS - 2}
    assert len(race.messages()) == 2

    (tmp_path / "budget").mkdir()
    money = {"budget": "discount", "at_most": "100 EUR", "per": "day", "timezone": "UTC", "shards": 5}
    race = Race(tmp_path / "budget", {"name": "money", **money})
    outcomes = Counter(receipt["outcome"] for receipt in _receipts(race.run(*names)))
    assert outcomes == {"acted": 33, "suppressed": PROCESSES * ROUNDS - 33}
    with closing(race.store()) as store:
        assert sum(store.budget_left("money", "day-2026-11-02")) == 100
