"""Outcomes on a queue, and the schedule that counts them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from functions.errors import StoreUnavailableError, UnhandledRecordError
from functions.governance.statements import ConsentSource
from functions.handlers.folding import RESERVE_MS, ROUND, Folder, fold_handler
from functions.handlers.hearing import OutcomeWorker
from functions.handlers.parking import Parking
from functions.handlers.records import sqs_handler
from functions.handlers.telemetry import Telemetry
from functions.learning.recording import Recorder
from functions.learning.responses import responses_key
from functions.learning.trials import Lesson, Trial, trial_record
from functions.profiles.feedback import FeedbackKey, FeedbackRecord
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_feedback import MemoryFeedbackStore
from functions.testing.handler_stage import StageContext, StageQueue
from functions.testing.lambda_events import batch, event_body, eventbridge_event, sqs_record
from functions.testing.sample_function import CUSTOMER, NOW, consent, put_customer
from functions.times import format_instant

DAY = timedelta(days=1)
_NUMBERS = itertools.count(1)


class FailingStore(MemoryFeedbackStore):
    """A store of feedback that is down for a profile."""

    def __init__(self, down_for: str = "") -> None:
        super().__init__()
        self.down_for = down_for

    def read_feedback(self, keys: Sequence[FeedbackKey]) -> Sequence[FeedbackRecord]:
        if any(owner == self.down_for for _, owner, _ in keys):
            raise StoreUnavailableError("down")
        return super().read_feedback(keys)


class Stage:
    """A worker with everything in memory, and one decision of the customer that waits for responses."""

    def __init__(self, *, trials: int = 1, down_for: str = "", mapped: ConsentSource | None = None) -> None:
        self.feedback = FailingStore(down_for)
        self.store = MemoryProfileStore(self.feedback)
        put_customer(self.store)
        self.queue, self.context = StageQueue(), StageContext()
        self.now = NOW + DAY
        self.worker = OutcomeWorker(
            recorder=Recorder(self.store, self.feedback, {"marketing": mapped or ConsentSource()}),
            wall=lambda: self.now,
            accounts=(),
            parking=Parking("outcomes", self.queue),
            # Loggers of one name share their stream, so every stage has a name of its own.
            telemetry=Telemetry(f"outcomes-{next(_NUMBERS)}", namespace="Tests"),
        )
        for number in range(trials):
            self.feedback.add_trial(trial_record(a_trial(number), due_at=NOW + 7 * DAY))

    def send(self, *bodies: Any) -> list[str]:
        """Deliver a batch; return the ids of the messages that are delivered again."""
        records = [sqs_record(body, f"m{number}") for number, body in enumerate(bodies)]
        reply: Any = sqs_handler(self.worker)(batch(*records), self.context)
        return [one["itemIdentifier"] for one in reply["batchItemFailures"]]

    def fold(self) -> Any:
        """Let the schedule pass once."""
        folder = Folder(self.feedback, lambda: self.now, Telemetry("fold-test", namespace="Tests"))
        return fold_handler(folder)({}, self.context)

    def responses(self) -> list[str]:
        """Return the types of the last responses of the customer."""
        found = self.feedback.read_feedback([responses_key(CUSTOMER)])
        return sorted(found[0].body) if found else []

    def consent(self) -> str:
        """Return what the store says of the consent."""
        return self.store.load(CUSTOMER).consent["marketing"].status


def a_trial(number: int) -> Trial:
    return Trial(
        profile_id=CUSTOMER,
        decision_id=f"decision-{number}",
        function="churn",
        action="offer-20",
        group="optimised",
        leaf="gold",
        decided_at=NOW,
        closes_at=NOW + 7 * DAY,
        lessons={"kept": Lesson("rate", ("converted",))},
        drawn=True,
    )


def an_outcome(name: str, **fields: Any) -> dict[str, Any]:
    more = {"time": format_instant(NOW + timedelta(hours=1)), **fields}
    return event_body(f"{name}-1", name=name, **more)


def test_an_outcome_counts_once_however_often_it_is_delivered() -> None:
    stage = Stage()
    for _ in range(2):
        assert stage.send(an_outcome("action_converted"), eventbridge_event(an_outcome("x"))) == []
    assert stage.fold() == {"trials": 1, "responses": 1, "closed": 0, "corrected": 0}
    assert stage.fold() == {"trials": 0, "responses": 0, "closed": 0, "corrected": 0}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "event.malformed"),
        (an_outcome("action_clicked", id=None), "event.no_id"),
        (an_outcome("action_clicked", user_id=None), "event.no_key"),
        (an_outcome("action_clicked", time=format_instant(NOW + 9 * DAY)), "event.from_future"),
        (an_outcome("action_clicked", time="1950-01-01T00:00:00Z"), "event.malformed"),
    ],
)
def test_a_poison_record_parks_alone_with_its_code(body: Any, code: str) -> None:
    stage = Stage()
    assert stage.send(body, an_outcome("action_clicked")) == []
    assert [attributes["code"] for _, attributes in stage.queue.sent] == [code]
    assert stage.responses() == ["clicked"]


def test_a_failure_that_may_heal_is_delivered_again_alone() -> None:
    stage = Stage(down_for="customer-2")
    sick = an_outcome("action_complained", user_id="customer-2")
    assert stage.send(sick, an_outcome("action_clicked")) == ["m0"]
    assert (stage.queue.sent, stage.responses()) == ([], ["clicked"])


def test_a_batch_ends_before_the_invocation_does() -> None:
    stage = Stage()
    stage.context.remaining_ms = [1_000]
    assert stage.send(an_outcome("action_clicked"), an_outcome("action_accepted")) == ["m1"]


@pytest.mark.parametrize("name", ["action_unsubscribed", "Email Marked as Spam"])
def test_who_unsubscribes_or_complains_revokes_the_consent_with_or_without_a_decision(name: str) -> None:
    for trials in (0, 1):
        stage = Stage(trials=trials)
        assert stage.send(an_outcome(name)) == []
        assert stage.consent() == "revoked"
        assert len(stage.responses()) == 1


def test_a_consent_that_says_so_outlives_a_complaint() -> None:
    stage = Stage(mapped=ConsentSource(ended_by=("unsubscribed",)))
    stage.send(an_outcome("action_complained"))
    assert stage.consent() == "granted"
    stage.send(an_outcome("action_unsubscribed"))
    assert stage.consent() == "revoked"


def test_who_comes_back_after_the_unsubscription_stays() -> None:
    stage = Stage()
    stage.store.put_consent(
        CUSTOMER, consent("granted", at=NOW + timedelta(hours=2)), now=NOW + timedelta(hours=2)
    )
    stage.send(an_outcome("action_unsubscribed"))
    assert stage.consent() == "granted"


def test_a_known_alias_leads_to_the_profile() -> None:
    stage = Stage()
    stage.store.put_alias("anonymous-1", CUSTOMER)
    stage.send(an_outcome("action_unsubscribed", user_id=None, anonymous_id="anonymous-1"))
    assert (stage.consent(), stage.responses()) == ("revoked", ["unsubscribed"])


def test_no_word_of_an_event_reaches_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()
    stage.send(an_outcome("action_complained", properties={"decision_id": "secret-words"}))
    out = capsys.readouterr().out
    assert '"status":"noted"' in out
    assert "secret-words" not in out
    assert CUSTOMER not in out


def test_the_schedule_counts_in_rounds_until_its_time_is_short() -> None:
    stage = Stage(trials=2 * ROUND)
    stage.now = NOW + 8 * DAY
    stage.context.remaining_ms = [RESERVE_MS - 1]
    assert stage.fold()["closed"] == ROUND
    stage.context.remaining_ms = [300_000]
    assert stage.fold()["closed"] == ROUND


def test_a_schedule_that_can_not_count_fails_with_a_code() -> None:
    stage = Stage(down_for=CUSTOMER)
    stage.now = NOW + 8 * DAY
    with pytest.raises(UnhandledRecordError, match=r"store\.unavailable") as raised:
        stage.fold()
    assert raised.value.__context__ is None
