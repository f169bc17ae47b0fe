"""Kill switches: what an operator switches off is not chosen, not sent, and not forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.errors import PolicyNewerFormatError, PolicyUnusableError, StoreContendedError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.operator_documents import OperatorDocument
from functions.runtime.receipt import Receipt
from functions.runtime.stored_policy import StoredPolicy
from functions.runtime.switches import (
    NOTHING_OFF,
    SWITCHES,
    Kind,
    Switch,
    read_switches,
    stored_switches,
    switch_off,
    switch_on,
)
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, put_customer

PLAN = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"})
LATER = NOW + timedelta(minutes=1)


def _off(kind: Kind, name: str, because: str | None = None) -> Switch:
    return Switch(kind, name, NOW, because)


class _World:
    """A function over documents of an operator; one minute passes before every event."""

    def __init__(self) -> None:
        self.documents = MemoryOperatorStore()
        self.stage = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        self.policy = StoredPolicy(self.documents, wall=self.stage.ports.wall, published=False)
        self.stage.ports = replace(self.stage.ports, policy=self.policy)
        self.runtime = type(self.stage.runtime)(self.stage.ports)
        put_customer(self.stage.store)

    def handle(self, event_id: str = "event-1") -> Receipt:
        self.stage.wait(timedelta(minutes=1))
        return self.runtime.handle(PLAN, an_event(event_id), now=NOW)

    def redrive(self) -> tuple[str, str | None]:
        self.stage.wait(timedelta(minutes=1))
        ((_, performed),) = self.runtime.redrive(PLAN.policy, now=LATER, limit=10)
        assert performed is not None
        return performed.delivery, performed.note


def test_switches_are_kept_with_when_and_why_and_switched_on_again() -> None:
    store = MemoryOperatorStore()
    assert stored_switches(store) == NOTHING_OFF
    assert switch_off(store, _off("action", "offer-20", "wrong percentage"))
    assert switch_off(store, _off("function", "churn"))
    assert not switch_off(store, Switch("action", "offer-20", LATER))
    off = stored_switches(store).off
    assert off["action", "offer-20"] == Switch("action", "offer-20", NOW, "wrong percentage")
    assert sorted(off) == [("action", "offer-20"), ("function", "churn")]
    assert switch_on(store, "action", "offer-20")
    assert not switch_on(store, "action", "offer-20")
    assert not switch_on(store, "action", "churn")
    assert sorted(stored_switches(store).off) == [("function", "churn")]


class _Busy(MemoryOperatorStore):
    """A store in which somebody else moves a switch before each of the first writes."""

    def __init__(self, others: int) -> None:
        super().__init__()
        self._others = others

    def put_document(self, name: str, body: object, *, replaces: int) -> bool:
        """Let another operator be first."""
        if self._others:
            self._others -= 1
            found = self.read_documents(SWITCHES).get(SWITCHES)
            names = {f"other-{self._others}": {"at": "2026-11-02T00:00:00Z", "because": None}}
            actions = {**(found.body["action"] if found else {}), **names}
            theirs = {"format": 1, "action": actions, "function": {}}
            assert super().put_document(SWITCHES, theirs, replaces=replaces)
        assert isinstance(body, dict)
        return super().put_document(name, body, replaces=replaces)


def test_two_operators_at_once_both_have_their_way() -> None:
    store = _Busy(others=2)
    assert switch_off(store, _off("action", "offer-20"))
    assert sorted(name for _, name in stored_switches(store).off) == ["offer-20", "other-0", "other-1"]


def test_an_operator_who_never_comes_through_is_told() -> None:
    with pytest.raises(StoreContendedError):
        switch_off(_Busy(others=100), _off("action", "offer-20"))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"format": 1, "action": {}},
        {"format": 1, "action": [], "function": {}},
        {"format": 1, "action": {"offer-20": {"at": "soon", "because": None}}, "function": {}},
        {"format": 1, "action": {"offer-20": None}, "function": {}},
    ],
)
def test_damaged_switches_are_not_taken_for_none(body: dict[str, object]) -> None:
    with pytest.raises(PolicyUnusableError):
        read_switches(OperatorDocument(SWITCHES, 1, body))


def test_switches_of_a_newer_version_are_refused_by_name() -> None:
    with pytest.raises(PolicyNewerFormatError, match="has format 2; this version reads up to 1"):
        read_switches(OperatorDocument(SWITCHES, 1, {"format": 2, "action": {}, "function": {}}))


def test_an_action_that_is_switched_off_gives_way_to_the_next() -> None:
    world = _World()
    switch_off(world.documents, _off("action", "offer-20"))
    receipt = world.handle()
    assert [(one.action, one.verdict, one.by) for one in receipt.candidates] == [
        ("offer-20", "vetoed", "switch.action_off"),
        ("offer-10", "chosen", None),
        ("do-nothing", "outranked", "offer-10"),
    ]
    switch_on(world.documents, "action", "offer-20")
    receipt = world.handle("event-2")
    assert receipt.action is not None
    assert receipt.action.name == "offer-20"


def test_with_every_action_off_the_score_is_still_written() -> None:
    world = _World()
    for name in ("offer-20", "offer-10"):
        switch_off(world.documents, _off("action", name))
    receipt = world.handle()
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "switch.action_off")
    assert world.stage.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83


def test_with_every_action_off_a_sparing_function_does_not_ask_its_model() -> None:
    world = _World()
    for name in ("offer-20", "offer-10"):
        switch_off(world.documents, _off("action", name))
    sparing = replace(PLAN, score="when-actionable")
    receipt = world.runtime.handle(sparing, an_event(), now=NOW)
    assert (receipt.reason.code, len(world.stage.model.calls)) == ("switch.action_off", 0)


def test_a_function_that_is_switched_off_computes_nothing_and_keeps_that_it_did_not() -> None:
    world = _World()
    switch_off(world.documents, _off("function", "churn"))
    receipt = world.handle()
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "switch.function_off")
    assert receipt.exit_code == 0
    assert (receipt.features, receipt.scores, receipt.consent) == ({}, {}, ())
    assert len(world.stage.model.calls) == 0
    snapshot = world.stage.store.load(CUSTOMER, receipt.decision_id)
    assert snapshot.state.scores == {}
    assert snapshot.decision is not None
    assert snapshot.decision.body["features"] == {}
    switch_on(world.documents, "function", "churn")
    again = world.handle()
    assert (again.outcome, again.original_outcome) == ("duplicate", "suppressed")
    assert world.handle("event-2").outcome == "acted"


def _waiting() -> _World:
    """Return a world in which a process died between the commit of an action and its act."""
    world = _World()

    def die(stage: str) -> None:
        if stage == "committed":
            raise KeyboardInterrupt

    world.stage.on_stage = die
    with pytest.raises(KeyboardInterrupt):
        world.handle()
    world.stage.on_stage = lambda _: None
    return world


@pytest.mark.parametrize(
    ("kind", "name", "note"),
    [
        ("action", "offer-20", "switch.action_off"),
        ("function", "churn", "switch.function_off"),
    ],
)
def test_what_waits_is_released_when_its_turn_comes_and_does_not_leave_later(
    kind: Kind, name: str, note: str
) -> None:
    world = _waiting()
    switch_off(world.documents, _off(kind, name))
    assert world.redrive() == ("none", note)
    switch_on(world.documents, kind, name)
    assert world.runtime.redrive(PLAN.policy, now=LATER, limit=10) == []
    assert world.stage.channel.deliveries == []
    (contact,) = world.stage.store.load(CUSTOMER).state.contacts
    assert contact.status == "released"


def test_a_redelivery_does_not_send_what_was_switched_off_meanwhile() -> None:
    world = _waiting()
    switch_off(world.documents, _off("action", "offer-20"))
    again = world.handle()
    assert again.action is not None
    assert (again.outcome, again.action.delivery, again.action.note) == (
        "duplicate",
        "none",
        "switch.action_off",
    )


def test_what_waits_goes_on_waiting_while_the_switches_cannot_be_read() -> None:
    world = _waiting()
    world.documents.put_document(SWITCHES, {"format": 99}, replaces=0)
    world.stage.wait(timedelta(minutes=5))
    assert world.redrive() == ("queued", "policy.unavailable")
    world.documents.put_document(SWITCHES, {"format": 1, "action": {}, "function": {}}, replaces=1)
    assert world.redrive() == ("sent", None)
