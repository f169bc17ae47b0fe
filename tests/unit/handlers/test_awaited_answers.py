"""A page and a bus that carry the same event: whichever comes first, the page gets the offer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.handlers.draining import schedule_handler
from functions.handlers.records import sqs_handler
from functions.handlers.synchronous import Doorkeeper, url_handler
from functions.handlers.visitor import mint_visitor_token
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.outbox import OutboxEntry
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import ProfileStore
from functions.runtime.acting import LEASE_RESERVE
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.acts import Killed, at_stage, kill
from functions.testing.handler_stage import HandlerStage, handler_stage
from functions.testing.lambda_events import batch, event_body, http_request, sqs_record
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, consent, put_customer

KEY = b"a key of twenty-four bytes, at least"
OFFER = {"percent": 20, "risk": 0.83}
NOTHING = None
LIFE = timedelta(seconds=15)


def response_plan(**sections: Any) -> Plan:
    """Return the sample function, whose offers go back to the page, and expire soon."""
    plan = a_plan(**sections)
    channels = {"offers": ChannelPlan("offers", "response", {})}
    return replace(plan, max_age=LIFE, policy=replace(plan.policy, channels=channels))


@pytest.fixture(params=["memory", "sqlite"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HandlerStage]:
    """Return a stage whose customer is likely to leave."""
    store: ProfileStore = (
        MemoryProfileStore() if request.param == "memory" else SqliteProfileStore(tmp_path / "profiles.db")
    )
    put_customer(store)
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    yield handler_stage(response_plan(), rehearsal=world)
    store.close()


def page(stage: HandlerStage) -> Any:
    """Ask as the page does, and return the action that it is told."""
    token = mint_visitor_token(CUSTOMER, key=KEY, expires_at=NOW + timedelta(days=1))
    request = http_request(event_body(), headers={"authorization": f"Bearer {token}"})
    reply: Any = url_handler(stage.worker, Doorkeeper((KEY,)))(request, stage.context)
    assert reply["statusCode"] == 200
    return json.loads(reply["body"])["action"]


def bus(stage: HandlerStage) -> None:
    """Deliver the same event by a queue."""
    assert sqs_handler(stage.worker)(batch(sqs_record(event_body())), stage.context) == {
        "batchItemFailures": []
    }


def drain(stage: HandlerStage) -> Any:
    return schedule_handler(stage.worker, stage.worker.plan.policy, [stage.worker.plan])({}, stage.context)


def entry_of(stage: HandlerStage) -> OutboxEntry:
    store = stage.rehearsal.store
    (decision,) = store.decisions(CUSTOMER)
    entry = store.outbox_entry(CUSTOMER, decision.id)
    assert entry is not None
    return entry


def statuses(stage: HandlerStage) -> list[str]:
    return [contact.status for contact in stage.rehearsal.store.load(CUSTOMER).state.contacts]


def receipts(output: str) -> list[Any]:
    lines = [json.loads(line) for line in output.splitlines()]
    return [line["receipt"] for line in lines if "receipt" in line]


def test_page_that_comes_after_the_bus_gets_the_offer(stage: HandlerStage) -> None:
    bus(stage)
    assert statuses(stage) == ["reserved"]
    stage.rehearsal.wait(LIFE / 2)
    assert page(stage) == OFFER
    assert (statuses(stage), stage.acted_on) == (["sent"], [])


def test_receipts_say_that_the_offer_waited_for_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(response_plan())
    bus(stage)
    assert page(stage) == OFFER
    first, second = receipts(capsys.readouterr().out)
    assert (first["outcome"], first["action"]["delivery"]) == ("acted", "queued")
    assert first["action"]["note"] == "action.awaits_caller"
    assert (second["outcome"], second["action"]["delivery"]) == ("duplicate", "returned")


def test_bus_that_comes_after_the_page_sends_nothing(stage: HandlerStage) -> None:
    assert page(stage) == OFFER
    bus(stage)
    assert (statuses(stage), stage.acted_on) == (["sent"], [])
    assert len(stage.rehearsal.model.calls) == 1


def test_page_that_asks_while_the_bus_is_deciding_gets_the_offer(stage: HandlerStage) -> None:
    told: list[Any] = []
    stage.rehearsal.on_stage = at_stage("committed", lambda: told.append(page(stage)))
    bus(stage)
    assert (told, statuses(stage)) == ([OFFER], ["sent"])


def test_bus_that_decides_while_the_page_asks_leaves_the_offer_to_the_page(stage: HandlerStage) -> None:
    stage.rehearsal.on_stage = at_stage("decided", lambda: bus(stage))
    assert page(stage) == OFFER
    assert statuses(stage) == ["sent"]


def test_page_that_asks_again_gets_the_same_offer_and_counts_once(stage: HandlerStage) -> None:
    bus(stage)
    assert [page(stage), page(stage)] == [OFFER, OFFER]
    assert statuses(stage) == ["sent"]


def test_offer_is_not_given_when_consent_went_meanwhile(stage: HandlerStage) -> None:
    bus(stage)
    stage.rehearsal.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    assert page(stage) == NOTHING
    assert (statuses(stage), entry_of(stage).note) == (["released"], "consent.revoked")


def test_offer_is_not_given_when_a_rule_forbids_it_meanwhile() -> None:
    forbidden = [{"name": "no", "forbid": "discount", "unless": "profile.orders == `0`"}]
    stage = handler_stage(response_plan())
    bus(stage)
    strict = replace(stage, worker=replace(stage.worker, plan=response_plan(rails=forbidden)))
    assert page(strict) == NOTHING
    assert statuses(stage) == ["released"]


def test_offer_that_nobody_fetched_waits_until_it_expires_and_is_released_then(stage: HandlerStage) -> None:
    bus(stage)
    stage.rehearsal.wait(LIFE - timedelta(milliseconds=1))
    assert (drain(stage), statuses(stage)) == ({"handled": 0}, ["reserved"])
    stage.rehearsal.wait(timedelta(milliseconds=1))
    assert (drain(stage), statuses(stage)) == ({"handled": 1}, ["released"])
    assert (entry_of(stage).note, page(stage)) == ("action.expired", NOTHING)


def test_page_that_comes_too_late_gets_nothing(stage: HandlerStage) -> None:
    bus(stage)
    stage.rehearsal.wait(LIFE)
    assert page(stage) == NOTHING
    assert statuses(stage) == ["released"]


def test_page_whose_process_died_gets_the_offer_when_it_asks_again(stage: HandlerStage) -> None:
    bus(stage)
    stage.rehearsal.on_stage = at_stage("leased", kill)
    with pytest.raises(Killed):
        page(stage)
    stage.rehearsal.wait(LEASE_RESERVE)
    assert page(stage) == OFFER


def test_schedule_leaves_what_is_due_and_waits_for_a_page(stage: HandlerStage) -> None:
    """As an entry from before a channel answered pages, or one that was deferred."""
    bus(stage)
    world = stage.rehearsal
    now = world.ports.wall()
    entry = world.store.lease(
        CUSTOMER, entry_of(stage).decision_id, owner="other", now=now, until=now + LEASE_RESERVE
    )
    assert entry is not None
    world.store.settle(entry, status="reserved", due_at=now)
    assert drain(stage) == {"handled": 1}
    assert entry_of(stage).due_at == entry.expires_at
    assert entry_of(stage).in_doubt is False
    assert page(stage) == OFFER
