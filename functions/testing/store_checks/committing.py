"""The commit: whole or not at all, and every reason against it in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.governance.consent import ConsentRecord
from functions.profiles.budgets import BudgetTake
from functions.profiles.outbox import OutboxEntry
from functions.profiles.store import (
    MAX_CONTACTS,
    CommitRequest,
    Contact,
    DecisionRecord,
    ProfileState,
    ProfileStore,
    Snapshot,
    StateUpdate,
)
from functions.testing.store_checks.samples import (
    DAY,
    HOUR,
    NOW,
    a_consent,
    a_contact,
    a_decision,
    a_score,
    acted,
    an_entry,
    new_id,
    on_consent,
    own_outbox,
    paid_from,
    read,
    refuses,
    scores_alone,
    send,
    with_action,
)

_TICK: Final = timedelta(milliseconds=1)


class CommitChecks:
    """What a commit writes, and when it writes nothing."""

    def test_a_decision_alone_is_kept(self, store: ProfileStore) -> None:
        """A suppressed decision changes no state."""
        decision = replace(a_decision(new_id("profile")), outcome="suppressed", reason="consent.denied")
        assert send(store, CommitRequest(decision)).status == "committed"
        snapshot = read(store, decision.profile_id, decision.id)
        assert snapshot.decision == decision
        assert (snapshot.state.version, snapshot.state.scores, snapshot.state.contacts) == (0, {}, ())
        assert list(store.decisions(decision.profile_id)) == [decision]
        assert store.outbox_entry(decision.profile_id, decision.id) is None

    def test_an_action_is_kept_with_all_its_parts(self, store: ProfileStore) -> None:
        """Decision, score, contact, payment and outbox entry are read back as they were given."""
        profile_id, budget = new_id("profile"), new_id("budget")
        store.open_budget(budget, "2026-11-02", [100, 100])
        store.put_consent(profile_id, a_consent(), now=NOW)
        decision = a_decision(profile_id)
        request = on_consent(with_action(decision), "marketing", a_consent())
        assert send(store, paid_from(request, budget, 30, shard=1)).status == "committed"
        snapshot = read(store, profile_id, decision.id)
        assert snapshot.decision == decision
        assert snapshot.state.version == 1
        assert snapshot.state.scores == {"churn": a_score(decision_id=decision.id)}
        assert snapshot.state.contacts == (a_contact(decision),)
        assert store.outbox_entry(profile_id, decision.id) == an_entry(decision)
        assert store.budget_left(budget, "2026-11-02") == (100, 70)

    def test_what_rails_need_later_is_kept(self, store: ProfileStore) -> None:
        """A contact that does not count says so; an entry knows what it paid and which zones were found."""
        profile_id, budget = new_id("profile"), new_id("budget")
        store.open_budget(budget, "2026-11-02", [100])
        decision = a_decision(profile_id)
        request = with_action(decision)
        assert request.state is not None
        uncounted = replace(a_contact(decision), counts=False)
        request = replace(request, state=replace(request.state, contact=uncounted))
        take = BudgetTake(budget, "2026-11-02", 0, 30)
        zones = {"quiet-hours": "Europe/Berlin"}
        entry = replace(an_entry(decision), paid=(take,), zones=zones)
        assert send(store, replace(request, budgets=(take,), outbox=entry)).status == "committed"
        assert read(store, profile_id).state.contacts == (uncounted,)
        assert store.outbox_entry(profile_id, decision.id) == entry

    def test_scores_keep_their_type(self, store: ProfileStore) -> None:
        """Numbers, text and booleans; with an end or without one."""
        profile_id = new_id("profile")
        scores = {
            "integer": a_score(1),
            "float": a_score(1.0),
            "text": a_score("high"),
            "truth": a_score(True),
            "a name-with.dots/and 🚀": replace(a_score(0.1), expires_at=None),
        }
        send(store, scores_alone(a_decision(profile_id), **scores))
        kept = read(store, profile_id).state.scores
        assert kept == scores
        assert {name: type(score.value) for name, score in kept.items()} == {
            name: type(score.value) for name, score in scores.items()
        }

    def test_instants_are_kept_in_milliseconds(self, store: ProfileStore) -> None:
        """What is finer is cut off, everywhere alike."""
        precise = NOW + timedelta(microseconds=1_999)
        decision = a_decision(new_id("profile"), at=precise)
        send(store, with_action(decision))
        snapshot = read(store, decision.profile_id, decision.id)
        assert snapshot.decision is not None
        assert snapshot.decision.decided_at == NOW + _TICK
        assert snapshot.state.contacts[0].at == NOW + _TICK
        assert snapshot.state.scores["churn"].at == NOW + _TICK
        assert own_outbox(store, decision.profile_id)[0].due_at == NOW + _TICK

    def test_a_decision_that_exists_is_answered_with_the_original(self, store: ProfileStore) -> None:
        """Whatever the second request says, the first decision comes back and nothing changes."""
        decision = a_decision(new_id("profile"))
        send(store, with_action(decision))
        before = _everything(store, decision.profile_id)
        again = replace(decision, outcome="no_action", decided_at=NOW + HOUR, body={})
        for request in (with_action(decision), with_action(again, version=1), CommitRequest(again)):
            result = send(store, request)
            assert (result.status, result.existing) == ("duplicate", decision)
        assert _everything(store, decision.profile_id) == before

    def test_one_decision_id_under_two_profiles_is_two_decisions(self, store: ProfileStore) -> None:
        """Decisions are kept per profile."""
        first = a_decision(new_id("profile"))
        second = replace(first, profile_id=new_id("profile"))
        assert send(store, with_action(first)).status == "committed"
        assert send(store, with_action(second)).status == "committed"
        assert read(store, second.profile_id, first.id).decision == second

    def test_decisions_are_listed_newest_first(self, store: ProfileStore) -> None:
        """By decision time, not by the order of writing."""
        profile_id = new_id("profile")
        early, late, middle = (a_decision(profile_id, at=NOW + hours * HOUR) for hours in (0, 2, 1))
        for decision in (early, late, middle):
            send(store, CommitRequest(decision))
        assert list(store.decisions(profile_id)) == [late, middle, early]
        assert list(store.decisions(profile_id, limit=1)) == [late]
        assert list(store.decisions(profile_id, limit=0)) == []

    def test_changed_consent_stops_a_commit(self, store: ProfileStore) -> None:
        """Any field of the record counts; the record that is stored lets the same decision pass."""
        profile_id = new_id("profile")
        record = a_consent()
        store.put_consent(profile_id, record, now=NOW)
        request = with_action(a_decision(profile_id))
        for other in (
            None,
            ConsentRecord("marketing", "revoked", record.at, record.expires_at, record.source, "EU"),
            replace(record, at=record.at - _TICK),
            replace(record, expires_at=None),
            replace(record, source=None),
            replace(record, jurisdiction="UK"),
        ):
            assert send(store, on_consent(request, "marketing", other)).status == "consent_changed"
        assert (
            send(store, on_consent(request, "analytics", a_consent("analytics"))).status == "consent_changed"
        )
        assert _everything(store, profile_id)[0] == replace(
            _nothing(profile_id), consent={"marketing": record}
        )
        assert send(store, on_consent(request, "marketing", record)).status == "committed"

    def test_absent_consent_can_be_a_condition(self, store: ProfileStore) -> None:
        """A decision on missing consent stands while it is missing."""
        profile_id = new_id("profile")
        request = on_consent(CommitRequest(a_decision(profile_id)), "marketing", None)
        assert send(store, request).status == "committed"
        store.put_consent(profile_id, a_consent(), now=NOW)
        later = on_consent(CommitRequest(a_decision(profile_id)), "marketing", None)
        assert send(store, later).status == "consent_changed"

    def test_consent_is_compared_in_milliseconds(self, store: ProfileStore) -> None:
        """A record that was given in microseconds equals its stored self."""
        profile_id = new_id("profile")
        record = a_consent(at=NOW - timedelta(microseconds=1_234))
        store.put_consent(profile_id, record, now=NOW)
        request = on_consent(CommitRequest(a_decision(profile_id)), "marketing", record)
        assert send(store, request).status == "committed"

    def test_a_moved_version_stops_an_action(self, store: ProfileStore) -> None:
        """Only the version that is stored will do, neither an older nor a newer one."""
        profile_id = new_id("profile")
        acted(store, profile_id)
        acted(store, profile_id)
        before = _everything(store, profile_id)
        for version in (0, 1, 3):
            request = with_action(a_decision(profile_id), version=version)
            assert send(store, request).status == "version_moved"
        assert _everything(store, profile_id) == before
        assert send(store, with_action(a_decision(profile_id), version=2)).status == "committed"

    def test_scores_alone_neither_need_nor_move_the_version(self, store: ProfileStore) -> None:
        """The version counts changes of the contact log only."""
        profile_id = new_id("profile")
        acted(store, profile_id)
        for version in (None, 0, 99):
            state = StateUpdate(scores={"churn": a_score()}, expected_version=version)
            request = CommitRequest(a_decision(profile_id), state=state)
            assert send(store, request).status == "committed"
        assert read(store, profile_id).state.version == 1

    def test_a_score_from_an_older_event_leaves_a_newer_one_alone(self, store: ProfileStore) -> None:
        """Each score by itself; the decision is kept all the same."""
        profile_id = new_id("profile")
        newer = a_score(0.9, at=NOW)
        send(store, scores_alone(a_decision(profile_id), churn=newer))
        older, other = a_score(0.1, at=NOW - _TICK), a_score("high", at=NOW - HOUR)
        late = a_decision(profile_id)
        assert send(store, scores_alone(late, churn=older, value=other)).status == "committed"
        snapshot = read(store, profile_id, late.id)
        assert snapshot.state.scores == {"churn": newer, "value": other}
        assert snapshot.decision == late

    def test_a_score_from_an_older_event_is_left_out_beside_an_action_too(self, store: ProfileStore) -> None:
        """The action is kept, the newer score stays."""
        profile_id = new_id("profile")
        newer = a_score(0.9, at=NOW + HOUR)
        send(store, scores_alone(a_decision(profile_id), churn=newer))
        decision = acted(store, profile_id)
        state = read(store, profile_id).state
        assert state.scores == {"churn": newer}
        assert state.contacts == (a_contact(decision),)

    def test_a_score_from_the_same_instant_or_a_later_one_replaces(self, store: ProfileStore) -> None:
        """The last writer of one instant wins."""
        profile_id = new_id("profile")
        for value, at in ((0.1, NOW), (0.2, NOW), (0.3, NOW + _TICK)):
            send(store, scores_alone(a_decision(profile_id), churn=a_score(value, at=at)))
            assert read(store, profile_id).state.scores == {"churn": a_score(value, at=at)}

    def test_the_contact_log_is_oldest_first(self, store: ProfileStore) -> None:
        """By the instant of the contact, not by the order of writing."""
        profile_id = new_id("profile")
        decisions = [acted(store, profile_id, at=NOW + hours * HOUR) for hours in (0, 2, 1)]
        state = read(store, profile_id).state
        assert [contact.decision_id for contact in state.contacts] == [decisions[n].id for n in (0, 2, 1)]
        assert state.version == 3

    def test_old_contacts_are_pruned_when_one_is_added(self, store: ProfileStore) -> None:
        """Those from before the instant go, one from the instant stays, and scores alone prune nothing."""
        profile_id = new_id("profile")
        for age in (3 * DAY, DAY + _TICK, DAY, HOUR):
            acted(store, profile_id, at=NOW - age)
        without = CommitRequest(a_decision(profile_id), state=StateUpdate(prune_before=NOW))
        send(store, without)
        assert len(read(store, profile_id).state.contacts) == 4
        decision = a_decision(profile_id)
        send(store, _pruning(with_action(decision, version=4), NOW - DAY))
        contacts = read(store, profile_id).state.contacts
        assert [contact.at for contact in contacts] == [NOW - DAY, NOW - HOUR, NOW]

    def test_the_first_reason_wins_and_nothing_is_written(self, store: ProfileStore) -> None:
        """One request with every reason against it, which are then put right one by one in their order."""
        profile_id, budget = new_id("profile"), new_id("budget")
        original = acted(store, profile_id, at=NOW - HOUR)
        for _ in range(MAX_CONTACTS - 1):
            acted(store, profile_id, at=NOW - HOUR)
        store.put_consent(profile_id, a_consent(), now=NOW)
        store.open_budget(budget, "2026-11-02", [5])
        before = _everything(store, profile_id)
        assert len(before[0].state.contacts) == MAX_CONTACTS

        fresh = with_action(a_decision(profile_id, at=NOW), version=MAX_CONTACTS)
        stale = with_action(fresh.decision, version=7)
        repeated = with_action(a_decision(profile_id, original.id, at=NOW), version=7)
        unpaid, paid = paid_from(fresh, budget, 6), paid_from(fresh, budget, 5)
        for request, status in (
            (on_consent(paid_from(repeated, budget, 6), "marketing", None), "duplicate"),
            (on_consent(paid_from(stale, budget, 6), "marketing", None), "consent_changed"),
            (on_consent(paid_from(stale, budget, 6), "marketing", a_consent()), "version_moved"),
            (on_consent(unpaid, "marketing", a_consent()), "budget_empty"),
            (on_consent(paid, "marketing", a_consent()), "contacts_full"),
        ):
            assert send(store, request).status == status
            assert _everything(store, profile_id) == before
            assert store.outbox_entry(profile_id, fresh.decision.id) is None
            assert store.budget_left(budget, "2026-11-02") == (5,)

        scores = scores_alone(a_decision(profile_id), churn=a_score(0.2, at=NOW))
        assert send(store, scores).status == "committed"
        pruned = _pruning(on_consent(paid, "marketing", a_consent()), NOW - HOUR + _TICK)
        assert send(store, pruned).status == "committed"
        assert read(store, profile_id).state.contacts == (a_contact(fresh.decision),)
        assert store.budget_left(budget, "2026-11-02") == (0,)

    def test_a_request_that_contradicts_itself_is_refused(self, store: ProfileStore) -> None:
        """Parts of another decision, a contact without a version, a payment of nothing."""
        decision = a_decision(new_id("profile"))
        request, other = with_action(decision), a_decision(decision.profile_id)
        state = request.state
        assert state is not None
        for wrong in (
            replace(request, outbox=an_entry(other)),
            replace(request, outbox=replace(an_entry(decision), profile_id="another")),
            replace(request, state=replace(state, contact=a_contact(other))),
            replace(request, state=replace(state, expected_version=None)),
            on_consent(request, "marketing", a_consent("analytics")),
            paid_from(request, "budget-1", 0),
            paid_from(request, "budget-1", -5),
            paid_from(request, "budget-1", 5, shard=-1),
            replace(request, decision=replace(decision, id="")),
            replace(request, state=replace(state, scores={"": a_score()})),
            replace(request, state=replace(state, scores={"churn": a_score(float("nan"))})),
        ):
            assert refuses(store.commit, wrong)
        assert _everything(store, decision.profile_id) == (_nothing(decision.profile_id), [], [])

    def test_odd_contacts_are_kept(self, store: ProfileStore) -> None:
        """No tags, many tags, and tags with separators in them."""
        profile_id = new_id("profile")
        contacts: list[Contact] = []
        for version, tags in enumerate(((), ("a,b", "", "🚀", "a"), tuple(map(str, range(50))))):
            decision = a_decision(profile_id, at=NOW + version * HOUR)
            contacts.append(replace(a_contact(decision), tags=tags))
            state = StateUpdate(contact=contacts[-1], expected_version=version)
            send(store, CommitRequest(decision, state=state))
        assert read(store, profile_id).state.contacts == tuple(contacts)


def _pruning(request: CommitRequest, before: datetime) -> CommitRequest:
    assert request.state is not None
    return replace(request, state=replace(request.state, prune_before=before))


def _nothing(profile_id: str) -> Snapshot:
    return Snapshot(profile_id, profile_json=None, consent={}, state=ProfileState(), decision=None)


def _everything(
    store: ProfileStore, profile_id: str
) -> tuple[Snapshot, Sequence[DecisionRecord], list[OutboxEntry]]:
    """Read all that a commit could have changed about a profile."""
    return (
        read(store, profile_id),
        list(store.decisions(profile_id, limit=1_000)),
        own_outbox(store, profile_id),
    )
