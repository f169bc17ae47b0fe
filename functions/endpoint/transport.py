"""HTTP around `answer`: a thread per connection, keep-alive, limits, and faults of the connection."""

from __future__ import annotations

import itertools
import socket
import socketserver
import sys
import threading
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from functions.endpoint import replies
from functions.endpoint.artefact import Served
from functions.endpoint.faults import Fault, Faults
from functions.endpoint.invocation import ReceivedRequest, answer
from functions.endpoint.replies import MAX_BODY_BYTES, Reply

CLOSE_SECONDS = 5
"""How long a close waits for threads to notice that their connection is gone."""

_IDLE_SECONDS = 120
_DRAIN_BYTES = 10 * MAX_BODY_BYTES
_CHUNK_BYTES = 65_536


class HttpServer(ThreadingHTTPServer):
    """One thread per connection, none of which keeps the process alive.

    Args:
        host: A literal address.
        port: 0 takes a free one.
        models: By name.
        faults: What goes wrong on purpose.
        keep_requests: How many of the last requests are remembered.

    Attributes:
        requests: The last requests, oldest first.
        closing: Once set, pauses end at once.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, host: str, port: int, models: Mapping[str, Served], faults: Faults, keep_requests: int
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.models = models
        self.faults = faults
        self.requests: deque[ReceivedRequest] = deque(maxlen=keep_requests)
        self.closing = threading.Event()
        self.numbers = itertools.count(1)
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for the host's name, as HTTPServer does; it can take seconds."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, and serve it in a thread of its own."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close the connection, and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """End every connection; idle ones would hold their thread until the client goes."""
        with self._changed:
            for connection in self._open:
                _shut(connection)
            self._changed.wait_for(lambda: not self._open, timeout=CLOSE_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (socketserver's)
        """Stay silent about clients that hang up; of anything else name the kind, never the content."""
        kind, _, _ = sys.exc_info()
        if kind and not issubclass(kind, OSError):
            print(f"functions endpoint: a request failed with {kind.__name__}", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "functions-endpoint"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for headers and body
    server: HttpServer

    def do_GET(self) -> None:
        """Answer a GET."""
        self._exchange()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._exchange()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is http.server's)
        """Log nothing: requests hold features."""

    def _exchange(self) -> None:
        refusal, body = self._read_body()
        request = ReceivedRequest(
            method=self.command,
            path=self.path.partition("?")[0],
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        self.server.requests.append(request)
        if refusal:
            self.close_connection = True
            self._send(refusal, Fault())
            return
        fault = self.server.faults.take() if request.is_invocation else Fault()
        closed = fault.latency_ms > 0 and self.server.closing.wait(fault.latency_ms / 1000)
        if closed or fault.drop:
            self.close_connection = True
            return
        self._send(self._answer(request, fault), fault)

    def _answer(self, request: ReceivedRequest, fault: Fault) -> Reply:
        try:
            return answer(self.server.models, request, fault)
        except Exception as error:  # noqa: BLE001 (a scorer may be anybody's)
            return replies.service_error("InternalFailure", f"the model failed with {type(error).__name__}")

    def _read_body(self) -> tuple[Reply | None, bytes]:
        if "transfer-encoding" in self.headers:
            return replies.length_required(), b""
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            return replies.service_error("ValidationError", "The Content-Length is no length."), b""
        length = int(text)
        if length > MAX_BODY_BYTES:
            self._drain(length)
            return replies.body_too_large(), b""
        body = self.rfile.read(length)
        if len(body) < length:
            # Half a payload can be a whole CSV row with other numbers.
            return replies.service_error(
                "ValidationError", "The body is shorter than its Content-Length."
            ), b""
        return None, body

    def _drain(self, length: int) -> None:
        """Read what is refused, within reason: a client that still writes does not see an early answer."""
        left = min(length, _DRAIN_BYTES)
        while left > 0:
            read = len(self.rfile.read(min(left, _CHUNK_BYTES)))
            if not read:
                return
            left -= read

    def _send(self, reply: Reply, fault: Fault) -> None:
        body = reply.body if fault.truncate_to is None else reply.body[: fault.truncate_to]
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("x-amzn-RequestId", f"00000000-0000-0000-0000-{next(self.server.numbers):012d}")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if len(body) < len(reply.body):
            # No `Connection: close`: the promise of a whole body is the fault.
            self.close_connection = True
        elif self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if fault.drip_ms:
            self._drip(body, fault.drip_ms)
        else:
            self.wfile.write(body)

    def _drip(self, body: bytes, pause_ms: float) -> None:
        for index in range(len(body)):
            self.wfile.flush()
            if self.server.closing.wait(pause_ms / 1000):
                self.close_connection = True
                return
            self.wfile.write(body[index : index + 1])


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The client went first.
