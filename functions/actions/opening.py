"""From the plan of a channel to its adapter."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from functions.actions.channel import ActionChannel, Secrets
from functions.plugins import load_kind

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

CHANNEL_KINDS: Final = MappingProxyType(
    {
        "memory": "functions.actions.memory:MemoryChannel",
        "file": "functions.actions.file:FileChannel",
        "webhook": "functions.actions.webhook:WebhookChannel",
        "eventbridge": "functions.actions.eventbridge:EventBridgeChannel",
        "sqs": "functions.actions.sqs:SqsChannel",
        "sns": "functions.actions.sns:SnsChannel",
        "tealium": "functions.actions.tealium:TealiumChannel",
        "response": "functions.actions.response:ResponseChannel",
    }
)
"""Kind to class. Each class is called with the plan and the secrets, as is a class of your own."""


def open_channel(plan: ChannelPlan, *, secrets: Secrets) -> ActionChannel:
    """Make the adapter that a plan names. Nothing is sent yet.

    Args:
        plan: Its kind is one of `CHANNEL_KINDS`, or `package.module:Class`.
        secrets: Looks secrets up by name.

    Raises:
        SettingsError: The kind is unknown, the class can't be imported, or its options can't be used.
    """
    channel_class = load_kind(plan.kind, CHANNEL_KINDS, where=f"channel {plan.name}")
    return cast(ActionChannel, channel_class(plan, secrets))
