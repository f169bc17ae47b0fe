"""What is kept in the end: the newest of everything, whatever the order, and nothing of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.documents import Json
from functions.errors import StoreUnavailableError
from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.governance.statements import ConsentSource
from functions.ingest.writing import Ingest, Ingested
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, consent, put_customer

SECOND = timedelta(seconds=1)
SOURCES = {"marketing": ConsentSource(segment=("Ads",), gpc=True)}


def record(profile_id: str = CUSTOMER, *, at: Any = NOW, **fields: Json) -> dict[str, Any]:
    return {"profile_id": profile_id, "updated_at": at.isoformat(), **fields}


def take(store: MemoryProfileStore, document: Json) -> list[Ingested]:
    return list(Ingest(store, SOURCES).take(document, now=NOW, received_at=NOW))


Said = tuple[ConsentStatus, int]
"""What was said of marketing, and how many days ago."""


def _said(said: Said) -> ConsentRecord:
    return ConsentRecord("marketing", said[0], NOW - timedelta(days=said[1]))


def fates(results: list[Ingested]) -> list[str]:
    return [result.fate for result in results]


def profile_of(store: MemoryProfileStore, profile_id: str = CUSTOMER) -> Json:
    text = store.load(profile_id).profile_json
    return None if text is None else json.loads(text)


_UPDATES = st.lists(
    st.tuples(
        st.sampled_from(("profile", "traits", "consent")),
        st.integers(0, 30),
        st.sampled_from(("granted", "denied", "revoked")),
    ),
    unique_by=lambda update: (update[0] == "consent", update[1]),
    min_size=1,
    max_size=7,
)


@settings(deadline=None)
@given(updates=_UPDATES, data=st.data())
def test_any_order_of_updates_ends_in_the_newest(
    updates: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    def told(order: list[tuple[str, int, str]]) -> tuple[Json, Any]:
        store = MemoryProfileStore()
        for part, second, status in order:
            content: Json = (
                {"marketing": status} if part == "consent" else {"n": second, f"n{second}": status}
            )
            take(store, record(at=NOW - 60 * SECOND + second * SECOND, **{part: content}))
        return profile_of(store), store.load(CUSTOMER).consent

    assert told(updates) == told(data.draw(st.permutations(updates)))


def test_older_update_is_reported_and_changes_nothing() -> None:
    store = MemoryProfileStore()
    take(store, record(profile={"n": 2}, consent={"marketing": "denied"}))
    (late,) = take(store, record(at=NOW - SECOND, profile={"n": 1}, consent={"marketing": "granted"}))
    assert (late.fate, late.kept) == ("older", ("consent.marketing", "profile"))
    assert profile_of(store) == {"n": 2}
    assert store.load(CUSTOMER).consent["marketing"].status == "denied"


@pytest.mark.parametrize("part", ["profile", "consent"])
def test_update_from_the_future_is_refused_beyond_the_skew(part: str) -> None:
    store = MemoryProfileStore()
    content: Json = {"marketing": "granted"} if part == "consent" else {"n": 1}
    near, far = NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, milliseconds=1)
    assert fates(take(store, record(at=near, **{part: content}))) == ["written"]
    (refused,) = take(store, record("other", at=far, **{part: content}))
    assert (refused.fate, refused.code) == ("refused", "event.from_future")
    later = {"marketing": {"status": "granted", "at": far.isoformat()}}
    assert take(store, record("other", consent=later, profile={"n": 1}))[0].code == "event.from_future"
    assert profile_of(store, "other") is None


def test_every_record_has_a_fate_of_its_own() -> None:
    store = MemoryProfileStore()
    results = take(
        store, [record("a", profile={}), record("null"), {"hello": 1}, record("b"), record("c", profile={})]
    )
    assert fates(results) == ["written", "refused", "refused", "nothing", "written"]
    assert [result.code for result in results] == [
        None,
        "event.blocked_id",
        "event.unknown_envelope",
        None,
        None,
    ]
    assert [result.position for result in results] == ["[0]", "[1]", "[2]", "[3]", "[4]"]


def test_nothing_of_a_record_is_told_but_its_place_and_its_parts() -> None:
    store = MemoryProfileStore()
    results = take(
        store, [record("SECRET", profile={"a": "SECRET"}), record(consent={"SECRET X": "granted"})]
    )
    assert "SECRET" not in json.dumps([result.as_document() for result in results])


def test_store_that_fails_is_not_the_fault_of_the_record() -> None:
    class Broken(MemoryProfileStore):
        def put_profile(self, *_: Any, **__: Any) -> bool:
            raise StoreUnavailableError("not today")

    (failed,) = take(Broken(), record(profile={}))
    assert (failed.fate, failed.code) == ("failed", "store.unavailable")
    (refused,) = take(MemoryProfileStore(), record(profile={"a": "x" * 900_000, "b": "x" * 200_000}))
    assert (refused.fate, refused.code) == ("refused", "event.too_large")


def test_id_that_is_an_alias_never_gets_a_profile_of_its_own() -> None:
    store = MemoryProfileStore()
    take(store, record(profile={"n": 1}, aliases=["visitor-1"]))
    (result,) = take(store, record("visitor-1", at=NOW + SECOND, profile={"n": 2}))
    assert (result.profile_id, profile_of(store), profile_of(store, "visitor-1")) == (
        CUSTOMER,
        {"n": 2},
        None,
    )


def test_alias_of_one_person_is_not_given_to_another_and_makes_no_circle() -> None:
    store = MemoryProfileStore()
    take(store, record("a", aliases=["v"]))
    (second,) = take(store, record("b", aliases=["v"]))
    (circle,) = take(store, record("v", aliases=["a"]))
    assert (second.fate, second.kept, store.resolve_alias("v")) == ("older", ("alias",), "a")
    assert (circle.profile_id, circle.fate, store.resolve_alias("a")) == ("a", "nothing", None)


def test_refusals_of_the_anonymous_time_go_with_the_alias_and_grants_do_not() -> None:
    store = MemoryProfileStore()
    store.put_consent(CUSTOMER, consent(), now=NOW)
    refused = ConsentRecord("marketing", "revoked", NOW - SECOND)
    store.put_consent("v", refused, now=NOW)
    store.put_consent("v", ConsentRecord("ads", "granted", NOW - SECOND), now=NOW)
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent == {"marketing": refused}


@pytest.mark.parametrize(
    ("customer", "visitor", "united"),
    [
        (("granted", 1), ("denied", 9), ("conflict", 1)),
        (("granted", 9), ("revoked", 1), ("revoked", 1)),
        (("granted", 1), ("conflict", 9), ("conflict", 1)),
        (("granted", 1), ("unknown", 9), ("granted", 1)),
        (("denied", 9), ("granted", 1), ("denied", 9)),
        (("denied", 1), ("revoked", 9), ("denied", 1)),
        (("granted", 1), ("granted", 9), ("granted", 1)),
        (None, ("denied", 9), ("denied", 9)),
        (None, ("granted", 9), None),
    ],
)
def test_of_two_consents_that_become_one_customers_the_stricter_counts_or_they_conflict(
    customer: Said | None, visitor: Said, united: Said | None
) -> None:
    """By the days since each was said: an old no is not overruled by a yes of somebody who turns out to be the same."""
    store = MemoryProfileStore()
    for profile_id, said in ((CUSTOMER, customer), ("v", visitor)):
        if said is not None:
            store.put_consent(profile_id, _said(said), now=NOW)
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent == ({"marketing": _said(united)} if united is not None else {})


def test_what_a_customer_says_after_ids_were_united_counts_for_good() -> None:
    """However often the alias is sent again; a grant from before that is sent again changes nothing."""
    store = MemoryProfileStore()
    store.put_consent("v", _said(("denied", 9)), now=NOW)
    store.put_consent(CUSTOMER, _said(("granted", 5)), now=NOW)
    take(store, record(aliases=["v"]))
    assert store.put_consent(CUSTOMER, _said(("granted", 5)), now=NOW) is False
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent["marketing"].status == "conflict"
    assert store.put_consent(CUSTOMER, _said(("granted", 1)), now=NOW) is True
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent["marketing"].status == "granted"


class AliasFails(MemoryProfileStore):
    """A store that fails before or after it has added an alias, once, or where something is said just then."""

    def __init__(self, *, done: bool, happens: Callable[[MemoryProfileStore], object] | None = None) -> None:
        super().__init__()
        self._done, self._happens, self._armed = done, happens, True

    def add_alias(self, alias: str, profile_id: str) -> bool:
        armed, self._armed = self._armed, False
        if armed and self._happens is not None:
            self._happens(self)
        elif armed and not self._done:
            raise StoreUnavailableError("before")
        added = super().add_alias(alias, profile_id)
        if armed and self._happens is None:
            raise StoreUnavailableError("after")
        return added


@pytest.mark.parametrize("done", [False, True])
def test_wherever_the_union_is_cut_short_the_stricter_consent_counts(done: bool) -> None:
    store = AliasFails(done=done)
    store.put_consent(CUSTOMER, _said(("granted", 1)), now=NOW)
    store.put_consent("v", _said(("denied", 9)), now=NOW)
    for fate in ("failed", "written"):
        (result,) = take(store, record(aliases=["v"]))
        assert result.fate == fate
        assert store.load(CUSTOMER).consent["marketing"].status == "conflict"
    assert store.resolve_alias("v") == CUSTOMER


def test_a_refusal_that_comes_while_ids_are_united_goes_along() -> None:
    refused = _said(("denied", 9))
    store = AliasFails(done=True, happens=lambda one: one.put_consent("v", refused, now=NOW))
    store.put_consent(CUSTOMER, _said(("granted", 1)), now=NOW)
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent["marketing"].status == "conflict"


def test_an_alias_of_another_tightens_nobodys_consent() -> None:
    store = MemoryProfileStore()
    store.put_consent(CUSTOMER, _said(("granted", 1)), now=NOW)
    store.put_consent("v", _said(("denied", 9)), now=NOW)
    store.put_alias("v", "other")
    take(store, record(aliases=["v"]))
    assert store.load(CUSTOMER).consent == {"marketing": _said(("granted", 1))}


def test_consent_that_comes_counts_in_the_next_decision() -> None:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    store = world.store
    assert isinstance(store, MemoryProfileStore)
    put_customer(store)
    assert world.runtime.handle(a_plan(), an_event(), now=NOW).outcome == "acted"
    take(store, record(consent={"marketing": "revoked"}))
    after = world.runtime.handle(a_plan(), an_event("event-2"), now=NOW)
    assert (after.reason.code, len(world.channel.deliveries)) == ("consent.revoked", 1)


def test_consent_that_comes_between_decision_and_commit_counts() -> None:
    revoked = record(consent={"marketing": "revoked"})
    store = InterruptedStore(lambda one: take(one, revoked))
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(store)
    receipt = world.runtime.handle(a_plan(), an_event(), now=NOW)
    assert (receipt.reason.code, world.channel.deliveries, receipt.write_back) == ("consent.revoked", [], {})


def test_consent_that_comes_between_commit_and_act_keeps_a_waiting_action_back() -> None:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    store = world.store
    assert isinstance(store, MemoryProfileStore)
    put_customer(store)

    def die(stage: str) -> None:
        if stage == "committed":
            raise StoreUnavailableError("the process dies here")

    world.on_stage = die
    world.runtime.handle(a_plan(), an_event(), now=NOW)
    world.on_stage = lambda _: None
    take(store, record(consent={"marketing": "revoked"}))
    ((_, performed),) = world.runtime.redrive(a_plan().policy, now=NOW)
    assert performed is not None
    assert (performed.delivery, performed.note, world.channel.deliveries) == ("none", "consent.revoked", [])
