"""Consent, age and switches that change between the decision and the act."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.decision.reasons import reason
from functions.profiles.store import ProfileStore
from functions.runtime.engine import Runtime
from functions.runtime.in_force import AsBuilt, InForce
from functions.spec.plan import Plan
from functions.testing.acts import PATIENT, acting_world, at_stage, contacts_of, entry_of, run
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, consent, put_customer

SECOND = timedelta(seconds=1)


def short_consent(world: Rehearsal) -> Rehearsal:
    """Let the customer's consent run out in two seconds."""
    world.store.put_consent(CUSTOMER, replace(consent(at=NOW), expires_at=NOW + 2 * SECOND), now=NOW)
    return world


def late(world: Rehearsal, stage: str) -> Rehearsal:
    """Let ten seconds pass at a stage."""
    world.on_stage = at_stage(stage, lambda: world.wait(10 * SECOND))
    return world


@pytest.mark.parametrize("stage", ["loaded", "prepared"])
def test_consent_that_runs_out_before_the_model_is_asked_asks_it_nothing(stage: str) -> None:
    world = late(short_consent(acting_world()), stage)
    receipt = run(world)
    if stage == "loaded":
        assert (receipt.reason.code, world.model.calls) == ("consent.expired", [])
    assert (receipt.outcome, world.channel.deliveries) == ("suppressed", [])


def test_consent_that_runs_out_while_the_model_answers_lets_nothing_act_and_writes_no_score() -> None:
    world = late(short_consent(acting_world()), "invoked")
    receipt = run(world)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "consent.expired")
    assert [(check.check, check.verdict) for check in receipt.consent] == [
        ("before_model", "granted"),
        ("before_action", "expired"),
    ]
    state = world.store.load(CUSTOMER).state
    assert (state.scores, state.contacts, world.channel.deliveries) == ({}, (), [])
    assert world.store.decisions(CUSTOMER)[0].body["scores"] == {}


def test_consent_that_runs_out_lets_no_score_be_written_where_nothing_was_chosen() -> None:
    world = late(short_consent(acting_world()), "invoked")
    receipt = run(world, plan=a_plan(decide={}))
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "consent.expired")
    assert world.store.load(CUSTOMER).state.scores == {}


def test_decision_without_an_action_whose_consent_stands_says_nothing_of_a_second_check() -> None:
    receipt = run(acting_world(), plan=a_plan(decide={}))
    assert [check.check for check in receipt.consent] == ["before_model"]


def test_consent_that_runs_out_while_others_change_the_profile_lets_nothing_act() -> None:
    worlds: list[Rehearsal] = []

    def change(store: ProfileStore) -> None:
        worlds[0].wait(2 * SECOND)
        store.put_consent(
            CUSTOMER, replace(consent(at=NOW), expires_at=NOW + 2 * SECOND, source="again"), now=NOW
        )

    world = acting_world(InterruptedStore(change))
    worlds.append(world)
    put_customer(world.store)
    receipt = run(world)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "consent.expired")
    assert world.channel.deliveries == []


@pytest.mark.parametrize("stage", ["committed", "leased"])
def test_consent_that_runs_out_after_the_commit_keeps_the_action_from_leaving(stage: str) -> None:
    world = late(short_consent(acting_world()), stage)
    receipt = run(world)
    assert receipt.action is not None
    assert (receipt.outcome, receipt.action.delivery) == ("acted", "none")
    assert (receipt.action.note, world.channel.deliveries) == ("consent.expired", [])
    assert (entry_of(world).status, contacts_of(world)) == ("released", ["released"])


@pytest.mark.parametrize(("waited", "sent"), [(5 * SECOND, 1), (6 * SECOND, 0)])
def test_age_is_asked_again_right_before_the_act(waited: timedelta, sent: int) -> None:
    world = acting_world()
    plan = replace(PATIENT, max_age=15 * SECOND)
    world.on_stage = at_stage("committed", lambda: world.wait(waited))
    world.runtime.handle(plan, an_event(time=NOW - 10 * SECOND), now=NOW)
    assert len(world.channel.deliveries) == sent


def test_time_is_that_of_the_decision_whatever_the_clock_says() -> None:
    """A rehearsal of the past goes by its own time: what had not run out then has not run out."""
    world = short_consent(acting_world())
    world.wait(timedelta(days=30))
    assert run(world).outcome == "acted"
    assert len(world.channel.deliveries) == 1


class _Switch(AsBuilt):
    """Switches the function off from the second look on."""

    looks = 0

    def look(self, plan: Plan) -> InForce:
        self.looks += 1
        return InForce(
            plan, off=reason("switch.function_off", function=plan.name) if self.looks > 1 else None
        )


def test_switch_that_is_thrown_after_the_decision_keeps_the_action_from_leaving() -> None:
    world = acting_world()
    receipt = Runtime(replace(world.ports, policy=_Switch())).handle(PATIENT, an_event(), now=NOW)
    assert receipt.action is not None
    assert (receipt.action.delivery, receipt.action.note) == ("none", "switch.function_off")
    assert (world.channel.deliveries, contacts_of(world)) == ([], ["released"])
