"""Lambda on this machine: a server for the Runtime API, and AWS's own runtime client driven by it.

    with LambdaRuntime("functions.handlers.sqs.handler", {"FUNCTIONS_NAME": "churn", ...}) as function:
        reply = function.invoke(event)

The handler runs in a process of its own under `awslambdaric`, which must be installed, as it does in
Lambda: one invocation at a time, errors reported as Lambda sees them, standard output as the log.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, Any, Final, Self

from functions.documents import Json

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-central-1"
FUNCTION_ARN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:under-test"

_API: Final = "/2018-06-01/runtime"
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """How one invocation ended.

    Attributes:
        payload: What the handler returned; None with an error.
        error: Lambda's error document (`errorType`, `errorMessage`, `stackTrace`); None without one.
        elapsed_ms: From the moment the event was handed over until the reply stood here.
    """

    payload: Json
    error: Mapping[str, Any] | None
    elapsed_ms: float


class InitError(AssertionError):
    """The process ended, or reported an error, before it asked for its first event."""


@dataclass(frozen=True, slots=True)
class _Invocation:
    id: str
    body: bytes
    deadline_ms: int
    begun: float


class LambdaRuntime:
    """One Lambda function in a process of its own, for the length of a `with` block.

    Args:
        handler: Dotted path of the handler, such as `functions.handlers.sqs.handler`.
        environment: All of the environment of the function; nothing of this process is handed on.
        arn: ARN that the function is invoked by.
        python_path: Folders in front of the import path, joined by colons.
        cwd: Its working folder.

    Attributes:
        init_ms: From the start of the process until it asked for its first event.
    """

    def __init__(
        self,
        handler: str,
        environment: Mapping[str, str],
        *,
        arn: str = FUNCTION_ARN,
        python_path: str = "",
        cwd: Path | None = None,
    ) -> None:
        self._handler = handler
        self._environment = environment
        self._arn = arn
        self._python_path = python_path
        self._cwd = cwd
        self._count = 0
        self._waiting: SimpleQueue[_Invocation | None] = SimpleQueue()
        self._replies: SimpleQueue[Reply | InitError] = SimpleQueue()
        self._ready: SimpleQueue[float | InitError] = SimpleQueue()
        self._asked = False
        self._current: _Invocation | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._server = _Server(self)
        self._process: subprocess.Popen[bytes] | None = None
        self.init_ms = 0.0

    @property
    def log(self) -> str:
        """Everything that the process has written so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    @property
    def log_documents(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON objects."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        begun = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - this Python, and a handler that the test names
            [sys.executable, "-m", "awslambdaric", self._handler],
            env=self._whole_environment(),
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()
        try:
            first = self._ready.get(timeout=_PATIENCE_S)
        except Empty:
            first = InitError(f"no request for an event in {_PATIENCE_S:g} s\n{self.log}")
        if isinstance(first, InitError):
            self._close()
            raise first
        self.init_ms = (first - begun) * 1000
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def invoke(self, event: Json, *, timeout_s: float = _PATIENCE_S) -> Reply:
        """Invoke the function and wait for its reply.

        Args:
            event: What Lambda delivers.
            timeout_s: Timeout of the function, which its context tells it, in seconds.

        Raises:
            AssertionError: The process ended, or gave no reply in time.
        """
        self._count += 1
        deadline_ms = int((time.time() + timeout_s) * 1000)
        body = json.dumps(event).encode()
        self._waiting.put(_Invocation(f"request-{self._count}", body, deadline_ms, time.monotonic()))
        try:
            reply = self._replies.get(timeout=timeout_s + _PATIENCE_S)
        except Empty:
            raise AssertionError(f"no reply\n{self.log}") from None
        if isinstance(reply, InitError):
            raise reply
        return reply

    def next_invocation(self) -> _Invocation | None:
        """Wait for the next event; called by the server when the runtime client asks."""
        if not self._asked:
            self._asked = True
            self._ready.put(time.monotonic())
        self._current = self._waiting.get()
        return self._current

    def replied(self, payload: Json, error: Mapping[str, Any] | None) -> None:
        """Take the reply to the present invocation; called by the server."""
        begun = self._current.begun if self._current else time.monotonic()
        self._replies.put(Reply(payload, error, (time.monotonic() - begun) * 1000))

    def failed_to_begin(self, error: Mapping[str, Any]) -> None:
        """Take an error of the initialisation; called by the server."""
        self._ready.put(InitError(f"{error.get('errorType')}: {error.get('errorMessage')}"))

    @property
    def arn(self) -> str:
        """ARN that the function is invoked by."""
        return self._arn

    @property
    def pid(self) -> int:
        """Id of the process, inside the block."""
        if self._process is None:
            raise ValueError("the process runs inside the `with` block")
        return self._process.pid

    def _whole_environment(self) -> dict[str, str]:
        folders = [str(Path(__file__).parents[2]), self._python_path]
        return {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "under-test",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/under-test",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/02/[$LATEST]0",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "PYTHONPATH": ":".join(folder for folder in folders if folder),
            **self._environment,
        }

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Tell whoever waits that the process is gone."""
        code = process.wait()
        gone = InitError(f"the process ended with {code}\n{self.log}")
        self._ready.put(gone)
        self._replies.put(gone)

    def _close(self) -> None:
        self._waiting.put(None)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._server.shutdown()
        self._server.server_close()
        self._log.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A client that waits for its next event when the block ends would hold the process otherwise.
    block_on_close = False

    def __init__(self, runtime: LambdaRuntime) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.runtime = runtime

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: the client was killed."""


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet for each answer: a body on its own would wait for the client's delayed acknowledgement.
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        """Hand over the next event."""
        if self.path != f"{_API}/invocation/next":
            self._send(404, b"{}")
            return
        invocation = self.server.runtime.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.runtime.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        }
        self._send(200, invocation.body, headers)

    def do_POST(self) -> None:
        """Take a reply or an error."""
        body = self._body()
        self._send(202, b'{"status":"OK"}')
        document: Any = json.loads(body) if body else None
        if self.path == f"{_API}/init/error":
            self.server.runtime.failed_to_begin(document)
        elif self.path.endswith("/error"):
            self.server.runtime.replied(None, document)
        else:
            self.server.runtime.replied(document, None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the parent
        """Write no access log."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
