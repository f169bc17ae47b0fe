"""Trials: each is committed with its decision, and found by who counts."""

from __future__ import annotations

from dataclasses import replace

from functions.profiles.feedback import VOID, FeedbackRecord, FeedbackStore, voided
from functions.profiles.outbox import ContactStatus
from functions.profiles.store import CommitRequest, DecisionRecord, ProfileStore
from functions.testing.store_checks.responding import a_trial
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_decision,
    a_score,
    new_id,
    read,
    refuses,
    scores_alone,
    send,
    taken,
    with_action,
)


def the_trial(decision: DecisionRecord) -> FeedbackRecord:
    """Return the trial of a decision, due in an hour."""
    return replace(a_trial(decision.profile_id, due_at=NOW + HOUR), name=decision.id)


def measured(decision: DecisionRecord) -> CommitRequest:
    """Return the commit of a decision without an action, whose responses are counted."""
    return replace(scores_alone(decision, churn=a_score()), trial=the_trial(decision))


class TrialChecks:
    """What a commit leaves for who counts responses."""

    def test_a_trial_is_there_once_its_decision_is(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """By its key, among those of its profile, and among those that are due."""
        decision = a_decision(new_id("profile"))
        trial = the_trial(decision)
        assert send(store, replace(with_action(decision), trial=trial)).status == "committed"
        kept = replace(trial, version=1)
        assert feedback.read_feedback([trial.key]) == [kept]
        assert feedback.trials(decision.profile_id, since=NOW) == [kept]
        assert kept in feedback.due_trials(due_before=NOW + HOUR, limit=10_000)

    def test_a_trial_comes_with_its_decision_or_not_at_all(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """Neither a duplicate nor a commit on an old state leaves one."""
        decision = a_decision(new_id("profile"))
        stale = replace(with_action(decision, version=7), trial=the_trial(decision))
        assert send(store, stale).status == "version_moved"
        assert feedback.read_feedback([the_trial(decision).key]) == []
        assert send(store, scores_alone(decision, churn=a_score())).status == "committed"
        assert send(store, measured(decision)).status == "duplicate"
        assert feedback.read_feedback([the_trial(decision).key]) == []

    def test_what_was_counted_of_a_trial_is_never_written_over(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """A decision that was dropped for its age and is made again finds its trial."""
        decision = a_decision(new_id("profile"))
        counted = replace(the_trial(decision), body={"counted": 1})
        assert feedback.write_feedback([counted])
        assert send(store, measured(decision)).status == "committed"
        assert feedback.read_feedback([counted.key]) == [replace(counted, version=1)]

    def test_a_committed_trial_is_replaced_by_who_has_read_it(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """As if the store of feedback had written it."""
        decision = a_decision(new_id("profile"))
        assert send(store, measured(decision)).status == "committed"
        (found,) = feedback.read_feedback([the_trial(decision).key])
        assert feedback.write_feedback([replace(found, body={"counted": 1}, due_at=None)])
        assert feedback.due_trials(due_before=NOW - 400 * HOUR, limit=10_000) == []
        (found,) = feedback.read_feedback([found.key])
        assert (found.version, found.body, found.due_at) == (2, {"counted": 1}, None)

    def test_an_action_that_never_left_leaves_no_trial_to_learn_from(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """The write that releases it marks its trial, and lets it be counted again; no other settling does."""
        endings: tuple[ContactStatus, ...] = ("sent", "released")
        for status in endings:
            decision = a_decision(new_id("profile"))
            neighbour = a_decision(decision.profile_id, at=NOW + HOUR)
            for one, version in ((decision, 0), (neighbour, 1)):
                request = replace(with_action(one, version=version), trial=the_trial(one))
                assert send(store, request).status == "committed"
            assert store.settle(taken(store, decision), status="reserved", note="action.unavailable")
            kept = replace(the_trial(decision), version=1)
            assert feedback.read_feedback([kept.key]) == [kept]
            assert store.settle(taken(store, decision), status=status)
            ended = replace(voided(kept), version=2) if status == "released" else kept
            assert feedback.read_feedback([kept.key]) == [ended]
            assert feedback.read_feedback([the_trial(neighbour).key])[0].version == 1
            assert (ended in feedback.due_trials(due_before=NOW, limit=10_000)) == (status == "released")

    def test_a_trial_that_is_counted_while_its_action_is_released_is_marked(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """Whoever has read it before can't write it."""
        decision = a_decision(new_id("profile"))
        assert send(store, replace(with_action(decision), trial=the_trial(decision))).status == "committed"
        (read_before,) = feedback.read_feedback([the_trial(decision).key])
        assert store.settle(taken(store, decision), status="released")
        assert not feedback.write_feedback([replace(read_before, due_at=None)])
        (kept,) = feedback.read_feedback([read_before.key])
        assert kept.body[VOID] is True

    def test_a_trial_of_another_decision_is_refused(self, store: ProfileStore) -> None:
        """And nothing is written."""
        decision = a_decision(new_id("profile"))
        for wrong in (
            the_trial(a_decision(decision.profile_id)),
            the_trial(a_decision(new_id("profile"), decision.id)),
            replace(the_trial(decision), kind="counter"),
        ):
            assert refuses(store.commit, replace(measured(decision), trial=wrong))
        assert read(store, decision.profile_id).state.scores == {}

    def test_the_erasure_of_a_profile_takes_its_trials_along(
        self, store: ProfileStore, feedback: FeedbackStore
    ) -> None:
        """Also when nothing else is left of it."""
        decision = a_decision(new_id("profile"))
        assert feedback.write_feedback([the_trial(decision)])
        assert store.delete_profile(decision.profile_id) is True
        assert feedback.read_feedback([the_trial(decision).key]) == []
