"""The commit: what happens when the world moves between the read and the write."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.errors import StoreUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.premises import ConsentCondition
from functions.profiles.store import (
    MAX_CONTACTS,
    CommitRequest,
    CommitResult,
    Contact,
    DecisionRecord,
    StateUpdate,
)
from functions.runtime.committing import COMMIT_DEADLINE_S
from functions.spec.plan import Plan
from functions.spec.rails import CONTACT_LOG
from functions.testing.rehearsal import InterruptedStore, Rehearsal
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    consent,
    put_customer,
)
from functions.testing.store_checks.samples import spend

PLAN = a_plan()


def _world(*happenings: Callable[[MemoryProfileStore], object]) -> tuple[Rehearsal, InterruptedStore]:
    store = InterruptedStore(*happenings)
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    put_customer(store)
    return world, store


def _other_commit(
    store: MemoryProfileStore, number: int = 0, *, contacts_at: timedelta = timedelta(0)
) -> None:
    """Commit the action of another decision about the same customer."""
    name = f"other-{number}"
    at = NOW + contacts_at
    decision = DecisionRecord(
        name, "winback", name, CUSTOMER, at, "acted", "action.chosen", {}, at + timedelta(1)
    )
    contact = Contact(name, "coupon", (), "offers", at)
    version = store.load(CUSTOMER).state.version
    # Not through the interrupted commit: this is somebody else's.
    update = StateUpdate(contact=contact, expected_version=version)
    assert MemoryProfileStore.commit(store, CommitRequest(decision, state=update)).status == "committed"


def test_a_commit_that_sneaks_in_between_makes_the_runtime_decide_again_without_the_model() -> None:
    world, store = _world(_other_commit)
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    state = store.load(CUSTOMER).state
    assert (receipt.outcome, store.commits, len(world.model.calls)) == ("acted", 2, 1)
    assert [contact.action for contact in state.contacts] == ["coupon", "offer-20"]
    assert (state.version, len(world.channel.deliveries)) == (2, 1)
    assert [check.check for check in receipt.consent] == ["before_model", "before_action", "before_action"]


def test_the_second_decision_sees_the_fresh_profile_and_the_first_features() -> None:
    def change(store: MemoryProfileStore) -> None:
        store.put_profile(CUSTOMER, a_profile(orders=0, blocked=True), updated_at=NOW)
        _other_commit(store)

    plan = a_plan(decide={"when": "!(profile.blocked) && features.orders == `5`", "actions": ["offer-10"]})
    world, _ = _world(change)
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.code) == ("no_action", "condition.false")
    assert receipt.features["orders"] == 5


def test_the_same_event_decided_elsewhere_meanwhile_is_a_duplicate_and_acts_once() -> None:
    world, store = _world()
    other = Rehearsal(now=NOW, store=store, model=world.model, owner="other")

    def overtake(stage: str) -> None:
        if stage == "decided":
            other.runtime.handle(PLAN, an_event(), now=NOW)

    world.on_stage = overtake
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, receipt.original_outcome) == ("duplicate", "acted")
    assert (len(other.channel.deliveries), len(world.channel.deliveries)) == (1, 0)
    assert receipt.action is not None
    assert (receipt.action.name, receipt.action.delivery) == ("offer-20", "sent")
    assert len(store.decisions(CUSTOMER)) == 1


def test_the_same_event_decided_elsewhere_while_the_version_moved_is_a_duplicate() -> None:
    world, store = _world()
    other = Rehearsal(now=NOW, store=store, model=world.model, owner="other")

    def overtake(stage: str) -> None:
        if stage == "decided":
            world.on_stage = lambda _: None
            _other_commit(store)
            other.runtime.handle(PLAN, an_event(), now=NOW)

    world.on_stage = overtake
    assert world.runtime.handle(PLAN, an_event(), now=NOW).outcome == "duplicate"


def test_a_transaction_conflict_sends_the_same_decision_again() -> None:
    world, store = _world(lambda _: CommitResult("conflict"), lambda _: CommitResult("conflict"))
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, store.commits, world.stages.count("decided")) == ("acted", 3, 1)


@pytest.mark.parametrize("happening", ["conflict", "version_moved", "consent_changed"])
def test_contention_until_the_deadline_fails_retryable_and_keeps_nothing(happening: str) -> None:
    answer = CommitResult(happening)  # type: ignore[arg-type]  # the names of the parametrisation
    world = Rehearsal(now=NOW)

    def lose(_: MemoryProfileStore) -> CommitResult:
        world.wait(timedelta(seconds=COMMIT_DEADLINE_S / 4))
        return answer

    store = InterruptedStore(*[lose] * 100)
    world = Rehearsal(now=NOW, store=store, model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    put_customer(store)
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.code, receipt.retryable) == ("failed", "store.contended", True)
    assert store.decisions(CUSTOMER) == []
    assert (store.commits <= 5, len(world.model.calls), world.channel.deliveries) == (True, 1, [])


def test_a_full_contact_log_rules_out_every_action_at_once_and_says_so() -> None:
    world, store = _world()
    for number in range(MAX_CONTACTS):
        _other_commit(store, number)
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.code, store.commits) == ("suppressed", "contacts.full", 2)
    assert {one.by for one in receipt.candidates if one.verdict == "vetoed"} == {"contacts.full"}
    assert receipt.write_back == {"scores.churn_risk": 0.83}
    assert (len(world.model.calls), world.channel.deliveries) == (1, [])


def test_contacts_that_left_the_window_make_room() -> None:
    world, store = _world()
    for number in range(MAX_CONTACTS):
        _other_commit(store, number, contacts_at=-CONTACT_LOG - timedelta(seconds=1))
    assert world.runtime.handle(PLAN, an_event(), now=NOW).outcome == "acted"
    assert [contact.action for contact in store.load(CUSTOMER).state.contacts] == ["offer-20"]


def test_an_empty_budget_rules_out_its_action_and_the_next_is_tried() -> None:
    actions = {
        name: {**action, "cost": cost}
        for cost, (name, action) in zip((20, 10), REGISTRY["actions"].items(), strict=True)
    }
    registry = {**REGISTRY, "currency": "EUR", "actions": actions}
    budget = {"name": "money", "budget": "discount", "at_most": "25 EUR", "per": "day", "timezone": "UTC"}
    plan = a_plan(registry, rails=[budget])
    world, store = _world()
    store.open_budget("money", "day-2026-11-02", [1500, 1000])
    spend(store, "money", "day-2026-11-02", 0, 600)
    store.commits = 0
    receipt = world.runtime.handle(plan, an_event(), now=NOW)
    assert receipt.action is not None
    assert (receipt.action.name, store.commits) == (
        "offer-10",
        3,
    )  # a shard that is not there, then one that is
    assert store.budget_left("money", "day-2026-11-02") == (500, 400)
    fallen = receipt.candidates[0]
    assert (fallen.action, fallen.by, fallen.reasons[0].rule) == ("offer-20", "budget.empty", "money")


def test_a_budget_is_kept_until_after_its_period_and_all_that_it_paid_for() -> None:
    kept: list[datetime | None] = []

    class Watched(MemoryProfileStore):
        def open_budget(self, *arguments: Any, keep_until: datetime | None = None) -> None:
            kept.append(keep_until)
            super().open_budget(*arguments, keep_until=keep_until)

    actions = {name: {**action, "cost": 20} for name, action in REGISTRY["actions"].items()}
    budget = {"name": "money", "budget": "discount", "at_most": "25 EUR", "per": "month", "timezone": "UTC"}
    plan = a_plan({**REGISTRY, "currency": "EUR", "actions": actions}, rails=[budget])
    world = Rehearsal(now=NOW, store=Watched(), model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    put_customer(world.store)
    assert world.runtime.handle(plan, an_event(), now=NOW).outcome == "acted"
    (until,) = kept
    assert until is not None
    # The last action is paid on the 30th of November, and given back 30 days later at the latest.
    assert datetime(2026, 12, 31, tzinfo=UTC) < until < datetime(2027, 2, 1, tzinfo=UTC)


class _LosesTheFirstAnswer(MemoryProfileStore):
    """Commits, and the first time does not say so."""

    lost = False

    def commit(self, request: CommitRequest) -> CommitResult:
        result = super().commit(request)
        if not self.lost:
            self.lost = True
            raise StoreUnavailableError("the store did not answer")
        return result


def test_a_commit_whose_answer_was_lost_fails_retryable_and_the_redelivery_acts_on_it() -> None:
    model = MemoryModel(lambda _: ModelReply(b"0.83", "text/csv"))
    world = Rehearsal(now=NOW, store=_LosesTheFirstAnswer(), model=model)
    put_customer(world.store)
    first = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (first.outcome, first.retryable, world.channel.deliveries) == ("failed", True, [])
    second = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (second.outcome, second.original_outcome, len(world.channel.deliveries)) == (
        "duplicate",
        "acted",
        1,
    )
    assert len(model.calls) == 1


def test_scores_alone_do_not_wait_for_the_contact_log() -> None:
    world, store = _world(_other_commit)
    world.model = MemoryModel([ModelReply(b"0.1", "text/csv")])
    receipt = world.runtime.handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, store.commits) == ("no_action", 1)
    assert store.load(CUSTOMER).state.scores["churn_risk"].value == 0.1


def test_every_commit_is_conditional_on_the_consent_that_was_read() -> None:
    seen: list[CommitRequest] = []

    class Watched(MemoryProfileStore):
        def commit(self, request: CommitRequest) -> CommitResult:
            seen.append(request)
            return super().commit(request)

    world = Rehearsal(now=NOW, store=Watched(), model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    put_customer(world.store)
    world.runtime.handle(PLAN, an_event(), now=NOW)
    (request,) = seen
    assert request.consents == (ConsentCondition("marketing", consent()),)
    assert request.state is not None
    assert request.state.expected_version == 0


def test_the_contact_has_the_tags_of_the_action_frozen() -> None:
    world, store = _world()
    world.runtime.handle(PLAN, an_event(), now=NOW)
    (contact,) = store.load(CUSTOMER).state.contacts
    assert (contact.action, contact.tags, contact.channel, contact.status) == (
        "offer-20",
        ("discount",),
        "offers",
        "sent",
    )


def _expiry(plan: Plan) -> timedelta:
    world, _ = _world()
    world.runtime.handle(plan, an_event(), now=NOW + timedelta(seconds=10))
    (delivery,) = world.channel.deliveries
    assert delivery.message.expires_at is not None
    return delivery.message.expires_at - NOW


def test_an_action_expires_with_its_event_or_after_a_day() -> None:
    assert _expiry(PLAN) == timedelta(seconds=30)
    trigger = {"event_pattern": SPEC["trigger"]["event_pattern"]}
    assert _expiry(a_plan(trigger=trigger)) == timedelta(days=1, seconds=10)
