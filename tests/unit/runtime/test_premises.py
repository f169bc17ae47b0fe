"""What a decision stands on is checked again by its commit: the consents that rails ask for, suppression marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.governance.consent import ConsentRecord
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.store import CommitRequest, CommitResult
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.runtime.suppression import Mark, Suppressions
from functions.spec.plan import Plan
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import CONTRACT, CUSTOMER, NOW, a_plan, an_event, consent, put_customer

CALLS: dict[str, Any] = {"name": "calls", "forbid": "all", "unless_consent": "calls"}
LISTED: dict[str, Any] = {"name": "stop", "forbid": ["discount"], "listed": "do-not-contact"}


class Watched(InterruptedStore):
    """Remembers what it was asked to commit."""

    def __init__(self, *happenings: Callable[[MemoryProfileStore], object]) -> None:
        super().__init__(*happenings)
        self.requests: list[CommitRequest] = []

    def commit(self, request: CommitRequest) -> CommitResult:
        """Remember, then commit."""
        self.requests.append(request)
        return super().commit(request)


def a_world(store: MemoryProfileStore) -> Rehearsal:
    """Return a world of a customer who may be called, whose store keeps suppression marks."""
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    world.ports = replace(world.ports, suppressions=_marks(store.documents))
    world.runtime = Runtime(world.ports)
    put_customer(store)
    store.put_consent(CUSTOMER, replace(consent(), purpose="calls"), now=NOW)
    return world


def ruled(*rails: dict[str, Any]) -> Plan:
    """Return the sample function under rails."""
    purposes: dict[str, Any] = {name: {"consent": name, "may_read": []} for name in ("calls", "ads")}
    return a_plan(contract={**CONTRACT, "purposes": {**CONTRACT["purposes"], **purposes}}, rails=list(rails))


def _marks(documents: MemoryOperatorStore) -> Suppressions:
    return Suppressions(documents, lambda _: "correct horse battery staple")


def _suppress(store: MemoryProfileStore) -> None:
    _marks(store.documents).add("do-not-contact", CUSTOMER, Mark(NOW))


def _codes(receipt: Receipt) -> set[str]:
    return {one.code for candidate in receipt.candidates for one in candidate.reasons}


@pytest.mark.parametrize("status", ["revoked", "denied"])
def test_consent_of_a_rail_that_goes_before_the_commit_takes_the_action_with_it(status: Any) -> None:
    """The consent of the purpose stays granted all the while."""
    gone = ConsentRecord("calls", status, NOW)
    world = a_world(Watched(lambda store: store.put_consent(CUSTOMER, gone, now=NOW)))
    receipt = world.runtime.handle(ruled(CALLS), an_event(), now=NOW)
    assert (receipt.outcome, _codes(receipt)) == ("suppressed", {"rail.blocked"})
    assert {check.verdict for check in receipt.consent} == {"granted"}
    assert (world.channel.deliveries, world.store.outbox()) == ([], [])
    assert len(world.model.calls) == 1


def test_every_consent_that_was_read_is_a_condition_of_the_commit_once() -> None:
    """That of the purpose and that of each rail, also where there is none."""
    never = {"name": "ads", "forbid": {"actions": ["offer-20"]}, "unless_consent": "ads"}
    own = {"name": "own", "forbid": "all", "unless_consent": "marketing"}
    store = Watched()
    world = a_world(store)
    receipt = world.runtime.handle(ruled(CALLS, never, own, {**CALLS, "name": "again"}), an_event(), now=NOW)
    assert receipt.action is not None
    assert receipt.action.name == "offer-10"
    (request,) = store.requests
    assert {one.purpose: one.record for one in request.consents} == {
        "marketing": consent(),
        "calls": replace(consent(), purpose="calls"),
        "ads": None,
    }
    assert len(request.consents) == 3


def test_consent_that_a_rail_waits_for_and_that_comes_before_the_commit_counts() -> None:
    """The decision is made again on what is stored now."""
    world = a_world(
        Watched(lambda store: store.put_consent(CUSTOMER, replace(consent(), purpose="ads"), now=NOW))
    )
    rail = {"name": "ads", "forbid": {"actions": ["offer-20"]}, "unless_consent": "ads"}
    receipt = world.runtime.handle(ruled(rail), an_event(), now=NOW)
    assert receipt.action is not None
    assert receipt.action.name == "offer-20"


def test_a_mark_that_is_set_before_the_commit_takes_the_action_with_it() -> None:
    """It is the operator's word that nothing leaves any more."""
    world = a_world(Watched(_suppress))
    receipt = world.runtime.handle(ruled(LISTED), an_event(), now=NOW)
    assert (receipt.outcome, _codes(receipt)) == ("suppressed", {"rail.blocked"})
    assert (world.channel.deliveries, world.store.outbox()) == ([], [])
    assert len(world.model.calls) == 1


def test_a_mark_that_is_changed_before_the_commit_is_read_again() -> None:
    """A mark on a list that no rail asks for takes nothing away."""
    store = Watched(lambda store: _marks(store.documents).add("mail", CUSTOMER, Mark(NOW)))
    receipt = a_world(store).runtime.handle(ruled(LISTED), an_event(), now=NOW)
    assert receipt.outcome == "acted"
    assert [one.version for request in store.requests for one in request.marks] == [0, 1]


def test_marks_are_a_condition_only_where_a_list_could_take_the_action_away() -> None:
    """Each costs a place in the transaction."""
    other = {"name": "stop", "forbid": {"actions": ["offer-20"]}, "listed": "do-not-contact"}
    low = MemoryModel(lambda _: ModelReply(b"0.1", "text/csv"))
    for rails, orders, model, marks in (
        ((LISTED,), 5, None, 1),
        ((other,), 5, None, 1),
        ((other,), 0, None, 0),  # too few orders for the action that the list concerns
        ((CALLS,), 5, None, 0),
        ((LISTED,), 5, low, 0),
    ):
        store = Watched()
        world = a_world(store)
        store.put_profile(CUSTOMER, {"orders": orders}, updated_at=NOW)
        world.model = model or world.model
        world.runtime.handle(ruled(*rails), an_event(), now=NOW)
        assert [len(request.marks) for request in store.requests] == [marks]
