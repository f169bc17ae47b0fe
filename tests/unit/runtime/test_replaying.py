"""A replay decides anew, once for each event, and sends nothing that is late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.events.event import Event
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.store import Contact
from functions.runtime.identity import decision_id
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, consent, put_customer

DAY = timedelta(days=1)
FIRST, SECOND = 41, 42
HIGH, LOW = b"0.83", b"0.1"

PLAN = a_plan()
WITHOUT_AGE = a_plan(trigger={"event_pattern": {"detail-type": ["page_view"]}})
WHEN_ACTIONABLE = a_plan(score="when-actionable")


class Day:
    """A customer, a model that can change its mind, and the events of a day."""

    def __init__(self) -> None:
        self.risk = HIGH
        self.world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(self.risk, "text/csv")))
        put_customer(self.world.store)
        self.events = [an_event(f"event-{hour}", time=NOW - timedelta(hours=hour)) for hour in range(24)]

    def live(self, event: Event, plan: Plan = PLAN) -> Receipt:
        return self.world.runtime.handle(plan, event, now=event.time)

    def again(
        self, event: Event, plan: Plan = PLAN, *, generation: int = FIRST, after: timedelta = DAY
    ) -> Receipt:
        return self.world.runtime.handle(plan, event, now=event.time + after, generation=generation)

    @property
    def sent(self) -> list[str]:
        return [one.message.event_id for one in self.world.channel.deliveries]

    @property
    def contacts(self) -> tuple[Contact, ...]:
        return self.world.store.load(CUSTOMER).state.contacts


def chosen(receipt: Receipt) -> dict[str, tuple[str, str | None]]:
    return {one.action: (one.verdict, one.by) for one in receipt.candidates}


def test_replay_of_a_day_decides_each_event_once_for_each_generation_and_sends_nothing() -> None:
    day = Day()
    for event in day.events:
        day.live(event)
    sent, contacts = day.sent, day.contacts

    for generation in (FIRST, SECOND):
        receipts = [day.again(event, generation=generation) for event in day.events]
        assert [one.outcome for one in receipts] == ["suppressed"] * 24
        redelivered = [day.again(event, generation=generation) for event in day.events]
        assert [one.outcome for one in redelivered] == ["duplicate"] * 24
        assert [one.original_outcome for one in redelivered] == ["suppressed"] * 24

    kept = day.world.store.decisions(CUSTOMER, limit=1_000)
    assert len({record.id for record in kept}) == len(kept) == 3 * 24
    assert sorted(record.body.get("generation", 0) for record in kept) == [0] * 24 + [41] * 24 + [42] * 24
    assert (day.sent, day.contacts) == (sent, contacts)
    assert day.world.store.outbox() == []


@pytest.mark.parametrize("plan", [PLAN, WITHOUT_AGE], ids=["with max_age", "without"])
@pytest.mark.parametrize("was_decided", [True, False])
def test_late_event_of_a_replay_says_what_would_have_been_chosen(plan: Plan, was_decided: bool) -> None:
    day = Day()
    if was_decided:
        day.live(day.events[0], plan)
    receipt = day.again(day.events[0], plan)

    assert (receipt.outcome, receipt.reason.code, receipt.action) == ("suppressed", "event.replayed", None)
    assert chosen(receipt) == {
        "offer-20": ("vetoed", "event.replayed"),
        "offer-10": ("outranked", "offer-20"),
        "do-nothing": ("chosen", None),
    }
    assert receipt.as_document()["generation"] == FIRST
    assert day.sent == (["event-0"] if was_decided else [])


def test_replay_of_an_event_that_would_get_no_action_says_so() -> None:
    day = Day()
    day.risk = LOW
    receipt = day.again(day.events[0])

    assert (receipt.outcome, receipt.reason.code) == ("no_action", "condition.false")


def test_replay_without_consent_computes_nothing() -> None:
    day = Day()
    day.world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    receipt = day.again(day.events[0])

    assert (receipt.reason.code, day.world.model.calls) == ("consent.revoked", [])


def test_score_of_a_replay_is_written_unless_a_newer_event_has_one() -> None:
    day = Day()
    newer, older = day.events[0], day.events[1]
    day.live(newer)
    day.risk = LOW
    day.again(older)
    assert day.world.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83

    # The same event under another model: what a replay is for.
    day.again(newer)
    score = day.world.store.load(CUSTOMER).state.scores["churn_risk"]
    assert (score.value, score.at) == (0.1, newer.time)


def test_replay_asks_no_model_that_is_asked_for_actions_alone() -> None:
    day = Day()
    receipt = day.again(day.events[0], WHEN_ACTIONABLE)

    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "event.replayed")
    assert day.world.model.calls == []


def test_event_that_nobody_has_decided_about_is_merely_late_while_its_moment_lasts() -> None:
    day = Day()
    event = day.events[0]
    soon = timedelta(seconds=20)
    first = day.again(event, after=soon)

    live = decision_id(function="churn", event_id=event.id, key=CUSTOMER, generation=0)
    assert (first.outcome, first.decision_id) == ("acted", live)
    # Neither its redelivery, nor another replay, nor the live event itself acts again.
    assert day.again(event, after=soon).outcome == "duplicate"
    other = day.again(event, generation=SECOND, after=soon)
    assert (other.outcome, other.reason.code) == ("suppressed", "event.replayed")
    assert day.live(event).outcome == "duplicate"
    assert day.sent == ["event-0"]
    assert len(day.contacts) == 1


def test_event_that_was_acted_on_is_not_acted_on_again_however_young_it_is() -> None:
    day = Day()
    day.live(day.events[0])
    receipt = day.again(day.events[0], after=timedelta(seconds=1))

    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "event.replayed")
    assert day.sent == ["event-0"]


@pytest.mark.parametrize(("age_s", "outcome"), [(30.0, "acted"), (30.001, "suppressed")])
def test_moment_of_an_event_in_a_replay_ends_where_it_ends_live(age_s: float, outcome: str) -> None:
    day = Day()

    assert day.again(day.events[0], after=timedelta(seconds=age_s)).outcome == outcome


def test_event_without_max_age_is_withheld_at_once() -> None:
    day = Day()
    receipt = day.again(day.events[0], WITHOUT_AGE, after=timedelta(0))

    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "event.replayed")


def test_replay_that_came_back_after_its_decision_decides_again_on_fresh_consent() -> None:
    """The commit refuses a consent that changed; the second round withholds the action as the first did."""
    day = Day()
    calls: list[str] = []

    def withdraw(stage: str) -> None:
        if stage == "decided" and not calls:
            calls.append(stage)
            day.world.store.put_consent(CUSTOMER, consent("granted", at=NOW), now=NOW)

    day.world.on_stage = withdraw
    receipt = day.again(day.events[0])

    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "event.replayed")
    assert day.world.stages.count("decided") == 2


def test_fallback_of_a_replay_writes_no_score() -> None:
    day = Day()
    model: Any = {**SPEC["model"], "fallback": [{"churn_risk": 0.9}]}
    world = Rehearsal(now=NOW)
    put_customer(world.store)
    receipt = world.runtime.handle(
        a_plan(model=model), day.events[0], now=day.events[0].time + DAY, generation=FIRST
    )

    assert (receipt.reason.code, receipt.write_back) == ("event.replayed", {})
