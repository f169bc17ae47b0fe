"""The fallback ladder: every way a model can fail, and who answers instead."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import ModelError, ModelReplyError, SettingsError, every_error
from functions.models.memory import MemoryModel
from functions.models.model import Model, ModelReply
from functions.profiles.store import CommitRequest, DecisionRecord, Score, StateUpdate
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.spec.plan import ModelPlan, Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, SPEC, a_plan, an_event, put_customer

PLAN = a_plan()
NO_RUNG = a_plan(model={**SPEC["model"], "fallback": []})
ERRORS: Sequence[type[ModelError]] = [one for one in every_error(ModelError) if issubclass(one, ModelError)]

MALFORMED: dict[str, ModelReply] = {
    "empty": ModelReply(b"", "text/csv"),
    "html": ModelReply(b"<html>busy</html>", "text/html"),
    "truncated json": ModelReply(b'{"predictions": [', "application/json"),
    "another shape": ModelReply(b'{"predictions": [0.4]}', "application/json"),
    "null": ModelReply(b"[null]", "application/json"),
    "text": ModelReply(b'["0.4"]', "application/json"),
    "boolean": ModelReply(b"[true]", "application/json"),
    "nested": ModelReply(b"[[0.4]]", "application/json"),
    "no utf-8": ModelReply(b"\xff", "text/csv"),
    "word": ModelReply(b"high", "text/csv"),
}
OUT_OF_RANGE: dict[str, ModelReply] = {
    "too high": ModelReply(b"1.0000001", "text/csv"),
    "negative": ModelReply(b"-0.1", "text/csv"),
    "nan": ModelReply(b"NaN", "text/csv"),
    "infinite": ModelReply(b"inf", "text/csv"),
    "overflow": ModelReply(b"1e999", "text/csv"),
}


def _world(
    model: MemoryModel, *, last_score: Any = None, expires_in: timedelta = timedelta(days=1)
) -> Rehearsal:
    world = Rehearsal(now=NOW, model=model)
    put_customer(world.store)
    if last_score is not None:
        score = Score(last_score, NOW - timedelta(days=1), NOW + expires_in, "churn", "earlier", "churn-risk")
        decision = DecisionRecord(
            "earlier", "churn", "e", CUSTOMER, NOW, "no_action", "actions.none", {}, NOW + timedelta(days=1)
        )
        world.store.commit(CommitRequest(decision, state=StateUpdate({"churn_risk": score})))
    return world


def _failing(error: type[ModelError]) -> MemoryModel:
    return MemoryModel(lambda _: error("the model failed"))


def _run(world: Rehearsal, plan: Plan = PLAN) -> Receipt:
    return world.runtime.handle(plan, an_event(), now=NOW)


def _rung(receipt: Receipt) -> tuple[str, str | None]:
    assert receipt.model is not None
    return receipt.model.rung, receipt.model.error


def _stored_score(world: Rehearsal) -> Any:
    score = world.store.load(CUSTOMER).state.scores.get("churn_risk")
    return score.value if score else None


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_the_constant_answers_for_every_error_of_a_model_and_is_not_written_back(
    error: type[ModelError],
) -> None:
    world = _world(_failing(error))
    receipt = _run(world)
    assert _rung(receipt) == ("fallback", error.code)
    assert (receipt.scores, receipt.write_back, _stored_score(world)) == ({"churn_risk": 0.5}, {}, None)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_the_last_score_answers_first_and_stays_as_old_as_it_is(error: type[ModelError]) -> None:
    world = _world(_failing(error), last_score=0.72)
    before = world.store.load(CUSTOMER).state.scores
    receipt = _run(world)
    assert _rung(receipt) == ("cache", error.code)
    assert (receipt.outcome, receipt.scores, receipt.write_back) == ("acted", {"churn_risk": 0.72}, {})
    assert world.store.load(CUSTOMER).state.scores == before


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_without_a_rung_the_event_fails_as_retryable_as_the_error_and_nothing_is_kept(
    error: type[ModelError],
) -> None:
    world = _world(_failing(error))
    receipt = _run(world, NO_RUNG)
    assert (receipt.outcome, receipt.reason.code, receipt.retryable) == (
        "failed",
        error.code,
        error.retryable,
    )
    assert _rung(receipt) == ("none", error.code)
    assert receipt.dead_letter is not error.retryable
    assert (world.store.decisions(CUSTOMER), _stored_score(world), world.channel.deliveries) == ([], None, [])


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_only_what_can_succeed_later_is_tried_again(error: type[ModelError]) -> None:
    world = _world(_failing(error))
    _run(world)
    assert len(world.model.calls) == (2 if error.retryable else 1)


@pytest.mark.parametrize("reply", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_reply_is_not_believed(reply: ModelReply) -> None:
    receipt = _run(_world(MemoryModel([reply])))
    assert (_rung(receipt), receipt.scores) == (("fallback", "model.reply_malformed"), {"churn_risk": 0.5})


@pytest.mark.parametrize("reply", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE.keys())
def test_a_score_out_of_range_is_not_believed(reply: ModelReply) -> None:
    receipt = _run(_world(MemoryModel([reply])))
    assert (_rung(receipt), receipt.scores) == (("fallback", "model.reply_out_of_range"), {"churn_risk": 0.5})


@pytest.mark.parametrize("reply", [*MALFORMED.values(), *OUT_OF_RANGE.values()])
def test_without_a_rung_a_reply_that_is_not_believed_fails_for_good(reply: ModelReply) -> None:
    world = _world(MemoryModel([reply]))
    receipt = _run(world, NO_RUNG)
    assert (receipt.outcome, receipt.retryable, receipt.dead_letter) == ("failed", False, True)
    assert world.store.decisions(CUSTOMER) == []


def test_an_expired_score_is_passed_over() -> None:
    receipt = _run(_world(_failing(ModelError), last_score=0.72, expires_in=timedelta(0)))
    assert (_rung(receipt)[0], receipt.scores) == ("fallback", {"churn_risk": 0.5})


@pytest.mark.parametrize("last_score", [1.5, -0.1, "0.7", True])
def test_a_last_score_out_of_its_range_is_passed_over(last_score: Any) -> None:
    receipt = _run(_world(_failing(ModelError), last_score=last_score))
    assert (_rung(receipt)[0], receipt.scores) == ("fallback", {"churn_risk": 0.5})


def _without_range(expression: str) -> Plan:
    fallback = [{"churn_risk": expression}, {"churn_risk": 0.5}]
    return a_plan(model={**SPEC["model"], "range": {}, "fallback": fallback})


@pytest.mark.parametrize(
    "expression", ["abs(to_string(profile.orders))", "profile.nothing", "sum(profile.big)"]
)
def test_a_rung_that_fails_or_gives_no_finite_value_is_passed_over_also_without_a_range(
    expression: str,
) -> None:
    world = _world(_failing(ModelError))
    world.store.put_profile(CUSTOMER, {"orders": 5, "big": [1.7e308, 1.7e308]}, updated_at=NOW)
    assert _run(world, _without_range(expression)).scores == {"churn_risk": 0.5}


def test_a_rung_answers_only_when_it_gives_every_output() -> None:
    model = {
        **SPEC["model"],
        "response": {"churn_risk": "[0]", "uplift": "[1]"},
        "fallback": [
            {"churn_risk": "profile.scores.churn_risk.value", "uplift": "profile.scores.uplift.value"},
            {"churn_risk": 0.5, "uplift": 0},
        ],
    }
    receipt = _run(_world(_failing(ModelError), last_score=0.72), a_plan(model=model))
    assert (_rung(receipt)[0], receipt.scores) == ("fallback", {"churn_risk": 0.5, "uplift": 0})


def test_the_time_of_the_step_bounds_all_attempts() -> None:
    world = _world(MemoryModel())

    def slow(_: object) -> ModelError:
        world.wait(timedelta(milliseconds=800))
        return ERRORS[0]("the model is slow")

    world.model = MemoryModel(slow)
    assert _rung(_run(world))[0] == "fallback"
    assert [call.timeout_s for call in world.model.calls] == [0.8]


def test_the_decision_id_is_the_inference_id() -> None:
    world = _world(MemoryModel([ModelReply(b"0.2", "text/csv")]))
    receipt = _run(world)
    assert [call.inference_id for call in world.model.calls] == [receipt.decision_id]


def test_a_model_that_can_not_be_opened_fails_for_good_and_nothing_left() -> None:
    world = _world(MemoryModel())

    def refuse(_: ModelPlan) -> Model:
        raise SettingsError("there is no secret 'token'", hint="set the variable FUNCTIONS_SECRET_TOKEN")

    receipt = Runtime(replace(world.ports, model=refuse)).handle(PLAN, an_event(), now=NOW)
    assert (receipt.outcome, receipt.reason.code, receipt.dead_letter) == ("failed", "settings.invalid", True)
    assert receipt.payload is None
    assert world.store.decisions(CUSTOMER) == []


def _bodies() -> Iterator[st.SearchStrategy[ModelReply]]:
    kinds = st.sampled_from(["text/csv", "application/json", "application/jsonlines", "text/html", ""])
    numbers = st.floats(0, 1).map(str) | st.floats().map(str) | st.integers().map(str)
    texts = st.text(max_size=20) | numbers | numbers.map(lambda number: f"[{number}]")
    yield st.builds(ModelReply, texts.map(lambda text: text.encode("utf-8", "replace")), kinds)
    yield st.builds(ModelReply, st.binary(max_size=20), kinds)


@settings(deadline=None)
@given(st.one_of(*_bodies()))
def test_whatever_the_reply_the_outputs_are_in_range_and_an_action_is_one_of_the_spec(
    reply: ModelReply,
) -> None:
    world = _world(MemoryModel([reply]))
    receipt = _run(world)
    assert receipt.outcome in ("acted", "no_action")
    assert 0 <= receipt.scores["churn_risk"] <= 1
    assert [candidate.action for candidate in receipt.candidates] == ["offer-20", "offer-10", "do-nothing"]
    assert receipt.action is None or receipt.action.name in ("offer-20", "offer-10")
    assert (receipt.write_back == {}) is (_rung(receipt)[0] != "model")


def test_every_error_of_models_was_tried() -> None:
    assert ModelReplyError in ERRORS
    assert len(ERRORS) == 8
