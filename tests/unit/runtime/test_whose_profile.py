"""Whose profile an event is about: keys, aliases, and no event decided twice on their account."""

from __future__ import annotations

import pytest

from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer


@pytest.fixture
def world() -> Rehearsal:
    """A customer likely to leave, whom the function knows."""
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store)
    return world


@pytest.mark.parametrize("key", ["", "x" * 257, "\ud800", 42, None, ["a"], True])
def test_a_profile_key_that_is_no_usable_text_rejects_the_event(world: Rehearsal, key: object) -> None:
    plan = a_plan(profile={"key": "event.properties.key"})
    receipt = world.runtime.handle(plan, an_event(properties={"key": key}), now=NOW)
    assert (receipt.outcome, receipt.reason.code) == ("rejected", "event.no_key")


def test_a_profile_key_that_fails_rejects_the_event(world: Rehearsal) -> None:
    plan = a_plan(profile={"key": "join('-', event.properties.parts)"})
    receipt = world.runtime.handle(plan, an_event(properties={"parts": [1, 2]}), now=NOW)
    assert (receipt.outcome, receipt.reason.code) == ("rejected", "event.no_key")


def test_a_key_of_the_greatest_length_in_any_script_is_read_or_refused_but_never_fails(
    world: Rehearsal,
) -> None:
    plan = a_plan(profile={"key": "event.properties.key"})
    outcomes = [
        world.runtime.handle(plan, an_event(properties={"key": sign * 256}), now=NOW).outcome
        for sign in ("x", "é", "語", "😀")
    ]
    assert outcomes == ["suppressed", "suppressed", "suppressed", "rejected"]


def test_an_alias_leads_to_the_profile(world: Rehearsal) -> None:
    world.store.put_alias("visitor-9", CUSTOMER)
    receipt = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    assert (receipt.outcome, receipt.profile_id) == ("acted", CUSTOMER)


def test_a_decision_made_before_the_alias_was_known_is_found_again(world: Rehearsal) -> None:
    first = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    world.store.put_alias("visitor-9", CUSTOMER)
    second = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    assert (first.reason.code, second.outcome) == ("profile.missing", "duplicate")


def test_an_alias_that_gets_a_profile_of_its_own_lets_no_event_be_decided_twice(world: Rehearsal) -> None:
    world.store.put_alias("visitor-9", CUSTOMER)
    first = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    put_customer(world.store, customer="visitor-9")
    second = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    assert (first.outcome, second.outcome, second.profile_id) == ("acted", "duplicate", CUSTOMER)
    assert len(world.channel.deliveries) == 1


def test_a_profile_that_becomes_an_alias_lets_no_event_be_decided_twice(world: Rehearsal) -> None:
    put_customer(world.store, customer="visitor-9")
    first = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    world.store.put_alias("visitor-9", CUSTOMER)
    second = world.runtime.handle(a_plan(), an_event(user_id="visitor-9"), now=NOW)
    later = world.runtime.handle(a_plan(), an_event("event-2", user_id="visitor-9"), now=NOW)
    assert (first.outcome, second.outcome, second.profile_id) == ("acted", "duplicate", "visitor-9")
    assert (later.outcome, later.profile_id) == ("acted", CUSTOMER)


def test_aliases_of_aliases_are_followed_and_a_circle_ends(world: Rehearsal) -> None:
    world.store.put_alias("visitor-8", "visitor-9")
    first = world.runtime.handle(a_plan(), an_event(user_id="visitor-8"), now=NOW)
    world.store.put_alias("visitor-9", CUSTOMER)
    second = world.runtime.handle(a_plan(), an_event(user_id="visitor-8"), now=NOW)
    later = world.runtime.handle(a_plan(), an_event("event-2", user_id="visitor-8"), now=NOW)
    world.store.put_alias(CUSTOMER, "visitor-8")
    circle = world.runtime.handle(a_plan(), an_event("event-3", user_id="visitor-8"), now=NOW)
    assert (first.reason.code, second.outcome, later.profile_id) == ("profile.missing", "duplicate", CUSTOMER)
    assert circle.outcome in ("acted", "suppressed")
