"""Aliases of ids that have a life of their own: what is known under both counts together."""

from __future__ import annotations

from dataclasses import replace

from functions.profiles.outbox import ContactStatus
from functions.profiles.store import Contact, DecisionRecord, ProfileStore
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_contact,
    a_decision,
    acted,
    new_id,
    read,
    send,
    taken,
    with_action,
)


def contacts(store: ProfileStore, profile_id: str) -> tuple[Contact, ...]:
    """Return the contact log of a profile."""
    return read(store, profile_id).state.contacts


def contacted(*decisions: DecisionRecord) -> tuple[Contact, ...]:
    """Return the contacts of decisions."""
    return tuple(a_contact(one) for one in decisions)


class MergeChecks:
    """What an alias unites."""

    def test_an_alias_brings_its_contacts_and_is_remembered(self, store: ProfileStore) -> None:
        """In the order of time, beside those of the profile, whose version moves."""
        for add in (store.put_alias, store.add_alias):
            alias, profile_id = new_id("alias"), new_id("profile")
            first, second = acted(store, alias), acted(store, alias, at=NOW + 2 * HOUR)
            own = acted(store, profile_id, at=NOW + HOUR)
            before = read(store, profile_id).state.version
            add(alias, profile_id)
            assert contacts(store, profile_id) == contacted(first, own, second)
            state = read(store, profile_id).state
            assert (state.version, state.known_as) == (before + 1, (alias,))
            add(alias, profile_id)
            assert read(store, profile_id).state == state

    def test_an_alias_without_a_life_is_remembered(self, store: ProfileStore) -> None:
        """The version stays, so that no decision about the profile is made again for it."""
        aliases, profile_id = sorted((new_id("alias"), new_id("alias"))), new_id("profile")
        acted(store, profile_id)
        for alias in reversed(aliases):
            store.put_alias(alias, profile_id)
        state = read(store, profile_id).state
        assert (state.version, state.known_as) == (1, tuple(aliases))

    def test_a_decision_that_is_being_made_under_an_alias_is_refused(self, store: ProfileStore) -> None:
        """Also when it would be the first: nobody acts under an id whose caps are those of another."""
        for lives in (False, True):
            alias, profile_id = new_id("alias"), new_id("profile")
            version = 1 if lives else 0
            if lives:
                acted(store, alias)
            store.put_alias(alias, profile_id)
            late = with_action(a_decision(alias, at=NOW + HOUR), version=version)
            assert send(store, late).status == "version_moved"

    def test_a_decision_about_the_profile_counts_what_an_alias_brought(self, store: ProfileStore) -> None:
        """One that has read the log before is refused, one that reads it after is committed beside it."""
        alias, profile_id = new_id("alias"), new_id("profile")
        first = acted(store, alias)
        store.put_alias(alias, profile_id)
        second = a_decision(profile_id, at=NOW + HOUR)
        assert send(store, with_action(second, version=0)).status == "version_moved"
        assert send(store, with_action(second, version=1)).status == "committed"
        assert contacts(store, profile_id) == contacted(first, second)

    def test_what_was_united_stays_when_the_alias_moves(self, store: ProfileStore) -> None:
        """A merge can only tighten; the alias is remembered by the profile that it leads to alone."""
        alias, first, second = new_id("alias"), new_id("profile"), new_id("profile")
        decision = acted(store, alias)
        for profile_id in (first, second):
            store.put_alias(alias, profile_id)
        for profile_id in (first, second):
            assert contacts(store, profile_id) == contacted(decision)
        assert [read(store, one).state.known_as for one in (first, second)] == [(), (alias,)]

    def test_aliases_of_aliases_are_remembered(self, store: ProfileStore) -> None:
        """And what they brought is brought along."""
        ids = [new_id("profile") for _ in range(3)]
        decisions = [acted(store, one, at=NOW + number * HOUR) for number, one in enumerate(ids)]
        store.put_alias(ids[0], ids[1])
        store.put_alias(ids[1], ids[2])
        state = read(store, ids[2]).state
        assert state.contacts == contacted(*decisions)
        assert state.known_as == tuple(sorted(ids[:2]))

    def test_an_id_that_stands_for_itself_changes_nothing(self, store: ProfileStore) -> None:
        """Nor do two that stand for each other count anything twice."""
        first, second = new_id("profile"), new_id("profile")
        one = acted(store, first)
        store.put_alias(first, first)
        assert (contacts(store, first), read(store, first).state.known_as) == (contacted(one), ())
        other = acted(store, second, at=NOW + HOUR)
        store.put_alias(first, second)
        store.put_alias(second, first)
        assert contacts(store, first) == contacts(store, second) == contacted(one, other)

    def test_the_action_of_an_alias_ends_under_every_id(self, store: ProfileStore) -> None:
        """Its entry is where it was; what ends is one contact, wherever it is counted."""
        ends: tuple[tuple[ContactStatus, int], ...] = (("released", 1), ("unconfirmed", 0))
        for status, moved in ends:
            ids = [new_id("profile") for _ in range(3)]
            decision = acted(store, ids[0])
            store.put_alias(ids[0], ids[1])
            store.put_alias(ids[1], ids[2])
            before = [read(store, one).state.version for one in ids]
            assert store.settle(taken(store, decision), status=status) is True
            for one, version in zip(ids, before, strict=True):
                assert contacts(store, one) == (replace(a_contact(decision), status=status),)
                assert read(store, one).state.version == version + moved

    def test_an_action_of_an_alias_that_leaves_late_counts_from_then_under_every_id(
        self, store: ProfileStore
    ) -> None:
        """Sent, or put off; a decision that is being made about the customer is refused."""
        alias, profile_id, late = new_id("alias"), new_id("profile"), NOW + 23 * HOUR
        decision, own = acted(store, alias), acted(store, profile_id, at=NOW + HOUR)
        store.put_alias(alias, profile_id)
        version = read(store, profile_id).state.version
        waiting = taken(store, decision)
        assert store.settle(waiting, status="reserved", due_at=late, at=late) is True
        put_off = replace(a_contact(decision), at=late)
        assert (contacts(store, alias), contacts(store, profile_id)) == (
            (put_off,),
            (a_contact(own), put_off),
        )
        late += HOUR
        assert store.settle(taken(store, decision, now=late), status="sent", at=late) is True
        sent = replace(a_contact(decision), status="sent", at=late)
        assert (contacts(store, alias), contacts(store, profile_id)) == ((sent,), (a_contact(own), sent))
        stale = with_action(a_decision(profile_id, at=late), version=version)
        assert send(store, stale).status == "version_moved"
        assert read(store, profile_id).state.version == version + 2

    def test_the_end_of_an_action_follows_a_circle_once(self, store: ProfileStore) -> None:
        """And an id that stands for itself."""
        first, second = new_id("profile"), new_id("profile")
        decision = acted(store, first)
        store.put_alias(first, second)
        store.put_alias(second, first)
        assert store.settle(taken(store, decision), status="sent", at=NOW + HOUR) is True
        sent = replace(a_contact(decision), status="sent", at=NOW + HOUR)
        assert contacts(store, first) == contacts(store, second) == (sent,)
        own = new_id("profile")
        alone = acted(store, own)
        store.put_alias(own, own)
        assert store.settle(taken(store, alone), status="released") is True
        assert contacts(store, own) == (replace(a_contact(alone), status="released"),)

    def test_a_profile_to_which_an_alias_comes_back_learns_when_its_action_left(
        self, store: ProfileStore
    ) -> None:
        """It counted the contact from the decision; nobody told it while the alias led elsewhere."""
        alias, first, second = new_id("alias"), new_id("profile"), new_id("profile")
        decision = acted(store, alias)
        store.put_alias(alias, first)
        store.put_alias(alias, second)
        assert store.settle(taken(store, decision), status="sent", at=NOW + HOUR) is True
        assert contacts(store, first) == contacted(decision)
        version = read(store, first).state.version
        store.put_alias(alias, first)
        sent = replace(a_contact(decision), status="sent", at=NOW + HOUR)
        assert contacts(store, first) == contacts(store, second) == (sent,)
        assert read(store, first).state.version == version + 1

    def test_an_action_ends_where_the_profile_of_an_alias_is_erased(self, store: ProfileStore) -> None:
        """There is no contact of its customer any more; its own follows."""
        alias, profile_id = new_id("alias"), new_id("profile")
        decision = acted(store, alias)
        store.put_alias(alias, profile_id)
        waiting = taken(store, decision)
        assert store.delete_profile(profile_id) is True
        assert store.settle(waiting, status="released") is True
        assert contacts(store, alias) == (replace(a_contact(decision), status="released"),)
        assert contacts(store, profile_id) == ()
