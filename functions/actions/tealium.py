"""A channel that gives scores back to Tealium, by its Collect HTTP API.

Source: Tealium documentation, "Collect HTTP API" (`POST /event`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.actions.channel import ActionMessage, Secrets
from functions.actions.hops import emitted_document
from functions.actions.message import encode_message
from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.actions.webhook import FAILURES
from functions.actions.webhook_errors import error_for_failure, error_for_status
from functions.documents import Json
from functions.errors import ActionRejectedError, SettingsError
from functions.events.emitted import PREDICTION_COMPLETE, SCORE_UPDATED
from functions.outbound.addresses import Resolver, checked_addresses, resolve_by_system
from functions.outbound.failures import HttpCallError
from functions.outbound.http import HttpSender
from functions.outbound.options import seconds_option, text_or_secret

if TYPE_CHECKING:
    import httpx

    from functions.spec.plan import ChannelPlan

COLLECT_URL: Final = "https://collect.tealiumiq.com/event"


class TealiumChannel:
    """Posts one event per score: `tealium_event: model_prediction_complete`, and the score under its name.

    Options: `account`, `profile`, `datasource`, `url`, `timeout` (5s), `allow_private` (false). The visitor is the
    anonymous id of the event that caused the score, or the profile's id where the event had none. `event_id` is the
    same at every attempt and carries the count of hops.

    Args:
        plan: The channel's plan.
        secrets: Gives the secrets.
        resolver: Finds the addresses of a host.
        transport: An httpx transport in the place of the network, for tests.

    Raises:
        SettingsError: An option can't be used.
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
        names = {
            "tealium_account": "account",
            "tealium_profile": "profile",
            "tealium_datasource": "datasource",
        }
        self._attributes: dict[str, Json] = {
            theirs: text_or_secret(options[ours], secrets, where=f"{where}: {ours}")
            for theirs, ours in names.items()
            if options.get(ours) is not None
        }
        if not {"tealium_account", "tealium_profile"} <= self._attributes.keys():
            raise SettingsError(f"{where}: give the account and the profile of Tealium")
        allow_private = options.get("allow_private", False) is True
        self._timeout_s = seconds_option(
            options.get("timeout"), default=DEFAULT_TIMEOUT_S, where=f"{where}: timeout"
        )
        self._sender = HttpSender(
            str(options.get("url") or COLLECT_URL),
            where=where,
            keep_alive=False,
            max_body_bytes=None,
            locate=lambda host, port: checked_addresses(
                host, port, resolver=resolver, allow_private=allow_private
            ),
            transport=transport,
        )
        if self._sender.scheme != "https" and not allow_private:
            raise SettingsError(f"{where}: the URL must begin with https://")

    def close(self) -> None:
        """Close idle connections."""
        self._sender.close()

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Post a score.

        Raises:
            ActionError: As its subclasses say. Everything after which Tealium may have taken it is
                `ActionAmbiguousError`.
        """
        del now  # an event is the same at every attempt
        body = encode_message(self._event(message))
        try:
            answer = self._sender.post(body, {"Content-Type": "application/json"}, timeout_s=self._timeout_s)
        except HttpCallError as failure:
            error = error_for_failure(failure.kind, sent=failure.sent)
            raise error(f"{self._where}: {FAILURES[failure.kind]}") from None
        if not 200 <= answer.status < 300:
            raise error_for_status(answer.status)(f"{self._where}: HTTP status {answer.status}")

    def _event(self, message: ActionMessage) -> dict[str, Json]:
        if message.action != SCORE_UPDATED:
            raise ActionRejectedError(f"{self._where}: only scores can be given back to Tealium")
        payload, emitted = message.payload, emitted_document(message)
        return {
            str(payload["score"]): payload["value"],
            **self._attributes,
            "tealium_event": PREDICTION_COMPLETE,
            "tealium_visitor_id": payload["anonymous_id"] or message.profile_id,
            "event_id": emitted["id"],
            "model_version": payload["model"],
            "score_name": payload["score"],
            "score_at": payload["at"],
            "functions_hops": emitted["hops"],
        }
