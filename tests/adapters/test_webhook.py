"""Webhooks over real HTTP on this machine, and where they may not go."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import get_args

import httpx
import pytest

from functions.actions.signature import verify_signature
from functions.actions.webhook import WebhookChannel
from functions.actions.webhook_errors import error_for_failure, error_for_status
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionRejectedError,
    ActionThrottledError,
    ActionUnavailableError,
    SettingsError,
)
from functions.outbound.addresses import Resolver, resolve_by_system
from functions.outbound.failures import FailureKind
from functions.spec.plan import ChannelPlan
from functions.testing.channels import (
    NOW,
    ChannelConformance,
    ChannelStage,
    TakenMessage,
    sample_message,
)
from functions.testing.loopback import Answer, LoopbackReceiver

SECRETS = {
    "KEY": "planted-secret-of-24-letters-or-more",
    "SHORT": "planted-short",
    "BROKEN": "planted\r\nX-Evil: 1",
    "URL": "https://planted-user:planted@example.com/",
}


def secret(name: str) -> str:
    if name not in SECRETS:
        raise SettingsError(f"there is no secret {name}")
    return SECRETS[name]


def open_channel(
    url: object,
    *,
    resolver: Resolver = resolve_by_system,
    transport: httpx.BaseTransport | None = None,
    **options: object,
) -> WebhookChannel:
    plan = ChannelPlan("crm", "webhook", {"url": url, "secret": {"secret": "KEY"}, **options})
    return WebhookChannel(plan, secret, resolver=resolver, transport=transport)


def failure(channel: WebhookChannel) -> ActionError:
    with pytest.raises(ActionError) as caught:
        channel.send(sample_message(), now=NOW)
    told = f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert "planted" not in told
    assert "customer-1" not in told
    return caught.value


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    with LoopbackReceiver(Answer(status=204, body=b"")) as receiver:
        yield receiver


class TestWebhookChannel(ChannelConformance):
    @pytest.fixture
    def stage(self, receiver: LoopbackReceiver) -> ChannelStage:
        def taken() -> list[TakenMessage]:
            documents = [json.loads(one.body)["data"] for one in receiver.received]
            return [
                TakenMessage(one["idempotency_key"], one["action"], one["profile_id"], one["payload"])
                for one in documents
            ]

        return ChannelStage(open_channel(receiver.url, allow_private=True), taken)


def test_receiver_can_verify_what_arrives(receiver: LoopbackReceiver) -> None:
    open_channel(f"{receiver.url}/hook?a=1", allow_private=True).send(sample_message(), now=NOW)
    (got,) = receiver.received
    assert verify_signature(got.headers, got.body, SECRETS["KEY"], now=NOW)
    assert not verify_signature(got.headers, got.body + b" ", SECRETS["KEY"], now=NOW)
    assert not verify_signature(got.headers, got.body, SECRETS["KEY"], now=NOW + timedelta(minutes=6))
    assert got.path == "/hook?a=1"
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == "decision-1"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == {
        "type": "action.decided",
        "timestamp": "2026-11-02T09:00:00.000Z",
        "data": {
            "idempotency_key": "decision-1",
            "action": "retention-offer-20",
            "function": "churn-retention",
            "profile_id": "customer-1",
            "event_id": "event-1",
            "decided_at": "2026-11-02T09:00:00.000Z",
            "expires_at": "2026-11-03T09:00:00.000Z",
            "payload": {"template": "retention", "percent": 20},
        },
    }


def test_second_attempt_is_the_same_message_signed_anew(receiver: LoopbackReceiver) -> None:
    channel = open_channel(receiver.url, allow_private=True)
    later = NOW + timedelta(hours=1)
    channel.send(sample_message(), now=NOW)
    channel.send(sample_message(), now=later)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert verify_signature(second.headers, second.body, SECRETS["KEY"], now=later)


def test_headers_of_the_registry_are_sent(receiver: LoopbackReceiver) -> None:
    headers = {"Authorization": {"secret": "KEY"}, "X-Team": "lifecycle"}
    open_channel(receiver.url, allow_private=True, headers=headers).send(sample_message(), now=NOW)
    assert receiver.received[0].headers["authorization"] == SECRETS["KEY"]
    assert receiver.received[0].headers["x-team"] == "lifecycle"


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ([408, 425, 429], ActionThrottledError),
        ([401, 403, 404, 405, 410], ActionDeniedError),
        ([301, 302, 303, 307, 308, 400, 413, 415, 418, 422, 501], ActionRejectedError),
        ([503], ActionUnavailableError),
        ([409, 500, 502, 504, 520, 599], ActionAmbiguousError),
    ],
)
def test_status_becomes_our_error(statuses: list[int], error: type[ActionError]) -> None:
    answers = iter(statuses)
    with LoopbackReceiver(
        lambda _: Answer(status=next(answers), body=b"planted", headers={"Location": "/elsewhere"})
    ) as receiver:
        channel = open_channel(receiver.url, allow_private=True)
        assert [type(failure(channel)) for _ in statuses] == [error] * len(statuses)
        assert len(receiver.received) == len(statuses)


def test_every_status_that_is_no_success_has_an_error() -> None:
    assert all(issubclass(error_for_status(status), ActionError) for status in range(300, 600))


def test_only_what_never_left_may_be_called_untaken() -> None:
    for kind in get_args(FailureKind):
        assert error_for_failure(kind, sent=True) is ActionAmbiguousError
        assert error_for_failure(kind, sent=False).code.startswith("action.")


def test_redirect_to_another_host_is_not_followed() -> None:
    with LoopbackReceiver(Answer()) as other:
        answer = Answer(status=307, headers={"Location": f"{other.url}/stolen"})
        with LoopbackReceiver(answer) as receiver:
            found = failure(open_channel(receiver.url, allow_private=True))
        assert type(found) is ActionRejectedError
        assert "Redirects are not followed" in str(found.hint)
        assert other.received == []


@pytest.mark.parametrize(
    ("answer", "timeout"),
    [(Answer(silent=True), "100ms"), (Answer(drop=True), "5s")],
)
def test_request_without_an_answer_is_ambiguous(answer: Answer, timeout: str) -> None:
    with LoopbackReceiver(answer) as receiver:
        found = failure(open_channel(receiver.url, allow_private=True, timeout=timeout))
        assert type(found) is ActionAmbiguousError
        assert len(receiver.received) == 1


def test_answer_is_judged_by_its_status_and_its_body_never_read() -> None:
    with LoopbackReceiver(Answer(body=b"0" * 100_000, drip_s=5)) as receiver:
        open_channel(receiver.url, allow_private=True).send(sample_message(), now=NOW)
        assert len(receiver.received) == 1


def test_dead_port_is_unavailable() -> None:
    with LoopbackReceiver(Answer()) as receiver:
        url = receiver.url
    assert type(failure(open_channel(url, allow_private=True))) is ActionUnavailableError


def test_listener_that_never_speaks_tls_leaves_nothing_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert type(failure(open_channel(url, allow_private=True, timeout="100ms"))) is ActionUnavailableError


def test_certificate_that_does_not_match_leaves_nothing_sent(receiver: LoopbackReceiver) -> None:
    url = receiver.url.replace("http://", "https://")
    assert type(failure(open_channel(url, allow_private=True))) is ActionUnavailableError
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://127.1/",
    ],
)
def test_private_address_is_refused_by_default(url: str) -> None:
    assert type(failure(open_channel(url))) is ActionDeniedError


def test_metadata_address_is_refused_even_where_private_ones_are_allowed() -> None:
    found = failure(open_channel("http://169.254.169.254/", allow_private=True))
    assert type(found) is ActionDeniedError


def test_name_that_points_to_a_private_address_is_refused() -> None:
    sent: list[httpx.Request] = []
    channel = open_channel(
        "https://receiver.example/",
        resolver=lambda host, port: ["93.184.216.34", "10.0.0.1"],
        transport=httpx.MockTransport(answering(sent)),
    )
    assert type(failure(channel)) is ActionDeniedError
    assert sent == []


def test_name_that_is_rebound_after_the_check_changes_nothing() -> None:
    sent: list[httpx.Request] = []
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    channel = open_channel(
        "https://receiver.example/",
        resolver=lambda host, port: next(answers),
        transport=httpx.MockTransport(answering(sent)),
    )
    channel.send(sample_message(), now=NOW)
    assert sent[0].url.host == "93.184.216.34"
    assert sent[0].headers["host"] == "receiver.example"
    assert sent[0].extensions["sni_hostname"] == "receiver.example"
    assert type(failure(channel)) is ActionDeniedError
    assert len(sent) == 1


def test_name_is_resolved_by_the_check_and_nowhere_else(receiver: LoopbackReceiver) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    # The name does not exist, so a second look-up anywhere below would fail.
    url = f"http://receiver.invalid:{receiver.port}/"
    open_channel(url, resolver=resolver, allow_private=True).send(sample_message(), now=NOW)
    assert asked == ["receiver.invalid"]
    assert receiver.received[0].headers["host"] == f"receiver.invalid:{receiver.port}"


def test_unknown_host_is_unavailable() -> None:
    assert type(failure(open_channel("https://no-such-host.invalid/"))) is ActionUnavailableError


def answering(sent: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    return handle


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://example.com/"},
        {"url": "ftp://example.com/"},
        {"url": "https://planted:planted@example.com/"},
        {"url": {"secret": "URL"}},
        {"url": None},
        {"secret": None},
        {"secret": {"secret": "SHORT"}},
        {"secret": {"secret": "MISSING"}},
        {"timeout": "0s"},
        {"timeout": "soon"},
        {"headers": {"X-Key": {"secret": "BROKEN"}}},
        {"headers": {"X-Team": "a\r\nX-Evil: 1"}},
        {"headers": {"X-Team\r\n": "1"}},
        {"headers": {"Idempotency-Key": "1"}},
        {"headers": {"webhook-signature": "1"}},
        {"headers": {"Host": "elsewhere"}},
        {"headers": []},
        {"allow_private": "yes", "url": "http://example.com/"},
    ],
)
def test_option_that_cannot_be_used_is_a_setting_to_correct(options: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as caught:
        open_channel(**{"url": "https://example.com/", **options})  # type: ignore[arg-type]
    assert "planted" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


@pytest.mark.parametrize("key", ["", "a.b", "a\r\nX-Evil: 1", "ü", "x" * 256])
def test_key_that_cannot_stand_in_a_header_is_refused(receiver: LoopbackReceiver, key: str) -> None:
    channel = open_channel(receiver.url, allow_private=True)
    with pytest.raises(ActionRejectedError):
        channel.send(sample_message(key), now=NOW)
    assert receiver.received == []
