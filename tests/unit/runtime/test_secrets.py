"""Nothing of an event, a profile or a reply appears in an error, a reason or a log line."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.actions.channel import ActionChannel
from functions.actions.file import FileChannel
from functions.actions.webhook import WebhookChannel
from functions.documents import Json
from functions.events.reading import read_document
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.store import CommitRequest, CommitResult, Snapshot
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt, refused
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, SPEC, a_plan, a_profile, an_event, put_customer

MARK = "s3cr3t"
"""Part of every planted value, so that one search finds them all."""

DECLARED = ("features", "payload", "scores", "write_back", "event", "profile_id")
"""The places of a receipt that hold values, as they are declared to."""


def _planted(name: str) -> str:
    return f"{MARK}-{name}"


def _secret_profile(**fields: Json) -> dict[str, Json]:
    return {
        **a_profile(),
        "email": _planted("email"),
        "name": {"first": _planted("first"), _planted("key"): _planted("value")},
        "list": [_planted("element")],
        **fields,
    }


def _run(
    plan: Plan | None = None,
    *,
    profile: dict[str, Json] | None = None,
    reply: ModelReply | None = None,
    store: MemoryProfileStore | None = None,
    after: timedelta = timedelta(0),
    properties: dict[str, Json] | None = None,
) -> Receipt:
    model = MemoryModel(lambda _: reply or ModelReply(b"0.83", "text/csv"))
    world = Rehearsal(now=NOW, store=store, model=model)
    put_customer(world.store, profile or _secret_profile())
    event = replace(
        an_event(properties={"page": _planted("page"), **(properties or {})}),
        traits={"mail": _planted("trait")},
        context={"ip": _planted("ip")},
        raw={"whole": _planted("raw")},
    )
    return world.runtime.handle(plan or a_plan(), event, now=NOW + after)


def _feature(expression: str, kind: str = "float", **more: Any) -> Plan:
    feature = {"from": expression, "type": kind, **more}
    return a_plan(
        features={"orders": feature},
        write_back=None,
        decide={"actions": ["offer-10"]},
        exceptions=[
            _let(path)
            for path in ("profile.email", "profile.name")
            if path in f"{expression} {more.get('as_of')}"
        ],
    )


def _let(path: str, to: str = "model") -> dict[str, Json]:
    return {"reads": path, "to": [to], "because": "The test follows it.", "reviewed_by": "A Person"}


def _no_fallback(reply: bytes, content_type: str = "text/csv", **model: Any) -> Receipt:
    plan = a_plan(model={**SPEC["model"], "fallback": [], **model})
    return _run(plan, reply=ModelReply(reply, content_type))


class _BrokenStore(MemoryProfileStore):
    """Holds what is no profile."""

    def __init__(self, profile_json: bytes) -> None:
        super().__init__()
        self._profile_json = profile_json

    def load(self, profile_id: str, decision_id: str | None = None) -> Snapshot:
        return replace(super().load(profile_id, decision_id), profile_json=self._profile_json)


class _Contended(MemoryProfileStore):
    def commit(self, request: CommitRequest) -> CommitResult:
        return CommitResult("version_moved")


def _contended() -> Receipt:
    world = Rehearsal(now=NOW, store=_Contended(), model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    put_customer(world.store, _secret_profile())
    ticks = iter(range(1000))
    ports = replace(world.ports, monotonic=lambda: float(next(ticks)))
    return Runtime(ports).handle(a_plan(), an_event(), now=NOW)


SECRET = _planted("reply").encode()
JSON_REPLY = "application/json"

PATHS: dict[str, tuple[str, Callable[[], Receipt]]] = {
    "text for a number": ("feature.wrong_type", lambda: _run(_feature("profile.email"))),
    "object for text": ("feature.wrong_type", lambda: _run(_feature("profile.name", "string"))),
    "list for a flag": ("feature.wrong_type", lambda: _run(_feature("profile.list", "bool"))),
    "no category": (
        "feature.out_of_range",
        lambda: _run(_feature("profile.email", "category", categories=["gold"])),
    ),
    "failing feature": ("feature.failed", lambda: _run(_feature("abs(to_string(profile.email))"))),
    "failing library": ("feature.failed", lambda: _run(_feature("sum(profile.list)"))),
    "stale": (
        "feature.stale",
        lambda: _run(_feature("profile.orders", as_of="profile.email", stale_after="1d", stale="error")),
    ),
    "null in csv": ("feature.null", lambda: _run(_feature("profile.nothing", missing=None))),
    "over budget": (
        "payload.too_large",
        lambda: _run(_feature("profile.email", "string"), profile=_secret_profile(email=MARK * 1000)),
    ),
    "failing template": (
        "feature.failed",
        lambda: _run(
            a_plan(
                features={"mail": {"from": "profile.email", "type": "string"}},
                exceptions=[_let("profile.email")],
                model={
                    **SPEC["model"],
                    "request": {"format": "json", "template": {"x": {"from": "abs(features.mail)"}}},
                },
                decide={"actions": ["offer-10"]},
            )
        ),
    ),
    "failing score": (
        "feature.failed",
        lambda: _run(
            a_plan(
                write_back={"scores.x": {"from": "abs(to_string(profile.email))"}},
                exceptions=[_let("profile.email", "score")],
            )
        ),
    ),
    "no score": (
        "feature.wrong_type",
        lambda: _run(
            a_plan(
                write_back={"scores.x": {"from": "profile.name"}}, exceptions=[_let("profile.name", "score")]
            )
        ),
    ),
    "failing condition": (
        "condition.failed",
        lambda: _run(a_plan(decide={"when": "abs(to_string(profile.email)) > `1`", "actions": ["offer-10"]})),
    ),
    "false condition": (
        "condition.false",
        lambda: _run(a_plan(decide={"when": "profile.email", "actions": ["offer-10"]})),
    ),
    "failing key": (
        "event.no_key",
        lambda: _run(a_plan(profile={"key": "to_string(abs(event.properties.page))"})),
    ),
    "no key": ("event.no_key", lambda: _run(a_plan(profile={"key": "event.properties"}))),
    "long key": (
        "event.no_key",
        lambda: _run(a_plan(profile={"key": "event.properties.id"}), properties={"id": MARK * 100}),
    ),
    "from the future": ("event.from_future", lambda: _run(after=-timedelta(days=1))),
    "too old": ("event.too_old", lambda: _run(after=timedelta(days=1))),
    "reply of another type": ("model.reply_malformed", lambda: _no_fallback(SECRET, "text/html")),
    "reply in csv": ("model.reply_malformed", lambda: _no_fallback(SECRET)),
    "reply in json": ("model.reply_malformed", lambda: _no_fallback(b'{"a": "' + SECRET + b'"}', JSON_REPLY)),
    "truncated reply": ("model.reply_malformed", lambda: _no_fallback(b'{"' + SECRET, JSON_REPLY)),
    "failing reply": (
        "model.reply_malformed",
        lambda: _no_fallback(
            b'["' + SECRET + b'"]', JSON_REPLY, response={"churn_risk": "abs([0])"}, range={}
        ),
    ),
    "reply out of range": ("model.reply_out_of_range", lambda: _no_fallback(b"1234567")),
    "broken profile": ("store.rejected", lambda: _run(store=_BrokenStore(b'{"email": "' + SECRET))),
    "profile of another kind": ("store.rejected", lambda: _run(store=_BrokenStore(b'["' + SECRET + b'"]'))),
    "contended": ("store.contended", _contended),
}


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


def _leaks(receipt: Receipt) -> list[str]:
    """Return what a receipt says of planted values outside the places that are declared to hold them."""
    document = receipt.as_document()
    return [
        text
        for name, part in document.items()
        if name not in DECLARED
        for text in _texts(part)
        if MARK in text
    ]


@pytest.mark.parametrize(("code", "run"), PATHS.values(), ids=PATHS.keys())
def test_no_planted_value_appears_in_what_is_said_about_a_fault(
    code: str, run: Callable[[], Receipt], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        receipt = run()
    assert receipt.reason.code == code
    assert _leaks(receipt) == []
    assert [record.getMessage() for record in caplog.records if MARK in record.getMessage()] == []


def test_the_number_out_of_range_is_not_repeated() -> None:
    assert "1234567" not in json.dumps(_no_fallback(b"1234567").as_document())


EVENTS: dict[str, Json] = {
    "no dialect": {_planted("a"): _planted("b")},
    "no id": {"name": _planted("name"), "time": "2026-11-02T09:15:00Z"},
    "bad time": {"id": "1", "name": _planted("name"), "time": _planted("time")},
    "bad user": {"id": "1", "name": "x", "time": "2026-11-02T09:15:00Z", "user_id": [_planted("user")]},
    "bad properties": {"id": "1", "name": "x", "time": "2026-11-02T09:15:00Z", "properties": _planted("p")},
    "sqs": {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": _planted("body")}]},
    "kinesis": {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": _planted("data")}}]},
    "text": _planted("text"),
}


@pytest.mark.parametrize("document", EVENTS.values(), ids=EVENTS.keys())
def test_no_planted_value_appears_in_what_is_said_about_a_refused_event(document: Json) -> None:
    for parsed in read_document(document, received_at=NOW):
        assert parsed.error is not None
        assert _leaks(refused(a_plan(), parsed.error)) == []


def _acting(channel: ActionChannel) -> Receipt:
    world = Rehearsal(now=NOW, model=MemoryModel([ModelReply(b"0.83", "text/csv")]))
    customer = _planted("customer")
    put_customer(world.store, _secret_profile(), customer=customer)
    runtime = Runtime(replace(world.ports, channel=lambda _: channel))
    return runtime.handle(a_plan(), an_event(user_id=customer), now=NOW)


def _note(receipt: Receipt) -> str | None:
    assert receipt.action is not None
    return receipt.action.note


def test_no_planted_value_appears_when_a_file_can_not_be_written() -> None:
    receipt = _acting(FileChannel(ChannelPlan("offers", "file", {"path": "/dev/null/x"})))
    assert (_note(receipt), _leaks(receipt)) == ("action.denied", [])


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (Answer(status=400, body=SECRET), "action.rejected"),
        (Answer(status=403, body=SECRET), "action.denied"),
        (Answer(status=429, body=SECRET), "action.throttled"),
        (Answer(status=503, body=SECRET), "action.unavailable"),
        (Answer(drop=True), "action.ambiguous"),
    ],
)
def test_no_planted_value_appears_when_a_webhook_is_refused(
    answer: Answer, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    with LoopbackReceiver(answer) as receiver, caplog.at_level(logging.DEBUG):
        options = {"url": receiver.url, "secret": {"secret": "KEY"}, "allow_private": True}
        webhook = WebhookChannel(
            ChannelPlan("offers", "webhook", options), lambda _: "a-key-of-24-letters-or-more"
        )
        receipt = _acting(webhook)
    assert (_note(receipt), _leaks(receipt)) == (note, [])
    assert [record.getMessage() for record in caplog.records if MARK in record.getMessage()] == []
