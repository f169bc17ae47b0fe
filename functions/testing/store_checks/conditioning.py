"""What a decision stands on is checked again at its commit: several consents, and suppression marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from functions.governance.consent import ConsentRecord
from functions.profiles.operator_documents import MARK, OperatorStore
from functions.profiles.premises import MAX_CONSENTS, MAX_MARKS, ConsentCondition
from functions.profiles.store import CommitRequest, CommitResult, ProfileStore
from functions.testing.store_checks.racing import at_once
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_consent,
    a_decision,
    new_id,
    on_consent,
    on_marks,
    paid_from,
    read,
    refuses,
    send,
    with_action,
)


class ConsentConditionChecks:
    """A commit that is conditional on the consent of its purpose and on what rails ask for besides."""

    def test_any_of_several_consents_stops_a_commit(self, store: ProfileStore) -> None:
        """Whichever was read otherwise, also as absent; all as they are stored let the same decision pass."""
        profile_id = new_id("profile")
        for purpose in ("marketing", "calls", "ads"):
            store.put_consent(profile_id, a_consent(purpose), now=NOW)
        request = with_action(a_decision(profile_id))
        for purpose in ("marketing", "calls", "ads"):
            request = on_consent(request, purpose, a_consent(purpose))
        request = on_consent(request, "never-asked", None)
        for purpose, read_otherwise in (
            ("marketing", replace(a_consent(), status="denied")),
            ("calls", None),
            ("ads", replace(a_consent("ads"), source=None)),
            ("never-asked", a_consent("never-asked")),
        ):
            stale = on_consent(request, purpose, read_otherwise)
            assert send(store, stale).status == "consent_changed"
        assert list(store.decisions(profile_id)) == []
        assert send(store, request).status == "committed"

    def test_a_consent_that_comes_or_goes_meanwhile_stops_a_commit(self, store: ProfileStore) -> None:
        """The others are as they were read."""
        profile_id = new_id("profile")
        for purpose in ("marketing", "calls"):
            store.put_consent(profile_id, a_consent(purpose), now=NOW)
        request = with_action(a_decision(profile_id))
        for purpose in ("marketing", "calls"):
            request = on_consent(request, purpose, a_consent(purpose))
        request = on_consent(request, "ads", None)
        revoked = ConsentRecord("calls", "revoked", NOW + HOUR)
        store.put_consent(profile_id, revoked, now=NOW + HOUR)
        assert send(store, request).status == "consent_changed"
        request = on_consent(request, "calls", revoked)
        store.put_consent(profile_id, a_consent("ads"), now=NOW)
        assert send(store, request).status == "consent_changed"
        assert send(store, on_consent(request, "ads", a_consent("ads"))).status == "committed"

    def test_conditions_on_consent_that_contradict_each_other_are_refused(self, store: ProfileStore) -> None:
        """One purpose twice, too many, or one without a name."""
        request = CommitRequest(a_decision(new_id("profile")))
        twice = (ConsentCondition("marketing", None), ConsentCondition("marketing", a_consent()))
        many = tuple(ConsentCondition(f"purpose-{number}", None) for number in range(MAX_CONSENTS + 1))
        for wrong in (twice, many, (ConsentCondition("", None),)):
            assert refuses(store.commit, replace(request, consents=wrong))
        assert send(store, replace(request, consents=many[1:])).status == "committed"


class MarkChecks:
    """A commit that is conditional on the suppression marks that were read."""

    def test_a_mark_that_comes_meanwhile_stops_a_commit(
        self, store: ProfileStore, documents: OperatorStore
    ) -> None:
        """Also one that was changed or is read with a version that it never had; nothing is written then."""
        profile_id, mark, other = new_id("profile"), MARK + new_id("mark"), MARK + new_id("mark")
        request = on_marks(with_action(a_decision(profile_id)), **{mark: 0, other: 0})
        assert documents.put_document(mark, {"n": 1}, replaces=0)
        assert send(store, request) == CommitResult("lists_changed")
        assert send(store, on_marks(request, **{mark: 2, other: 0})).status == "lists_changed"
        assert documents.put_document(mark, {"n": 2}, replaces=1)
        assert send(store, on_marks(request, **{mark: 1, other: 0})).status == "lists_changed"
        assert send(store, on_marks(request, **{mark: 2, other: 1})).status == "lists_changed"
        assert list(store.decisions(profile_id)) == []
        assert read(store, profile_id).state.version == 0
        assert send(store, on_marks(request, **{mark: 2, other: 0})).status == "committed"

    def test_shared_documents_of_other_kinds_can_be_conditions_too(
        self, store: ProfileStore, documents: OperatorStore
    ) -> None:
        """A mark is a document like any other."""
        name = new_id("document")
        request = on_marks(with_action(a_decision(new_id("profile"))), **{name: 0})
        assert documents.put_document(name, {}, replaces=0)
        assert send(store, request).status == "lists_changed"
        assert send(store, on_marks(request, **{name: 1})).status == "committed"

    def test_a_mark_comes_after_consent_and_before_the_version(
        self, store: ProfileStore, documents: OperatorStore
    ) -> None:
        """The first reason in the order of `Refusal` is given; a decision that exists comes before all."""
        profile_id, mark, budget = new_id("profile"), MARK + new_id("mark"), new_id("budget")
        assert documents.put_document(mark, {}, replaces=0)
        stale = paid_from(with_action(a_decision(profile_id), version=7), budget, 5)
        marked = on_marks(stale, **{mark: 0})
        assert send(store, on_consent(marked, "marketing", a_consent())).status == "consent_changed"
        assert send(store, marked).status == "lists_changed"
        assert send(store, on_marks(stale, **{mark: 1})).status == "version_moved"
        assert send(store, with_action(stale.decision)).status == "committed"
        assert send(store, marked) == CommitResult("duplicate", stale.decision)

    def test_conditions_on_marks_that_contradict_themselves_are_refused(self, store: ProfileStore) -> None:
        """One twice, too many, a name or a version that no document can have."""
        request = CommitRequest(a_decision(new_id("profile")))
        twice = on_marks(request, **{MARK + "a": 0}).marks * 2
        many = on_marks(request, **{f"{MARK}{number}": 0 for number in range(MAX_MARKS + 1)}).marks
        for wrong in (twice, many, on_marks(request, **{"": 0}).marks, on_marks(request, a=-1).marks):
            assert refuses(store.commit, replace(request, marks=wrong))

    def test_a_mark_that_races_a_commit_comes_first_or_finds_the_decision(
        self, store: ProfileStore, documents: OperatorStore
    ) -> None:
        """Who has set a mark and finds no decision knows that none comes."""
        for _ in range(10):
            profile_id, mark = new_id("profile"), MARK + new_id("mark")
            request = on_marks(with_action(a_decision(profile_id)), **{mark: 0})

            def suppress(profile_id: str = profile_id, mark: str = mark) -> bool:
                assert documents.put_document(mark, {}, replaces=0)
                return bool(store.decisions(profile_id))

            def commit(request: CommitRequest = request) -> bool:
                return send(store, request).status == "committed"

            calls: list[Callable[[], bool]] = [suppress, commit]
            found, committed = at_once(calls)
            assert found == committed
