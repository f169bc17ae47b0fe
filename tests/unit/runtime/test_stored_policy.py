"""The policy in force: looked up every few seconds, kept while it can't be read, and for no longer than a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from functions.build.published import published_form
from functions.documents import Json
from functions.errors import StoreUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.operator_documents import OperatorDocument
from functions.runtime.receipt import Receipt
from functions.runtime.stored_policy import Pace, StoredPolicy
from functions.runtime.switches import SWITCHES, Switch, switch_off
from functions.runtime.versions import CURRENT, VERSIONS, publish, stored_pointer, use
from functions.spec.loading import load_policy
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    an_event,
    put_customer,
    write_specs,
)

PLAN = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"})
SECOND = timedelta(seconds=1)


class Documents(MemoryOperatorStore):
    """Counts its reads, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, ...]] = []
        self.is_down = False

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        """Read, or fail."""
        self.reads.append(names)
        if self.is_down:
            raise StoreUnavailableError("the store is down")
        return super().read_documents(*names)


class World:
    """A function over the documents of operators; time passes when it is told to."""

    def __init__(self, *, published: bool = True) -> None:
        self.documents = Documents()
        self.notices: list[str] = []
        self.stage = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        self.published = published
        self.events = 0
        put_customer(self.stage.store)
        self.restart()

    def restart(self) -> None:
        """Begin a new process."""
        self.policy = StoredPolicy(
            self.documents, wall=self.stage.ports.wall, published=self.published, notice=self.notices.append
        )
        self.runtime = type(self.stage.runtime)(replace(self.stage.ports, policy=self.policy))

    def publish(self, percent: int | None, name: str = "offer-20") -> str:
        """Publish a policy in which an action has another percentage, or is no more."""
        actions = dict(REGISTRY["actions"])
        if percent is None:
            del actions[name]
        else:
            actions[name] = {"channel": "offers", "payload": {"percent": percent}}
        with TemporaryDirectory() as folder:
            write_specs(Path(folder), {**REGISTRY, "actions": actions}, decide={"actions": list(actions)})
            policy = load_policy(Path(folder))
        pointer = stored_pointer(self.documents)
        return publish(self.documents, published_form(policy), pointer, note=None, at=NOW)

    def handle(self, after: timedelta = timedelta(0)) -> Receipt:
        """Let time pass, then decide about a new event."""
        self.stage.wait(after)
        self.events += 1
        self.documents.reads.clear()
        return self.runtime.handle(PLAN, an_event(f"event-{self.events}"), now=NOW)

    def percent(self) -> Json:
        """Return the percentage of the last action that was sent."""
        return self.stage.channel.deliveries[-1].message.payload["percent"]


def _policy(receipt: Receipt) -> str:
    assert receipt.bundle is not None
    return receipt.bundle.policy


def test_without_a_publication_a_function_goes_by_what_it_was_built_with() -> None:
    world = World()
    assert _policy(world.handle()) == PLAN.bundle.policy
    assert world.percent() == 20
    assert world.documents.reads == [(CURRENT, SWITCHES)]


def test_a_publication_is_in_force_within_the_interval_without_a_new_process() -> None:
    world = World()
    before = _policy(world.handle())
    after = world.publish(25)
    assert _policy(world.handle(9 * SECOND)) == before
    receipt = world.handle(SECOND)
    assert (_policy(receipt), world.percent()) == (after, 25)
    assert receipt.as_document()["bundle"]["policy"] == after
    snapshot = world.stage.store.load(CUSTOMER, receipt.decision_id)
    assert snapshot.decision is not None
    assert snapshot.decision.body["bundle"]["policy"] == after


def test_an_older_version_can_be_put_into_force_again() -> None:
    world = World()
    first, second = world.publish(25), world.publish(30)
    assert _policy(world.handle()) == second
    use(world.documents, first, stored_pointer(world.documents), note=None, at=NOW)
    assert _policy(world.handle(10 * SECOND)) == first
    assert world.percent() == 25


def test_a_look_is_one_read_and_a_version_is_read_once() -> None:
    world = World()
    version = VERSIONS + world.publish(25)
    world.handle()
    assert world.documents.reads == [(CURRENT, SWITCHES), (version,)]
    world.handle(9 * SECOND)
    assert world.documents.reads == []
    world.handle(SECOND)
    assert world.documents.reads == [(CURRENT, SWITCHES)]


def test_the_version_that_a_function_was_built_with_is_not_read_at_all() -> None:
    world = World()
    with TemporaryDirectory() as folder:
        write_specs(Path(folder), trigger={**SPEC["trigger"], "max_age": "7d"})
        form = published_form(load_policy(Path(folder)))
    assert (
        publish(world.documents, form, stored_pointer(world.documents), note=None, at=NOW)
        == PLAN.bundle.policy
    )
    world.handle()
    assert world.documents.reads == [(CURRENT, SWITCHES)]


def test_receipts_of_events_that_are_not_decided_carry_the_version_too() -> None:
    world = World()
    version = world.publish(25)
    receipt = world.runtime.handle(PLAN, an_event(name="purchase"), now=NOW)
    assert (receipt.reason.code, _policy(receipt)) == ("event.no_trigger", version)


def test_an_action_that_the_version_no_longer_has_is_vetoed() -> None:
    world = World()
    world.publish(None)
    receipt = world.handle()
    verdicts = [(one.action, one.verdict, one.by) for one in receipt.candidates]
    assert verdicts[0] == ("offer-20", "vetoed", "policy.action_gone")
    assert verdicts[1] == ("offer-10", "chosen", None)


def _is_unavailable(receipt: Receipt) -> bool:
    vetoed = {one.by for one in receipt.candidates if one.verdict == "vetoed"}
    return (receipt.outcome, receipt.reason.code, vetoed) == (
        "suppressed", "policy.unavailable", {"policy.unavailable"},
    )  # fmt: skip


def test_a_new_process_that_can_not_look_scores_and_does_not_act() -> None:
    world = World()
    world.documents.is_down = True
    assert _is_unavailable(world.handle())
    assert world.stage.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83
    assert world.stage.channel.deliveries == []
    assert world.notices == ["store.unavailable"]


def test_a_failed_look_is_repeated_after_a_second_and_not_before() -> None:
    world = World()
    world.documents.is_down = True
    world.handle()
    world.documents.is_down = False
    assert _is_unavailable(world.handle(0.9 * SECOND))
    assert world.documents.reads == []
    assert world.handle(0.1 * SECOND).outcome == "acted"


def test_the_last_good_version_is_kept_until_the_limit_and_not_longer() -> None:
    world = World()
    version = world.publish(25)
    world.handle()
    world.documents.is_down = True
    receipt = world.handle(timedelta(minutes=5))
    assert (receipt.outcome, _policy(receipt)) == ("acted", version)
    receipt = world.handle(SECOND)
    assert _is_unavailable(receipt)
    assert _policy(receipt) == version
    world.documents.is_down = False
    assert world.handle(SECOND).outcome == "acted"


@pytest.mark.parametrize("damage", ["missing", "damaged", "newer"])
def test_a_version_that_can_not_be_loaded_is_no_policy_for_a_new_process(damage: str) -> None:
    world = World()
    _point_at_nothing_good(world, damage)
    assert _is_unavailable(world.handle())
    assert world.notices == ["policy.newer_format" if damage == "newer" else "policy.unusable"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "newer"])
def test_a_version_that_can_not_be_loaded_leaves_the_last_good_one_in_force_for_a_while(damage: str) -> None:
    world = World()
    good = world.publish(25)
    world.handle()
    _point_at_nothing_good(world, damage)
    receipt = world.handle(timedelta(minutes=5))
    assert (receipt.outcome, _policy(receipt)) == ("acted", good)
    assert _is_unavailable(world.handle(SECOND))


def _point_at_nothing_good(world: World, damage: str) -> None:
    body: dict[str, Any] = {"format": 1, "policy": {"hash": "bad"}, "sum": "0"}
    if damage == "newer":
        body["format"] = 2
    if damage != "missing":
        assert world.documents.put_document(VERSIONS + "bad", body, replaces=0)
    moves = [{"hash": "bad", "at": "2026-11-02T09:00:00Z", "note": None}]
    version = stored_pointer(world.documents).version
    assert world.documents.put_document(CURRENT, {"format": 1, "moves": moves}, replaces=version)


@pytest.mark.parametrize("damage", ["missing", "pointer"])
def test_a_switch_counts_also_while_the_version_beside_it_can_not_be_read(damage: str) -> None:
    world = World()
    world.publish(25)
    world.handle()
    if damage == "pointer":
        assert world.documents.put_document(CURRENT, {"format": 1}, replaces=1)
    else:
        _point_at_nothing_good(world, damage)
    switch_off(world.documents, Switch("action", "offer-20", NOW))
    receipt = world.handle(10 * SECOND)
    assert receipt.action is not None
    assert receipt.action.name == "offer-10"
    switch_off(world.documents, Switch("function", "churn", NOW))
    assert world.handle(timedelta(minutes=10)).reason.code == "switch.function_off"


@pytest.mark.parametrize(
    "body", [{}, {"format": 1}, {"format": 1, "moves": []}, {"format": 1, "moves": [{}]}]
)
def test_a_damaged_pointer_is_not_taken_for_none(body: dict[str, Any]) -> None:
    world = World()
    world.documents.put_document(CURRENT, body, replaces=0)
    assert _is_unavailable(world.handle())
    assert world.notices == ["policy.unusable"]


def test_a_process_that_was_frozen_for_an_hour_looks_before_its_next_event() -> None:
    world = World()
    world.handle()
    switch_off(world.documents, Switch("action", "offer-20", NOW))
    receipt = world.handle(timedelta(hours=1))
    assert receipt.action is not None
    assert receipt.action.name == "offer-10"


def test_a_clock_that_was_set_back_makes_a_process_look_again_and_trust_nothing_else() -> None:
    world = World()
    world.handle()
    switch_off(world.documents, Switch("action", "offer-20", NOW))
    receipt = world.handle(timedelta(hours=-1))
    assert receipt.action is not None
    assert receipt.action.name == "offer-10"
    world.documents.is_down = True
    assert _is_unavailable(world.handle(timedelta(hours=-1)))


def test_restored_copies_of_one_process_look_each_for_itself() -> None:
    world = World()
    version = world.publish(25)
    world.documents.reads.clear()
    world.restart()  # what is made here is what a snapshot holds
    assert world.documents.reads == []
    assert _policy(world.handle(timedelta(days=30))) == version


def test_without_published_versions_only_the_switches_are_looked_at() -> None:
    world = World(published=False)
    world.publish(25)
    receipt = world.handle()
    assert (_policy(receipt), world.percent()) == (PLAN.bundle.policy, 20)
    assert world.documents.reads == [(SWITCHES,)]


def test_a_function_that_was_compiled_anew_is_not_answered_with_its_old_self() -> None:
    world = World()
    world.handle()
    anew = replace(PLAN, owner="another-team")
    assert world.policy.look(anew).plan is anew
    assert world.policy.look(PLAN).plan is PLAN


def test_the_pace_is_a_choice() -> None:
    world = World()
    pace = Pace(every=timedelta(seconds=2), good_for=timedelta(seconds=3))
    policy = StoredPolicy(world.documents, wall=world.stage.ports.wall, published=True, pace=pace)
    world.runtime = type(world.stage.runtime)(replace(world.stage.ports, policy=policy))
    world.handle()
    world.documents.is_down = True
    assert world.handle(3 * SECOND).outcome == "acted"
    assert _is_unavailable(world.handle(SECOND))
