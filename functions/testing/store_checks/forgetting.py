"""Access and erasure: everything that is kept about a customer is given out, and the same is erased."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from functions.profiles.access import Holdings, HoldingsStore, erase, read_dossier
from functions.profiles.feedback import FeedbackRecord, FeedbackStore
from functions.profiles.outbox import notice_key
from functions.profiles.store import ProfileState, Snapshot
from functions.testing.store_checks.racing import at_once
from functions.testing.store_checks.responding import a_trial
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_consent,
    a_decision,
    acted,
    an_entry,
    new_id,
    read,
    refuses,
    send,
    taken,
    with_action,
)

Dump = Callable[[], str]
"""Returns all that two stores keep, as text."""


class AccessChecks:
    """What is kept, read whole and erased whole."""

    def test_of_an_unknown_customer_nothing_is_kept(self, store: HoldingsStore) -> None:
        """No profile, and nothing else."""
        profile_id = new_id("profile")
        nothing = Snapshot(profile_id, profile_json=None, consent={}, state=ProfileState(), decision=None)
        assert store.holdings(profile_id) == Holdings(nothing)
        assert store.holdings(profile_id).is_empty
        assert refuses(store.holdings, "")

    def test_everything_under_an_id_is_read(self, store: HoldingsStore) -> None:
        """All decisions, and outbox entries whatever their status, with the notices of scores."""
        profile_id, alias = new_id("profile"), new_id("alias")
        store.put_profile(profile_id, {"n": 1}, updated_at=NOW)
        store.patch_profile(profile_id, {"plan": "gold"}, at=NOW + HOUR)
        store.put_consent(profile_id, a_consent(), now=NOW)
        store.put_alias(alias, profile_id)
        decisions = [acted(store, profile_id, at=NOW + number * HOUR) for number in range(30)]
        store.settle(taken(store, decisions[0]), status="sent")
        told = a_decision(profile_id, at=NOW + 40 * HOUR)
        notice = replace(an_entry(told), decision_id=notice_key(told.id, "churn"))
        send(store, replace(with_action(told, version=30), notices=(notice,)))
        held = store.holdings(profile_id)
        assert held.snapshot == read(store, profile_id)
        assert held.aliases == (alias,)
        assert list(held.decisions) == [told, *reversed(decisions)]
        assert [entry.decision_id for entry in held.outbox] == [
            *(decision.id for decision in decisions),
            told.id,
            notice.decision_id,
        ]
        assert [entry.status for entry in held.outbox[:2]] == ["sent", "reserved"]
        assert not held.is_empty

    def test_what_is_read_is_what_is_erased(
        self, store: HoldingsStore, feedback: FeedbackStore, dump: Dump
    ) -> None:
        """Of a customer with a canary everywhere nothing is left, in no corner; the neighbour keeps all."""
        canary, neighbour = new_id("canary"), new_id("neighbour")
        for name in (canary, neighbour):
            _plant(store, feedback, name)
        found = read_dossier(store, feedback, canary)
        before = read_dossier(store, feedback, neighbour)
        assert canary in dump()

        assert erase(store, feedback, canary) == found

        assert (found.customer, found.aliases) == (canary, (f"alias-of-{canary}",))
        (records,) = found.records
        held = records.held
        for part in (held.snapshot.profile_json, held.snapshot.consent, held.snapshot.state):
            assert canary in str(part)
        for one in (*held.decisions, *held.outbox, *records.feedback):
            assert canary in str(one)
        assert [one.kind for one in records.feedback] == ["trial", "responses"]
        assert read_dossier(store, feedback, canary).is_empty
        assert erase(store, feedback, canary).is_empty
        assert canary not in dump()
        assert read_dossier(store, feedback, neighbour) == before

    def test_what_was_kept_under_an_alias_goes_with_the_customer(
        self, store: HoldingsStore, feedback: FeedbackStore, dump: Dump
    ) -> None:
        """Whichever of the ids is asked for; an alias of an alias, too."""
        for asked in range(3):
            ids = [new_id(kind) for kind in ("customer", "visitor", "device")]
            for name in ids:
                _plant(store, feedback, name)
            store.put_alias(ids[1], ids[0])
            store.put_alias(ids[2], ids[1])
            found = erase(store, feedback, ids[asked])
            assert found.customer == ids[0]
            assert [one.held.snapshot.profile_id for one in found.records] == ids
            assert set(found.aliases) == {*ids[1:], *(f"alias-of-{name}" for name in ids)}
            assert not [name for name in ids if name in dump()]

    def test_ids_that_stand_for_each_other_are_one_customer(
        self, store: HoldingsStore, feedback: FeedbackStore, dump: Dump
    ) -> None:
        """Nobody should write that, and everybody can."""
        first, second = new_id("first"), new_id("second")
        for name in (first, second):
            _plant(store, feedback, name)
        store.put_alias(first, second)
        store.put_alias(second, first)
        assert len(erase(store, feedback, first).records) == 2
        assert first not in dump()
        assert second not in dump()

    def test_an_erasure_beside_commits_leaves_whole_decisions(
        self, store: HoldingsStore, feedback: FeedbackStore
    ) -> None:
        """What was committed meanwhile is erased whole, or comes after and is whole."""
        profile_id = new_id("profile")
        _plant(store, feedback, profile_id)

        def commit() -> int:
            done = 0
            for _ in range(15):
                version = read(store, profile_id).state.version
                done += (
                    send(store, with_action(a_decision(profile_id), version=version)).status == "committed"
                )
            return done

        def forget() -> int:
            return sum(not erase(store, feedback, profile_id).is_empty for _ in range(5))

        *_, erased = at_once([commit, commit, forget])
        held = store.holdings(profile_id)
        ids = {decision.id for decision in held.decisions}
        assert erased >= 1
        assert {contact.decision_id for contact in held.snapshot.state.contacts} == ids
        assert {entry.decision_id for entry in held.outbox} == ids
        assert held.snapshot.state.version == len(ids)
        assert held.snapshot.profile_json is None


def _plant(store: HoldingsStore, feedback: FeedbackStore, canary: str) -> None:
    """Put a text wherever a store keeps something about a customer."""
    store.put_profile(canary, {canary: canary}, updated_at=NOW)
    store.patch_profile(canary, {canary: canary}, at=NOW + HOUR)
    store.put_consent(canary, replace(a_consent(canary), source=canary, jurisdiction=canary), now=NOW)
    store.put_alias(f"alias-of-{canary}", canary)
    decision = replace(a_decision(canary), id=f"decision-{canary}", body={canary: canary}, reason=canary)
    request = with_action(decision)
    assert request.outbox is not None
    entry = replace(request.outbox, message={canary: canary})
    notice = replace(entry, decision_id=notice_key(decision.id, canary))
    send(store, replace(request, outbox=entry, notices=(notice,)))
    trial = replace(a_trial(canary, due_at=NOW), body={canary: canary})
    responses = FeedbackRecord("responses", canary, "-", NOW, {canary: canary})
    assert feedback.write_feedback([trial, responses])
