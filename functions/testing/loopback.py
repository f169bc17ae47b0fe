"""A receiver on this machine that does what a test tells it: answer, refuse, hang, drip, hang up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived.

    Attributes:
        path: With its query.
        headers: Names in lower case.
        body: The exact bytes.
        client: Address and port it came from; the same for requests over one connection.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver does with one request.

    Attributes:
        status: The status code.
        body: The whole body.
        content_type: Its type; None to name none.
        headers: Further headers.
        silent: Never answer; the connection stays open until the receiver closes.
        drip_s: Send the body byte by byte, with this pause before each, in seconds.
        cut_to: Promise the whole body, send this many bytes and hang up.
        drop: Hang up without an answer.
    """

    status: int = 200
    body: bytes = b"{}"
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    drip_s: float = 0.0
    cut_to: int | None = None
    drop: bool = False


class LoopbackReceiver:
    """An HTTP server on a free port of 127.0.0.1, for the length of a `with` block.

    Args:
        answer: What it does with every request, or a function that says so for each.

    Attributes:
        received: Every request, in the order of arrival; each stands here before it is answered.
    """

    def __init__(self, answer: Answer | Callable[[Received], Answer]) -> None:
        self._answer = answer
        self.closing = threading.Event()
        self.received: list[Received] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, request: Received) -> Answer:
        """Remember a request and say what to do with it."""
        self.received.append(request)
        return self._answer(request) if callable(self._answer) else self._answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Python's default of 5 refuses connections when many threads call at once.
    request_queue_size = 64

    def __init__(self, receiver: LoopbackReceiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 5
    # Headers and body are two writes, and the second would wait for the client's delayed ACK.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.path, headers, self.rfile.read(size), self.client_address[:2])
        self._give(self.server.receiver.take(request))

    def _give(self, answer: Answer) -> None:
        if answer.silent:
            self.server.receiver.closing.wait()
        if answer.silent or answer.drop:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.content_type is not None:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self._send_body(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send_body(self, answer: Answer) -> None:
        if answer.drip_s:
            for byte in answer.body:
                if self.server.receiver.closing.wait(answer.drip_s):
                    return
                self.wfile.write(bytes([byte]))
            return
        self.wfile.write(answer.body if answer.cut_to is None else answer.body[: answer.cut_to])
        self.close_connection = answer.cut_to is not None or self.close_connection

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Log nothing: a request holds what belongs in no log."""
