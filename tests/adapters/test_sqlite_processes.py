"""Several processes on one file, and processes that die in the middle of a commit."""

import json
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import CommitRequest
from functions.testing.store_checks.samples import (
    NOW,
    a_decision,
    own_outbox,
    paid_from,
    read,
    with_action,
)

PROCESSES = 4

_WORKER = """
import json, sys
from collections import Counter
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import CommitRequest
from functions.testing.store_checks.samples import a_decision, new_id, paid_from, read, with_action

def versions(store, profile_id):
    "Commit twenty actions, whatever it takes, and count the answers."
    answers = Counter()
    while answers["committed"] < 20:
        version = read(store, profile_id).state.version
        answers[store.commit(with_action(a_decision(profile_id), version=version)).status] += 1
    return answers

def one_version(store, profile_id):
    return Counter(store.commit(with_action(a_decision(profile_id))).status for _ in range(10))

def duplicates(store, decision_id):
    request = with_action(a_decision("profile-1", decision_id))
    return Counter(store.commit(request).status for _ in range(10))

def spend(store, budget):
    requests = [CommitRequest(a_decision(new_id("profile"))) for _ in range(20)]
    return Counter(store.commit(paid_from(request, budget, 3)).status for request in requests)

path, task, argument = sys.argv[1:]
store = SqliteProfileStore(path)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(globals()[task](store, argument)))
store.close()
"""

_DYING = """
import os, signal, sys
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.sqlite_schema import open_database
from functions.testing.store_checks.samples import a_decision, paid_from, with_action

path, last = sys.argv[1:]

def die(statement):
    if " ".join(statement.split()).startswith(last):
        os.kill(os.getpid(), signal.SIGKILL)

def connect(file, busy_timeout_s):
    connection = open_database(file, busy_timeout_s)
    connection.set_trace_callback(die)
    return connection

store = SqliteProfileStore(path, connect=connect)
result = store.commit(paid_from(with_action(a_decision("profile-1", "decision-1")), "budget-1", 30))
assert result.status == "committed", result
os.kill(os.getpid(), signal.SIGKILL)
"""


def _race(path: Path, task: str, argument: str) -> Counter[str]:
    """Run one task in several processes that start at the same moment and add up their answers."""
    command = [sys.executable, "-c", _WORKER, str(path), task, argument]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(PROCESSES)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    return sum(map(Counter, answers), Counter[str]())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.db"


def test_one_action_on_one_version_is_committed_by_processes_that_create_the_file(path: Path) -> None:
    assert _race(path, "one_version", "profile-1") == {"committed": 1, "version_moved": PROCESSES * 10 - 1}
    with closing(SqliteProfileStore(path)) as store:
        state = read(store, "profile-1").state
        assert (state.version, len(state.contacts), len(own_outbox(store, "profile-1"))) == (1, 1, 1)


def test_no_action_of_any_process_is_lost(path: Path) -> None:
    assert _race(path, "versions", "profile-1")["committed"] == PROCESSES * 20
    with closing(SqliteProfileStore(path)) as store:
        state = read(store, "profile-1").state
        assert (state.version, len(state.contacts)) == (PROCESSES * 20, PROCESSES * 20)
        assert len(store.decisions("profile-1", limit=1_000)) == PROCESSES * 20


def test_one_decision_is_committed_by_one_process(path: Path) -> None:
    assert _race(path, "duplicates", "decision-1") == {"committed": 1, "duplicate": PROCESSES * 10 - 1}


def test_a_budget_is_never_overdrawn_by_several_processes(path: Path) -> None:
    with closing(SqliteProfileStore(path)) as store:
        store.open_budget("budget-1", "2026-11-02", [100])
        assert _race(path, "spend", "budget-1") == {"committed": 33, "budget_empty": PROCESSES * 20 - 33}
        assert store.budget_left("budget-1", "2026-11-02") == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN IMMEDIATE",
        "SELECT * FROM decision",
        "INSERT INTO decision",
        "INSERT INTO score",
        "INSERT INTO contact",
        "INSERT INTO state",
        "UPDATE budget",
        "INSERT OR REPLACE INTO outbox",
        "COMMIT",
    ],
)
def test_a_process_killed_at_any_statement_of_a_commit_leaves_nothing_of_it(
    path: Path, statement: str
) -> None:
    with closing(SqliteProfileStore(path)) as store:
        store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
        store.open_budget("budget-1", "2026-11-02", [100])
        before = read(store, "profile-1", "decision-1")
    _kill_at(path, statement)
    with closing(SqliteProfileStore(path)) as store:
        assert read(store, "profile-1", "decision-1") == before
        assert own_outbox(store, "profile-1") == []
        assert store.budget_left("budget-1", "2026-11-02") == (100,)
        again = paid_from(with_action(a_decision("profile-1", "decision-1")), "budget-1", 30)
        assert store.commit(again).status == "committed"


def test_a_process_killed_after_a_commit_leaves_all_of_it(path: Path) -> None:
    with closing(SqliteProfileStore(path)) as store:
        store.open_budget("budget-1", "2026-11-02", [100])
    _kill_at(path, "no such statement")
    with closing(SqliteProfileStore(path)) as store:
        snapshot = read(store, "profile-1", "decision-1")
        assert snapshot.decision is not None
        assert (snapshot.state.version, set(snapshot.state.scores)) == (1, {"churn"})
        assert [entry.decision_id for entry in own_outbox(store, "profile-1")] == ["decision-1"]
        assert store.budget_left("budget-1", "2026-11-02") == (70,)
        assert store.commit(CommitRequest(a_decision("profile-1", "decision-1"))).status == "duplicate"


def test_a_process_killed_while_it_creates_the_file_leaves_one_that_can_be_used(path: Path) -> None:
    creating = "import os, signal, sqlite3, sys\nfrom functions.profiles import sqlite_schema\n"
    creating += "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    creating += "connection.execute('BEGIN IMMEDIATE')\nconnection.execute(sqlite_schema._TABLES[0])\n"
    creating += "os.kill(os.getpid(), signal.SIGKILL)\n"
    done = subprocess.run([sys.executable, "-c", creating, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with closing(SqliteProfileStore(path)) as store:
        assert store.commit(with_action(a_decision("profile-1"))).status == "committed"


def _kill_at(path: Path, statement: str) -> None:
    command = [sys.executable, "-c", _DYING, str(path), statement]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
