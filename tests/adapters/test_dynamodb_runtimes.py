"""Whole runtimes under real rails on one table, several processes of them: what is counted is counted once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from functions.governance.consent import ConsentRecord
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_operator import DynamoOperatorStore
from functions.runtime.engine import Runtime
from functions.runtime.suppression import Mark, Suppressions
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CONTRACT, CUSTOMER, NOW, a_plan, an_event, consent, put_customer

PROCESSES: Final = 4

_WORKER: Final = """
import json, os, sys, time
from dataclasses import replace
from random import SystemRandom
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.dynamodb import DynamoProfileStore
from functions.runtime.engine import Runtime
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, REGISTRY, a_plan, an_event
from functions.times import utc_now

table, name, rails, *events = sys.argv[1:]
offer = {"tags": ["discount"], "channel": "offers", "payload": {"percent": 20}, "cost": 3}
plan = a_plan(
    {**REGISTRY, "currency": "EUR", "actions": {"offer": offer}},
    name=name,
    rails=json.loads(rails),
    trigger={"event_pattern": {"detail-type": ["page_view"]}},
    decide={"actions": ["offer"]},
)
store = DynamoProfileStore(table, budget_ms=30_000)
world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
runtime = Runtime(
    replace(
        world.ports,
        wall=utc_now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        jitter=SystemRandom().random,
        owner=str(os.getpid()),
        feedback=None,
    )
)
store.load("warm-up")
print("ready", flush=True)
sys.stdin.readline()
outcomes, contended = [], 0
for event in events:
    event_id, customer = event.split(" ")
    receipt = runtime.handle(plan, an_event(event_id, user_id=customer), now=NOW)
    while receipt.retryable and contended < 50:  # as a queue delivers it again
        contended += 1
        receipt = runtime.handle(plan, an_event(event_id, user_id=customer), now=NOW)
    outcomes.append([receipt.outcome, receipt.reason.code])
sent = [one.message.idempotency_key for one in world.channel.deliveries]
print(json.dumps({"outcomes": outcomes, "sent": sent, "contended": contended}))
"""


@dataclass(frozen=True, slots=True)
class Racer:
    """One process: the function that it runs, and the events that it is given."""

    function: str
    events: Sequence[str]


Race = Callable[[Sequence[Racer], Sequence[Mapping[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def table(new_table: Callable[[], str]) -> str:
    return new_table()


@pytest.fixture
def store(table: str, dynamodb: Any) -> DynamoProfileStore:
    return DynamoProfileStore(table, client=dynamodb, budget_ms=30_000)


@pytest.fixture
def race(table: str, aws_environment: dict[str, str]) -> Race:
    """Start processes at the same moment, under the same rails, and return what each of them says."""

    def run(racers: Sequence[Racer], rails: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started = [
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, table, racer.function, json.dumps(rails), *racer.events],
                env=aws_environment,
                **pipes,
            )
            for racer in racers
        ]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=240)[0]) for process in started]

    return run


def _ended(said: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(outcome for one in said for outcome, _ in one["outcomes"])


def test_a_cap_of_two_lets_exactly_two_act(race: Race, store: DynamoProfileStore) -> None:
    put_customer(store)
    racers = [
        Racer("churn", [f"{number}-{each} {CUSTOMER}" for each in range(8)]) for number in range(PROCESSES)
    ]
    cap = {"name": "cap", "cap": "all", "at_most": 2, "per": "7d rolling"}
    said = race(racers, [cap])
    assert _ended(said) == {"acted": 2, "suppressed": PROCESSES * 8 - 2}
    assert len({key for one in said for key in one["sent"]}) == sum(len(one["sent"]) for one in said) == 2
    state = store.load(CUSTOMER).state
    assert (state.version, [contact.status for contact in state.contacts]) == (2, ["sent", "sent"])
    assert len(store.decisions(CUSTOMER, limit=1_000)) == PROCESSES * 8


def test_a_budget_of_a_hundred_is_spent_to_the_last_three_and_never_over(
    race: Race, store: DynamoProfileStore
) -> None:
    events = [[f"{number}-{each} c-{number}-{each}" for each in range(11)] for number in range(PROCESSES)]
    for customer in (event.split(" ")[1] for some in events for event in some):
        put_customer(store, customer=customer)
    budget = {
        "name": "money",
        "budget": "all",
        "at_most": "100 EUR",
        "per": "day",
        "timezone": "UTC",
        "shards": 4,
    }
    said = race([Racer("churn", some) for some in events], [budget])
    assert _ended(said) == {"acted": 33, "suppressed": PROCESSES * 11 - 33}
    left = store.budget_left("money", "day-2026-11-02")
    assert (sum(left), min(left) >= 0, len(left)) == (100, True, 4)


def test_three_functions_that_act_on_one_event_all_decide_and_none_starves(
    race: Race, store: DynamoProfileStore
) -> None:
    put_customer(store)
    events = [f"event-{number} {CUSTOMER}" for number in range(10)]
    said = race([Racer(name, events) for name in ("churn", "winback", "upsell")], [])
    assert [one["outcomes"] for one in said] == [[["acted", "action.chosen"]] * 10] * 3
    assert [one["contended"] for one in said] == [0, 0, 0]
    state = store.load(CUSTOMER).state
    assert (state.version, len(state.contacts)) == (30, 30)
    kept = Counter(record.function for record in store.decisions(CUSTOMER, limit=1_000))
    assert kept == dict.fromkeys(("churn", "winback", "upsell"), 10)


@pytest.mark.parametrize("rule", ["stop", "calls"])
def test_a_mark_or_a_refusal_between_decision_and_commit_takes_the_action_with_it(
    store: DynamoProfileStore, table: str, dynamodb: Any, rule: str
) -> None:
    """The rails are asked again, the model is not."""
    documents = DynamoOperatorStore(table, client=dynamodb, budget_ms=30_000)
    marks = Suppressions(documents, lambda _: "correct horse battery staple")
    listed = {"name": "stop", "forbid": "all", "listed": "do-not-contact"}
    asked = {"name": "calls", "forbid": "all", "unless_consent": "calls"}
    purposes: dict[str, Any] = {**CONTRACT["purposes"], "calling": {"consent": "calls", "may_read": []}}
    plan = a_plan(contract={**CONTRACT, "purposes": purposes}, rails=[listed, asked])
    put_customer(store)
    store.put_consent(CUSTOMER, replace(consent(), purpose="calls"), now=NOW)
    model = MemoryModel([ModelReply(b"0.83", "text/csv")])
    world = Rehearsal(now=NOW, store=store, model=model)

    def watch(stage: str) -> None:
        if stage != "decided" or world.stages.count("decided") > 1:
            return
        if rule == "stop":
            marks.add("do-not-contact", CUSTOMER, Mark(NOW))
        else:
            store.put_consent(CUSTOMER, ConsentRecord("calls", "revoked", NOW), now=NOW)

    world.on_stage = watch
    runtime = Runtime(replace(world.ports, suppressions=marks, feedback=None))
    receipt = runtime.handle(plan, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.rule, len(model.calls)) == ("suppressed", rule, 1)
    assert (world.channel.deliveries, store.load(CUSTOMER).state.version) == ([], 0)
