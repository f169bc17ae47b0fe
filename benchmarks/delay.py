"""A relay that holds every request for a time, as a network does that is longer than this machine's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 262_144


class Delay:
    """Relays TCP to a server on this machine; what a client sends arrives later, answers come at once.

    Args:
        url: Of the server.
        seconds: How much later.

    Attributes:
        requests: How many came so far.
    """

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._seconds = seconds
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, target, wait in ((client, server, self._hold), (server, client, lambda: None)):
                    threading.Thread(target=_relay, args=(source, target, wait), daemon=True).start()

    def _hold(self) -> None:
        self.requests += 1
        time.sleep(self._seconds)


def _relay(source: socket.socket, target: socket.socket, wait: Callable[[], None]) -> None:
    with ExitStack() as stack:
        stack.callback(target.close)
        while data := _received(source):
            wait()
            # Headers and body that were sent one after the other are one request, and wait once.
            with suppress(BlockingIOError):
                data += source.recv(_CHUNK, socket.MSG_DONTWAIT)
            try:
                target.sendall(data)
            except OSError:
                return


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(_CHUNK)
    except OSError:
        return b""
