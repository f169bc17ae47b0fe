"""A channel that publishes actions to an SNS topic."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.actions.aws import AwsService, region_option, text_option
from functions.actions.channel import ActionMessage, Secrets
from functions.actions.hops import emitted_document
from functions.actions.message import encode_message
from functions.actions.sqs import FIFO, fifo_id, message_text, text_attributes
from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.errors import SettingsError
from functions.outbound.options import seconds_option

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

_TOPIC: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")


class SnsChannel:
    """Publishes one message per action; its text is the message as a canonical event.

    Options: `topic` (ARN), `region`, `timeout` (5s). To a FIFO topic the idempotency key is the
    deduplication id, and the profile's id the group. Attributes `action` and `function` let
    subscriptions filter.

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
        self._topic = text_option(options, "topic", where=where)
        if not _TOPIC.fullmatch(self._topic):
            raise SettingsError(f"{where}: topic must be the ARN of an SNS topic")
        self._service = AwsService(
            "sns",
            where=where,
            region=region_option(options, self._topic),
            timeout_s=seconds_option(
                options.get("timeout"), default=DEFAULT_TIMEOUT_S, where=f"{where}: timeout"
            ),
            client=client,
        )

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Publish a message.

        Raises:
            ActionError: As its subclasses say.
        """
        del now  # a message is the same at every attempt
        request: dict[str, Any] = {
            "TopicArn": self._topic,
            "Message": message_text(encode_message(emitted_document(message)).decode()),
            "MessageAttributes": text_attributes(
                {
                    "idempotency_key": message.idempotency_key,
                    "action": message.action,
                    "function": message.function,
                }
            ),
        }
        if self._topic.endswith(FIFO):
            request["MessageDeduplicationId"] = fifo_id(message.idempotency_key)
            request["MessageGroupId"] = fifo_id(message.profile_id)
        self._service.call("publish", request)
