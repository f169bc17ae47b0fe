"""A page asks and waits: who may, what it is told, and what it is never told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.errors import StoreDeniedError
from functions.events.decoding import MAX_EVENT_BYTES
from functions.governance.statements import ConsentSource
from functions.handlers.synchronous import Doorkeeper, url_handler
from functions.handlers.visitor import mint_visitor_token
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.spec.plan import ChannelPlan, Plan
from functions.testing.handler_stage import HandlerStage, handler_stage, without_fallback
from functions.testing.lambda_events import event_body, eventbridge_event, http_request
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, consent, put_customer

KEY = b"a key of twenty-four bytes, at least"
PAGE = "https://www.shop.example"
OFFER = {"percent": 20, "risk": 0.83}


def response_plan(**sections: Any) -> Plan:
    plan = a_plan(**sections)
    return replace(
        plan, policy=replace(plan.policy, channels={"offers": ChannelPlan("offers", "response", {})})
    )


def token(visitor: str = CUSTOMER, *, key: bytes = KEY, life: timedelta = timedelta(minutes=5)) -> str:
    return mint_visitor_token(visitor, key=key, expires_at=NOW + life)


def ask(
    stage: HandlerStage,
    content: Any = None,
    *,
    authorization: str | None = None,
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> Any:
    given = {"authorization": f"Bearer {token()}" if authorization is None else authorization}
    request = http_request(
        event_body() if content is None else content, headers={**given, **(headers or {})}, **fields
    )
    return url_handler(stage.worker, Doorkeeper((KEY,), (PAGE,)))(request, stage.context)


def answer(reply: Any) -> tuple[int, Any]:
    return reply["statusCode"], json.loads(reply["body"])


def test_page_gets_the_payload_of_its_action_and_nothing_else() -> None:
    stage = handler_stage(response_plan())
    reply = ask(stage)
    assert answer(reply) == (200, {"action": OFFER})
    assert reply["headers"]["content-type"] == "application/json"
    assert reply["headers"]["cache-control"] == "no-store"
    assert stage.acted_on == []  # no other channel had it


def test_nothing_chosen_and_nothing_allowed_look_the_same() -> None:
    low = MemoryModel(lambda _: ModelReply(b"0.1", "text/csv"))
    nothing_chosen = ask(handler_stage(response_plan(), model=low))
    refused = handler_stage(response_plan())
    refused.rehearsal.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
    unknown = handler_stage(response_plan())
    nobody = ask(unknown, event_body(user_id="nobody"), authorization=f"Bearer {token('nobody')}")
    no_trigger = ask(handler_stage(response_plan()), event_body(name="other"))
    assert answer(nothing_chosen) == (200, {"action": None})
    assert nothing_chosen == ask(refused) == nobody == no_trigger


def test_browser_that_sends_sec_gpc_gets_nothing_where_the_contract_says_so() -> None:
    denies = replace(response_plan(), consent_source=ConsentSource(gpc=True))
    signal = {"Sec-GPC": "1"}
    assert answer(ask(handler_stage(denies), headers=signal)) == (200, {"action": None})
    assert answer(ask(handler_stage(denies), headers={"Sec-GPC": "0"})) == (200, {"action": OFFER})
    assert answer(ask(handler_stage(response_plan()), headers=signal)) == (200, {"action": OFFER})


def test_action_of_another_channel_leaves_by_it_and_the_page_is_not_told() -> None:
    stage = handler_stage(a_plan())
    assert answer(ask(stage)) == (200, {"action": None})
    assert stage.acted_on == ["event-1"]


def test_same_event_gets_the_same_answer_again(capsys: pytest.CaptureFixture[str]) -> None:
    stage = handler_stage(response_plan())
    first = ask(stage)
    capsys.readouterr()
    assert ask(stage) == first
    assert '"outcome":"duplicate"' in capsys.readouterr().out


def test_answer_is_not_repeated_when_it_has_expired_or_consent_has_gone() -> None:
    for change in ("expired", "revoked"):
        stage = handler_stage(response_plan())
        assert answer(ask(stage)) == (200, {"action": OFFER})
        if change == "expired":
            stage.rehearsal.wait(timedelta(minutes=1))
        else:
            stage.rehearsal.store.put_consent(CUSTOMER, consent("revoked", at=NOW), now=NOW)
        assert answer(ask(stage)) == (200, {"action": None})


def test_answer_that_was_lost_between_commit_and_reply_is_given_the_next_time() -> None:
    stage = handler_stage(response_plan())

    def die(name: str) -> None:
        if name == "committed" and "leased" not in stage.rehearsal.stages:
            stage.rehearsal.on_stage = lambda _: None
            raise ZeroDivisionError

    stage.rehearsal.on_stage = die
    assert ask(stage)["statusCode"] == 500
    assert answer(ask(stage)) == (200, {"action": OFFER})


def test_receipt_says_that_the_action_was_returned(capsys: pytest.CaptureFixture[str]) -> None:
    ask(handler_stage(response_plan()))
    receipt = json.loads(capsys.readouterr().out.splitlines()[0])["receipt"]
    assert (receipt["outcome"], receipt["action"]["delivery"]) == ("acted", "returned")


def forged() -> str:
    head, _, signature = token().rpartition(".")
    return f"{head}.{'A' * len(signature)}"


def for_another() -> str:
    version, _, expiry, signature = token().split(".")
    other = base64.urlsafe_b64encode(b"customer-2").decode().rstrip("=")
    return f"{version}.{other}.{expiry}.{signature}"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer ",
        "Bearer x",
        "Basic abc",
        f"bearer {forged()}",
        f"Bearer {for_another()}",
        f"Bearer {token('customer-2')}",
        f"Bearer {token(key=b'another key of 24 bytes or more')}",
        f"Bearer {token(life=timedelta(0))}",
        f"Bearer {token(life=timedelta(days=-1))}",
        f"Bearer {token().replace('v1.', 'v2.')}",
        "Bearer " + "a" * 100_000,
        "Bearer é.é.é.é",
        f"Bearer {token()}.x",
    ],
)
def test_nobody_asks_without_a_token_of_that_visitor(authorization: str) -> None:
    stage = handler_stage(response_plan())
    reply = ask(stage, authorization=authorization)
    assert answer(reply) == (401, {})
    assert reply["headers"]["www-authenticate"] == "Bearer"
    assert stage.rehearsal.stages == []


def test_nobody_asks_where_no_key_is_set() -> None:
    stage = handler_stage(response_plan())
    request = http_request(event_body(), headers={"authorization": f"Bearer {token(key=b'')}"})
    assert url_handler(stage.worker, Doorkeeper(()))(request, stage.context)["statusCode"] == 401


def test_token_is_looked_at_before_the_body() -> None:
    assert ask(handler_stage(response_plan()), "{", authorization="")["statusCode"] == 401


def test_token_of_the_key_before_counts_while_both_are_set() -> None:
    stage = handler_stage(response_plan())
    old = b"the key before, of 24 bytes or more"
    request = http_request(event_body(), headers={"authorization": f"Bearer {token(key=old)}"})
    assert url_handler(stage.worker, Doorkeeper((KEY, old)))(request, stage.context)["statusCode"] == 200


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ("{", 400, "event.malformed"),
        ("", 400, "event.malformed"),
        ({"hello": "world"}, 400, "event.unknown_envelope"),
        ({**event_body(), "id": None}, 400, "event.no_id"),
        (eventbridge_event(**{"replay-name": "again"}), 400, "event.unknown_envelope"),
        (event_body(time="2026-11-02T10:15:00Z"), 400, "event.from_future"),
        ([event_body("a"), event_body("b")], 413, "event.too_large"),
        (event_body(properties={"x": "y" * MAX_EVENT_BYTES}), 413, "event.too_large"),
    ],
)
def test_page_is_told_what_is_wrong_with_its_event_and_nothing_is_parked(
    content: Any, status: int, code: str
) -> None:
    stage = handler_stage(response_plan())
    assert answer(ask(stage, content)) == (status, {"error": code})
    assert stage.queue.sent == []


def test_body_in_base64_is_read_and_what_only_claims_to_be_is_refused() -> None:
    encoded = base64.b64encode(json.dumps(event_body()).encode()).decode()
    assert answer(ask(handler_stage(response_plan()), encoded, isBase64Encoded=True)) == (
        200,
        {"action": OFFER},
    )
    reply = ask(handler_stage(response_plan()), "%%%", isBase64Encoded=True)
    assert answer(reply) == (400, {"error": "event.malformed"})


@pytest.mark.parametrize("event", [None, [], {}, {"requestContext": 3}, {"headers": 3}])
def test_what_is_no_request_is_refused(event: Any) -> None:
    stage = handler_stage(response_plan())
    assert url_handler(stage.worker, Doorkeeper((KEY,)))(event, stage.context)["statusCode"] == 405


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_asks(method: str) -> None:
    reply = ask(handler_stage(response_plan()), requestContext={"http": {"method": method}})
    assert (reply["statusCode"], reply["headers"]["allow"]) == (405, "POST, OPTIONS")


def test_preflight_of_an_allowed_origin_is_granted_and_of_another_is_not() -> None:
    stage = handler_stage(response_plan())
    context = {"http": {"method": "OPTIONS"}}
    granted = ask(stage, authorization="", headers={"Origin": PAGE}, requestContext=context)
    evil = {"origin": "https://evil.example"}
    other = ask(stage, authorization="", headers=evil, requestContext=context)
    assert granted["statusCode"] == other["statusCode"] == 204
    assert granted["headers"] == {
        "vary": "origin",
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "3600",
    }
    assert other["headers"] == {"vary": "origin"}
    assert stage.rehearsal.stages == []


@pytest.mark.parametrize(("origin", "allowed"), [(PAGE, PAGE), ("https://evil.example", None), (None, None)])
def test_answer_names_an_allowed_origin_and_no_other(origin: str | None, allowed: str | None) -> None:
    reply = ask(handler_stage(response_plan()), headers={"origin": origin} if origin else {})
    assert reply["headers"].get("access-control-allow-origin") == allowed
    assert reply["headers"]["vary"] == "origin"


def test_failure_that_may_heal_says_try_again_and_no_more() -> None:
    reply = ask(handler_stage(without_fallback(response_plan()), model=MemoryModel()))
    assert answer(reply) == (503, {"error": "unavailable"})
    assert reply["headers"]["retry-after"] == "1"


def test_failure_for_good_and_one_that_nobody_foresaw_look_the_same() -> None:
    for error in (StoreDeniedError("secret-value"), KeyError("secret-value")):
        stage = handler_stage(response_plan())

        def burst(_: str, error: Exception = error) -> None:
            raise error

        stage.rehearsal.on_stage = burst
        assert answer(ask(stage)) == (500, {"error": "internal"})


def test_anonymous_visitor_asks_with_the_token_of_the_anonymous_id() -> None:
    stage = handler_stage(response_plan())
    put_customer(stage.rehearsal.store, customer="visitor-1")
    event = event_body(user_id=None, anonymous_id="visitor-1")
    reply = ask(stage, event, authorization=f"Bearer {token('visitor-1')}")
    assert answer(reply) == (200, {"action": OFFER})
