"""Several processes on one table: exactly one wins, nothing is counted twice, nothing is left in halves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from functions.profiles.dynamodb import DynamoProfileStore
from functions.testing.store_checks.samples import new_id, own_outbox, read

PROCESSES = 4

_WORKER = """
import json, sys
from collections import Counter
from dataclasses import replace
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.store import CommitRequest
from functions.testing.store_checks.samples import (
    NOW, a_decision, a_score, new_id, paid_from, read, scores_alone, send, with_action
)

def versions(store, profile_id):
    "Commit ten actions, whatever it takes, and count the answers."
    answers = Counter()
    while answers["committed"] < 10:
        version = read(store, profile_id).state.version
        answers[send(store, with_action(a_decision(profile_id), version=version)).status] += 1
    return answers

def one_version(store, profile_id):
    return Counter(send(store, with_action(a_decision(profile_id))).status for _ in range(10))

def cap_of_two(store, profile_id):
    "Act while fewer than two contacts count, as a rail does."
    answers = Counter()
    for _ in range(10):
        state = read(store, profile_id).state
        if len(state.contacts) >= 2:
            answers["capped"] += 1
            continue
        request = with_action(a_decision(profile_id), version=state.version)
        answers[send(store, request).status] += 1
    return answers

def duplicates(store, decision_id):
    request = with_action(a_decision("profile-1", decision_id))
    return Counter(send(store, request).status for _ in range(10))

def scores(store, profile_id):
    "Score one profile under a name of its own: nobody has to wait or to repeat."
    name = new_id("score")
    found = (scores_alone(a_decision(profile_id), **{name: a_score(n)}) for n in range(10))
    return Counter(store.commit(request).status for request in found)

def spend(store, budget):
    "Take threes from the first shard that has enough, as long as any has."
    answers = Counter()
    for _ in range(20):
        request = CommitRequest(a_decision(new_id("profile")))
        for shard in range(4):
            status = send(store, paid_from(request, budget, 3, shard=shard)).status
            if status == "committed":
                break
        answers[status] += 1
    return answers

def commit_or_delete(store, profile_id):
    answers = Counter()
    for _ in range(12):
        version = read(store, profile_id).state.version
        answers[send(store, with_action(a_decision(profile_id), version=version)).status] += 1
        if answers.total() % 4 == 0:
            answers["deleted"] += store.delete_profile(profile_id)
    return answers

table, task, argument = sys.argv[1:]
store = DynamoProfileStore(table, budget_ms=30_000)
read(store, "warm-up")
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(globals()[task](store, argument)))
"""


@pytest.fixture
def table(new_table: Callable[[], str]) -> str:
    return new_table()


@pytest.fixture
def store(table: str, dynamodb: Any) -> DynamoProfileStore:
    return DynamoProfileStore(table, client=dynamodb, budget_ms=30_000)


@pytest.fixture
def race(table: str, aws_environment: dict[str, str]) -> Callable[[str, str], Counter[str]]:
    """Run one task in several processes that start at the same moment and add up their answers."""

    def run(task: str, argument: str) -> Counter[str]:
        command = [sys.executable, "-c", _WORKER, table, task, argument]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        workers = [subprocess.Popen(command, env=aws_environment, **pipes) for _ in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
        return sum(map(Counter, answers), Counter[str]())

    return run


Race = Callable[[str, str], Counter[str]]


def test_one_action_on_one_version_is_committed(race: Race, store: DynamoProfileStore) -> None:
    assert race("one_version", "profile-1") == {"committed": 1, "version_moved": PROCESSES * 10 - 1}
    state = read(store, "profile-1").state
    assert (state.version, len(state.contacts), len(own_outbox(store, "profile-1"))) == (1, 1, 1)


def test_decisions_that_race_for_a_cap_of_two_act_exactly_twice(
    race: Race, store: DynamoProfileStore
) -> None:
    answers = race("cap_of_two", "profile-1")
    assert answers["committed"] == 2
    assert answers.total() == PROCESSES * 10
    assert len(store.decisions("profile-1", limit=100)) == 2


def test_no_action_of_any_process_is_lost(race: Race, store: DynamoProfileStore) -> None:
    assert race("versions", "profile-1")["committed"] == PROCESSES * 10
    state = read(store, "profile-1").state
    assert (state.version, len(state.contacts)) == (PROCESSES * 10, PROCESSES * 10)
    assert len(store.decisions("profile-1", limit=1_000)) == PROCESSES * 10


def test_one_event_is_decided_by_one_process(race: Race) -> None:
    assert race("duplicates", "decision-1") == {"committed": 1, "duplicate": PROCESSES * 10 - 1}


def test_functions_that_score_one_profile_do_not_starve_each_other(
    race: Race, store: DynamoProfileStore
) -> None:
    assert race("scores", "profile-1") == {"committed": PROCESSES * 10}
    assert [score.value for score in read(store, "profile-1").state.scores.values()] == [9] * PROCESSES


def test_a_budget_over_shards_is_spent_but_never_overdrawn(race: Race, store: DynamoProfileStore) -> None:
    budget = new_id("budget")
    store.open_budget(budget, "2026-11-02", [25, 25, 25, 25])
    # Of each 25, threes are taken eight times.
    assert race("spend", budget) == {"committed": 32, "budget_empty": PROCESSES * 20 - 32}
    assert store.budget_left(budget, "2026-11-02") == (1, 1, 1, 1)


def test_a_profile_that_is_erased_beside_commits_is_left_whole_or_not_at_all(
    race: Race, store: DynamoProfileStore
) -> None:
    answers = race("commit_or_delete", "profile-1")
    assert answers["deleted"] >= 1
    snapshot, kept = read(store, "profile-1"), store.decisions("profile-1", limit=1_000)
    ids = {record.id for record in kept}
    assert {contact.decision_id for contact in snapshot.state.contacts} == ids
    assert {entry.decision_id for entry in own_outbox(store, "profile-1")} == ids
    assert snapshot.state.version == len(ids)
    assert store.delete_profile("profile-1") is bool(ids)
    assert own_outbox(store, "profile-1") == []
