import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from functions.endpoint.faults import Fault, Faults
from functions.endpoint.replies import MAX_BODY_BYTES
from functions.endpoint.server import EndpointServer, run_endpoint
from functions.errors import SettingsError

PATH = "/endpoints/risk/invocations"
CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}
MODELS = Path(__file__).parents[3] / "models"


class Sum:
    feature_names = ("a", "b")

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        return [sum(row) for row in rows]


class Broken(Sum):
    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        raise RuntimeError(f"secret {rows}")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(faults: Faults) -> Iterator[EndpointServer]:
    with EndpointServer({"risk": Sum(), "broken": Broken()}, faults=faults) as running:
        yield running


@pytest.fixture
def connection(server: EndpointServer) -> Iterator[http.client.HTTPConnection]:
    opened = connect(server)
    yield opened
    opened.close()


def connect(server: EndpointServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)


def post(
    connection: http.client.HTTPConnection, body: bytes = b"0.25,0.5", path: str = PATH
) -> tuple[int, bytes, http.client.HTTPResponse]:
    connection.request("POST", path, body, CSV)
    response = connection.getresponse()
    return response.status, response.read(), response


def exchange(server: EndpointServer, request: bytes) -> bytes:
    """Send bytes as they are, say that no more will come, and return all that is answered."""
    parts = urlsplit(server.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as raw:
        raw.sendall(request)
        raw.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: raw.recv(65_536), b""))


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    local = connection.sock.getsockname()
    answers = [post(connection, b"%d,1" % number)[:2] for number in range(3)]
    assert answers == [(200, b"1.0\n"), (200, b"2.0\n"), (200, b"3.0\n")]
    assert connection.sock.getsockname() == local


def test_ping_is_answered(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/ping")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")


def test_the_query_of_a_path_is_ignored(connection: http.client.HTTPConnection) -> None:
    assert post(connection, path=PATH + "?x=1")[0] == 200


def test_requests_are_remembered_as_they_came(
    server: EndpointServer, connection: http.client.HTTPConnection
) -> None:
    post(connection)
    [request] = server.requests
    assert (request.method, request.path, request.body) == ("POST", PATH, b"0.25,0.5")
    assert request.headers["content-type"] == "text/csv"
    assert request.is_invocation


def test_no_more_requests_are_remembered_than_asked_for() -> None:
    with EndpointServer({"risk": Sum()}, keep_requests=1) as server:
        connection = connect(server)
        post(connection, b"1,2")
        post(connection, b"3,4")
        assert [request.body for request in server.requests] == [b"3,4"]
        connection.close()


def test_a_ping_takes_no_fault_from_the_script(
    faults: Faults, connection: http.client.HTTPConnection
) -> None:
    faults.push(Fault(error="ServiceUnavailable"))
    connection.request("GET", "/ping")
    connection.getresponse().read()
    assert [post(connection)[0] for _ in range(2)] == [503, 200]


def test_the_largest_body_is_read_and_one_byte_more_is_not(connection: http.client.HTTPConnection) -> None:
    row = b"1,2\n"
    largest = row * (MAX_BODY_BYTES // len(row))
    assert len(largest) == MAX_BODY_BYTES
    assert post(connection, largest + b"\n")[0] == 413
    connection.close()
    assert post(connection, b" " * MAX_BODY_BYTES)[0] == 424


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Content-Length: 10\r\n", b"1,2", b"400"),
        (b"Content-Length: -1\r\n", b"", b"400"),
        (b"Content-Length: 1_0\r\n", b"", b"400"),
        (b"Content-Length: 99999999999999999999\r\n", b"", b"400"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\n1,2\r\n0\r\n\r\n", b"411"),
        (b"", b"", b"424"),
    ],
)
def test_a_body_without_an_honest_length_is_never_scored(
    server: EndpointServer, head: bytes, body: bytes, status: bytes
) -> None:
    request = (
        b"POST "
        + PATH.encode()
        + b" HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
        + head
        + b"\r\n"
        + body
    )
    assert exchange(server, request).startswith(b"HTTP/1.1 " + status)


def test_what_is_no_http_is_answered_and_the_server_lives_on(server: EndpointServer) -> None:
    assert b"400" in exchange(server, b"\x16\x03\x01 nonsense here now\r\n\r\n")
    assert exchange(server, b"GET /ping HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_failing_model_is_an_internal_failure_without_its_text(
    connection: http.client.HTTPConnection,
) -> None:
    status, body, response = post(connection, path="/endpoints/broken/invocations")
    assert (status, response.headers["x-amzn-ErrorType"]) == (500, "InternalFailure")
    assert body == b'{"Message": "the model failed with RuntimeError"}'


def test_a_dropped_connection_answers_nothing(faults: Faults, connection: http.client.HTTPConnection) -> None:
    faults.push(Fault(drop=True))
    with pytest.raises(http.client.RemoteDisconnected):
        post(connection)
    assert post(connection)[0] == 200


def test_a_truncated_body_breaks_its_promise(faults: Faults, connection: http.client.HTTPConnection) -> None:
    faults.push(Fault(truncate_to=2))
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(connection)
    assert caught.value.partial == b"0."


def test_a_dripping_body_arrives_whole(faults: Faults, connection: http.client.HTTPConnection) -> None:
    faults.push(Fault(drip_ms=1))
    assert post(connection)[:2] == (200, b"0.75\n")


def test_a_late_answer_is_later_than_a_short_patience(server: EndpointServer, faults: Faults) -> None:
    faults.push(Fault(latency_ms=60_000))
    connection = connect(server)
    connection.timeout = 0.05
    with pytest.raises(TimeoutError):
        post(connection)
    connection.close()


@pytest.mark.parametrize("fault", [Fault(latency_ms=600_000), Fault(drip_ms=600_000)])
def test_closing_does_not_wait_for_a_pause(fault: Fault) -> None:
    with EndpointServer({"risk": Sum()}, faults=Faults([fault])) as server:
        connection = connect(server)
        connection.request("POST", PATH, b"1,2", CSV)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse().read()
    connection.close()


def test_closing_hangs_up_idle_connections_and_frees_the_port() -> None:
    with EndpointServer({"risk": Sum()}) as server:
        idle = connect(server)
        post(idle)
        port = urlsplit(server.url).port or 0
    assert idle.sock.recv(1) == b""
    idle.close()
    with EndpointServer({"risk": Sum()}, port=port) as again:
        assert urlsplit(again.url).port == port


def test_closing_twice_or_before_serving_is_no_fault() -> None:
    server = EndpointServer({"risk": Sum()})
    server.close()
    server.close()
    assert server.requests == []


def test_many_clients_are_served_at_once(server: EndpointServer) -> None:
    connections = [connect(server) for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.request("POST", PATH, b"%d,0.5" % number, CSV)
    answers = [connection.getresponse().read() for connection in reversed(connections)]
    assert answers == [b"%d.5\n" % number for number in reversed(range(20))]
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2"])
def test_loopback_addresses_are_bound(host: str) -> None:
    server = EndpointServer({"risk": Sum()}, host)
    assert server.url.startswith("http://127.0.0.")
    server.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_anything_but_a_loopback_address_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"no loopback address|IP address or localhost"):
        EndpointServer({"risk": Sum()}, host)


def test_a_public_address_is_bound_on_purpose_only() -> None:
    server = EndpointServer({"risk": Sum()}, "0.0.0.0", allow_public=True)
    assert server.url.startswith("http://0.0.0.0:")
    server.close()


def test_a_port_that_is_taken_or_none_is_a_settings_error(server: EndpointServer) -> None:
    for port in (urlsplit(server.url).port or 0, 70_000):
        with pytest.raises(SettingsError, match=rf"port {port} can't be bound"):
            EndpointServer({"risk": Sum()}, port=port)


def test_the_foreground_server_ends_cleanly_on_sigterm() -> None:
    seen: list[int] = []
    threads: list[threading.Thread] = []
    before = signal.getsignal(signal.SIGTERM)

    def ready(server: EndpointServer) -> None:
        def ask_and_end() -> None:
            connection = connect(server)
            connection.request("GET", "/ping")
            seen.append(connection.getresponse().status)
            connection.close()
            os.kill(os.getpid(), signal.SIGTERM)

        threads.append(threading.Thread(target=ask_and_end))
        threads[0].start()

    run_endpoint(MODELS, on_ready=ready)
    threads[0].join()
    assert seen == [200]
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_before_the_first_request_ends_the_server_cleanly() -> None:
    urls: list[str] = []

    def ready(server: EndpointServer) -> None:
        urls.append(server.url)
        raise KeyboardInterrupt

    run_endpoint(MODELS, on_ready=ready)
    parts = urlsplit(urls[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10)
