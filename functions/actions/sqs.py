"""A channel that sends actions to an SQS queue, and the queue itself for whoever else sends."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.actions.aws import AwsService, region_option, text_option
from functions.actions.channel import ActionMessage, Secrets
from functions.actions.hops import emitted_document
from functions.actions.message import encode_message
from functions.actions.timeouts import DEFAULT_TIMEOUT_S
from functions.errors import SettingsError
from functions.outbound.options import seconds_option

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

FIFO: Final = ".fifo"
"""End of the names of queues and topics that keep the order."""

# What ids of groups and of deduplication may hold.
# Source: SQS API reference, SendMessage, MessageDeduplicationId and MessageGroupId.
_FIFO_ID: Final = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")

_URL: Final = re.compile(r"https?://[^\s@]+/[^\s/]+")


class SqsQueue:
    """One queue.

    Args:
        url: Its URL.
        where: Names the owner in errors.
        region: None for what the URL says, or the SDK's own choice.
        timeout_s: Wall time of one call, in seconds.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: The URL is none, or the SDK can't make a client.
    """

    def __init__(
        self,
        url: str,
        *,
        where: str,
        region: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        client: Any = None,
    ) -> None:
        if not _URL.fullmatch(url):
            raise SettingsError(f"{where}: the URL of a queue begins with https://")
        self._url = url
        self._service = AwsService(
            "sqs",
            where=where,
            region=region or region_option({}, url),
            timeout_s=timeout_s,
            client=client,
        )

    def send(self, body: str, attributes: Mapping[str, str], *, key: str, group: str) -> None:
        """Send one message.

        Args:
            body: Its text.
            attributes: By name; text each.
            key: Takes the place of a second message with the same key, in a queue that keeps the order.
            group: Within which that queue keeps it.

        Raises:
            ActionError: As its subclasses say.
        """
        request: dict[str, Any] = {
            "QueueUrl": self._url,
            "MessageBody": message_text(body),
            "MessageAttributes": text_attributes(attributes),
        }
        if self._url.endswith(FIFO):
            request["MessageDeduplicationId"] = fifo_id(key)
            request["MessageGroupId"] = fifo_id(group)
        self._service.call("send_message", request)


class SqsChannel:
    """Sends one message per action; its body is the message as a canonical event.

    Options: `queue_url`, `region`, `timeout` (5s). To a FIFO queue the idempotency key is the
    deduplication id, and the profile's id the group.

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
        url = text_option(options, "queue_url", where=where)
        self._queue = SqsQueue(
            url,
            where=where,
            region=region_option(options, url),
            timeout_s=seconds_option(
                options.get("timeout"), default=DEFAULT_TIMEOUT_S, where=f"{where}: timeout"
            ),
            client=client,
        )

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Send a message.

        Raises:
            ActionError: As its subclasses say.
        """
        del now  # a message is the same at every attempt
        self._queue.send(
            encode_message(emitted_document(message)).decode(),
            {"idempotency_key": message.idempotency_key, "action": message.action},
            key=message.idempotency_key,
            group=message.profile_id,
        )


def fifo_id(text: str) -> str:
    """Return a text as an id of a group or of deduplication: itself where it can be one, else its hash."""
    return text if _FIFO_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()


def message_text(body: str) -> str:
    r"""Return JSON text without the two characters that SQS refuses, which then stand as escapes.

    Source: SQS API reference, SendMessage, MessageBody.

    >>> message_text('{"a": "\uffff"}')
    '{"a": "\\uffff"}'
    """
    return body.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def text_attributes(attributes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return attributes of a message in the form of SQS and SNS."""
    return {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
