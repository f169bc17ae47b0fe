"""States of a value from profile to receipt, and the detector before anything leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.documents import Json
from functions.governance.detector import Hit
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.runtime.receipt import Receipt
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import (
    CONTRACT,
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    put_customer,
)

MAIL = "zoe@mail.example.com"
TEXT: dict[str, Json] = {"note": {"from": "profile.note", "type": "string"}}
REQUEST = {"format": "json", "template": {"prompt": {"from": "features.note"}}}
LOUD: dict[str, Json] = {
    "channels": {"offers": {"kind": "memory"}},
    "actions": {"say": {"channel": "offers", "payload": {"note": {"from": "features.note"}}}},
}


def _run(profile: dict[str, Json], *, on_hit: str = "warn", **sections: Json) -> tuple[Receipt, Rehearsal]:
    contract = {**CONTRACT, "detector": {"on_hit": on_hit}}
    plan = a_plan(contract=contract, **sections)
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store, profile)
    return world.runtime.handle(plan, an_event(), now=NOW), world


@pytest.mark.parametrize("on_hit", ["warn", "block"])
def test_what_looks_like_a_person_in_a_prompt_is_named_and_only_sent_when_it_may_be(on_hit: str) -> None:
    receipt, world = _run(
        {"note": f"Ask {MAIL}"}, on_hit=on_hit, features=TEXT, model={**SPEC["model"], "request": REQUEST},
        decide={}, write_back=None,
    )  # fmt: skip
    assert receipt.detector == (Hit("model", "email"),)
    assert receipt.as_document()["detector"] == [{"where": "model", "pattern": "email"}]
    sent = [call.payload.body for call in world.model.calls]
    if on_hit == "warn":
        assert (receipt.outcome, len(sent)) == ("no_action", 1)
    else:
        assert (receipt.outcome, receipt.reason.code, sent) == ("failed", "payload.blocked", [])
        assert MAIL not in json.dumps(receipt.as_document()["reason"])


@pytest.mark.parametrize("on_hit", ["warn", "block"])
def test_what_an_action_carries_is_looked_at_before_it_is_kept(on_hit: str) -> None:
    receipt, world = _run(
        {"note": f"Ask {MAIL}"}, on_hit=on_hit, registry=LOUD, features=TEXT, model=None, write_back=None,
        decide={"actions": ["say"]},
    )  # fmt: skip
    assert receipt.detector == (Hit("action", "email"),)
    outbox = world.store.outbox(due_before=NOW + timedelta(days=2), limit=10)
    delivered = [delivery.message.payload for delivery in world.channel.deliveries]
    if on_hit == "warn":
        assert (receipt.outcome, delivered) == ("acted", [{"note": f"Ask {MAIL}"}])
    else:
        assert (receipt.reason.code, delivered, list(outbox)) == ("payload.blocked", [], [])


@pytest.mark.parametrize("where", ["event", "profile"])
def test_the_ids_of_a_message_are_looked_at_as_well(where: str) -> None:
    profile_id, event_id = (CUSTOMER, MAIL) if where == "event" else (MAIL, "event-1")
    for on_hit in ("warn", "block"):
        plan = a_plan(contract={**CONTRACT, "detector": {"on_hit": on_hit}})
        world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        put_customer(world.store, a_profile(), customer=profile_id)
        receipt = world.runtime.handle(plan, an_event(event_id, user_id=profile_id), now=NOW)
        assert receipt.detector == (Hit("action", "email"),)
        if on_hit == "warn":
            (decision,) = world.store.decisions(profile_id)
            assert decision.body["detector"] == [{"where": "action", "pattern": "email"}]
            assert len(world.channel.deliveries) == 1
        else:
            assert (receipt.reason.code, world.channel.deliveries) == ("payload.blocked", [])


def test_a_message_about_a_score_is_looked_at_before_it_is_kept() -> None:
    registry = {**REGISTRY, "channels": {"offers": {"kind": "memory"}, "platform": {"kind": "memory"}}}
    told: dict[str, Json] = {"scores.note": {"from": "features.note", "notify": "platform"}}
    sections: dict[str, Json] = {"features": TEXT, "model": None, "write_back": told, "decide": {}}
    receipt, world = _run({"note": f"Ask {MAIL}"}, registry=registry, on_hit="block", **sections)
    assert (receipt.reason.code, receipt.detector) == ("payload.blocked", (Hit("action", "email"),))
    assert list(world.store.outbox(due_before=NOW + timedelta(days=2), limit=10)) == []
    assert world.store.load(CUSTOMER).state.scores == {}


def test_nothing_is_named_where_nothing_is_found() -> None:
    receipt, _ = _run({"orders": 5})
    assert receipt.detector == ()


STATES: dict[str, dict[str, Json]] = {
    "missing": {},
    "null": {"n": None},
    "stale": {"n": 3, "at": "2020-01-01T00:00:00Z"},
    "out_of_range": {"n": 300, "at": "2026-11-02T00:00:00Z"},
    "wrong_type": {"n": "three", "at": "2026-11-02T00:00:00Z"},
}
FEATURE: dict[str, Json] = {"from": "profile.n", "type": "int", "range": [0, 100], "as_of": "profile.at"}


@pytest.mark.parametrize("state", STATES)
def test_states_of_a_value_are_kept_apart_to_the_receipt(state: str) -> None:
    answers = {"missing": 1, "null": 2, "stale": 3, "outside": 4, "wrong_type": 5}
    feature = {**FEATURE, "stale_after": "7d", **answers}
    receipt, _ = _run(STATES[state], features={"n": feature}, model=None, write_back=None, decide={})
    assert receipt.imputed == {"n": state}
    assert receipt.features == {"n": 1 + list(STATES).index(state)}


@pytest.mark.parametrize("state", STATES)
def test_a_value_that_can_not_be_used_is_named_with_its_state(state: str) -> None:
    feature = {**FEATURE, "stale_after": "7d", "stale": "error"}
    receipt, _ = _run(STATES[state], features={"n": feature}, model=None, write_back=None, decide={})
    assert (receipt.outcome, receipt.reason.code) == ("failed", f"feature.{state}")
    assert receipt.unusable == {"n": state}
    assert replace(receipt, unusable={}).as_document()["unusable"] == {}
