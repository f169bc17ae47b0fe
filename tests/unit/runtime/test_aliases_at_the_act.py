"""A customer who has become an alias of another since the decision: both are asked when the action leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.errors import ActionUnavailableError
from functions.governance.consent import ConsentStatus
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.store import Snapshot
from functions.runtime.acting import FIRST_RETRY
from functions.runtime.engine import Runtime
from functions.runtime.suppression import Mark, Suppressions
from functions.testing.acts import acting_world, redriven, run
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    consent,
    put_customer,
)

MAIN = "main-1"
DOWN = ActionUnavailableError("the receiver is down")


class CountingStore(MemoryProfileStore):
    """Counts its reads."""

    loads = 0

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        self.loads += 1
        return super().load(profile_id, decision_id)


def waiting() -> Rehearsal:
    """Return a world in which an action for the customer waits, and is due."""
    world = acting_world(CountingStore())
    put_customer(world.store)
    world.channel.fail(DOWN)
    run(world)
    world.wait(FIRST_RETRY)
    return world


@pytest.mark.parametrize("status", ["granted", "revoked", None])
def test_consent_must_stand_under_both_ids(status: ConsentStatus | None) -> None:
    world = waiting()
    world.store.put_alias(CUSTOMER, MAIN)
    world.store.put_profile(MAIN, a_profile(), updated_at=NOW)
    if status is not None:
        world.store.put_consent(MAIN, consent(status, at=NOW), now=NOW)
    verdict = status or "unknown"
    assert redriven(world) == ([("sent", None)] if status == "granted" else [("none", f"consent.{verdict}")])


def test_consent_that_was_withdrawn_under_the_old_id_still_counts() -> None:
    world = waiting()
    world.store.put_alias(CUSTOMER, MAIN)
    put_customer(world.store, customer=MAIN)
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    assert redriven(world) == [("none", "consent.revoked")]


def test_aliases_of_aliases_are_followed_and_a_circle_ends() -> None:
    world = waiting()
    world.store.put_alias(CUSTOMER, "middle")
    world.store.put_alias("middle", MAIN)
    put_customer(world.store, customer=MAIN)
    world.store.put_consent(MAIN, consent("revoked", at=NOW), now=NOW)
    assert redriven(world) == [("none", "consent.revoked")]
    circle = waiting()
    circle.store.put_alias(CUSTOMER, "middle")
    circle.store.put_alias("middle", CUSTOMER)
    assert redriven(circle) == [("sent", None)]


def test_rules_look_at_both_contact_logs() -> None:
    plan = a_plan(
        trigger={**SPEC["trigger"], "max_age": "7d"},
        rails=[{"name": "cap", "cap": "discount", "at_most": 1, "per": "7d rolling"}],
    )
    world = acting_world()
    world.channel.fail(DOWN)
    run(world, plan=plan)
    put_customer(world.store, customer=MAIN)
    assert world.runtime.handle(plan, an_event("event-2", user_id=MAIN), now=NOW).outcome == "acted"
    world.store.put_alias(CUSTOMER, MAIN)
    world.wait(FIRST_RETRY)
    ((_, performed),) = world.runtime.redrive(plan.policy, now=NOW)
    assert performed is not None
    assert (performed.delivery, performed.note) == ("none", "rail.blocked:cap")


LISTED: dict[str, Any] = {"name": "no", "forbid": "discount", "listed": "dnc", "because": "Asked."}


@pytest.mark.parametrize("marked", ["visitor-1", CUSTOMER, MAIN])
def test_marks_count_under_every_id_of_the_customer(marked: str) -> None:
    """Under the one that the event gave, the one that was decided about, and the one that it now stands for."""
    plan = a_plan(trigger={**SPEC["trigger"], "max_age": "7d"}, rails=[LISTED])
    world = acting_world()
    marks = Suppressions(MemoryOperatorStore(), lambda _: "k" * 20)
    world.runtime = Runtime(replace(world.ports, suppressions=marks))
    world.store.put_alias("visitor-1", CUSTOMER)
    world.channel.fail(DOWN)
    receipt = world.runtime.handle(plan, an_event(user_id="visitor-1"), now=NOW)
    assert (receipt.outcome, receipt.profile_id) == ("acted", CUSTOMER)
    world.store.put_alias(CUSTOMER, MAIN)
    put_customer(world.store, customer=MAIN)
    marks.add("dnc", marked, Mark(NOW - timedelta(days=1)))
    world.wait(FIRST_RETRY)
    ((_, performed),) = world.runtime.redrive(plan.policy, now=NOW)
    assert performed is not None
    assert (performed.delivery, world.channel.deliveries) == ("none", [])


def test_who_never_was_an_alias_is_read_once() -> None:
    world = waiting()
    assert isinstance(world.store, CountingStore)
    before = world.store.loads
    assert redriven(world) == [("sent", None)]
    assert world.store.loads == before + 1
