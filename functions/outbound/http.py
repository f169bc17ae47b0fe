"""One POST over HTTP: bounded in time and size, no redirects, cookies, proxies or retries.

Works on httpx's transport, the part below its client, which has none of those to begin with.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.errors import SettingsError
from functions.outbound.deadline import OverdueError, within
from functions.outbound.failures import HttpCallError, httpx_failure

if TYPE_CHECKING:
    import httpx

USER_AGENT: Final = "functions-runtime"

_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")

Locate = Callable[[str, int], tuple[str, ...]]
"""Gives the addresses to connect to, in order, for a host and port; raises `HttpCallError`."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back.

    Attributes:
        status: The status code.
        headers: By lower-case name.
        body: Empty where the sender does not read it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type, lower case, without parameters; empty where none was given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Departure:
    """Whether a body has begun to leave, and whether it still may.

    The two sides of a deadline settle it here: whoever gives up first learns whether the body left, and
    from then on it can't. So "nothing was sent" is a fact and not a guess.
    """

    __slots__ = ("_abandoned", "_left", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = False
        self._abandoned = False

    @property
    def left(self) -> bool:
        """Whether the body has begun to leave."""
        return self._left

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self._abandoned

    def leave(self) -> None:
        """Mark the body as leaving.

        Raises:
            OverdueError: Nobody waits any more.
        """
        with self._lock:
            if self._abandoned:
                raise OverdueError("abandoned before anything was sent")
            self._left = True

    def abandon(self) -> bool:
        """Stop waiting; return whether the body has begun to leave."""
        with self._lock:
            self._abandoned = True
            return self._left


@dataclass(frozen=True, slots=True)
class _Call:
    body: bytes
    headers: Mapping[str, str]
    timeout_s: float
    departure: Departure


class HttpSender:
    """Posts to one URL.

    Args:
        url: Where to; `http` or `https`, without credentials.
        where: Names the owner in errors.
        keep_alive: Reuse connections. An idle connection may close just as it is used, which looks like
            a request without an answer: for calls where that matters, False.
        max_body_bytes: The most that is read of an answer; None to read nothing of it.
        locate: Gives the addresses to connect to; the name is then resolved nowhere else. None leaves
            it to the system.
        transport: An httpx transport in the place of the network, for tests.

    Raises:
        SettingsError: The URL can't be used; it is not repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        where: str,
        keep_alive: bool,
        max_body_bytes: int | None,
        locate: Locate | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self._url = _checked_url(url, where)
        self._max_body_bytes = max_body_bytes
        self._locate = locate
        # Without trust_env: no proxies, which would undo `locate`, and no credentials from a netrc file.
        # Loading certificates takes tens of milliseconds, which plain HTTP need not pay.
        self._transport = transport or httpx.HTTPTransport(
            verify=self._url.scheme == "https",
            trust_env=False,
            limits=httpx.Limits(
                max_connections=100, max_keepalive_connections=20 if keep_alive else 0, keepalive_expiry=30
            ),
        )

        # Idle connections go with the sender, also where nobody thinks of `close`.
        self._closing = weakref.finalize(self, self._transport.close)
        self._closing.atexit = False

    def close(self) -> None:
        """Close idle connections; a second call does nothing."""
        self._closing()

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._url.scheme

    @property
    def host(self) -> str:
        """The host of the URL, in ASCII."""
        return self._url.raw_host.decode("ascii")

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> HttpAnswer:
        """Post once.

        Args:
            body: The exact bytes.
            headers: Checked before, with the content type.
            timeout_s: Wall time of everything, the resolving of the name included.

        Raises:
            HttpCallError: There is no usable answer.
        """
        call = _Call(body, headers, timeout_s, Departure())
        try:
            return within(timeout_s, lambda: self._post(call))
        except OverdueError:
            raise HttpCallError("timeout", sent=call.departure.abandon()) from None

    def _post(self, call: _Call) -> HttpAnswer:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        addresses = self._locate(self.host, port) if self._locate else (None,)
        for later, address in enumerate(addresses, start=1):
            try:
                return self._exchange(self._request(call, address, tries=len(addresses)), call.departure)
            except HttpCallError as failure:
                # As long as nothing left, the host's next address is as good.
                if call.departure.left or failure.kind != "unreachable" or later == len(addresses):
                    raise
        raise HttpCallError("unresolved")

    def _request(self, call: _Call, address: str | None, *, tries: int) -> httpx.Request:
        import httpx

        timeout = httpx.Timeout(call.timeout_s, connect=call.timeout_s / tries)
        extensions: dict[str, Any] = {"timeout": timeout.as_dict()}
        url = self._url
        if address is not None:
            # The certificate is checked against the name, whatever address it was found at.
            extensions["sni_hostname"] = self.host
            url = url.copy_with(host=address)
        framing = {
            "host": self._url.netloc.decode("ascii"),
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            "content-length": str(len(call.body)),
        }
        return httpx.Request(
            "POST",
            url,
            headers={**framing, **call.headers},
            content=_leaving(call.body, call.departure),
            extensions=extensions,
        )

    def _exchange(self, request: httpx.Request, departure: Departure) -> HttpAnswer:
        import httpx

        try:
            response = self._transport.handle_request(request)
            try:
                return HttpAnswer(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=self._read(response, departure),
                )
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            # The text of the foreign error may quote what was received.
            raise HttpCallError(httpx_failure(type(error)) or "broken", sent=departure.left) from None

    def _read(self, response: httpx.Response, departure: Departure) -> bytes:
        if self._max_body_bytes is None:
            return b""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpCallError("encoded", sent=True)
        chunks: list[bytes] = []
        room = self._max_body_bytes
        for chunk in response.iter_raw():
            room -= len(chunk)
            if room < 0:
                raise HttpCallError("too_large", sent=True)
            if departure.abandoned:
                raise OverdueError("nobody waits any more")
            chunks.append(chunk)
        return b"".join(chunks)


def _checked_url(text: str, where: str) -> httpx.URL:
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError):
        raise SettingsError(f"{where}: the URL can't be read") from None
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host.decode("ascii")):
        raise SettingsError(f"{where}: the URL must begin with https:// or http:// and name a host")
    if url.userinfo:
        raise SettingsError(
            f"{where}: the URL must hold no user name or password",
            hint="Give credentials as a header with {secret: NAME}.",
        )
    return url


def _leaving(body: bytes, departure: Departure) -> Iterator[bytes]:
    """Give a body that asks before it leaves; no request is complete without it."""
    departure.leave()
    yield body
