"""The action registry, `actions.yaml`: what may happen, and through which channel. One file for all functions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from functions.governance.durations import Duration
from functions.spec.fields import (
    AmountValue,
    DottedClass,
    ExpressionText,
    HeaderValue,
    JsonDocument,
    Name,
    SecretName,
    Section,
    Text,
)


class FileChannel(Section):
    """Appends messages to a file as JSON lines."""

    kind: Literal["file"]
    path: Text = Field(description="Path of the file; relative to the working folder.")


class MemoryChannel(Section):
    """Keeps messages in memory; for tests."""

    kind: Literal["memory"]


class WebhookChannel(Section):
    """Posts messages to a URL, signed."""

    kind: Literal["webhook"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$", max_length=2000)] = Field(
        description="Where to post; no credentials in it."
    )
    secret: SecretName = Field(description="Key of the HMAC-SHA256 signature.")
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")], HeaderValue] = Field(
        default={}, description="Further headers, as text or `{secret: NAME}`."
    )
    timeout: Duration | None = Field(
        default=None, description="Wall time of one delivery; 5s when not given."
    )
    allow_private: bool = Field(
        default=False,
        description="Allow addresses of private networks and plain HTTP; for receivers of your own.",
    )


_REGION = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
# Anything that does not begin with `aws.`, in the form that JSON Schema and every regex engine know.
_NOT_AMAZONS = r"^(a|aw|aws|[^a\s]\S*|a[^w\s]\S*|aw[^s\s]\S*|aws[^.\s]\S*)$"
_TIMEOUT = "Wall time of one delivery; 5s when not given."


class EventBridgeChannel(Section):
    """Puts actions on an EventBridge bus, as events that can fire functions again."""

    kind: Literal["eventbridge"]
    bus: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./:-]+$", max_length=1600)] = Field(
        default="default", description="Name or ARN of the bus."
    )
    source: Annotated[str, StringConstraints(pattern=_NOT_AMAZONS, max_length=256)] = Field(
        default="functions", description="`source` of the events; it can't begin with `aws.`."
    )
    detail_type: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        default="action.decided", description="`detail-type` of the events, and their name."
    )
    region: _REGION | None = Field(
        default=None, description="AWS region; that of the bus's ARN, or of the function, when not given."
    )
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)


class SqsChannel(Section):
    """Sends actions to an SQS queue; in a FIFO queue in the order of each profile, each key once."""

    kind: Literal["sqs"]
    queue_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+/[^\s/]+$", max_length=2000)] = (
        Field(description="URL of the queue.")
    )
    region: _REGION | None = Field(
        default=None, description="AWS region; that of the URL, or of the function, when not given."
    )
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)


class SnsChannel(Section):
    """Publishes actions to an SNS topic; to a FIFO topic in the order of each profile, each key once."""

    kind: Literal["sns"]
    topic: Annotated[
        str,
        StringConstraints(
            pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$", max_length=400
        ),
    ] = Field(description="ARN of the topic.")
    region: _REGION | None = Field(default=None, description="AWS region; that of the ARN when not given.")
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)


class TealiumChannel(Section):
    """Gives scores back to Tealium, by its Collect HTTP API; for `notify`, not for actions."""

    kind: Literal["tealium"]
    account: Text = Field(description="Account of Tealium.")
    profile: Text = Field(description="Profile of Tealium.")
    datasource: Text | None = Field(default=None, description="Key of the data source.")
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$", max_length=2000)] | None = Field(
        default=None, description="Another address than that of Tealium's Collect."
    )
    timeout: Duration | None = Field(default=None, description=_TIMEOUT)
    allow_private: bool = Field(
        default=False, description="Allow addresses of private networks and plain HTTP; for tests."
    )


class ResponseChannel(Section):
    """Gives the action's payload back to the page that asked and waits."""

    kind: Literal["response"]


class CustomChannel(Section):
    """A channel class of your own."""

    kind: DottedClass = Field(description="`package.module:Class`; built with the channel's plan.")
    options: dict[str, JsonDocument] = Field(default={}, description="Handed to the class.")


_KINDS = ("file", "memory", "webhook", "eventbridge", "sqs", "sns", "tealium", "response")


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    if isinstance(kind, str) and ":" in kind:
        return "<custom>"
    return f"<{kind}>" if kind in _KINDS else "unknown"


Channel = Annotated[
    Annotated[FileChannel, Tag("<file>")]
    | Annotated[MemoryChannel, Tag("<memory>")]
    | Annotated[WebhookChannel, Tag("<webhook>")]
    | Annotated[EventBridgeChannel, Tag("<eventbridge>")]
    | Annotated[SqsChannel, Tag("<sqs>")]
    | Annotated[SnsChannel, Tag("<sns>")]
    | Annotated[TealiumChannel, Tag("<tealium>")]
    | Annotated[ResponseChannel, Tag("<response>")]
    | Annotated[CustomChannel, Tag("<custom>")],
    Discriminator(
        _kind_of,
        custom_error_type="channel_kind",
        custom_error_message=f"kind must be {', '.join(_KINDS)}, or package.module:Class",
    ),
]


class Action(Section):
    """One thing that may happen to a customer."""

    description: Text | None = Field(default=None, description="For the marketer.")
    tags: list[Name] = Field(default=[], description="What rails and caps speak about, such as `message`.")
    channel: Name = Field(description="A channel of this file.")
    cost: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Cost of one, in the currency of this file; budgets are spent by it."
    )
    value: dict[Name, AmountValue] = Field(
        default={},
        description="Objective to what a success is worth: a number, or an expression over `features` and the "
        "outputs.",
    )
    chance: dict[Name, AmountValue] = Field(
        default={},
        description="Objective to the probability of a success with this action (or to the amount that is expected): "
        "a number, or an expression over `features` and the outputs. Only what it is above that of do-nothing counts.",
    )
    risk: AmountValue | None = Field(
        default=None,
        description="From 0 to 1, for risk ceilings and the ranking: a number, or an expression over `features` "
        "and the outputs.",
    )
    eligible: ExpressionText | None = Field(
        default=None,
        description="Must be true, else the action is vetoed; false, null and a failing expression are no.",
    )
    subject_to_caps: bool = Field(
        default=True, description="Whether caps, suppressions and exclusion groups can take the action away."
    )
    counts_towards_caps: bool = Field(
        default=True, description="Whether caps, suppressions and exclusion groups count the action."
    )
    defer: bool = Field(
        default=True,
        description="Whether the action can wait for the end of quiet hours that defer; one that can't is dropped.",
    )
    payload: JsonDocument = Field(
        default={},
        description="What the receiver gets; a leaf `{from: expression}` is filled from `features` and the outputs.",
    )


class Registry(Section):
    """Channels and actions."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="ISO 4217 code of every `cost`, such as EUR; needed for budgets."
    )
    channels: dict[Name, Channel] = Field(default={}, description="Ways for an action to leave, by name.")
    actions: dict[Name, Action] = Field(default={}, description="What may happen, by name.")
