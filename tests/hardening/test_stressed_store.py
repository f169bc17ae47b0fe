"""SQLite beside fifteen other processes, on a full disk, read-only, and after the power went at any moment."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_schema import open_database
from functions.profiles.store import ProfileStore
from functions.runtime.receipt import Receipt
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer
from functions.testing.store_checks.samples import a_decision, read, with_action

HIGH = ModelReply(b"0.83", "text/csv")
# The decision keeps its features, and these do not fit into a page that is there already.
PLAN = a_plan(
    features={"x": {"from": "profile.x", "type": "string"}},
    model=None,
    write_back=None,
    decide={"actions": ["offer-10"]},
)
PROCESSES = 16

_WORKER = """
import sys
from contextlib import closing
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.sqlite import SqliteProfileStore
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event
import json

path, worker, own, shared = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
plan = a_plan()
with closing(SqliteProfileStore(path, busy_timeout_s=30)) as store:
    reply = ModelReply(b"0.83", "text/csv")
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: reply), owner=worker)
    print("ready", flush=True)
    sys.stdin.readline()
    ids = [f"shared-{n}" for n in range(shared)] + [f"{worker}-{n}" for n in range(own)]
    receipts = [world.runtime.handle(plan, an_event(event_id), now=NOW) for event_id in ids]
    print(json.dumps({
        "outcomes": [(receipt.outcome, receipt.reason.code) for receipt in receipts],
        "sent": [one.message.idempotency_key for one in world.channel.deliveries],
    }))
"""


@pytest.mark.e2e
def test_sixteen_processes_decide_each_event_once_and_send_each_action_once(tmp_path: Path) -> None:
    path, own, shared = tmp_path / "profiles.db", 3, 4
    with closing(SqliteProfileStore(path)) as store:
        put_customer(store)
    answers = _race(path, own, shared)
    outcomes = Counter(outcome for answer in answers for outcome, _ in answer["outcomes"])
    sent = [key for answer in answers for key in answer["sent"]]
    expected = PROCESSES * own + shared
    assert outcomes == {"acted": expected, "duplicate": (PROCESSES - 1) * shared}
    assert (len(sent), len(set(sent))) == (expected, expected)
    with closing(SqliteProfileStore(path)) as store:
        state = store.load(CUSTOMER).state
        assert (state.version, len(state.contacts)) == (expected, expected)
        assert {contact.status for contact in state.contacts} == {"sent"}
        assert {one.id for one in store.decisions(CUSTOMER, limit=1_000)} == set(sent)
        assert store.outbox(limit=1_000) == []
    _check_whole(path)


def _race(path: Path, own: int, shared: int) -> list[Any]:
    """Start all workers, let them begin together, and return what they tell."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, str(path), f"w{n}", str(own), str(shared)], **pipes)
        for n in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]


class _Disk:
    """The room of a file, as SQLite sees it."""

    def __init__(self, path: Path) -> None:
        self._connections: list[sqlite3.Connection] = []
        self.store = SqliteProfileStore(path, connect=self._connect)

    def _connect(self, path: Path, busy_timeout_s: float) -> sqlite3.Connection:
        connection = open_database(path, busy_timeout_s)
        self._connections.append(connection)
        return connection

    def _tell(self, pragma: str) -> None:
        for connection in self._connections:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def fill(self) -> None:
        self._tell("max_page_count = 1")

    def free(self) -> None:
        self._tell("max_page_count = 1000000")

    def protect(self) -> None:
        self._tell("query_only = 1")

    def release(self) -> None:
        self._tell("query_only = 0")


@contextmanager
def _world(path: Path) -> Iterator[tuple[_Disk, Rehearsal]]:
    disk = _Disk(path)
    with closing(disk.store):
        world = Rehearsal(now=NOW, store=disk.store, model=MemoryModel(lambda _: HIGH))
        put_customer(world.store, {"x": "x" * 50_000})
        yield disk, world


def _kept(store: ProfileStore) -> tuple[Any, ...]:
    return (store.load(CUSTOMER), list(store.decisions(CUSTOMER)), list(store.outbox()))


def _handled(world: Rehearsal, event_id: str = "event-1") -> Receipt:
    return world.runtime.handle(PLAN, an_event(event_id), now=NOW)


def test_an_event_on_a_full_disk_fails_whole_and_is_decided_once_there_is_room(tmp_path: Path) -> None:
    with _world(tmp_path / "profiles.db") as (disk, world):
        before = _kept(world.store)
        disk.fill()
        failed = _handled(world)
        assert (failed.outcome, failed.reason.code, failed.retryable) == ("failed", "store.full", True)
        assert failed.dead_letter is False
        assert (_kept(world.store), world.channel.deliveries) == (before, [])
        disk.free()
        acted = _handled(world)
        assert (acted.outcome, _handled(world).outcome) == ("acted", "duplicate")
        assert [one.message.idempotency_key for one in world.channel.deliveries] == [acted.decision_id]


def test_a_store_that_takes_no_more_writes_after_the_commit_loses_no_action(tmp_path: Path) -> None:
    with _world(tmp_path / "profiles.db") as (disk, world):
        world.on_stage = lambda stage: disk.protect() if stage == "committed" else None
        receipt = _handled(world)
        assert (receipt.outcome, receipt.action and receipt.action.delivery) == ("acted", "queued")
        assert receipt.action is not None
        assert receipt.action.note == "store.denied"
        world.on_stage = lambda _: None
        disk.release()
        ((_, performed),) = world.runtime.redrive(PLAN.policy, now=NOW, limit=10)
        assert performed is not None
        assert performed.delivery == "sent"
        assert [one.message.idempotency_key for one in world.channel.deliveries] == [receipt.decision_id]


def test_a_store_that_may_only_be_read_still_answers_what_was_decided_and_decides_nothing_new(
    tmp_path: Path,
) -> None:
    with _world(tmp_path / "profiles.db") as (disk, world):
        first = _handled(world)
        before = _kept(world.store)
        disk.protect()
        denied = _handled(world, "event-2")
        again = _handled(world)
        assert (denied.outcome, denied.reason.code, denied.retryable) == ("failed", "store.denied", False)
        assert (again.outcome, again.decision_id) == ("duplicate", first.decision_id)
        assert _kept(world.store) == before


def _copy(path: Path, to: Path) -> None:
    """Copy what the disk holds, as a power cut would leave it; the shared memory is lost with the power."""
    to.mkdir()
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copyfile(source, to / source.name)


def _check_whole(path: Path) -> int:
    """Check that a file opens cleanly and holds whole decisions only; return how many."""
    with closing(SqliteProfileStore(path)) as store:
        read(store, CUSTOMER)
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not plain.execute("SELECT name FROM sqlite_master").fetchall():
                return 0  # the power went before the tables were there; reading makes none
            tables = {
                table: {row[0] for row in plain.execute(f"SELECT {column} FROM {table}")}
                for table, column in (
                    ("decision", "id"),
                    ("contact", "decision_id"),
                    ("outbox", "decision_id"),
                )
            }
            scores = {row[0] for row in plain.execute("SELECT decision_id FROM score")}
            versions = [row[0] for row in plain.execute("SELECT version FROM state")]
        assert tables["contact"] == tables["decision"] == tables["outbox"]
        assert scores <= tables["decision"]
        assert bool(scores) == bool(tables["decision"])
        assert sum(versions) == len(tables["contact"])
        return len(tables["decision"])


@pytest.mark.parametrize("seed", range(3))
def test_the_power_may_go_at_any_statement_of_any_commit(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "profiles.db", random.Random(seed)
    cuts: list[tuple[Path, int]] = []
    done = 0

    def maybe_cut(_: str) -> None:
        if chance.random() < 0.15:
            cuts.append((tmp_path / f"cut-{len(cuts)}", done))
            _copy(path, cuts[-1][0])

    def connect(file: Path, busy_timeout_s: float) -> sqlite3.Connection:
        connection = open_database(file, busy_timeout_s)
        # A checkpoint moves pages from the log into the file: let that happen between commits too.
        connection.execute("PRAGMA wal_autocheckpoint = 5").fetchall()
        connection.set_trace_callback(maybe_cut)
        return connection

    with closing(SqliteProfileStore(path, connect=connect)) as store:
        for _ in range(15):
            decision = a_decision(CUSTOMER)
            version = read(store, CUSTOMER).state.version
            assert store.commit(with_action(decision, version=version)).status == "committed"
            done += 1
    assert len(cuts) > 15
    for cut, committed in cuts:
        assert _check_whole(cut / path.name) in (committed, committed + 1)
    assert _check_whole(path) == 15


@pytest.mark.parametrize("seed", range(3))
def test_a_log_that_was_torn_in_the_middle_of_a_write_loses_its_last_commits_whole(
    tmp_path: Path, seed: int
) -> None:
    path, chance = tmp_path / "profiles.db", random.Random(seed)
    with closing(SqliteProfileStore(path)) as store:
        for version in range(10):
            assert store.commit(with_action(a_decision(CUSTOMER), version=version)).status == "committed"
        _copy(path, tmp_path / "whole")
    log = (tmp_path / "whole" / f"{path.name}-wal").read_bytes()
    assert len(log) > 10 * 4_096
    found = []
    for index, end in enumerate(sorted(chance.sample(range(len(log)), 25))):
        torn = tmp_path / f"torn-{index}"
        shutil.copytree(tmp_path / "whole", torn)
        # What was to be written next may be anything on the disk.
        (torn / f"{path.name}-wal").write_bytes(log[:end] + chance.randbytes(len(log) - end))
        found.append(_check_whole(torn / path.name))
    assert found == sorted(found)
    assert set(found) <= set(range(11))
    assert len(set(found)) > 5
