"""A channel that posts messages to a URL, signed by the Standard Webhooks specification."""

from __future__ import annotations

import re
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.actions.channel import ActionMessage, Secrets
from functions.actions.hops import event_name
from functions.actions.message import encode_message, message_document
from functions.actions.signature import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    sign,
    signing_keys,
)
from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.actions.webhook_errors import error_for_failure, error_for_status
from functions.errors import ActionRejectedError, SettingsError
from functions.outbound.addresses import Resolver, checked_addresses, resolve_by_system
from functions.outbound.failures import FailureKind, HttpCallError
from functions.outbound.http import HttpSender
from functions.outbound.options import read_headers, seconds_option, secret_option, text_or_secret

if TYPE_CHECKING:
    import httpx

    from functions.spec.plan import ChannelPlan

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
_RESERVED: Final = frozenset(
    {"content-type", IDEMPOTENCY_HEADER.lower(), ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER}
)
# No full stop, which would make the signed text ambiguous, and nothing that can't stand in a header.
_KEY: Final = re.compile(r"[A-Za-z0-9_:#/=+-]{1,255}")

FAILURES: Final = MappingProxyType[FailureKind, str](
    {
        "refused_address": "the host has an address that may not be called",
        "unresolved": "the host has no address",
        "unreachable": "no connection",
        "timeout": "no answer in time",
        "broken": "the connection broke",
        "too_large": "the answer is too large",
        "encoded": "the answer can't be read",
        "unusable": "the request can't be made with these options",
    }
)


class WebhookChannel:
    """Posts each message once per `send`; what to do after a failure is for the outbox to say.

    Options: `url` (text or `{secret: NAME}`), `secret`, `headers` (text or `{secret: NAME}`), `timeout`
    (5s), `allow_private` (false). The host's name is resolved for each delivery, every address is
    checked, and the connection goes to a checked address: private, loopback and other special ones need
    `allow_private`, and so does plain HTTP. No redirect is followed, and nothing is read of the answer
    but its status. Proxies of the environment are not used.

    Args:
        plan: The channel's plan.
        secrets: Gives the secrets.
        resolver: Finds the addresses of a host.
        transport: An httpx transport in the place of the network, for tests.

    Raises:
        SettingsError: An option can't be used, or a secret is missing.
    """

    def __init__(
        self,
        plan: ChannelPlan,
        secrets: Secrets,
        *,
        resolver: Resolver = resolve_by_system,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._where = where = f"channel {plan.name}"
        options = plan.options
        allow_private = options.get("allow_private", False) is True
        try:
            self._keys = signing_keys(secret_option(options.get("secret"), secrets, where=f"{where}: secret"))
        except ValueError as error:
            hint = "Make one: echo whsec_$(openssl rand -base64 32)"
            raise SettingsError(f"{where}: secret: {error}", hint=hint) from None
        self._headers = read_headers(options.get("headers"), secrets, where=where, reserved=_RESERVED)
        self._timeout_s = seconds_option(
            options.get("timeout"), default=DEFAULT_TIMEOUT_S, where=f"{where}: timeout"
        )
        self._sender = HttpSender(
            text_or_secret(options.get("url"), secrets, where=f"{where}: url"),
            where=where,
            # A connection that closes just as it is used would look like an act without an answer.
            keep_alive=False,
            max_body_bytes=None,
            locate=lambda host, port: checked_addresses(
                host, port, resolver=resolver, allow_private=allow_private
            ),
            transport=transport,
        )
        if self._sender.scheme != "https" and not allow_private:
            raise SettingsError(
                f"{where}: the URL must begin with https://",
                hint="Plain HTTP is for receivers of your own: set allow_private: true.",
            )

    def close(self) -> None:
        """Close idle connections."""
        self._sender.close()

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Post a message; `now` is the timestamp of the signature.

        Raises:
            ActionError: As its subclasses say. Everything after which the receiver may have acted is
                `ActionAmbiguousError`.
        """
        if not _KEY.fullmatch(message.idempotency_key):
            raise ActionRejectedError(f"{self._where}: the idempotency key can't stand in a header")
        document = message_document(message)
        body = encode_message(
            {"type": event_name(message), "timestamp": document["decided_at"], "data": document}
        )
        timestamp = int(now.timestamp())
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            IDEMPOTENCY_HEADER: message.idempotency_key,
            ID_HEADER: message.idempotency_key,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: sign(message.idempotency_key, timestamp, body, self._keys),
        }
        try:
            answer = self._sender.post(body, headers, timeout_s=self._timeout_s)
        except HttpCallError as failure:
            error = error_for_failure(failure.kind, sent=failure.sent)
            raise error(f"{self._where}: {FAILURES[failure.kind]}") from None
        if not 200 <= answer.status < 300:
            hint = "Redirects are not followed: give the final URL." if 300 <= answer.status < 400 else None
            raise error_for_status(answer.status)(f"{self._where}: HTTP status {answer.status}", hint=hint)
