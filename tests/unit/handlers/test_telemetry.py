"""Logs and metrics: everything an operator needs, and no value of an event or a profile."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from functions.errors import ModelUnavailableError
from functions.governance.detector import Hit
from functions.handlers.direct import eventbridge_handler
from functions.handlers.log import keyed_hash, log_document, plain_hash
from functions.handlers.records import sqs_handler, stream_handler
from functions.handlers.synchronous import Doorkeeper, url_handler
from functions.handlers.telemetry import Telemetry
from functions.handlers.visitor import mint_visitor_token
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.spec.experiment_plan import ExperimentsPlan, Mode, RolloutPlan, Slice
from functions.spec.plan import ChannelPlan
from functions.testing.handler_stage import HandlerStage, handler_stage
from functions.testing.lambda_events import (
    batch,
    event_body,
    eventbridge_event,
    http_request,
    kinesis_record,
    sqs_record,
)
from functions.testing.sample_function import (
    CUSTOMER,
    NOW,
    REGISTRY,
    SPEC,
    a_plan,
    a_profile,
    an_event,
    put_customer,
)

SECRET = "s3cr3t"
VISITOR_KEY = b"a key of twenty-four bytes, at least"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(documents: list[dict[str, Any]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for document in documents:
        for group in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in group["Metrics"]:
                found.setdefault(metric["Name"], []).extend(document[metric["Name"]])
    return found


def test_one_line_per_event_and_one_of_metrics_per_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())
    sqs_handler(stage.worker)(
        batch(*(sqs_record(event_body(f"e{n}"), f"m{n}") for n in range(3))), stage.context
    )
    documents = lines(capsys)
    assert [one.get("message") for one in documents] == ["receipt"] * 3 + [None]
    assert [one["receipt"]["event"]["id"] for one in documents[:3]] == [plain_hash(f"e{n}") for n in range(3)]
    assert {one["request_id"] for one in documents[:3]} == {"request-1"}
    found = metrics(documents)
    assert len(found.pop("Latency")) == 3
    assert found == {"Acted": [3], "RungModel": [3], "ActionSent": [3]}
    assert documents[3]["service"] == stage.worker.telemetry._metrics.service


def test_metrics_tell_rungs_imputed_features_and_unknown_consent(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan(), model=MemoryModel())
    stage.rehearsal.store.put_profile(CUSTOMER, {"last_order_at": None}, updated_at=NOW)
    put_customer(stage.rehearsal.store, customer="other")
    stage.rehearsal.store.put_profile("stranger", a_profile(), updated_at=NOW)
    events = [event_body("e1"), event_body("e2", user_id="stranger"), event_body("e3", name="other"), "{"]
    sqs_handler(stage.worker)(
        batch(*(sqs_record(one, str(n)) for n, one in enumerate(events))), stage.context
    )
    found = metrics(lines(capsys))
    del found["Latency"]
    assert found["ConsentUnknown"] == [1]
    assert found["RungFallback"] == [1]
    assert found["Missing.orders"] == [1]
    assert found["Parked"] == [1]
    assert found["Rejected"] == [2]
    assert "RungNone" not in found


def test_what_could_not_be_judged_is_counted_apart_from_what_was_forbidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stages = {
        "forbidden": handler_stage(a_plan(rails=[{**_UNLESS, "unless": "profile.orders > `9`"}])),
        "unknown rule": handler_stage(a_plan(rails=[{**_UNLESS, "unless": "profile.missing"}])),
        "unknown condition": handler_stage(a_plan(_unfit("profile.missing"))),
    }
    found = {}
    for name, stage in stages.items():
        sqs_handler(stage.worker)(batch(sqs_record(event_body())), stage.context)
        counts = metrics(lines(capsys))
        found[name] = {key: counts[key] for key in counts if key.endswith("Unknown")}
    assert found == {
        "forbidden": {},
        "unknown rule": {"RailUnknown": [1]},
        "unknown condition": {"EligibilityUnknown": [1]},
    }


@pytest.mark.parametrize(
    ("name", "mode", "share", "counted"),
    [
        ("churn-next", "canary", 0.0001, {"RolloutElsewhere": [1]}),
        ("churn", "canary", 1.0, {"RolloutElsewhere": [1]}),
        ("churn-next", "canary", 1.0, {}),
        ("churn-next", "shadow", 1.0, {"RolloutShadow": [1]}),
        ("churn", "shadow", 1.0, {}),
    ],
)
def test_what_a_rollout_leaves_to_another_or_to_the_record_is_counted(
    capsys: pytest.CaptureFixture[str], name: str, mode: Mode, share: float, counted: dict[str, list[int]]
) -> None:
    rollout = RolloutPlan("churn-next", "churn", mode, Slice("next", ((0.0, share),)))
    stage = handler_stage(replace(a_plan(name=name), experiments=ExperimentsPlan(rollouts=(rollout,))))
    sqs_handler(stage.worker)(batch(sqs_record(event_body())), stage.context)
    found = metrics(lines(capsys))
    assert {key: found[key] for key in found if key.startswith("Rollout")} == counted


_UNLESS = {"name": "rule", "forbid": "all"}


def _unfit(condition: str) -> dict[str, Any]:
    actions = {name: {**one, "eligible": condition} for name, one in REGISTRY["actions"].items()}
    return {**REGISTRY, "actions": actions}


def test_model_without_any_answer_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    plan = a_plan()
    assert plan.model is not None
    stage = handler_stage(
        replace(plan, model=replace(plan.model, fallback=())), model=MemoryModel(lambda _: _down())
    )
    sqs_handler(stage.worker)(batch(sqs_record(event_body())), stage.context)
    found = metrics(lines(capsys))
    assert (found["Failed"], found["RungNone"], found["Retried"]) == ([1], [1], [1])


def _down() -> ModelReply | ModelUnavailableError:
    return ModelUnavailableError("down")


def test_log_document_has_the_keys_of_the_receipt_and_no_value() -> None:
    stage = handler_stage(a_plan())
    receipt = stage.rehearsal.runtime.handle(stage.worker.plan, an_event(), now=NOW)
    document = log_document(receipt, known_names={"page_view"})
    assert set(document) == set(receipt.as_document())
    assert document["event"] == {
        "id": plain_hash("event-1"),
        "name": "page_view",
        "time": "2026-11-02T09:15:00.000Z",
    }
    assert document["profile_id"] == plain_hash(CUSTOMER)
    assert document["features"] == ["recency_days", "orders"]
    assert document["scores"] == ["churn_risk"]
    assert document["write_back"] == ["scores.churn_risk"]
    assert document["payload"] == {
        "content_type": "text/csv",
        "bytes": len("120.0,5.0"),
        "labels": ["transactional"],
    }
    assert document["action"]["idempotency_key"] == receipt.decision_id
    assert log_document(receipt)["event"]["name"] == plain_hash("page_view")


def secret_stage(reply: str) -> HandlerStage:
    """Return a stage that holds the secret in ids, names, the profile, features and the action."""
    actions = {"offer-20": {"channel": "offers", "payload": {"text": {"from": "features.note"}}}}
    plan = a_plan(
        {**REGISTRY, "actions": actions},
        decide={"actions": ["offer-20"]},
        trigger={"event_pattern": {"source": [{"exists": True}]}},
        features={"note": {"from": "profile.note", "type": "string", "missing": None}},
        model={**SPEC["model"], "request": {"format": "json"}},
    )
    stage = handler_stage(plan, model=MemoryModel(lambda _: ModelReply(reply.encode(), "text/csv")))
    put_customer(stage.rehearsal.store, a_profile(note=f"note {SECRET}"), customer=f"customer-{SECRET}")
    return stage


def secret_event(**fields: Any) -> dict[str, Any]:
    return event_body(
        f"event-{SECRET}",
        name=f"name-{SECRET}",
        user_id=f"customer-{SECRET}",
        source=f"source-{SECRET}",
        properties={SECRET: SECRET},
        traits={"email": f"{SECRET}@mail.example"},
        **fields,
    )


def run_sqs(stage: HandlerStage) -> None:
    bad = [
        f'{{"{SECRET}"',
        {SECRET: SECRET},
        {**secret_event(), "id": None},
        secret_event(time=SECRET),
        SECRET,
    ]
    records = [sqs_record(one, SECRET) for one in [secret_event(), secret_event(), *bad]]
    sqs_handler(stage.worker)(batch(*records), stage.context)


def run_stream(stage: HandlerStage) -> None:
    records = [kinesis_record(secret_event(), "1"), kinesis_record(f"%{SECRET}", "2")]
    stream_handler(stage.worker, "aws:kinesis")(batch(*records), stage.context)


def run_direct(stage: HandlerStage) -> None:
    eventbridge_handler(stage.worker)(
        eventbridge_event(secret_event(), **{"detail-type": SECRET, "source": SECRET}), stage.context
    )


def run_page(stage: HandlerStage) -> None:
    token = mint_visitor_token(f"customer-{SECRET}", key=VISITOR_KEY, expires_at=NOW.replace(year=2027))
    for authorization in (f"Bearer {token}", f"Bearer {SECRET}"):
        request = http_request(secret_event(), headers={"authorization": authorization, "origin": SECRET})
        url_handler(stage.worker, Doorkeeper((VISITOR_KEY,)))(request, stage.context)


@pytest.mark.parametrize("run", [run_sqs, run_stream, run_direct, run_page])
@pytest.mark.parametrize("fault", [None, "reply", "loaded", "prepared", "decided", "committed", "sent"])
def test_no_line_holds_a_value(
    run: Callable[[HandlerStage], None], fault: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = secret_stage(SECRET if fault == "reply" else "0.83")
    if run is run_page:
        channels = {"offers": ChannelPlan("offers", "response", {})}
        plan = stage.worker.plan
        stage.worker = replace(
            stage.worker, plan=replace(plan, policy=replace(plan.policy, channels=channels))
        )

    def burst(name: str) -> None:
        if name == fault:
            raise RuntimeError(SECRET)

    stage.rehearsal.on_stage = burst
    told = ""
    try:
        run(stage)
    except Exception as error:  # noqa: BLE001 - whatever Lambda would print
        told = f"{error!r} {error.__context__!r} {error.__cause__!r}"
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err + told
    assert ('"outcome":"acted"' in captured.out) == (fault in (None, "reply"))


def test_crash_is_logged_with_its_class_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())

    def burst(_: str) -> None:
        raise RuntimeError(SECRET)

    stage.rehearsal.on_stage = burst
    sqs_handler(stage.worker)(batch(sqs_record(event_body())), stage.context)
    documents = lines(capsys)
    assert documents[0]["error"] == "RuntimeError"
    assert documents[0]["code"] == "internal"
    assert documents[0]["where"][-1].endswith(" burst")
    assert metrics(documents) == {"Crashed": [1], "Retried": [1]}


def test_spans_surround_each_decision() -> None:
    stage = handler_stage(a_plan())
    names: list[str] = []

    def span(name: str) -> Any:
        names.append(name)
        return nullcontext()

    stage.worker.telemetry.span = span
    sqs_handler(stage.worker)(batch(sqs_record(event_body("a")), sqs_record(event_body("b"))), stage.context)
    assert names == ["decide", "decide"]


def test_identifiers_are_hashed_under_a_key_where_one_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())
    receipt = stage.rehearsal.runtime.handle(stage.worker.plan, an_event(), now=NOW)
    keyed = keyed_hash(b"a key of twenty-four bytes, at least")
    Telemetry("keyed", namespace="Tests", hashed=keyed).receipt(receipt, request_id="r")
    (line,) = lines(capsys)
    assert line["receipt"]["profile_id"] == keyed(CUSTOMER) != plain_hash(CUSTOMER)
    assert line["receipt"]["event"]["id"] == keyed("event-1")
    assert keyed_hash(b"another key of twenty-four bytes")(CUSTOMER) != keyed(CUSTOMER)


def test_a_line_that_looks_like_personal_data_is_withheld_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry = Telemetry("leaky", namespace="Tests")
    telemetry.warning("parked", "x", position="zoe@mail.example.com")
    telemetry.flush()
    first, second = lines(capsys)
    assert (first["message"], first["withheld"]) == ("parked", ["email"])
    assert second["Detector.log.email"] == [1.0]


def test_every_state_of_a_feature_is_a_metric_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(a_plan())
    receipt = stage.rehearsal.runtime.handle(stage.worker.plan, an_event(), now=NOW)
    telemetry = Telemetry("states", namespace="Tests")
    states = ("missing", "null", "stale", "out_of_range", "wrong_type")
    for state in states:
        telemetry.receipt(replace(receipt, imputed={"orders": state}), request_id="r")
        telemetry.receipt(replace(receipt, unusable={"recency_days": state}), request_id="r")
    telemetry.receipt(replace(receipt, detector=(Hit("model", "card"),)), request_id="r")
    telemetry.flush()
    found = metrics(lines(capsys))
    words = ("Missing", "Null", "Stale", "OutOfRange", "WrongType")
    assert {found[f"{word}.{name}"][0] for word in words for name in ("orders", "recency_days")} == {1}
    assert found["Detector.model.card"] == [1]
