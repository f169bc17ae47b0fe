"""The embedded endpoint: bind, serve, close. Loopback only, unless a public address is asked for."""

from __future__ import annotations

import ipaddress
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from functions.endpoint.artefact import Served, load_models
from functions.endpoint.faults import Faults
from functions.endpoint.invocation import ReceivedRequest
from functions.endpoint.transport import CLOSE_SECONDS, HttpServer
from functions.errors import SettingsError


class EndpointServer:
    """Models served over the SageMaker runtime API and plain HTTP, until `close` or the end of the `with` block.

    The port is bound at once, so that `url` is known and connections queue; they are answered from `start`
    (which `with` calls) or `serve_forever` on.

    Args:
        models: By name, or a folder of `<name>/model.json`. A model that scores rows is served as the
            SageMaker endpoint of its name, one that answers JSON at `/models/<name>`.
        host: The address to bind; a loopback one.
        port: The port; 0 takes a free one.
        faults: What goes wrong on purpose.
        allow_public: Bind an address that others can reach. There is no authentication.
        keep_requests: How many of the last requests `requests` remembers.

    Raises:
        SettingsError: A model is malformed, the address is no loopback address, or can't be bound.
    """

    def __init__(
        self,
        models: Mapping[str, Served] | Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        faults: Faults | None = None,
        allow_public: bool = False,
        keep_requests: int = 1_000,
    ) -> None:
        loaded = load_models(models) if isinstance(models, Path) else models
        address = _address(host, allow_public=allow_public)
        try:
            self._http = HttpServer(address, port, loaded, faults or Faults(), keep_requests)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or "no such port"
            raise SettingsError(f"{host}, port {port} can't be bound: {why}") from error
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def url(self) -> str:
        """The address for `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` or `endpoint_url`."""
        host, port = self._http.server_address[:2]
        text = str(host)
        return f"http://[{text}]:{port}" if ":" in text else f"http://{text}:{port}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The last requests, oldest first; each stands here before it is answered."""
        return list(self._http.requests)

    def start(self) -> Self:
        """Serve in a background thread, which does not keep the process alive."""
        self._serving = True
        # The interval bounds how long `close` waits for the loop to notice.
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.01,), name="functions-endpoint", daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread, until another calls `close` or an exception (KeyboardInterrupt) ends it."""
        self._serving = True
        self._http.serve_forever()

    def close(self) -> None:
        """Stop, hang up every connection, and free the port. A second call does nothing."""
        self._http.closing.set()
        if self._serving:
            self._http.shutdown()
            self._serving = False
        if self._thread:
            self._thread.join(CLOSE_SECONDS)
        self._http.hang_up()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_endpoint(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    on_ready: Callable[[EndpointServer], None],
    allow_public: bool = False,
) -> None:
    """Serve a folder of models in the foreground until SIGTERM or Ctrl-C, then close cleanly.

    To be called from the main thread, which alone receives signals. No request is kept in memory.

    Args:
        folder: Of `<name>/model.json`.
        host: The address to bind.
        port: The port; 0 takes a free one.
        on_ready: Called once the port is bound.
        allow_public: As for `EndpointServer`.

    Raises:
        SettingsError: As for `EndpointServer`.
    """
    server = EndpointServer(folder, host, port, allow_public=allow_public, keep_requests=0)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        on_ready(server)
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.close()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _address(host: str, *, allow_public: bool) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise SettingsError("the host must be an IP address or localhost") from None
    if not (loopback or allow_public):
        raise SettingsError(
            f"{host} is no loopback address, and this server has no authentication",
            hint="Bind 127.0.0.1, or allow a public address on purpose.",
        )
    return host
