"""Consent: nothing leaves without it, whenever it goes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.governance.statements import ConsentSource
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
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

PLAN = a_plan()
DAY = timedelta(days=1)

REFUSALS: dict[str, ConsentRecord | None] = {
    "unknown": None,
    "denied": consent("denied"),
    "revoked": consent("revoked"),
    "conflict": consent("conflict"),
    "expired": replace(consent(at=NOW - 2 * DAY), expires_at=NOW),
    "not_yet": consent(at=NOW + timedelta(minutes=5, milliseconds=1)),
}


def _world(store: MemoryProfileStore | None = None) -> Rehearsal:
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(world.store)
    return world


@pytest.mark.parametrize(("verdict", "record"), REFUSALS.items(), ids=REFUSALS.keys())
def test_without_consent_no_byte_reaches_the_model_and_the_decision_keeps_no_feature(
    verdict: str, record: ConsentRecord | None
) -> None:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    world.store.put_profile(CUSTOMER, {"orders": 5}, updated_at=NOW)
    if record is not None:
        world.store.put_consent(CUSTOMER, record, now=max(NOW, record.at))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    (kept,) = world.store.decisions(CUSTOMER)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", f"consent.{verdict}")
    assert (world.model.calls, receipt.payload, receipt.features, receipt.scores) == ([], None, {}, {})
    assert (kept.body["features"], kept.body["scores"]) == ({}, {})
    assert [(check.check, check.verdict) for check in receipt.consent] == [("before_model", verdict)]
    assert {candidate.by for candidate in receipt.candidates if candidate.verdict == "vetoed"} == {
        f"consent.{verdict}"
    }


def test_consent_for_another_use_does_not_count() -> None:
    world = Rehearsal(now=NOW)
    world.store.put_profile(CUSTOMER, {"orders": 5}, updated_at=NOW)
    world.store.put_consent(CUSTOMER, replace(consent(), purpose="analytics"), now=NOW)
    assert world.runtime.handle(PLAN, an_event(), now=NOW).reason.code == "consent.unknown"


@pytest.mark.parametrize("status", ["denied", "revoked", "conflict", "unknown"])
def test_consent_that_goes_before_the_commit_suppresses_score_and_action(status: ConsentStatus) -> None:
    record = consent(status, at=NOW)
    world = _world(InterruptedStore(lambda store: store.put_consent(CUSTOMER, record, now=NOW)))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    after = world.store.load(CUSTOMER, receipt.decision_id)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", f"consent.{status}")
    assert [(check.check, check.verdict) for check in receipt.consent] == [
        ("before_model", "granted"),
        ("before_action", "granted"),
        ("before_action", status),
    ]
    assert len(world.model.calls) == 1
    assert (after.state.scores, after.state.contacts, world.channel.deliveries) == ({}, (), [])
    assert (receipt.write_back, receipt.action) == ({}, None)


def test_a_decision_that_lost_its_consent_keeps_neither_features_nor_scores() -> None:
    world = _world(
        InterruptedStore(lambda store: store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW))
    )
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    (kept,) = world.store.decisions(CUSTOMER)
    assert (kept.body["features"], kept.body["imputed"], kept.body["scores"]) == ({}, {}, {})
    # Whoever asked is told what had already left.
    assert receipt.payload is not None


def test_a_decision_that_lost_its_consent_does_not_keep_the_segment() -> None:
    """A segment is the value of a feature by another name."""
    offer = {"channel": "offers", "cost": 0, "value": {"kept": 9}, "chance": {"kept": 0.9}}
    ranked = a_plan(
        {**REGISTRY, "actions": {"offer-10": offer}},
        policy={"objectives": {"kept": {}}, "learning": {}},
        decide={"actions": ["offer-10"], "do_nothing": {"kept": 0.1}, "segment": "features.orders"},
    )
    gone = consent("revoked", at=NOW)
    for store, segment in (
        (InterruptedStore(lambda _: None), "5"),
        (InterruptedStore(lambda store: store.put_consent(CUSTOMER, gone, now=NOW)), None),
    ):
        world = _world(store)
        world.runtime.handle(ranked, an_event(), now=NOW)
        (kept,) = world.store.decisions(CUSTOMER)
        assert kept.body["experiment"]["segment"] == segment


@pytest.mark.parametrize(("days", "kept_days"), [(45, 45), (None, 30), (1, 30)])
def test_a_decision_is_kept_as_long_as_the_contract_says_and_never_shorter_than_a_redelivery(
    days: int | None, kept_days: int
) -> None:
    given = timedelta(days=days) if days is not None else None
    plan = replace(PLAN, governance=replace(PLAN.governance, keep_decisions=given))
    world = _world()
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    (decision,) = world.store.decisions(CUSTOMER)
    entry = world.store.outbox_entry(CUSTOMER, receipt.decision_id or "")
    assert decision.expires_at == NOW + timedelta(days=kept_days)
    assert entry is not None
    assert entry.keep_until == decision.expires_at


def test_consent_that_is_renewed_before_the_commit_lets_the_action_go_without_a_second_call() -> None:
    world = _world(InterruptedStore(lambda store: store.put_consent(CUSTOMER, consent(at=NOW), now=NOW)))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, len(world.model.calls), len(world.channel.deliveries)) == ("acted", 1, 1)


def test_consent_that_is_renewed_does_not_open_what_was_foreclosed() -> None:
    plan = a_plan(score="when-actionable", decide={**SPEC["decide"], "actions": ["offer-20"]})
    world = _world(InterruptedStore(lambda store: store.put_consent(CUSTOMER, consent(at=NOW), now=NOW)))
    world.store.put_profile(CUSTOMER, {"orders": 1}, updated_at=NOW)
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert (receipt.reason.code, world.model.calls) == ("actions.not_eligible", [])


def test_a_customer_who_is_erased_before_the_commit_gets_nothing() -> None:
    world = _world(InterruptedStore(lambda store: store.delete_profile(CUSTOMER)))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.reason.code, world.channel.deliveries) == ("consent.unknown", [])


def test_consent_given_while_a_refusal_is_written_does_not_turn_it() -> None:
    world = _world(InterruptedStore(lambda store: store.put_consent(CUSTOMER, consent(at=NOW), now=NOW)))
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW - timedelta(hours=1)), now=NOW)
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.reason.code, world.model.calls) == ("consent.revoked", [])


def test_an_event_that_refuses_is_not_decided_on_an_older_grant() -> None:
    world = _world()
    said = replace(an_event(), consent={"marketing": "denied"})
    receipt = world.runtime.handle(PLAN, said, now=NOW)
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "consent.denied")
    assert (world.model.calls, world.channel.deliveries, receipt.features) == ([], [], {})


def test_an_event_that_grants_opens_nothing_that_the_record_closes() -> None:
    world = _world()
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    said = replace(an_event(), consent={"marketing": "granted"})
    assert world.runtime.handle(PLAN, said, now=NOW).reason.code == "consent.revoked"


def test_the_words_of_a_platform_count_where_the_contract_maps_them() -> None:
    plan = replace(PLAN, consent_source=ConsentSource(segment=("Advertising",)))
    refused = replace(an_event(), consent={"categoryPreferences": {}})
    granted = replace(an_event("event-2"), consent={"categoryPreferences": {"Advertising": True}})
    world = _world()
    assert world.runtime.handle(plan, refused, now=NOW).reason.code == "consent.denied"
    assert world.runtime.handle(plan, granted, now=NOW).outcome == "acted"
    assert world.runtime.handle(PLAN, replace(refused, id="event-3"), now=NOW).outcome == "acted"
