"""Where the shared parts are, whether this app made them or somebody else did."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk

from functions.errors import SettingsError
from infra.configuration import Configuration


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A profile table.

    Attributes:
        name: Its name.
        arn: Its ARN.
        key_arn: ARN of its KMS key; None where the key is AWS's.
        stream_arn: ARN of its stream; None where there is none.
    """

    name: str
    arn: str
    key_arn: str | None
    stream_arn: str | None


@dataclass(frozen=True, slots=True)
class BusAddress:
    """An event bus.

    Attributes:
        name: What rules and whoever sends events call it: its name, or the ARN by which it was handed in, since a
            name alone is looked for in the account and region of the stack.
        arn: Its ARN.
    """

    name: str
    arn: str


def existing_table(stack: cdk.Stack, configuration: Configuration) -> TableAddress:
    """Return the table that was handed in, in the account and region of a stack."""
    name = configuration.table
    return TableAddress(
        name=name,
        arn=stack.format_arn(service="dynamodb", resource="table", resource_name=name),
        key_arn=configuration.table_key or None,
        stream_arn=configuration.table_stream or None,
    )


def existing_bus(stack: cdk.Stack, name: str) -> BusAddress:
    """Return a bus by its name or ARN.

    Raises:
        SettingsError: It has the form of an ARN, and is none of a bus.
    """
    if not name.startswith("arn:"):
        arn = stack.format_arn(service="events", resource="event-bus", resource_name=name)
        return BusAddress(name, arn)
    if ":event-bus/" not in name:
        raise SettingsError("context value bus: the ARN is none of an event bus")
    return BusAddress(name, name)
