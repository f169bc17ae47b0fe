"""Feedback: records that are written several at once, each in the place of what was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from functions.profiles.feedback import MAX_WRITES, FeedbackRecord, FeedbackStore
from functions.testing.store_checks.racing import THREADS, at_once
from functions.testing.store_checks.samples import DAY, HOUR, NOW, new_id, refuses


def a_trial(profile_id: str, *, at: datetime = NOW, due_at: datetime | None = None) -> FeedbackRecord:
    """Return a trial of a profile that was never written."""
    return FeedbackRecord(
        "trial", profile_id, new_id("decision"), at, {"action": "offer"}, 0, due_at, at + DAY
    )


def a_counter() -> FeedbackRecord:
    """Return a counter that was never written."""
    return FeedbackRecord("counter", new_id("counter"), "-", NOW, {"total": 0})


class FeedbackChecks:
    """Trials, responses and counters."""

    def test_a_record_is_read_as_it_was_written(self, feedback: FeedbackStore) -> None:
        """With its instants, and one version more; absent ones are left out."""
        trial = a_trial(new_id("profile"), due_at=NOW + HOUR)
        assert feedback.write_feedback([trial])
        missing = a_trial(trial.owner).key
        assert feedback.read_feedback([trial.key, missing]) == [replace(trial, version=1)]

    def test_kinds_are_apart(self, feedback: FeedbackStore) -> None:
        """The same owner may have one of each."""
        profile_id = new_id("profile")
        records = [
            a_trial(profile_id),
            FeedbackRecord("responses", profile_id, "-", NOW, {"clicked": 1}),
            FeedbackRecord("attempts", profile_id, "-", NOW, {"attempts": []}),
            FeedbackRecord("counter", profile_id, "-", NOW, {"total": 2}),
        ]
        assert feedback.write_feedback(records)
        read = feedback.read_feedback([record.key for record in records])
        assert sorted(one.kind for one in read) == ["attempts", "counter", "responses", "trial"]

    def test_a_record_is_replaced_by_who_has_read_it(self, feedback: FeedbackStore) -> None:
        """Any other version is refused, and changes nothing."""
        counter = a_counter()
        assert feedback.write_feedback([counter])
        assert feedback.write_feedback([replace(counter, version=1, body={"total": 1})])
        for stale in (0, 1, 3):
            assert not feedback.write_feedback([replace(counter, version=stale, body={"total": 9})])
        (read,) = feedback.read_feedback([counter.key])
        assert (read.version, read.body) == (2, {"total": 1})

    def test_several_are_written_all_or_none(self, feedback: FeedbackStore) -> None:
        """One that was changed meanwhile keeps all the others back."""
        trial, counter = a_trial(new_id("profile")), a_counter()
        assert feedback.write_feedback([counter])
        assert not feedback.write_feedback([trial, counter])
        assert feedback.read_feedback([trial.key]) == []
        assert feedback.write_feedback([trial, replace(counter, version=1)])
        assert len(feedback.read_feedback([trial.key, counter.key])) == 2

    def test_one_of_many_writers_wins(self, feedback: FeedbackStore) -> None:
        """So that nothing is added twice."""
        for _ in range(3):
            trial, counter = a_trial(new_id("profile")), a_counter()
            writes = [
                partial(feedback.write_feedback, [trial, replace(counter, body={"by": writer})])
                for writer in range(THREADS)
            ]
            won = at_once(writes)
            assert sorted(won) == [False] * (THREADS - 1) + [True]
            (read,) = feedback.read_feedback([counter.key])
            assert read.body == {"by": won.index(True)}

    def test_the_trials_of_a_profile_are_listed_newest_first(self, feedback: FeedbackStore) -> None:
        """From an instant on, and those of nobody else."""
        profile_id = new_id("profile")
        trials = [a_trial(profile_id, at=NOW - hours * HOUR) for hours in (3, 1, 2)]
        assert feedback.write_feedback([*trials, a_trial(new_id("profile"))])
        listed = feedback.trials(profile_id, since=NOW - 2 * HOUR)
        assert [one.name for one in listed] == [trials[1].name, trials[2].name]
        assert feedback.trials(new_id("profile"), since=NOW) == []

    def test_due_trials_are_listed_by_their_time(self, feedback: FeedbackStore) -> None:
        """Neither those that are due later nor those that nobody is to look at."""
        profile_id, far = new_id("profile"), NOW + 3_650 * DAY
        trials = [a_trial(profile_id, due_at=far - hours * HOUR) for hours in (1, 3, 2)]
        later, never = a_trial(profile_id, due_at=far + HOUR), a_trial(profile_id)
        assert feedback.write_feedback([*trials, later, never])
        due = [one for one in feedback.due_trials(due_before=far, limit=1_000) if one.owner == profile_id]
        assert [one.name for one in due] == [trials[1].name, trials[2].name, trials[0].name]
        assert feedback.due_trials(due_before=far, limit=0) == []

    def test_a_trial_that_is_settled_is_due_no_more(self, feedback: FeedbackStore) -> None:
        """It is still there."""
        trial = a_trial(new_id("profile"), due_at=NOW)
        assert feedback.write_feedback([trial])
        assert feedback.write_feedback([replace(trial, version=1, due_at=None)])
        due = feedback.due_trials(due_before=NOW, limit=1_000)
        assert trial.name not in [one.name for one in due]
        assert [one.version for one in feedback.read_feedback([trial.key])] == [2]

    def test_a_profile_is_forgotten(self, feedback: FeedbackStore) -> None:
        """With its trials, responses and attempts; counters stay."""
        profile_id, counter = new_id("profile"), a_counter()
        responses = FeedbackRecord("responses", profile_id, "-", NOW, {})
        attempts = FeedbackRecord("attempts", profile_id, "-", NOW, {}, keep_until=NOW + DAY)
        records = [a_trial(profile_id, due_at=NOW), responses, attempts, counter]
        assert feedback.write_feedback(records)
        assert feedback.forget_feedback(profile_id)
        assert [one.kind for one in feedback.read_feedback([one.key for one in records])] == ["counter"]
        assert not feedback.forget_feedback(profile_id)

    def test_what_can_not_be_kept_is_refused(self, feedback: FeedbackStore) -> None:
        """An id that is no key, a number that is none, one record twice, too many at once."""
        trial = a_trial(new_id("profile"))
        assert refuses(feedback.write_feedback, [replace(trial, owner="")])
        assert refuses(feedback.write_feedback, [replace(trial, body={"chance": float("nan")})])
        assert refuses(feedback.write_feedback, [trial, trial])
        many = [a_trial(trial.owner) for _ in range(MAX_WRITES + 1)]
        assert refuses(feedback.write_feedback, many)
        assert feedback.write_feedback([])
        assert feedback.trials(trial.owner, since=NOW) == []
