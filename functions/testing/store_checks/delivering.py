"""The outbox: one worker at a time, and a contact log that follows what became of the action."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.profiles.outbox import ContactStatus, notice_key
from functions.profiles.store import ProfileStore, StateUpdate
from functions.testing.store_checks.samples import (
    DAY,
    HOUR,
    NOW,
    a_contact,
    a_decision,
    a_score,
    acted,
    an_entry,
    new_id,
    own_outbox,
    read,
    refuses,
    scores_alone,
    send,
    taken,
    with_action,
)

_TICK: Final = timedelta(milliseconds=1)
_SETTLED: Final[tuple[ContactStatus, ...]] = ("sent", "released", "unconfirmed")


class OutboxChecks:
    """Leases, settling and listing."""

    def test_an_action_that_leaves_later_counts_from_then_on(self, store: ProfileStore) -> None:
        """Its contact moves and keeps what else it holds, and a decision that saw it earlier is told so."""
        profile_id = new_id("profile")
        first, second = acted(store, profile_id), acted(store, profile_id, at=NOW + HOUR)
        seen = read(store, profile_id).state
        late = NOW + 5 * HOUR
        assert store.settle(taken(store, first, now=late), status="sent", at=late)
        state = read(store, profile_id).state
        assert [(one.decision_id, one.at, one.status) for one in state.contacts] == [
            (second.id, NOW + HOUR, "reserved"),
            (first.id, late, "sent"),
        ]
        assert state.contacts[1] == replace(seen.contacts[0], at=late, status="sent")
        assert state.version == seen.version + 1
        stale = with_action(a_decision(profile_id, at=late), version=seen.version)
        assert send(store, stale).status == "version_moved"

    def test_an_action_that_waits_counts_from_when_it_will_leave(self, store: ProfileStore) -> None:
        """Also when it is to wait once more; without a time its contact stays where it is."""
        decision = acted(store, new_id("profile"))
        due = NOW + 3 * HOUR
        assert store.settle(taken(store, decision), status="reserved", due_at=due, at=due)
        assert store.settle(taken(store, decision, now=due), status="reserved", due_at=due + HOUR)
        (contact,) = read(store, decision.profile_id).state.contacts
        assert (contact.at, contact.status) == (due, "reserved")
        entry = store.outbox_entry(decision.profile_id, decision.id)
        assert entry is not None
        assert entry.due_at == due + HOUR

    def test_a_moved_contact_is_pruned_by_when_it_left(self, store: ProfileStore) -> None:
        """The log keeps it for as long as rules look back from then."""
        profile_id = new_id("profile")
        first = acted(store, profile_id)
        assert store.settle(taken(store, first), status="sent", at=NOW + 2 * DAY)
        later = with_action(a_decision(profile_id, at=NOW + 3 * DAY), version=2)
        assert later.state is not None
        pruning = replace(later, state=replace(later.state, prune_before=NOW + DAY))
        assert send(store, pruning).status == "committed"
        assert len(read(store, profile_id).state.contacts) == 2

    def test_a_free_entry_is_leased(self, store: ProfileStore) -> None:
        """The lease is on the entry, and counts as an attempt."""
        decision = acted(store, new_id("profile"))
        entry = store.lease(decision.profile_id, decision.id, owner="worker-1", now=NOW, until=NOW + HOUR)
        expected = replace(an_entry(decision), lease_owner="worker-1", lease_until=NOW + HOUR, attempts=1)
        assert entry == expected
        assert store.outbox_entry(decision.profile_id, decision.id) == expected

    def test_an_entry_that_does_not_exist_is_not_leased(self, store: ProfileStore) -> None:
        """Nor is one created by asking."""
        profile_id = new_id("profile")
        assert store.lease(profile_id, "decision-1", owner="w", now=NOW, until=NOW + HOUR) is None
        assert store.outbox_entry(profile_id, "decision-1") is None

    def test_a_held_entry_is_leased_to_nobody_else(self, store: ProfileStore) -> None:
        """Until its lease is over, to the millisecond; not even to its owner again."""
        decision = acted(store, new_id("profile"))
        first = taken(store, decision)
        for owner in ("worker-1", "worker-2"):
            for now in (NOW, NOW + HOUR - _TICK):
                assert self._lease(store, first.decision_id, decision.profile_id, owner, now) is None
        assert store.outbox_entry(decision.profile_id, decision.id) == first
        assert self._lease(store, decision.id, decision.profile_id, "worker-2", NOW + HOUR) == 2

    def test_an_entry_can_be_committed_with_its_lease(self, store: ProfileStore) -> None:
        """Whoever acts right after the commit needs no second write to reserve the entry."""
        decision = a_decision(new_id("profile"))
        leased = replace(an_entry(decision), lease_owner="worker-1", lease_until=NOW + HOUR, attempts=1)
        assert send(store, replace(with_action(decision), outbox=leased)).status == "committed"
        assert self._lease(store, decision.id, decision.profile_id, "worker-2", NOW) is None
        assert store.settle(leased, status="sent") is True

    def test_a_sent_action_is_sent_in_the_contact_log(self, store: ProfileStore) -> None:
        """The version stays: nothing that a cap counts has changed."""
        decision = acted(store, new_id("profile"))
        assert store.settle(taken(store, decision), status="sent") is True
        state = read(store, decision.profile_id).state
        assert state.contacts == (replace(a_contact(decision), status="sent"),)
        assert state.version == 1
        assert store.outbox_entry(decision.profile_id, decision.id) == replace(
            an_entry(decision), status="sent", attempts=1
        )

    def test_a_released_action_is_released_in_the_contact_log(self, store: ProfileStore) -> None:
        """The version moves, so that a decision in flight counts again."""
        decision = acted(store, new_id("profile"))
        neighbour = acted(store, decision.profile_id, at=NOW + HOUR)
        assert store.settle(taken(store, decision), status="released", note="action.expired") is True
        state = read(store, decision.profile_id).state
        assert state.contacts == (replace(a_contact(decision), status="released"), a_contact(neighbour))
        assert state.version == 3
        entry = store.outbox_entry(decision.profile_id, decision.id)
        assert entry == replace(an_entry(decision), status="released", attempts=1, note="action.expired")
        stale = with_action(a_decision(decision.profile_id), version=2)
        assert send(store, stale).status == "version_moved"

    def test_a_retry_is_free_again_and_due_later(self, store: ProfileStore) -> None:
        """The contact log and the version stay as they are; attempts and the note are kept."""
        decision = acted(store, new_id("profile"))
        before = read(store, decision.profile_id).state
        entry = taken(store, decision)
        later = NOW + 2 * HOUR
        assert store.settle(entry, status="reserved", note="action.unavailable", due_at=later) is True
        assert read(store, decision.profile_id).state == before
        waiting = replace(
            an_entry(decision), attempts=1, undelivered=1, note="action.unavailable", due_at=later
        )
        assert own_outbox(store, decision.profile_id) == [waiting]
        again = taken(store, decision)
        assert again.attempts == 2
        assert store.settle(again, status="reserved") is True
        assert own_outbox(store, decision.profile_id) == [
            replace(waiting, attempts=2, undelivered=2, note=None)
        ]

    def test_an_action_that_ends_unconfirmed_goes_on_to_count(self, store: ProfileStore) -> None:
        """It may have arrived: its contact stays, the version too, and it leaves the listing."""
        decision = acted(store, new_id("profile"))
        assert store.settle(taken(store, decision), status="unconfirmed", note="action.expired") is True
        state = read(store, decision.profile_id).state
        assert state.contacts == (replace(a_contact(decision), status="unconfirmed"),)
        assert state.version == 1
        entry = store.outbox_entry(decision.profile_id, decision.id)
        assert entry == replace(an_entry(decision), status="unconfirmed", attempts=1, note="action.expired")
        assert own_outbox(store, decision.profile_id) == []

    def test_an_entry_tells_whether_an_attempt_may_have_arrived(self, store: ProfileStore) -> None:
        """An attempt that got no answer, and one that nobody ended, stay in doubt whatever comes later."""
        sure, unsure, dead = (acted(store, new_id("profile")) for _ in range(3))
        assert store.settle(taken(store, sure), status="reserved") is True
        assert store.settle(taken(store, unsure), status="reserved", in_doubt=True) is True
        assert taken(store, dead).in_doubt is False
        for decision, in_doubt in ((sure, False), (unsure, True), (dead, True)):
            again = taken(store, decision, now=NOW + HOUR)
            assert (again.attempts, again.in_doubt) == (2, in_doubt)
            assert store.settle(again, status="reserved") is True
            (waiting,) = own_outbox(store, decision.profile_id)
            assert waiting.in_doubt is in_doubt

    def test_an_entry_keeps_the_other_ids_of_the_customer(self, store: ProfileStore) -> None:
        """In their order."""
        decision = a_decision(new_id("profile"))
        entry = replace(an_entry(decision), known_as=("visitor-2", "visitor-1"))
        assert send(store, replace(with_action(decision), outbox=entry)).status == "committed"
        assert own_outbox(store, decision.profile_id) == [entry]

    def test_only_a_retry_moves_the_due_time(self, store: ProfileStore) -> None:
        """What was sent was due when it was due."""
        decision = acted(store, new_id("profile"))
        assert store.settle(taken(store, decision), status="sent", due_at=NOW + DAY) is True
        entry = store.outbox_entry(decision.profile_id, decision.id)
        assert entry is not None
        assert entry.due_at == NOW

    def test_a_settled_entry_is_neither_leased_nor_settled_again(self, store: ProfileStore) -> None:
        """An action leaves once."""
        for status in _SETTLED:
            decision = acted(store, new_id("profile"))
            entry = taken(store, decision)
            assert store.settle(entry, status=status)
            after = read(store, decision.profile_id)
            assert self._lease(store, decision.id, decision.profile_id, "worker-2", NOW + DAY) is None
            assert store.settle(entry, status="released") is False
            assert store.settle(entry, status="reserved", due_at=NOW + DAY) is False
            assert read(store, decision.profile_id) == after
            assert own_outbox(store, decision.profile_id) == []

    def test_a_lost_lease_settles_nothing(self, store: ProfileStore) -> None:
        """Neither after somebody else took the entry, nor after its own worker took it anew."""
        decision = acted(store, new_id("profile"))
        first = taken(store, decision)
        second = taken(store, decision, now=NOW + HOUR)
        for lost in (
            first,
            replace(second, lease_owner="worker-2"),
            replace(second, lease_owner=None),
            replace(second, decision_id=new_id("decision")),
            replace(second, profile_id=new_id("profile")),
        ):
            assert store.settle(lost, status="released", note="action.expired") is False
        assert store.outbox_entry(decision.profile_id, decision.id) == second
        assert read(store, decision.profile_id).state.contacts == (a_contact(decision),)
        assert store.settle(second, status="sent") is True

    def test_an_entry_that_nobody_holds_is_not_settled(self, store: ProfileStore) -> None:
        """Whoever found it in the listing has to lease it first."""
        decision = acted(store, new_id("profile"))
        (listed,) = own_outbox(store, decision.profile_id)
        assert store.settle(listed, status="sent") is False
        assert own_outbox(store, decision.profile_id) == [listed]

    def test_a_lease_that_ran_out_still_settles_while_nobody_took_over(self, store: ProfileStore) -> None:
        """A slow worker that sent the action may say so."""
        decision = acted(store, new_id("profile"))
        entry = store.lease(decision.profile_id, decision.id, owner="w", now=NOW, until=NOW + _TICK)
        assert entry is not None
        assert store.settle(entry, status="sent") is True

    def test_a_pruned_contact_is_not_brought_back(self, store: ProfileStore) -> None:
        """The entry is settled all the same, and the version stays."""
        profile_id = new_id("profile")
        old = acted(store, profile_id, at=NOW - DAY)
        decision = a_decision(profile_id)
        request = with_action(decision, version=1)
        assert request.state is not None
        pruning = StateUpdate(contact=request.state.contact, expected_version=1, prune_before=NOW - HOUR)
        send(store, replace(request, state=pruning))
        assert store.settle(taken(store, old), status="released", note="action.expired") is True
        state = read(store, profile_id).state
        assert state.contacts == (a_contact(decision),)
        assert state.version == 2

    def test_the_outbox_lists_what_is_reserved_by_due_time(self, store: ProfileStore) -> None:
        """Oldest first, held ones too, settled ones no more."""
        profile_id = new_id("profile")
        late, early, sent, held = (acted(store, profile_id, at=NOW + hours * HOUR) for hours in (3, 1, 0, 2))
        store.settle(taken(store, sent), status="sent")
        taken(store, held)
        assert [entry.decision_id for entry in own_outbox(store, profile_id)] == [early.id, held.id, late.id]

    def test_the_outbox_lists_what_is_due(self, store: ProfileStore) -> None:
        """Up to and with the instant, and no more than was asked for."""
        profile_id = new_id("profile")
        far_past = NOW - 365 * 50 * DAY
        first, second = (acted(store, profile_id, at=far_past + hours * HOUR) for hours in (0, 1))
        due = store.outbox(due_before=far_past + HOUR, limit=10_000)
        assert [entry.decision_id for entry in due if entry.profile_id == profile_id] == [first.id, second.id]
        due = store.outbox(due_before=far_past + HOUR - _TICK, limit=10_000)
        assert [entry.decision_id for entry in due if entry.profile_id == profile_id] == [first.id]
        assert len(store.outbox(limit=1)) == 1
        assert list(store.outbox(limit=0)) == []

    def test_a_commit_can_hold_notices_beside_its_action(self, store: ProfileStore) -> None:
        """Each is an entry of its own, leased and settled without the action or its contact following."""
        decision = a_decision(new_id("profile"))
        request = with_action(decision)
        told = tuple(replace(an_entry(decision), decision_id=notice_key(decision.id, name)) for name in "abc")
        assert send(store, replace(request, notices=told)).status == "committed"
        assert {entry.decision_id for entry in own_outbox(store, decision.profile_id)} == {
            decision.id,
            *(entry.decision_id for entry in told),
        }
        for entry, status in zip(told, _SETTLED, strict=True):
            taken_entry = store.lease(
                decision.profile_id, entry.decision_id, owner="worker-1", now=NOW, until=NOW + HOUR
            )
            assert taken_entry is not None
            assert store.settle(taken_entry, status=status) is True
        state = read(store, decision.profile_id).state
        assert [contact.status for contact in state.contacts] == ["reserved"]
        assert state.version == 1
        assert [entry.decision_id for entry in own_outbox(store, decision.profile_id)] == [decision.id]
        assert store.delete_profile(decision.profile_id) is True
        assert store.outbox_entry(decision.profile_id, told[0].decision_id) is None

    def test_notices_need_no_action_and_come_with_their_decision_or_not_at_all(
        self, store: ProfileStore
    ) -> None:
        """A second commit of the decision writes none."""
        decision = a_decision(new_id("profile"))
        notice = replace(an_entry(decision), decision_id=notice_key(decision.id, "churn"))
        first = replace(scores_alone(decision, churn=a_score()), notices=(notice,))
        other = replace(notice, decision_id=notice_key(decision.id, "value"))
        assert send(store, first).status == "committed"
        assert send(store, replace(first, notices=(other,))).status == "duplicate"
        assert [entry.decision_id for entry in own_outbox(store, decision.profile_id)] == [notice.decision_id]

    def test_notices_of_others_and_of_one_key_are_refused(self, store: ProfileStore) -> None:
        """So that no entry takes the place of another."""
        decision = a_decision(new_id("profile"))
        notice = replace(an_entry(decision), decision_id=notice_key(decision.id, "churn"))
        for wrong in (
            (an_entry(decision),),
            (replace(notice, profile_id=new_id("profile")),),
            (replace(notice, decision_id=notice_key(new_id("decision"), "churn")),),
            (notice, notice),
        ):
            assert refuses(store.commit, replace(scores_alone(decision), notices=wrong))

    def _lease(
        self, store: ProfileStore, decision_id: str, profile_id: str, owner: str, now: datetime
    ) -> int | None:
        entry = store.lease(profile_id, decision_id, owner=owner, now=now, until=now + HOUR)
        return entry.attempts if entry else None
