"""What the next decision knows of the last: the offer, what came of it, and what it forbids."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.errors import ActionUnavailableError
from functions.expressions.paths import How
from functions.governance.labels import LabelMap
from functions.governance.statements import ConsentSource
from functions.learning.recording import Recorder
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.store import Contact
from functions.runtime.offers import past_offers
from functions.runtime.receipt import Receipt
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, SPEC, a_plan, an_event, put_customer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PEACE = {
    "name": "peace-after-a-complaint",
    "forbid": "discount",
    "after": "profile.responses.complained.at",
    "absent": "never",
    "for": "30d",
}
KEEP = {"marketing": ConsentSource(ended_by=())}


def peaceful() -> Plan:
    return a_plan(rails=[PEACE])


def a_world() -> Rehearsal:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store)
    return world


def run(world: Rehearsal, plan: Plan, number: int = 1, *, after: timedelta = timedelta(0)) -> Receipt:
    return world.runtime.handle(plan, an_event(f"event-{number}", time=NOW + after), now=NOW + after)


def tell(world: Rehearsal, name: str, *, after: timedelta, sources: Any = KEEP) -> None:
    event = an_event(f"{name}-{after}", name=name, time=NOW + after)
    Recorder(world.store, world.feedback, sources).record(event, now=NOW + after)


def test_a_complaint_vetoes_the_next_decision_until_the_cooldown_is_over() -> None:
    world, plan = a_world(), peaceful()
    assert run(world, plan).outcome == "acted"
    tell(world, "action_complained", after=HOUR)
    vetoed = run(world, plan, 2, after=2 * HOUR)
    assert vetoed.outcome == "suppressed"
    assert vetoed.action is None
    assert run(world, plan, 3, after=HOUR + 31 * DAY).outcome == "acted"


def test_a_complaint_stops_an_action_that_was_decided_before_it_and_waits() -> None:
    world, plan = a_world(), peaceful()
    world.channel.fail(ActionUnavailableError("down"))
    assert run(world, plan).outcome == "acted"
    tell(world, "action_complained", after=timedelta(seconds=1))
    world.wait(timedelta(seconds=20))
    ((_, performed),) = world.runtime.redrive(plan.policy, now=NOW + timedelta(seconds=20))
    assert performed is not None
    assert performed.delivery == "none"
    assert str(performed.note).endswith(":peace-after-a-complaint")
    assert world.channel.deliveries == []


def test_a_purchase_keeps_the_peace_whatever_decision_it_belongs_to() -> None:
    calm = {**PEACE, "after": "profile.responses.converted.at", "for": "2d"}
    world, plan = a_world(), a_plan(rails=[calm])
    tell(world, "order_completed", after=-HOUR)
    assert run(world, plan).reason.code == "rail.blocked"
    assert run(world, plan, 2, after=2 * DAY).outcome == "acted"
    tell(world, "order_completed", after=3 * DAY)
    assert run(world, plan, 3, after=4 * DAY).reason.code == "rail.blocked"


def test_an_unsubscription_closes_consent_for_the_next_decision() -> None:
    world, plan = a_world(), peaceful()
    tell(world, "action_unsubscribed", after=HOUR, sources={"marketing": ConsentSource()})
    assert run(world, plan, after=2 * HOUR).reason.code == "consent.revoked"


def test_the_next_decision_reads_the_last_offer_and_how_many_there_were() -> None:
    world = a_world()
    features = {
        **SPEC["features"],
        "offers": {"from": "profile.fatigue.week", "type": "int", "range": [0, 100]},
        "last": {"from": "profile.last_offer.action || 'none'", "type": "string"},
    }
    plan = a_plan(features=features, model=None, write_back=None, decide={"actions": ["offer-10"]})
    told = [run(world, plan, number, after=number * HOUR).features for number in (1, 2, 3)]
    assert [(one["offers"], one["last"]) for one in told] == [(0, "none"), (1, "offer-10"), (2, "offer-10")]


def test_past_offers_leave_out_what_never_left_what_is_to_come_and_the_own() -> None:
    def contact(name: str, at: timedelta, **more: Any) -> Contact:
        return Contact(name, f"offer-{name}", (), "offers", NOW + at, **more)

    log = [
        contact("old", -8 * DAY),
        contact("service", -2 * DAY, counts=False),
        contact("yesterday", -DAY + HOUR),
        contact("released", -HOUR, status="released"),
        contact("own", -HOUR),
        contact("later", HOUR),
    ]
    found = past_offers(log, now=NOW, without="own")
    assert found["last_offer"]["action"] == "offer-yesterday"
    assert found["fatigue"] == {"day": 1, "week": 1, "month": 2}
    assert past_offers([], now=NOW) == {"last_offer": None, "fatigue": {"day": 0, "week": 0, "month": 0}}


@pytest.mark.parametrize("name", ["last_offer", "responses", "fatigue", "scores"])
def test_what_decisions_add_is_derived(name: str) -> None:
    readings = LabelMap([]).readings({(".profile", f".{name}", ".at"): How.VALUE})
    assert {one.label for one in readings} == {"derived"}
