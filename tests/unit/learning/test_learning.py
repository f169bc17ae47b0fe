"""Responses are matched to decisions, counted exactly once, and corrected when they come late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decision.posteriors import Counter
from functions.errors import StoreContendedError, StoreUnavailableError
from functions.events.event import Event
from functions.learning.counting import BeliefCache, Folded, fold_due
from functions.learning.responses import record_event, responses_document, responses_key
from functions.learning.trials import EARLY, Lesson, Trial, counter_name, trial_record
from functions.profiles.feedback import FeedbackRecord
from functions.profiles.memory_feedback import MemoryFeedbackStore

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RATE = {"revenue": Lesson("rate", ("converted",))}


def a_trial(number: int = 1, *, profile_id: str = "customer-1", at: datetime = NOW, **more: Any) -> Trial:
    return Trial(
        profile_id=profile_id,
        decision_id=f"decision-{number}",
        function=more.pop("function", "churn"),
        action=more.pop("action", "offer"),
        group="optimised",
        leaf="gold",
        decided_at=at,
        closes_at=at + 7 * DAY,
        lessons=more.pop("lessons", RATE),
        drawn=more.pop("drawn", True),
        **more,
    )


def opened(*trials: Trial) -> MemoryFeedbackStore:
    feedback = MemoryFeedbackStore()
    for trial in trials:
        assert feedback.write_feedback([trial_record(trial, due_at=trial.closes_at)])
    return feedback


def an_event(name: str, *, at: datetime = NOW + HOUR, **properties: Any) -> Event:
    return Event(f"{name}-{at}", name, "track", at, "shop", "customer-1", None, properties, {}, {}, None, {})


def tell(
    feedback: MemoryFeedbackStore, name: str, *, at: datetime = NOW + HOUR, **more: Any
) -> Sequence[str]:
    found = record_event(feedback, an_event(name, at=at, **more), "customer-1", now=at)
    return [f"{one.status} {one.decision_id}" for one in found]


def counter(feedback: MemoryFeedbackStore, action: str = "offer", function: str = "churn") -> Counter:
    name = counter_name(function, "gold", action, "revenue")
    for record in feedback.read_feedback([("counter", name, "-")]):
        return Counter(record.body["trials"], record.body["total"], record.body["squares"])
    return Counter()


def test_an_outcome_that_names_its_decision_belongs_to_it() -> None:
    feedback = opened(a_trial(1), a_trial(2, at=NOW + timedelta(minutes=1)))
    assert tell(feedback, "action_clicked", decision_id="decision-1") == ["recorded decision-1"]
    assert tell(feedback, "action_clicked", decision_id="decision-9") == ["unmatched decision-9"]


def test_without_an_id_a_click_belongs_to_the_last_decision_with_an_action() -> None:
    nothing = a_trial(3, at=NOW + 2 * HOUR, action="do-nothing")
    feedback = opened(a_trial(1), a_trial(2, at=NOW + HOUR), nothing)
    assert tell(feedback, "action_clicked", at=NOW + 3 * HOUR) == ["recorded decision-2"]


def test_without_an_id_a_conversion_belongs_to_the_last_decision_of_every_function() -> None:
    held_out = a_trial(3, at=NOW + HOUR, action="do-nothing", function="winback")
    feedback = opened(a_trial(1, at=NOW - HOUR), a_trial(2), held_out)
    assert sorted(tell(feedback, "Order Completed", at=NOW + DAY, revenue=30)) == [
        "recorded decision-2",
        "recorded decision-3",
    ]


def test_what_happened_before_a_decision_or_after_its_window_is_not_its_outcome() -> None:
    feedback = opened(a_trial(1))
    assert tell(feedback, "order completed", at=NOW - timedelta(seconds=1)) == ["noted None"]
    assert tell(feedback, "order completed", at=NOW + 7 * DAY + timedelta(seconds=1)) == ["noted None"]
    assert tell(feedback, "order completed", at=NOW + 7 * DAY) == ["recorded decision-1"]


def test_an_event_of_another_kind_is_no_outcome() -> None:
    assert tell(opened(a_trial(1)), "page_view") == ["no_outcome None"]


def test_each_type_of_outcome_counts_once() -> None:
    feedback = opened(a_trial(1))
    for expected in ("recorded", "repeated", "repeated"):
        assert tell(feedback, "action_converted", decision_id="decision-1") == [f"{expected} decision-1"]
    assert fold_due(feedback, now=NOW + HOUR) == Folded(trials=1, responses=1)
    assert counter(feedback) == Counter(1, 1, 1)


def test_the_last_response_of_each_type_is_what_the_next_decision_reads() -> None:
    feedback = opened(a_trial(1), a_trial(2, at=NOW + HOUR))
    tell(feedback, "action_complained", at=NOW + 3 * HOUR, decision_id="decision-2")
    tell(feedback, "action_complained", at=NOW + 2 * HOUR, decision_id="decision-1")
    (record,) = feedback.read_feedback([responses_key("customer-1")])
    complained = responses_document(record)["complained"]
    assert (complained["at"], complained["decision_id"]) == ("2026-11-02T12:00:00.000Z", "decision-2")


def test_every_purchase_stands_on_the_profile_whatever_decision_it_belongs_to() -> None:
    feedback = opened(a_trial(1))

    def last() -> Any:
        (record,) = feedback.read_feedback([responses_key("customer-1")])
        return responses_document(record)["converted"]["at"]

    assert tell(feedback, "order completed", at=NOW - HOUR) == ["noted None"]
    assert last() == "2026-11-02T08:00:00.000Z"
    assert tell(feedback, "order completed", at=NOW + HOUR) == ["recorded decision-1"]
    assert tell(feedback, "order completed", at=NOW + 2 * HOUR) == ["repeated decision-1"]
    assert last() == "2026-11-02T11:00:00.000Z"
    assert tell(feedback, "order completed", at=NOW + 3 * HOUR, decision_id="decision-9") == [
        "noted decision-9"
    ]
    assert last() == "2026-11-02T12:00:00.000Z"


def test_a_response_of_a_clock_that_is_slow_is_a_response() -> None:
    for early, expected in ((EARLY, 1), (EARLY + timedelta(seconds=1), 0)):
        feedback = opened(a_trial(1))
        tell(feedback, "action_converted", at=NOW - early, decision_id="decision-1")
        fold_due(feedback, now=NOW + 7 * DAY)
        assert counter(feedback) == Counter(1, expected, expected)


def test_what_no_decision_is_named_for_happened_after_it() -> None:
    """The purchase that caused a decision is no answer to it, however close they are."""
    feedback = opened(a_trial(1))
    assert tell(feedback, "order completed", at=NOW - timedelta(milliseconds=1)) == ["noted None"]


def test_a_response_outside_the_window_does_not_keep_the_right_one_out() -> None:
    feedback = opened(a_trial(1))
    for at in (NOW - HOUR, NOW + 8 * DAY, NOW + DAY):
        tell(feedback, "action_converted", at=at, decision_id="decision-1")
    assert tell(feedback, "action_converted", at=NOW - HOUR, decision_id="decision-1") == [
        "repeated decision-1"
    ]
    fold_due(feedback, now=NOW + 9 * DAY)
    assert counter(feedback) == Counter(1, 1, 1)


def test_the_largest_of_several_amounts_counts() -> None:
    lessons = {"revenue": Lesson("amount", ("accepted", "converted"))}
    feedback = opened(a_trial(1, lessons=lessons))
    tell(feedback, "action_accepted", decision_id="decision-1")
    tell(feedback, "action_converted", decision_id="decision-1", amount=3)
    fold_due(feedback, now=NOW + HOUR)
    assert counter(feedback) == Counter(1, 3, 9)


@pytest.mark.parametrize(("after", "expected"), [(7 * DAY, 1), (7 * DAY + timedelta(milliseconds=1), 0)])
def test_a_response_counts_to_the_last_instant_of_the_window(after: timedelta, expected: int) -> None:
    feedback = opened(a_trial(1))
    tell(feedback, "action_converted", at=NOW + after, decision_id="decision-1")
    fold_due(feedback, now=NOW + 8 * DAY)
    assert counter(feedback) == Counter(1, expected, expected)


def test_a_trial_is_kept_for_outcomes_that_come_sixty_days_after_its_window() -> None:
    record = trial_record(a_trial(1), due_at=None)
    assert record.keep_until == NOW + 7 * DAY + timedelta(days=60)


def test_no_response_counts_only_when_the_window_is_over() -> None:
    feedback = opened(a_trial(1))
    assert fold_due(feedback, now=NOW + 6 * DAY) == Folded()
    assert counter(feedback) == Counter()
    assert fold_due(feedback, now=NOW + 7 * DAY) == Folded(trials=1, closed=1)
    assert counter(feedback) == Counter(1, 0, 0)
    assert fold_due(feedback, now=NOW + 9 * DAY) == Folded()


def test_an_outcome_that_arrives_late_corrects_what_was_counted() -> None:
    feedback = opened(a_trial(1))
    fold_due(feedback, now=NOW + 7 * DAY)
    event = an_event("action_converted", at=NOW + 6 * DAY, decision_id="decision-1")
    record_event(feedback, event, "customer-1", now=NOW + 20 * DAY)
    assert fold_due(feedback, now=NOW + 20 * DAY) == Folded(trials=1, responses=1, corrected=1)
    assert counter(feedback) == Counter(1, 1, 1)


def test_an_amount_is_counted_with_its_square() -> None:
    feedback = opened(a_trial(1, lessons={"revenue": Lesson("amount", ("converted",))}))
    tell(feedback, "action_converted", decision_id="decision-1", amount=12.5)
    fold_due(feedback, now=NOW + HOUR)
    assert counter(feedback) == Counter(1, 12.5, 156.25)


def test_old_responses_weigh_less() -> None:
    lessons = {"revenue": Lesson("rate", ("converted",), DAY)}
    feedback = opened(a_trial(1, lessons=lessons), a_trial(2, at=NOW + DAY, lessons=lessons))
    for number in (1, 2):
        tell(feedback, "action_converted", at=NOW + DAY + HOUR, decision_id=f"decision-{number}")
    fold_due(feedback, now=NOW + DAY + HOUR)
    # One of now and one of a day ago, as of the second decision.
    assert counter(feedback).total == pytest.approx(1.5)
    cache = BeliefCache(feedback, monotonic=lambda: 0.0)
    beliefs = cache.read("churn", "gold", ["offer"], {"revenue": DAY}, now=NOW + 2 * DAY)
    assert beliefs["offer", "revenue"].total == pytest.approx(0.75)
    assert ("do-nothing", "revenue") not in beliefs


def test_beliefs_are_read_again_when_they_are_old() -> None:
    feedback, clock = opened(a_trial(1)), [0.0]
    cache = BeliefCache(feedback, monotonic=lambda: clock[0], keep_s=30)

    def trials() -> float:
        beliefs = cache.read("churn", "gold", ["offer"], {"revenue": None}, now=NOW + 8 * DAY)
        return beliefs["offer", "revenue"].trials if beliefs else 0

    assert trials() == 0
    fold_due(feedback, now=NOW + 7 * DAY)
    assert trials() == 0
    clock[0] = 30.0
    assert trials() == 1


class CrashingStore(MemoryFeedbackStore):
    """Loses the answers of some writes, and carries some of those out."""

    def __init__(self, plan: list[str]) -> None:
        super().__init__()
        self.plan = plan

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        fate = self.plan.pop() if self.plan and self.armed else "fine"
        if fate == "before":
            raise StoreUnavailableError("no answer")
        written = super().write_feedback(records)
        if fate == "after":
            raise StoreUnavailableError("no answer")
        return written

    armed = False


@given(
    st.lists(st.sampled_from(["fine", "before", "after"]), max_size=12),
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["converted", "clicked", "fold"])), max_size=20),
)
def test_whatever_crashes_every_response_counts_exactly_once(
    fates: list[str], steps: list[tuple[int, str]]
) -> None:
    feedback = CrashingStore(list(fates))
    for number in range(1, 7):
        trial = a_trial(number)
        assert feedback.write_feedback([trial_record(trial, due_at=trial.closes_at)])
    feedback.armed = True
    converted = set()
    for number, step in steps:
        for _ in range(20):  # delivered again until it is answered
            try:
                if step == "fold":
                    fold_due(feedback, now=NOW + HOUR)
                else:
                    tell(feedback, f"action_{step}", decision_id=f"decision-{number}")
                break
            except StoreUnavailableError:
                continue
        if step == "converted":
            converted.add(number)
    feedback.armed = False
    fold_due(feedback, now=NOW + 8 * DAY)
    assert counter(feedback) == Counter(6, len(converted), len(converted))


class RivalledStore(MemoryFeedbackStore):
    """Somebody else folds between every read and write."""

    rivals = 0

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        if self.rivals:
            self.rivals -= 1
            fold_due(self, now=NOW + 7 * DAY)
        return super().write_feedback(records)


def test_two_who_fold_at_once_count_once() -> None:
    feedback = RivalledStore()
    for number in (1, 2, 3):
        trial = a_trial(number)
        assert feedback.write_feedback([trial_record(trial, due_at=trial.closes_at)])
    feedback.rivals = 1
    fold_due(feedback, now=NOW + 7 * DAY)
    assert counter(feedback) == Counter(3, 0, 0)


class RefusingStore(MemoryFeedbackStore):
    refusing = False

    def write_feedback(self, records: Sequence[FeedbackRecord]) -> bool:
        return not self.refusing and super().write_feedback(records)


def test_who_never_gets_through_says_so() -> None:
    feedback = RefusingStore()
    assert feedback.write_feedback([trial_record(a_trial(1), due_at=NOW)])
    feedback.refusing = True
    with pytest.raises(StoreContendedError):
        fold_due(feedback, now=NOW + 7 * DAY)
    with pytest.raises(StoreContendedError):
        tell(feedback, "action_clicked", decision_id="decision-1")


def test_many_trials_are_counted_in_several_writes() -> None:
    feedback = opened(*(a_trial(number) for number in range(130)))
    assert fold_due(feedback, now=NOW + 7 * DAY, limit=500).closed == 130
    assert counter(feedback) == Counter(130, 0, 0)
