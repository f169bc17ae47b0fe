"""Commits that are cancelled, disturbed or left without an answer: never twice, never taken for another's."""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.errors import StoreRejectedError, StoreThrottledError, StoreUnavailableError
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings
from functions.profiles.dynamodb_errors import CANCELLED
from functions.profiles.dynamodb_feedback import DynamoFeedbackStore
from functions.profiles.dynamodb_items import decision_item
from functions.profiles.feedback import VOID
from functions.profiles.store import MAX_CONTACTS, CommitRequest, CommitResult, DecisionRecord, StateUpdate
from functions.testing.store_checks.responding import a_trial
from functions.testing.store_checks.samples import (
    DAY,
    HOUR,
    NOW,
    a_consent,
    a_contact,
    a_decision,
    a_score,
    acted,
    document_of,
    on_consent,
    paid_from,
    read,
    refuses,
    scores_alone,
    taken,
    with_action,
)

LOST = "lost"
"""The call is carried out and its answer is lost."""

UNSENT = "unsent"
"""The call never arrives, which looks the same from here."""

PASS = "pass"
"""The call is carried out and answered."""


class Ticking:
    """A clock and a sleep that belong together, and no waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class DisturbedClient:
    """Passes calls on to a real client, after what is planned for the next ones of each operation.

    Checks every request on its way as DynamoDB does: no placeholder undefined, none unused.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.plans: dict[str, list[str | Exception | Callable[[], object]]] = {}
        self.calls: list[str] = []
        self.requests: list[Mapping[str, Any]] = []

    def plan(self, operation: str, *steps: str | Exception | Callable[[], object]) -> None:
        self.plans[operation] = list(steps)

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def call(**parameters: Any) -> object:
            self.calls.append(operation)
            self.requests.append(parameters)
            check_placeholders(parameters)
            steps = self.plans.get(operation)
            step = steps.pop(0) if steps else PASS
            if callable(step):
                step()
            elif isinstance(step, Exception):
                raise step
            elif step == UNSENT:
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            answer: object = getattr(self._client, operation)(**parameters)
            if step == LOST:
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            return answer

        return call


def check_placeholders(parameters: Any) -> None:
    """Compare the placeholders of every request or operation with those that it defines."""
    if isinstance(parameters, list):
        for part in parameters:
            check_placeholders(part)
    if not isinstance(parameters, dict):
        return
    text = " ".join(str(value) for name, value in parameters.items() if name.endswith("Expression"))
    used = set(re.findall(r"[#:]\w+", text))
    defined = {
        *parameters.get("ExpressionAttributeNames", ()),
        *parameters.get("ExpressionAttributeValues", ()),
    }
    assert used == defined
    assert len(text.encode()) <= 4_096
    for name in ("TransactItems", "Put", "Update", "Delete", "ConditionCheck"):
        check_placeholders(parameters.get(name))


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    response: Any = {"Error": {"Code": CANCELLED}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


@pytest.fixture
def client(dynamodb: Any) -> DisturbedClient:
    return DisturbedClient(dynamodb)


@pytest.fixture
def table(new_table: Callable[[], str]) -> str:
    return new_table()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def store(client: DisturbedClient, table: str, clock: Ticking) -> DynamoProfileStore:
    around = Surroundings(1.0, clock.monotonic, clock.sleep, lambda: 1.0)
    return DynamoProfileStore(table, client=client, around=around)


@pytest.fixture
def other(table: str, dynamodb: Any) -> DynamoProfileStore:
    """The store of another process."""
    return DynamoProfileStore(table, client=dynamodb)


@pytest.fixture
def everything(store: DynamoProfileStore) -> CommitRequest:
    """A commit with all five operations, that would pass."""
    store.open_budget("budget-1", "2026-11-02", [10])
    store.put_consent("profile-1", a_consent(), now=NOW)
    request = with_action(a_decision("profile-1", "decision-1"))
    return paid_from(on_consent(request, "marketing", a_consent()), "budget-1", 3)


def commits(client: DisturbedClient) -> int:
    return client.calls.count("transact_write_items")


def state_of(store: DynamoProfileStore) -> tuple[object, ...]:
    """Return what a commit to the first profile leaves: how often it was written."""
    snapshot = read(store, "profile-1", "decision-1")
    return (
        snapshot.decision is not None,
        snapshot.state.version,
        len(snapshot.state.contacts),
        len(store.outbox()),
        store.budget_left("budget-1", "2026-11-02"),
    )


WRITTEN = (True, 1, 1, 1, (7,))
NOTHING = (False, 0, 0, 0, (10,))


def test_load_and_commit_take_one_round_trip_each(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.calls.clear()
    store.load("profile-1", "decision-1")
    assert client.calls == ["batch_get_item"]
    assert store.commit(everything) == CommitResult("committed")
    assert client.calls == ["batch_get_item", "transact_write_items"]
    assert "ClientRequestToken" not in client.requests[-1]
    assert [next(iter(one)) for one in client.requests[-1]["TransactItems"]] == [
        "Put",
        "ConditionCheck",
        "Update",
        "Update",
        "Put",
    ]


def test_duplicate_is_answered_without_another_read(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    store.commit(everything)
    client.calls.clear()
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert client.calls == ["transact_write_items"]
    assert state_of(store) == WRITTEN


def test_answer_that_is_lost_is_learnt_from_the_decision(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", LOST)
    assert store.commit(everything) == CommitResult("committed")
    assert commits(client) == 3  # one opened the budget
    assert state_of(store) == WRITTEN


def test_commit_that_never_arrived_is_sent_again(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", UNSENT, UNSENT)
    assert store.commit(everything) == CommitResult("committed")
    assert state_of(store) == WRITTEN


def test_decision_of_another_that_came_first_is_not_taken_for_ours(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore, everything: CommitRequest
) -> None:
    def overtake() -> None:
        assert other.commit(everything).status == "committed"

    client.plan("transact_write_items", UNSENT, overtake)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert state_of(store) == WRITTEN


def test_our_own_commit_still_on_its_way_is_waited_for(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan(
        "transact_write_items", LOST, cancelled("TransactionConflict", "None", "None", "None", "None")
    )
    assert store.commit(everything) == CommitResult("committed")
    assert state_of(store) == WRITTEN


def test_last_look_finds_what_was_written_when_no_answer_comes(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", LOST, *[UNSENT] * 50)
    assert store.commit(everything) == CommitResult("committed")
    assert client.calls[-1] == "batch_get_item"
    client.plans.clear()
    assert state_of(store) == WRITTEN


def test_no_answer_at_all_is_said_and_a_redelivery_commits_once(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", *[UNSENT] * 50)
    with pytest.raises(StoreUnavailableError):
        store.commit(everything)
    client.plans.clear()
    assert state_of(store) == NOTHING
    client.plan("transact_write_items", LOST, *[UNSENT] * 50)
    client.plan("batch_get_item", *[UNSENT] * 50)
    with pytest.raises(StoreUnavailableError):
        store.commit(everything)
    client.plans.clear()
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    assert state_of(store) == WRITTEN


def test_conflict_that_lasts_after_a_lost_answer_leaves_a_doubt(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    conflict = cancelled("TransactionConflict", "None", "None", "None", "None")
    client.plan("transact_write_items", UNSENT, *[conflict] * 50)
    with pytest.raises(StoreUnavailableError, match="no answer whether a commit was written"):
        store.commit(everything)
    client.plan("transact_write_items", LOST, *[conflict] * 50)
    assert store.commit(everything) == CommitResult("committed")


def test_conflict_is_the_callers_to_repeat(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    client.plan("transact_write_items", cancelled("None", "None", "TransactionConflict", "None", "None"))
    assert store.commit(everything) == CommitResult("conflict")
    assert state_of(store) == NOTHING
    assert store.commit(everything) == CommitResult("committed")


def test_condition_that_failed_beside_a_conflict_is_judged_on_what_is_stored(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    beside = cancelled("TransactionConflict", "None", "ConditionalCheckFailed", "None", "None")
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("conflict")
    store.commit(everything)
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)
    other = replace(everything, decision=a_decision("profile-1"), outbox=None)
    moved = replace(
        other, state=StateUpdate(contact=a_contact(other.decision), expected_version=0), budgets=()
    )
    client.plan("transact_write_items", cancelled("TransactionConflict", "None", "ConditionalCheckFailed"))
    assert store.commit(moved) == CommitResult("version_moved")


@pytest.mark.parametrize("reasons", [(), ("ConditionalCheckFailed",)])
def test_refusal_without_its_reasons_is_judged_on_what_is_stored(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest, reasons: tuple[str, ...]
) -> None:
    store.commit(everything)
    client.plan("transact_write_items", cancelled(*reasons))
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)


@pytest.mark.parametrize(
    ("failed", "status"),
    [
        (
            ("None", "ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed"),
            "consent_changed",
        ),
        (("None", "None", "ConditionalCheckFailed", "ConditionalCheckFailed"), "version_moved"),
        (("None", "None", "None", "ConditionalCheckFailed"), "budget_empty"),
    ],
)
def test_first_reason_in_the_order_of_the_status_is_given(
    client: DisturbedClient,
    store: DynamoProfileStore,
    everything: CommitRequest,
    failed: tuple[str, ...],
    status: str,
) -> None:
    """The items of the reasons are read anew, since these bring none; each says no to what it is asked."""
    acted(store, "profile-1")
    store.put_consent("profile-1", replace(a_consent(), status="revoked", at=NOW + HOUR), now=NOW)
    client.plan("transact_write_items", cancelled(*failed, "None"))
    assert store.commit(paid_from(replace(everything, budgets=()), "budget-1", 11)).status == status


def test_throttled_commit_is_sent_again_and_then_given_up(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    throttled = cancelled("None", "None", "ThrottlingError", "None", "None")
    client.plan("transact_write_items", throttled, throttled)
    assert store.commit(everything) == CommitResult("committed")
    client.calls.clear()
    client.plan("transact_write_items", *[throttled] * 50)
    with pytest.raises(StoreThrottledError):
        store.commit(with_action(a_decision("profile-2")))
    assert set(client.calls) == {"transact_write_items"}


def test_throttling_beside_a_failed_condition_does_not_hide_it(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest
) -> None:
    store.commit(everything)
    beside = cancelled("ConditionalCheckFailed", "None", "ThrottlingError", "None", "None")
    client.plan("transact_write_items", beside)
    assert store.commit(everything) == CommitResult("duplicate", everything.decision)


def test_items_that_keep_changing_end_as_a_conflict(
    client: DisturbedClient, store: DynamoProfileStore, everything: CommitRequest, clock: Ticking
) -> None:
    """Each look finds that nothing is in the way, each attempt that something was."""

    def tick() -> None:
        clock.sleep(0.2)
        raise cancelled("None", "None", "ConditionalCheckFailed", "None", "None")

    client.plan("transact_write_items", *[tick] * 50)
    assert store.commit(everything) == CommitResult("conflict")
    client.plans.clear()
    assert state_of(store) == NOTHING


def test_consent_that_somebody_else_spelled_is_compared_by_its_meaning(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    record = {
        "status": {"S": "granted"},
        "at": {"S": "2026-11-02T10:00:00+01:00"},
        "expires_at": {"NULL": True},
        "source": {"S": "preference centre"},
    }
    item = {"pk": {"S": "profile-1"}, "sk": {"S": "CONSENT"}, "purpose#marketing": {"M": record}}
    dynamodb.put_item(TableName=table, Item=item)
    read_record = store.load("profile-1").consent["marketing"]
    assert read_record.at == NOW
    request = on_consent(CommitRequest(a_decision("profile-1")), "marketing", read_record)
    assert store.commit(request) == CommitResult("committed")
    assert commits(client) == 2
    other = on_consent(CommitRequest(a_decision("profile-1")), "marketing", replace(read_record, source=None))
    assert store.commit(other).status == "consent_changed"


def test_pruning_and_an_older_score_take_a_second_attempt(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    old = acted(store, "profile-1", at=NOW - DAY)
    client.calls.clear()
    decision = a_decision("profile-1")
    state = StateUpdate(
        scores={"churn": a_score(0.1, at=NOW - 2 * DAY)},
        contact=a_contact(decision),
        expected_version=1,
        prune_before=NOW - HOUR,
    )
    assert store.commit(CommitRequest(decision, state=state)) == CommitResult("committed")
    assert client.calls == ["transact_write_items"] * 2
    kept = read(store, "profile-1").state
    assert kept.contacts == (a_contact(decision),)
    assert kept.scores["churn"].decision_id == old.id


def test_older_score_alone_leaves_the_decision_alone_to_write(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    store.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.9)))
    late = scores_alone(a_decision("profile-1"), churn=a_score(0.1, at=NOW - HOUR))
    assert store.commit(late) == CommitResult("committed")
    assert [next(iter(one)) for one in client.requests[-1]["TransactItems"]] == ["Put"]
    assert read(store, "profile-1").state.scores["churn"].value == 0.9


def test_score_that_somebody_writes_in_between_is_looked_at_again(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    def overtake() -> None:
        other.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.9, at=NOW)))

    client.plan("transact_write_items", overtake)
    assert store.commit(scores_alone(a_decision("profile-1"), churn=a_score(0.1, at=NOW - HOUR))).status == (
        "committed"
    )
    assert read(store, "profile-1").state.scores["churn"].value == 0.9


def test_full_contact_log_is_pruned_in_one_expression(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    """As many names as there are contacts still fit into what DynamoDB reads."""
    text = '{"action":"a","tags":"[]","channel":"c","at":"2026-01-01T00:00:00.000Z","version_before":0}'
    contact = {"M": {"contact": {"S": text}, "status": {"S": "sent"}}}
    item = {f"contact#{number}": contact for number in range(MAX_CONTACTS)}
    counts = {"version": {"N": "500"}, "contact_count": {"N": "500"}}
    oldest = {"oldest_contact_at": {"S": "2026-01-01T00:00:00.000Z"}}
    key = {"pk": {"S": "profile-1"}, "sk": {"S": "STATE"}}
    dynamodb.put_item(TableName=table, Item=key | item | counts | oldest)
    request = with_action(a_decision("profile-1"), version=500)
    assert store.commit(request) == CommitResult("contacts_full")
    assert request.state is not None
    pruning = replace(request, state=replace(request.state, prune_before=NOW - HOUR))
    assert store.commit(pruning) == CommitResult("committed")
    assert read(store, "profile-1").state.contacts == (a_contact(request.decision),)


def test_settlement_whose_answer_is_lost_is_ours_when_the_entry_says_so(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    entry = taken(store, acted(store, "profile-1"))
    client.plan("transact_write_items", LOST)
    assert store.settle(entry, status="sent") is True
    client.plans.clear()
    assert store.settle(entry, status="sent") is False
    waiting = taken(store, acted(store, "profile-1"))
    client.plan("update_item", LOST)
    assert store.settle(waiting, status="reserved", due_at=NOW + DAY) is True
    client.plans.clear()
    again = taken(store, replace(a_decision("profile-1"), id=waiting.decision_id))
    client.plan("update_item", LOST)
    assert store.settle(replace(again, attempts=1), status="reserved") is False


def test_settlement_waits_for_the_transaction_in_its_way(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    entry = taken(store, acted(store, "profile-1"))
    client.plan("transact_write_items", *[cancelled("None", "TransactionConflict")] * 2)
    assert store.settle(entry, status="sent") is True
    assert read(store, "profile-1").state.contacts[0].status == "sent"


def test_release_marks_a_trial_that_somebody_counts_in_between(
    client: DisturbedClient, store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    feedback = DynamoFeedbackStore(table, client=dynamodb)
    decision = a_decision("profile-1")
    trial = replace(a_trial("profile-1", due_at=NOW), name=decision.id)
    store.commit(replace(with_action(decision), trial=trial))
    entry = taken(store, decision)

    def count() -> None:
        (known,) = feedback.read_feedback([trial.key])
        assert feedback.write_feedback([replace(known, body={**known.body, "counted": {"kept": 1}})])

    client.plan("transact_write_items", count)
    assert store.settle(entry, status="released") is True
    (kept,) = feedback.read_feedback([trial.key])
    assert (kept.version, kept.body[VOID], kept.body["counted"]) == (3, True, {"kept": 1})
    assert read(store, "profile-1").state.contacts[0].status == "released"


def test_lease_whose_answer_is_lost_is_left_to_run_out(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    decision = acted(store, "profile-1")
    client.plan("update_item", LOST)
    assert store.lease("profile-1", decision.id, owner="w", now=NOW, until=NOW + HOUR) is None
    assert taken(store, decision, now=NOW + HOUR).attempts == 2


def test_item_that_is_too_large_is_refused_before_the_call(
    client: DisturbedClient, store: DynamoProfileStore
) -> None:
    decision = a_decision("profile-1")
    large = {"text": "é" * 205_000}
    request = with_action(decision)
    assert request.outbox is not None
    client.calls.clear()
    for refused in (
        CommitRequest(replace(decision, body=large)),
        replace(request, outbox=replace(request.outbox, message=large)),
    ):
        with pytest.raises(StoreRejectedError, match="bytes as an item; DynamoDB keeps 409,600"):
            store.commit(refused)
    noise = {"text": random.Random(7).randbytes(600_000).hex()}
    with pytest.raises(StoreRejectedError, match="the profile, compressed, takes"):
        store.put_profile("profile-1", noise, updated_at=NOW)
    assert client.calls == []


def test_largest_item_that_is_let_through_is_kept(store: DynamoProfileStore) -> None:
    decision = a_decision("profile-1")

    def of(length: int) -> DecisionRecord:
        return replace(decision, body={"text": "a" * length})

    def refused(length: int) -> bool:
        return refuses(decision_item, of(length), "0" * 16)

    first = bisect_left(range(409_600), True, key=refused)
    assert 408_000 < first < 409_600
    assert refuses(store.commit, CommitRequest(of(first)))
    assert store.commit(CommitRequest(of(first - 1))) == CommitResult("committed")


def test_budget_that_others_open_at_once_is_opened_once(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.open_budget("budget-1", "2026-11-02", [5]))
    store.open_budget("budget-1", "2026-11-02", [9, 9])
    assert store.budget_left("budget-1", "2026-11-02") == (5, 9)


def test_alias_that_others_move_at_once_ends_at_one_profile(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.put_alias("alias-1", "profile-2"))
    store.put_alias("alias-1", "profile-1")
    assert store.resolve_alias("alias-1") == "profile-1"
    assert store.delete_profile("profile-2") is False
    assert store.delete_profile("profile-1") is True
    assert store.resolve_alias("alias-1") is None


def test_alias_that_moves_during_an_erasure_stays_with_its_new_profile(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    store.put_alias("alias-1", "profile-1")
    client.plan("transact_write_items", lambda: other.put_alias("alias-1", "profile-2"))
    assert store.delete_profile("profile-1") is True
    assert store.resolve_alias("alias-1") == "profile-2"
    assert store.delete_profile("profile-2") is True


def test_kept_items_say_when_they_may_go(store: DynamoProfileStore, dynamodb: Any, table: str) -> None:
    """Decisions and settled entries do, reserved entries and what is about the person never."""
    sent, waiting = acted(store, "profile-1"), acted(store, "profile-1")
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    store.put_consent("profile-1", a_consent(), now=NOW)
    store.settle(taken(store, sent), status="sent")
    found = dynamodb.scan(TableName=table)["Items"]
    ends = {item["sk"]["S"]: item["ttl"]["N"] for item in found if "ttl" in item}
    month = str(int((NOW + timedelta(days=30)).timestamp()))
    assert ends == dict.fromkeys(
        (f"DECISION#{sent.id}", f"DECISION#{waiting.id}", f"OUTBOX#{sent.id}"), month
    )
    assert {item["sk"]["S"] for item in found if "outbox_shard" in item} == {f"OUTBOX#{waiting.id}"}


def test_traits_that_others_write_in_between_are_kept(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    store.put_profile("profile-1", {"n": 1}, updated_at=NOW)
    client.plan(
        "put_item",
        lambda: other.patch_profile("profile-1", {"a": 1}, at=NOW),
        lambda: other.put_profile("profile-1", {"n": 2}, updated_at=NOW),
    )
    assert store.patch_profile("profile-1", {"b": 2}, at=NOW) is True
    document = document_of(store, "profile-1")
    assert (document["n"], document["traits"]) == (2, {"a": 1, "b": 2})


@pytest.mark.parametrize("answer", [LOST, UNSENT])
def test_traits_whose_answer_was_lost_are_written_once(
    client: DisturbedClient, store: DynamoProfileStore, answer: str
) -> None:
    client.plan("put_item", answer)
    assert store.patch_profile("profile-1", {"a": 1}, at=NOW) is True
    assert document_of(store, "profile-1")["traits"] == {"a": 1}
    assert client.calls[:3] == ["batch_get_item", "put_item", "put_item"]


def test_traits_are_not_put_into_a_profile_that_somebody_else_writes(
    store: DynamoProfileStore, dynamodb: Any, table: str
) -> None:
    item = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}, "orders": {"N": "5"}}
    dynamodb.put_item(TableName=table, Item=item)
    assert refuses(store.patch_profile, "profile-1", {"a": 1}, at=NOW)
    assert document_of(store, "profile-1") == {"orders": 5}


def test_alias_that_another_takes_first_is_not_taken_from_it(
    client: DisturbedClient, store: DynamoProfileStore, other: DynamoProfileStore
) -> None:
    client.plan("transact_write_items", lambda: other.add_alias("alias-1", "profile-2"))
    assert store.add_alias("alias-1", "profile-1") is False
    assert store.resolve_alias("alias-1") == "profile-2"
