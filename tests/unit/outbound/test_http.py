"""One POST: what leaves, where to, and what is known when it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from functions.errors import SettingsError
from functions.outbound.failures import HTTPX_FAILURES, HttpCallError, httpx_failure
from functions.outbound.http import Departure, HttpSender, Locate
from functions.outbound.options import seconds_option


def open_sender(
    url: str = "https://receiver.example:8443/hook?a=1",
    *,
    transport: httpx.BaseTransport | None = None,
    locate: Locate | None = None,
) -> HttpSender:
    return HttpSender(
        url, where="a test", keep_alive=False, max_body_bytes=100, locate=locate, transport=transport
    )


class Recording(httpx.BaseTransport):
    """Keeps requests; fails for the addresses it is told to."""

    def __init__(self, dead: frozenset[str] = frozenset()) -> None:
        self.requests: list[httpx.Request] = []
        self._dead = dead

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self._dead:
            raise httpx.ConnectError("refused")
        request.read()
        return httpx.Response(
            200, stream=httpx.ByteStream(b"taken"), headers={"Content-Type": "Text/Plain; charset=x"}
        )


def test_every_exception_of_httpx_has_a_meaning() -> None:
    found = [one for one in vars(httpx).values() if isinstance(one, type) and issubclass(one, BaseException)]
    assert len(found) > 20
    assert [one.__name__ for one in found if httpx_failure(one) is None] == []
    assert set(HTTPX_FAILURES) <= {one.__name__ for one in found}
    assert httpx_failure(ValueError) is None


def test_connection_goes_to_the_checked_address_under_the_hosts_name() -> None:
    transport = Recording()
    sender = open_sender(transport=transport, locate=lambda host, port: ("93.184.216.34",))
    answer = sender.post(b"body", {"X-One": "1"}, timeout_s=5)
    (request,) = transport.requests
    assert str(request.url) == "https://93.184.216.34:8443/hook?a=1"
    assert request.extensions["sni_hostname"] == "receiver.example"
    assert request.headers["host"] == "receiver.example:8443"
    assert request.headers["content-length"] == "4"
    assert "transfer-encoding" not in request.headers
    assert request.headers["x-one"] == "1"
    assert request.content == b"body"
    assert (answer.status, answer.body, answer.content_type) == (200, b"taken", "text/plain")


def test_address_of_ipv6_is_written_in_brackets() -> None:
    transport = Recording()
    open_sender(transport=transport, locate=lambda host, port: ("2001:db8::1",)).post(b"", {}, timeout_s=5)
    assert str(transport.requests[0].url) == "https://[2001:db8::1]:8443/hook?a=1"


def test_international_host_is_resolved_and_named_in_ascii() -> None:
    asked: list[tuple[str, int]] = []

    def locate(host: str, port: int) -> tuple[str, ...]:
        asked.append((host, port))
        return ("93.184.216.34",)

    transport = Recording()
    open_sender("https://müller.example/", transport=transport, locate=locate).post(b"", {}, timeout_s=5)
    assert asked == [("xn--mller-kva.example", 443)]
    assert transport.requests[0].extensions["sni_hostname"] == "xn--mller-kva.example"


def test_next_address_is_tried_as_long_as_nothing_left() -> None:
    transport = Recording(dead=frozenset({"192.0.2.1"}))
    sender = open_sender(transport=transport, locate=lambda host, port: ("192.0.2.1", "192.0.2.2"))
    assert sender.post(b"", {}, timeout_s=5).status == 200
    assert [request.url.host for request in transport.requests] == ["192.0.2.1", "192.0.2.2"]


def test_no_address_left_is_unreachable_and_unsent() -> None:
    transport = Recording(dead=frozenset({"192.0.2.1", "192.0.2.2"}))
    sender = open_sender(transport=transport, locate=lambda host, port: ("192.0.2.1", "192.0.2.2"))
    with pytest.raises(HttpCallError) as caught:
        sender.post(b"", {}, timeout_s=5)
    assert (caught.value.kind, caught.value.sent) == ("unreachable", False)


def test_failure_after_the_body_began_to_leave_is_told_apart() -> None:
    tried: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        request.read()
        raise httpx.ConnectError("planted-text")

    sender = open_sender(
        transport=httpx.MockTransport(handle), locate=lambda host, port: ("192.0.2.1", "192.0.2.2")
    )
    with pytest.raises(HttpCallError) as caught:
        sender.post(b"", {}, timeout_s=5)
    assert (caught.value.kind, caught.value.sent, len(tried)) == ("unreachable", True, 1)
    assert "planted-text" not in f"{caught.value} {caught.value.__cause__!r}"


def test_call_abandoned_before_its_body_left_never_sends_it() -> None:
    release, over = threading.Event(), threading.Event()
    read: list[bytes] = []

    class Slow(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            release.wait()
            try:
                read.append(request.read())
            finally:
                over.set()
            return httpx.Response(200)

    with pytest.raises(HttpCallError) as caught:
        open_sender(transport=Slow()).post(b"body", {}, timeout_s=0.05)
    assert (caught.value.kind, caught.value.sent) == ("timeout", False)
    release.set()
    assert over.wait(5)
    assert read == []


def test_call_abandoned_after_its_body_left_says_so() -> None:
    release = threading.Event()

    class Silent(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.read()
            release.wait()
            return httpx.Response(200)

    try:
        with pytest.raises(HttpCallError) as caught:
            open_sender(transport=Silent()).post(b"body", {}, timeout_s=0.05)
    finally:
        release.set()
    assert (caught.value.kind, caught.value.sent) == ("timeout", True)


def test_slow_resolver_is_bounded_by_the_deadline_too() -> None:
    release = threading.Event()

    def locate(host: str, port: int) -> tuple[str, ...]:
        release.wait()
        return ()

    try:
        with pytest.raises(HttpCallError) as caught:
            open_sender(transport=Recording(), locate=locate).post(b"", {}, timeout_s=0.05)
    finally:
        release.set()
    assert (caught.value.kind, caught.value.sent) == ("timeout", False)


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"0" * 64


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, stream=Endless()), "too_large"),
        (httpx.Response(200, stream=Endless(), headers={"Content-Encoding": "br"}), "encoded"),
    ],
)
def test_body_that_is_endless_or_compressed_is_not_read(response: httpx.Response, kind: str) -> None:
    sender = open_sender(transport=httpx.MockTransport(lambda _: response))
    with pytest.raises(HttpCallError) as caught:
        sender.post(b"", {}, timeout_s=5)
    assert caught.value.kind == kind


def test_whoever_settles_a_departure_first_wins() -> None:
    gone, kept = Departure(), Departure()
    gone.leave()
    assert gone.abandon()
    assert not kept.abandon()
    with pytest.raises(TimeoutError):
        kept.leave()
    assert not kept.left


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 5.0), (0.5, 0.5), (2, 2.0), ("500ms", 0.5), ("5s", 5.0)]
)
def test_duration_is_seconds_or_text(value: object, seconds: float) -> None:
    assert seconds_option(value, default=5.0, where="timeout") == seconds


@pytest.mark.parametrize("value", [0, -1, "5", "PT5S", True, [], {}, float("nan")])
def test_duration_that_is_none_is_a_setting_to_correct(value: object) -> None:
    with pytest.raises(SettingsError, match="timeout"):
        seconds_option(value, default=5.0, where="timeout")
