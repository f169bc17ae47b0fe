"""Every row of the table "What becomes of an event"."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from functions.errors import EventWithoutIdError, ModelUnavailableError, StoreUnavailableError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import CommitRequest, CommitResult, Snapshot
from functions.runtime.receipt import Outcome, Receipt, refused
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
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

HIGH = ModelReply(b"0.83", "text/csv")
LOW = ModelReply(b"0.1", "text/csv")
NO_RUNG = {**SPEC["model"], "fallback": []}


def _world(reply: ModelReply = HIGH) -> Rehearsal:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: reply))
    put_customer(world.store)
    return world


def _run(world: Rehearsal, plan: Plan | None = None, *, age: timedelta = timedelta(0)) -> Receipt:
    return world.runtime.handle(plan or a_plan(), an_event(), now=NOW + age)


def _acted() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world)


def _no_action() -> tuple[Rehearsal, Receipt]:
    world = _world(LOW)
    return world, _run(world)


def _no_actions_declared() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world, a_plan(decide={}))


def _not_eligible() -> tuple[Rehearsal, Receipt]:
    world = _world()
    world.store.put_profile(CUSTOMER, a_profile(orders=1), updated_at=NOW)
    return world, _run(world, a_plan(decide={"actions": ["offer-20"]}))


def _too_old() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world, age=timedelta(seconds=30, milliseconds=1))


def _exactly_of_age() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world, age=timedelta(seconds=30))


def _no_consent() -> tuple[Rehearsal, Receipt]:
    world = _world()
    world.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    return world, _run(world)


def _no_trigger() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, world.runtime.handle(a_plan(), an_event(name="purchase"), now=NOW)


def _no_profile() -> tuple[Rehearsal, Receipt]:
    world = Rehearsal(now=NOW)
    return world, _run(world)


def _cold_start() -> tuple[Rehearsal, Receipt]:
    world = Rehearsal(now=NOW, model=MemoryModel([HIGH]))
    world.store.put_consent(CUSTOMER, consent(), now=NOW)
    return world, _run(world, a_plan(profile={**SPEC["profile"], "missing": "empty"}))


def _seen_before() -> tuple[Rehearsal, Receipt]:
    world, _ = _acted()
    return world, _run(world)


def _no_id() -> tuple[Rehearsal, Receipt]:
    return _world(), refused(a_plan(), EventWithoutIdError("event: the event has no id"))


def _from_the_future() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world, age=-timedelta(minutes=5, milliseconds=1))


def _slightly_ahead() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, _run(world, age=-timedelta(minutes=5))


def _no_key() -> tuple[Rehearsal, Receipt]:
    world = _world()
    return world, world.runtime.handle(a_plan(), an_event(user_id=None), now=NOW)


def _model_down() -> tuple[Rehearsal, Receipt]:
    world = Rehearsal(now=NOW, model=MemoryModel(lambda _: ModelUnavailableError("the model is down")))
    put_customer(world.store)
    return world, _run(world, a_plan(model=NO_RUNG))


def _model_talks_nonsense() -> tuple[Rehearsal, Receipt]:
    world = _world(ModelReply(b"<html>", "text/html"))
    return world, _run(world, a_plan(model=NO_RUNG))


def _feature_of_wrong_type() -> tuple[Rehearsal, Receipt]:
    world = _world()
    world.store.put_profile(CUSTOMER, a_profile(orders="five"), updated_at=NOW)
    return world, _run(world)


class _StoreDown(MemoryProfileStore):
    """Fails where it is told to."""

    down_at = ""

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        if self.down_at == "load":
            raise StoreUnavailableError("the store is locked")
        return super().load(profile_id, decision_id)

    def commit(self, request: CommitRequest) -> CommitResult:
        if self.down_at == "commit":
            raise StoreUnavailableError("the store is locked")
        return super().commit(request)


def _store_down(at: str) -> tuple[Rehearsal, Receipt]:
    store = _StoreDown()
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: HIGH))
    put_customer(store)
    store.down_at = at
    receipt = _run(world)
    store.down_at = ""
    return world, receipt


def _store_down_at_load() -> tuple[Rehearsal, Receipt]:
    return _store_down("load")


def _store_down_at_commit() -> tuple[Rehearsal, Receipt]:
    return _store_down("commit")


@dataclass(frozen=True)
class Row:
    """What the table promises of one case."""

    case: Callable[[], tuple[Rehearsal, Receipt]]
    outcome: Outcome
    reason: str
    exit_code: int = 0
    kept: int = 1
    dead_letter: bool = False
    retryable: bool = False
    score_written: bool = False
    messages: int = 0


TABLE = (
    Row(_acted, "acted", "action.chosen", score_written=True, messages=1),
    Row(_no_action, "no_action", "condition.false", score_written=True),
    Row(_no_actions_declared, "no_action", "actions.none", score_written=True),
    Row(_not_eligible, "suppressed", "actions.not_eligible", score_written=True),
    Row(_too_old, "suppressed", "event.too_old", score_written=True),
    Row(_exactly_of_age, "acted", "action.chosen", score_written=True, messages=1),
    Row(_no_consent, "suppressed", "consent.revoked"),
    Row(_no_trigger, "rejected", "event.no_trigger", exit_code=1, kept=0),
    Row(_no_profile, "suppressed", "profile.missing"),
    Row(_cold_start, "acted", "action.chosen", score_written=True, messages=1),
    Row(_seen_before, "duplicate", "action.chosen", score_written=True, messages=1),
    Row(_no_id, "rejected", "event.no_id", exit_code=1, kept=0, dead_letter=True),
    Row(_from_the_future, "rejected", "event.from_future", exit_code=1, kept=0, dead_letter=True),
    Row(_slightly_ahead, "acted", "action.chosen", score_written=True, messages=1),
    Row(_no_key, "rejected", "event.no_key", exit_code=1, kept=0, dead_letter=True),
    Row(_model_down, "failed", "model.unavailable", exit_code=1, kept=0, retryable=True),
    Row(_model_talks_nonsense, "failed", "model.reply_malformed", exit_code=1, kept=0, dead_letter=True),
    Row(_feature_of_wrong_type, "failed", "feature.wrong_type", exit_code=1, kept=0, dead_letter=True),
    Row(_store_down_at_load, "failed", "store.unavailable", exit_code=1, kept=0, retryable=True),
    Row(_store_down_at_commit, "failed", "store.unavailable", exit_code=1, kept=0, retryable=True),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case.__name__.strip("_"))
def test_an_event_becomes_what_the_table_says(row: Row) -> None:
    world, receipt = row.case()
    scores = world.store.load(CUSTOMER).state.scores
    assert (receipt.outcome, receipt.reason.code, receipt.exit_code) == (
        row.outcome,
        row.reason,
        row.exit_code,
    )
    assert len(world.store.decisions(CUSTOMER)) == row.kept
    assert (receipt.dead_letter, receipt.retryable) == (row.dead_letter, row.retryable)
    assert ("churn_risk" in scores) is row.score_written
    assert len(world.channel.deliveries) == row.messages


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case.__name__.strip("_"))
def test_every_receipt_says_why_in_a_plain_sentence(row: Row) -> None:
    _, receipt = row.case()
    assert receipt.reason.text[0].isupper() or receipt.reason.text.startswith("offer-")
    assert receipt.reason.text.endswith((".", "?"))
    assert "{" not in receipt.reason.text


def test_a_kept_decision_says_what_its_receipt_said() -> None:
    world, receipt = _acted()
    (kept,) = world.store.decisions(CUSTOMER)
    said = receipt.as_document()
    same = (
        "decision_id",
        "outcome",
        "reason",
        "features",
        "scores",
        "candidates",
        "write_back",
        "consent",
        "event",
    )
    assert {name: kept.body[name] for name in same} == {name: said[name] for name in same}
    assert (kept.id, kept.event_id, kept.function) == (receipt.decision_id, "event-1", "churn")
    assert "payload" not in kept.body


def test_without_consent_a_decision_keeps_no_features() -> None:
    world, _ = _no_consent()
    (kept,) = world.store.decisions(CUSTOMER)
    assert (kept.body["features"], kept.body["scores"], kept.body["write_back"]) == ({}, {}, {})


def test_a_failed_receipt_says_which_model_failed_how_often_and_that_no_rung_answered() -> None:
    _, receipt = _model_down()
    assert receipt.model is not None
    said = (receipt.model.kind, receipt.model.target, receipt.model.rung, receipt.model.attempts)
    assert said == ("sagemaker", "churn-risk", "none", 2)
    assert receipt.model.error == "model.unavailable"


def test_the_score_is_as_of_the_event_and_expires_from_then() -> None:
    world = _world()
    _run(world, age=timedelta(seconds=20))
    score = world.store.load(CUSTOMER).state.scores["churn_risk"]
    assert (score.value, score.at, score.expires_at) == (0.83, NOW, NOW + timedelta(days=1))


def test_features_see_the_time_of_the_event_and_never_the_clock() -> None:
    _, fresh = _acted()
    _, late = _too_old()
    assert fresh.features == late.features == {"recency_days": 120.0, "orders": 5}


def test_a_decision_about_an_old_sample_outlives_redeliveries_by_the_wall_clock() -> None:
    world = Rehearsal(now=NOW + timedelta(days=400), model=MemoryModel([HIGH]))
    put_customer(world.store)
    _run(world)
    (kept,) = world.store.decisions(CUSTOMER)
    assert kept.expires_at == NOW + timedelta(days=430)


def test_the_model_is_spared_when_only_an_actionable_score_is_wanted_and_no_action_can_follow() -> None:
    world = _world()
    world.store.put_profile(CUSTOMER, a_profile(orders=1), updated_at=NOW)
    receipt = _run(world, a_plan(score="when-actionable", decide={**SPEC["decide"], "actions": ["offer-20"]}))
    assert (receipt.outcome, receipt.reason.code) == ("suppressed", "actions.not_eligible")
    assert world.model.calls == []
    assert receipt.write_back == {}


def test_the_model_is_spared_for_an_event_that_is_too_old_when_only_an_actionable_score_is_wanted() -> None:
    world = _world()
    receipt = _run(world, a_plan(score="when-actionable"), age=timedelta(minutes=1))
    assert (receipt.reason.code, world.model.calls) == ("event.too_old", [])


@pytest.mark.parametrize("year", [1, 1969, 9000, 9999])
def test_an_event_at_the_ends_of_the_calendar_is_refused(year: int) -> None:
    world = _world()
    moment = NOW.replace(year=year)
    receipt = world.runtime.handle(a_plan(), an_event(time=moment), now=moment)
    assert (receipt.outcome, receipt.reason.code) == ("rejected", "event.malformed")


def test_a_replay_of_another_generation_decides_anew() -> None:
    world, first = _acted()
    second = world.runtime.handle(a_plan(), an_event(), now=NOW, generation=1)
    assert (second.outcome, second.decision_id == first.decision_id) == ("suppressed", False)


@pytest.mark.parametrize("source", ["[`1`]", "{a: `1`}", "features"])
def test_what_is_no_score_is_not_written_back(source: str) -> None:
    world = _world()
    receipt = _run(world, a_plan(write_back={"scores.odd": {"from": source}}))
    assert (receipt.outcome, receipt.reason.code) == ("failed", "feature.wrong_type")
    assert world.store.decisions(CUSTOMER) == []


def test_a_null_score_is_left_out() -> None:
    world = _world()
    receipt = _run(world, a_plan(write_back={"scores.odd": {"from": "profile.nothing"}}))
    assert (receipt.outcome, receipt.write_back) == ("acted", {})


def test_a_payload_that_fails_is_a_fault_of_the_author_and_commits_nothing() -> None:
    registry = {**REGISTRY, "actions": dict(REGISTRY["actions"])}
    registry["actions"]["offer-10"] = {
        "channel": "offers",
        "payload": {"x": {"from": "abs(to_string(churn_risk))"}},
    }
    world = _world()
    receipt = _run(world, a_plan(registry, decide={"actions": ["offer-10"]}))
    assert (receipt.outcome, receipt.reason.code) == ("failed", "feature.failed")
    assert world.store.decisions(CUSTOMER) == []


def test_a_rule_without_a_model_decides_and_leaves_nothing() -> None:
    world = _world()
    receipt = _run(world, a_plan(model=None, write_back=None, decide={"actions": ["offer-10"]}))
    assert (receipt.outcome, receipt.model, receipt.payload) == ("acted", None, None)
    assert world.model.calls == []


def test_a_score_of_an_older_event_never_replaces_that_of_a_newer_one() -> None:
    world = _world()
    _run(world)
    world.model = MemoryModel([LOW])
    earlier = NOW - timedelta(seconds=10)
    receipt = world.runtime.handle(a_plan(), an_event("event-0", time=earlier), now=NOW)
    assert receipt.scores == {"churn_risk": 0.1}
    assert world.store.load(CUSTOMER).state.scores["churn_risk"].value == 0.83


def test_read_paths_name_the_profile_alone() -> None:
    _, receipt = _acted()
    assert receipt.read_paths == (
        "profile.last_order_at",
        "profile.orders",
        "profile.scores.churn_risk.value",
    )


def test_a_feature_named_like_the_profile_is_no_path_of_it() -> None:
    model = {**SPEC["model"], "response": {"profile_risk": "[0]"}, "range": {}, "fallback": []}
    plan = a_plan(model=model, write_back=None, decide={"when": "profile_risk >= `0.6`"})
    assert "profile_risk" not in _run(_world(), plan).read_paths


def test_receipts_with_an_error_keep_what_was_known_by_then() -> None:
    _, receipt = _feature_of_wrong_type()
    assert (receipt.profile_id, receipt.decision_id is None) == (CUSTOMER, False)
    assert receipt.as_document()["retryable"] is False
    assert replace(receipt, outcome="acted").dead_letter is False


def test_a_model_that_was_spared_writes_nothing_of_what_it_would_have_said() -> None:
    world = _world()
    write_back = {
        "scores.churn_risk": {"from": "join(',', [to_string(churn_risk), abs(churn_risk)])"},
        "scores.orders": {"from": "features.orders"},
    }
    plan = a_plan(score="when-actionable", write_back=write_back)
    receipt = _run(world, plan, age=timedelta(minutes=1))
    assert (receipt.reason.code, world.model.calls) == ("event.too_old", [])
    assert list(receipt.write_back) == ["scores.orders"]
