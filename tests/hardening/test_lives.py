"""Random lives of one customer: events, redeliveries, deaths, refusals, consent; what must always hold."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from functions.errors import (
    ActionAmbiguousError,
    ActionRejectedError,
    ActionUnavailableError,
    ModelUnavailableError,
)
from functions.governance.consent import ConsentStatus
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, consent, put_customer

PLAN = a_plan(
    trigger={**SPEC["trigger"], "max_age": "1h"},
    model={**SPEC["model"], "fallback": [], "attempts": 1},
)
EVENTS = st.sampled_from(["event-1", "event-2", "event-3"])
STAGES = st.sampled_from(
    ["loaded", "prepared", "invoked", "decided", "committed", "leased", "sent", "settled"]
)
FAILURES = st.sampled_from(
    [
        (ActionUnavailableError("down"), False),
        (ActionAmbiguousError("no answer"), True),
        (ActionAmbiguousError("no answer"), False),
        (ActionRejectedError("refused"), False),
    ]
)


class Killed(BaseException):
    """The process ends here."""


class Lives(RuleBasedStateMachine):
    """One customer, one function, and everything that can go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = timedelta(0)
        self.granted = True
        self.sent_without_consent = False
        self.decided: dict[str, Any] = {}
        self.world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
        put_customer(self.world.store)

    def _deliver(self, event_id: str) -> None:
        calls, messages = len(self.world.model.calls), len(self.world.channel.deliveries)
        try:
            receipt = self.world.runtime.handle(PLAN, an_event(event_id), now=NOW + self.elapsed)
        except Killed:
            return
        finally:
            self._watch(calls, messages)
        if receipt.outcome == "failed":
            assert receipt.decision_id not in self.decided
            return
        first = receipt.original_outcome or receipt.outcome
        assert self.decided.setdefault(str(receipt.decision_id), first) == first

    def _watch(self, calls: int, messages: int) -> None:
        left = len(self.world.model.calls) > calls or len(self.world.channel.deliveries) > messages
        self.sent_without_consent |= left and not self.granted
        self.decided.update({one.id: one.outcome for one in self.world.store.decisions(CUSTOMER)})

    @rule(event_id=EVENTS)
    def deliver(self, event_id: str) -> None:
        self._deliver(event_id)

    @rule(event_id=EVENTS, last=STAGES)
    def die(self, event_id: str, last: str) -> None:
        def kill(stage: str) -> None:
            if stage == last:
                raise Killed

        self.world.on_stage = kill
        self._deliver(event_id)
        self.world.on_stage = lambda _: None

    @rule(event_id=EVENTS, failure=FAILURES)
    def be_refused(self, event_id: str, failure: Any) -> None:
        error, taken = failure
        self.world.channel.fail(error, taken=taken)
        self._deliver(event_id)

    @rule(event_id=EVENTS)
    def lose_the_model(self, event_id: str) -> None:
        model, self.world.model = self.world.model, MemoryModel(lambda _: ModelUnavailableError("down"))
        self._deliver(event_id)
        self.world.model = model

    @rule()
    def redrive(self) -> None:
        messages = len(self.world.channel.deliveries)
        self.world.runtime.redrive(PLAN.policy, now=NOW + self.elapsed)
        self._watch(len(self.world.model.calls), messages)

    @rule(minutes=st.integers(1, 25))
    def wait(self, minutes: int) -> None:
        self.elapsed += timedelta(minutes=minutes)
        self.world.wait(timedelta(minutes=minutes))

    @rule(status=st.sampled_from(["granted", "revoked"]))
    def say(self, status: ConsentStatus) -> None:
        now = NOW + self.elapsed
        counts = self.world.store.put_consent(CUSTOMER, consent(status, at=now), now=now)
        # A grant that comes within minutes of a refusal may be nothing but a wrong clock.
        assert counts or (status == "granted" and not self.granted)
        self.granted = counts and status == "granted"

    @invariant()
    def every_message_has_the_key_of_a_decision_that_acts(self) -> None:
        acting = {one.id for one in self.world.store.decisions(CUSTOMER) if one.outcome == "acted"}
        assert {delivery.message.idempotency_key for delivery in self.world.channel.deliveries} <= acting

    @invariant()
    def every_event_has_one_decision_at_the_most(self) -> None:
        events = [one.event_id for one in self.world.store.decisions(CUSTOMER)]
        assert len(events) == len(set(events))

    @invariant()
    def no_message_leaves_after_its_moment(self) -> None:
        for delivery in self.world.channel.deliveries:
            assert delivery.message.expires_at is not None
            assert delivery.now <= delivery.message.expires_at

    @invariant()
    def nothing_leaves_without_consent(self) -> None:
        assert not self.sent_without_consent

    @invariant()
    def the_contact_log_agrees_with_the_outbox(self) -> None:
        for contact in self.world.store.load(CUSTOMER).state.contacts:
            entry = self.world.store.outbox_entry(CUSTOMER, contact.decision_id)
            assert entry is not None
            assert entry.status == contact.status

    @invariant()
    def what_arrived_counts(self) -> None:
        arrived = {delivery.message.idempotency_key for delivery in self.world.channel.deliveries}
        contacts = self.world.store.load(CUSTOMER).state.contacts
        assert arrived <= {contact.decision_id for contact in contacts if contact.status != "released"}

    @invariant()
    def every_decision_that_acts_has_its_entry(self) -> None:
        for one in self.world.store.decisions(CUSTOMER):
            entry = self.world.store.outbox_entry(CUSTOMER, one.id)
            assert (entry is not None) is (one.outcome == "acted")

    def teardown(self) -> None:
        """Let everything come to its end: with time, nothing stays reserved."""
        self.wait(120)
        self.redrive()
        self.world.wait(timedelta(hours=2))
        self.redrive()
        assert self.world.store.outbox() == []


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
