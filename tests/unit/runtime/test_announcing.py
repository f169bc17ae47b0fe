"""Scores go back to the platform: after the commit, at least once, under one key each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.actions.channel import ActionMessage
from functions.actions.memory import MemoryChannel
from functions.build.artifact import plan_from_artifact, plan_to_artifact
from functions.errors import ActionUnavailableError, ProfileStoreError
from functions.events.replays import generation_of
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.runtime.engine import Runtime
from functions.spec.plan import Plan
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    an_event,
    consent,
    put_customer,
)

_REGISTRY = {**REGISTRY, "channels": {**REGISTRY["channels"], "platform": {"kind": "memory"}}}


def _plan(**sections: Any) -> Plan:
    target = {**SPEC["write_back"]["scores.churn_risk"], "notify": "platform"}
    return a_plan(_REGISTRY, **{"write_back": {"scores.churn_risk": target}, **sections})


PLAN = _plan()


class World:
    """A rehearsal in which the platform has a channel of its own."""

    def __init__(
        self, *, risk: bytes = b"0.83", store: MemoryProfileStore | None = None, announce: bool = True
    ) -> None:
        self.platform = MemoryChannel()
        model = MemoryModel(lambda _: ModelReply(risk, "text/csv"))
        self.rehearsal = Rehearsal(now=NOW, model=model, store=store)
        put_customer(self.rehearsal.store)
        self.runtime = Runtime(
            replace(
                self.rehearsal.ports,
                channel=lambda plan: self.platform if plan.name == "platform" else self.rehearsal.channel,
                caller=not announce,
            )
        )

    def handle(self, plan: Plan = PLAN, **options: Any) -> Any:
        event = replace(an_event(), anonymous_id="visitor-1")
        return self.runtime.handle(plan, event, now=NOW, **options)

    @property
    def told(self) -> list[ActionMessage]:
        return [delivery.message for delivery in self.platform.deliveries]


def test_score_is_told_with_its_key_its_instants_and_its_model() -> None:
    world = World()
    receipt = world.handle()
    (message,) = world.told
    assert (message.idempotency_key, message.action) == (f"{receipt.decision_id}/churn_risk", "score.updated")
    assert message.payload == {
        "score": "churn_risk",
        "value": 0.83,
        "at": "2026-11-02T09:15:00.000Z",
        "expires_at": "2026-11-03T09:15:00.000Z",
        "model": "churn-risk",
        "anonymous_id": "visitor-1",
    }
    assert len(world.rehearsal.channel.deliveries) == 1
    assert world.rehearsal.store.outbox() == []


def test_score_is_told_without_an_action_too() -> None:
    world = World(risk=b"0.1")
    assert world.handle().outcome == "no_action"
    assert [message.payload["value"] for message in world.told] == [0.1]


def test_redelivery_tells_nothing_twice() -> None:
    world = World()
    world.handle()
    assert world.handle().outcome == "duplicate"
    assert len(world.told) == 1


def test_nothing_is_told_before_the_commit_or_without_one() -> None:
    def fail(_: MemoryProfileStore) -> None:
        raise ProfileStoreError("the store is gone")

    world = World(store=InterruptedStore(fail))
    assert world.handle().outcome == "failed"
    assert world.told == []


@pytest.mark.parametrize("status", ["revoked", "denied"])
def test_nothing_is_told_when_consent_goes_before_the_commit(status: Any) -> None:
    world = World(
        store=InterruptedStore(lambda store: store.put_consent(CUSTOMER, consent(status, at=NOW), now=NOW))
    )
    world.handle()
    assert (world.told, world.rehearsal.store.outbox()) == ([], [])


def test_platform_that_is_down_is_told_later_under_the_same_key() -> None:
    world = World()
    world.platform.fail(ActionUnavailableError("down"))
    receipt = world.handle()
    assert (receipt.outcome, world.told) == ("acted", [])
    world.rehearsal.wait(timedelta(minutes=1))
    ((entry, performed),) = world.runtime.redrive(PLAN.policy, now=NOW + timedelta(minutes=1))
    assert performed is not None
    assert performed.delivery == "sent"
    assert [message.idempotency_key for message in world.told] == [entry.decision_id]


def test_waiting_score_is_not_told_after_consent_went() -> None:
    world = World(announce=False)
    world.handle()
    assert world.told == []
    world.rehearsal.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    ((_, performed),) = world.runtime.redrive(PLAN.policy, now=NOW)
    assert performed is not None
    assert (performed.note, world.told) == ("consent.revoked", [])


def test_score_that_a_fallback_made_up_is_not_told() -> None:
    world = World()
    down = Rehearsal(now=NOW)
    put_customer(down.store)
    runtime = Runtime(replace(down.ports, channel=lambda _: world.platform))
    assert runtime.handle(_plan(decide={}), an_event(), now=NOW).outcome == "no_action"
    assert world.told == []


def test_channel_of_a_score_survives_the_artefact() -> None:
    loaded = plan_from_artifact(plan_to_artifact(PLAN)).plan
    assert [target.notify for target in loaded.write_back] == ["platform"]
    assert set(loaded.channels) == {"offers", "platform"}


def _answering(*risks: bytes) -> World:
    """Return a world whose model gives these answers, one each."""
    world, left = World(), iter(risks)
    world.rehearsal.model = MemoryModel(lambda _: ModelReply(next(left), "text/csv"))
    return world


def _told(world: World) -> list[Any]:
    return [message.payload["value"] for message in world.told]


def _scored(world: World, event_id: str, ago: timedelta, **options: Any) -> Any:
    now = world.rehearsal.ports.wall()
    return world.runtime.handle(PATIENT, an_event(event_id, time=NOW - ago), now=now, **options)


PATIENT = _plan(trigger={**SPEC["trigger"], "max_age": "1h"})
MINUTE = timedelta(minutes=1)


def test_score_that_a_newer_event_has_already_written_is_not_told() -> None:
    world = _answering(b"0.9", b"0.1")
    _scored(world, "new", timedelta(0))
    _scored(world, "old", 10 * MINUTE)
    assert _told(world) == [0.9]
    assert world.rehearsal.store.outbox() == []


def test_score_that_a_newer_event_writes_before_the_commit_is_not_told() -> None:
    world = _answering(b"0.1", b"0.9")

    def overtake(stage: str) -> None:
        if stage == "invoked":
            world.rehearsal.on_stage = lambda _: None
            _scored(world, "new", timedelta(0))

    world.rehearsal.on_stage = overtake
    _scored(world, "old", 10 * MINUTE)
    assert _told(world) == [0.9]
    assert world.rehearsal.store.outbox() == []


def test_score_that_waited_until_a_newer_one_was_stored_is_not_told() -> None:
    world = _answering(b"0.1", b"0.9")
    world.platform.fail(ActionUnavailableError("down"))
    _scored(world, "old", 10 * MINUTE)
    _scored(world, "new", timedelta(0))
    world.rehearsal.wait(MINUTE)
    ((entry, performed),) = world.runtime.redrive(PATIENT.policy, now=NOW + MINUTE)
    assert performed is not None
    assert (entry.message["payload"]["value"], performed.delivery) == (0.1, "none")
    assert (performed.note, _told(world)) == ("score.superseded", [0.9])


def test_score_of_the_same_instant_is_told_while_it_is_the_stored_one() -> None:
    world = _answering(b"0.1", b"0.9")
    _scored(world, "one", timedelta(0))
    _scored(world, "two", timedelta(0))
    assert _told(world) == [0.1, 0.9]


def test_replay_of_the_past_tells_nothing_and_leaves_nothing_to_tell() -> None:
    world = _answering(b"0.9", b"0.1")
    _scored(world, "event", timedelta(0))
    world.rehearsal.wait(timedelta(hours=2))  # too late to act, and the score has not run out
    again = _scored(world, "event", timedelta(0), generation=generation_of("again"))
    assert again.write_back == {"scores.churn_risk": 0.1}
    assert _told(world) == [0.9]
    assert world.rehearsal.store.outbox() == []


def test_replay_that_decides_in_the_place_of_a_live_event_tells_the_score() -> None:
    world = _answering(b"0.9")
    _scored(world, "event", timedelta(0), generation=generation_of("again"))
    assert _told(world) == [0.9]
