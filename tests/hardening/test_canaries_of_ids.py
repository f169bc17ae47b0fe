"""Ids, names and other fields of events as canaries, through every kind of channel, an alias and an embedded store.

An id has its place in messages and in the store, and none in a log, a metric, a reason, a prompt or a page.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from functions.actions.channel import ActionChannel
from functions.actions.file import FileChannel
from functions.actions.message import message_document
from functions.actions.webhook import WebhookChannel
from functions.documents import Json
from functions.governance.consent import ConsentStatus
from functions.handlers.records import sqs_handler
from functions.handlers.synchronous import Doorkeeper, url_handler
from functions.handlers.visitor import mint_visitor_token
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.sqlite import SqliteProfileStore
from functions.profiles.store import ProfileStore
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.handler_stage import handler_stage
from functions.testing.lambda_events import batch, event_body, http_request, sqs_record
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, SPEC, a_plan, consent, put_customer

ALIAS, CUSTOMER, EVENT, VISITOR = "cnry-alias", "cnry-customer", "cnry-event", "cnry-visitor"
NAME, KIND, SOURCE, PAGE, MAIL = "cnry-name", "cnry-kind", "cnry-source", "cnry-page", "cnry-mail"
ORDERS, SECRET, ECHO = "cnry-orders", "cnry-secret", "cnry-echo"
CANARIES = (ALIAS, CUSTOMER, EVENT, VISITOR, NAME, KIND, SOURCE, PAGE, MAIL, ORDERS, SECRET, ECHO)

KEY = b"a key of twenty-four bytes, at least"
REGISTRY: dict[str, Json] = {
    "channels": {"offers": {"kind": "memory"}, "platform": {"kind": "memory"}},
    "currency": "EUR",
    "actions": {
        "say": {
            "channel": "offers",
            "cost": 0,
            "value": {"kept": 50},
            "chance": {"kept": 0.9},
            "payload": {"orders": {"from": "features.orders"}},
        }
    },
}
PLAN = a_plan(
    REGISTRY,
    trigger={"event_pattern": {"detail-type": [{"exists": True}]}},
    features={"orders": {"from": "profile.orders", "type": "string", "missing": "none"}},
    model={**SPEC["model"], "request": {"format": "json"}},
    write_back={"scores.risk": {"from": "churn_risk", "notify": "platform"}},
    policy={"objectives": {"kept": {}}, "learning": {}},
    decide={"actions": ["say"], "do_nothing": {"kept": 0.1}, "segment": "features.orders"},
)


def the_event(**fields: Json) -> dict[str, Any]:
    return event_body(
        EVENT,
        user_id=ALIAS,
        anonymous_id=VISITOR,
        name=NAME,
        type=KIND,
        source=SOURCE,
        properties={"page": PAGE, PAGE: 1},
        traits={"mail": MAIL},
        **fields,
    )


def found(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary in text}


@dataclass
class Out:
    """Every byte that came out, by the way it took."""

    model: str
    sent: list[dict[str, Json]]
    told: str
    answer: str
    kept: list[dict[str, Json]]


def a_world(store: ProfileStore, reply: str) -> Rehearsal:
    answer = ModelReply(reply.encode(), "text/csv")
    world = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: answer))
    put_customer(store, {"orders": ORDERS, "secret": {SECRET: SECRET}}, customer=CUSTOMER)
    store.put_alias(ALIAS, CUSTOMER)
    return world


def run(
    store: ProfileStore,
    *,
    plan: Plan = PLAN,
    channel: ActionChannel | None = None,
    page: bool = False,
    reply: str = "0.83",
    status: ConsentStatus = "granted",
) -> Out:
    told, world = io.StringIO(), a_world(store, reply)
    store.put_consent(CUSTOMER, consent(status, at=NOW), now=NOW)
    if channel is not None:
        world.ports = replace(world.ports, channel=lambda _: channel)
    answer: Any = None
    with redirect_stdout(told):
        stage = handler_stage(plan, rehearsal=world)
        if page:
            token = mint_visitor_token(ALIAS, key=KEY, expires_at=NOW.replace(year=2027))
            request = http_request(
                the_event(), headers={"authorization": f"Bearer {token}", "origin": SOURCE}
            )
            answer = url_handler(stage.worker, Doorkeeper((KEY,)))(request, stage.context)
        else:
            bad: dict[str, Json] = {**the_event(), "time": PAGE}
            sqs_handler(stage.worker)(
                batch(sqs_record(the_event(), EVENT), sqs_record(bad, PAGE), sqs_record(PAGE, MAIL)),
                stage.context,
            )
        stage.worker.telemetry.flush()
    return Out(
        model="\n".join(call.payload.body.decode() for call in world.model.calls),
        sent=[message_document(one.message) for one in world.channel.deliveries],
        told=told.getvalue(),
        answer=json.dumps(answer),
        kept=[one.body for one in store.decisions(CUSTOMER)],
    )


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ProfileStore:
    return MemoryProfileStore() if request.param == "memory" else SqliteProfileStore(tmp_path / "profiles.db")


def test_ids_go_with_messages_and_are_told_to_nobody_else(store: ProfileStore) -> None:
    out = run(store)
    assert '"outcome":"acted"' in out.told
    assert found(out.told) == set()
    assert found(out.model) == {ORDERS}
    (action,) = [one for one in out.sent if one["action"] == "say"]
    (notice,) = [one for one in out.sent if one["action"] != "say"]
    assert found(json.dumps(action)) == {CUSTOMER, EVENT, ORDERS}
    assert found(json.dumps(notice)) == {CUSTOMER, EVENT, VISITOR}


def test_a_decision_keeps_ids_features_and_the_segment_and_nothing_else_of_the_event(
    store: ProfileStore,
) -> None:
    (body,) = run(store).kept
    assert body["experiment"]["segment"] == ORDERS
    assert found(json.dumps(body)) == {CUSTOMER, EVENT, NAME, ORDERS}


def test_a_reply_that_makes_no_sense_is_told_without_a_word_of_it(store: ProfileStore) -> None:
    plan = replace(PLAN, model=replace(PLAN.model, fallback=())) if PLAN.model else PLAN
    out = run(store, plan=plan, reply=f"{ECHO},{ORDERS}")
    assert '"outcome":"failed"' in out.told
    assert (found(out.told), out.sent) == (set(), [])


def test_without_consent_nothing_is_computed_sent_or_kept_but_ids(store: ProfileStore) -> None:
    out = run(store, status="revoked")
    assert '"outcome":"suppressed"' in out.told
    assert (out.model, out.sent, found(out.told)) == ("", [], set())
    (body,) = out.kept
    assert found(json.dumps(body)) == {CUSTOMER, EVENT, NAME}


@contextmanager
def a_channel(kind: str, folder: Path) -> Iterator[tuple[ActionChannel, Any]]:
    """Give a channel and what returns every byte that it sent."""
    if kind == "file":
        target = folder / "sent.jsonl"
        yield FileChannel(ChannelPlan("offers", "file", {"path": str(target)})), target.read_text
        return
    with LoopbackReceiver(Answer()) as receiver:
        options: dict[str, Json] = {"url": receiver.url, "secret": {"secret": "KEY"}, "allow_private": True}
        channel = WebhookChannel(
            ChannelPlan("offers", "webhook", options), lambda _: "a-key-of-24-letters-or-more"
        )
        yield (
            channel,
            lambda: "\n".join(f"{one.path}{dict(one.headers)}{one.body!r}" for one in receiver.received),
        )


@pytest.mark.parametrize("kind", ["file", "webhook"])
def test_the_bytes_of_a_channel_hold_what_the_message_holds(kind: str, tmp_path: Path) -> None:
    with a_channel(kind, tmp_path) as (channel, sent):
        out = run(MemoryProfileStore(), channel=channel)
        assert found(sent()) == {CUSTOMER, EVENT, VISITOR, ORDERS}
    assert found(out.told) == set()


@pytest.mark.parametrize("kind", ["file", "webhook"])
def test_a_channel_that_fails_is_told_without_a_word_of_the_message(kind: str, tmp_path: Path) -> None:
    if kind == "file":
        (tmp_path / "sent.jsonl").mkdir()
        broken: ActionChannel = FileChannel(
            ChannelPlan("offers", "file", {"path": str(tmp_path / "sent.jsonl")})
        )
        out = run(MemoryProfileStore(), channel=broken)
    else:
        with LoopbackReceiver(Answer(status=500, body=ECHO.encode())) as receiver:
            options: dict[str, Json] = {
                "url": receiver.url,
                "secret": {"secret": "KEY"},
                "allow_private": True,
            }
            hook = ChannelPlan("offers", "webhook", options)
            out = run(
                MemoryProfileStore(), channel=WebhookChannel(hook, lambda _: "a-key-of-24-letters-or-more")
            )
    assert '"delivery":"sent"' not in out.told
    assert found(out.told) == set()


def test_a_page_is_given_the_payload_and_no_id() -> None:
    channels = {
        "offers": ChannelPlan("offers", "response", {}),
        "platform": ChannelPlan("platform", "memory", {}),
    }
    out = run(
        MemoryProfileStore(), plan=replace(PLAN, policy=replace(PLAN.policy, channels=channels)), page=True
    )
    assert found(out.answer) == {ORDERS}
    assert found(out.told) == set()
