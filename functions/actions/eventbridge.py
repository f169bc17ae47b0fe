"""A channel that puts actions on an EventBridge bus."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.actions.aws import AwsService, region_option, text_option
from functions.actions.channel import ActionMessage, Secrets
from functions.actions.hops import emitted_document
from functions.actions.message import encode_message
from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.errors import SettingsError
from functions.events.emitted import ACTION_DECIDED
from functions.outbound.options import seconds_option

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

DEFAULT_SOURCE: Final = "functions"


class EventBridgeChannel:
    """Puts one event per action; its `detail` is the message as a canonical event, key and `hops` included.

    Options: `bus` (name or ARN, `default`), `source` (`functions`), `detail_type` (`action.decided`),
    `region`, `timeout` (5s).

    Args:
        plan: The channel's plan.
        secrets: Not used.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: An option can't be used, or the SDK can't make a client.
    """

    def __init__(self, plan: ChannelPlan, secrets: Secrets | None = None, *, client: Any = None) -> None:
        del secrets
        where, options = f"channel {plan.name}", plan.options
        self._bus = text_option(options, "bus", where=where, default="default")
        self._source = text_option(options, "source", where=where, default=DEFAULT_SOURCE)
        self._detail_type = text_option(options, "detail_type", where=where, default=ACTION_DECIDED)
        if self._source.startswith("aws."):
            raise SettingsError(f"{where}: a source can't begin with aws., which is Amazon's")
        self._service = AwsService(
            "events",
            where=where,
            region=region_option(options, self._bus),
            timeout_s=seconds_option(
                options.get("timeout"), default=DEFAULT_TIMEOUT_S, where=f"{where}: timeout"
            ),
            client=client,
        )

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Put an event.

        Raises:
            ActionError: As its subclasses say, also where the call succeeds and its entry does not.
        """
        del now  # an event is the same at every attempt
        document = emitted_document(message, name=self._detail_type)
        entry = {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": document["name"],
            "Detail": encode_message(document).decode(),
            "Time": message.decided_at,
        }
        answer = self._service.call("put_events", {"Entries": [entry]})
        if answer.get("FailedEntryCount"):
            entries = answer.get("Entries") or [{}]
            raise self._service.error(str(entries[0].get("ErrorCode", "")))
