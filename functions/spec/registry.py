"""The action registry, `actions.yaml`: what may happen, and through which channel. One file for all functions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from functions.spec.fields import (
    DottedClass,
    Duration,
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


class CustomChannel(Section):
    """A channel class of your own."""

    kind: DottedClass = Field(description="`package.module:Class`; built with the channel's plan.")
    options: dict[str, JsonDocument] = Field(default={}, description="Handed to the class.")


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    if isinstance(kind, str) and ":" in kind:
        return "<custom>"
    return f"<{kind}>" if kind in ("file", "memory", "webhook") else "unknown"


Channel = Annotated[
    Annotated[FileChannel, Tag("<file>")]
    | Annotated[MemoryChannel, Tag("<memory>")]
    | Annotated[WebhookChannel, Tag("<webhook>")]
    | Annotated[CustomChannel, Tag("<custom>")],
    Discriminator(
        _kind_of,
        custom_error_type="channel_kind",
        custom_error_message="kind must be file, memory, webhook, or package.module:Class",
    ),
]


class Action(Section):
    """One thing that may happen to a customer."""

    description: Text | None = Field(default=None, description="For the marketer.")
    tags: list[Name] = Field(default=[], description="What rails and caps speak about, such as `message`.")
    channel: Name = Field(description="A channel of this file.")
    cost: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Cost of one, in money.")
    eligible: ExpressionText | None = Field(
        default=None,
        description="Must be true, else the action is vetoed; false, null and a failing expression are no.",
    )
    payload: JsonDocument = Field(
        default={},
        description="What the receiver gets; a leaf `{from: expression}` is filled from `features` and the outputs.",
    )


class Registry(Section):
    """Channels and actions."""

    channels: dict[Name, Channel] = Field(default={}, description="Ways for an action to leave, by name.")
    actions: dict[Name, Action] = Field(default={}, description="What may happen, by name.")
