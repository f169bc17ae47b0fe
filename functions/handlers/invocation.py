"""What Lambda hands over with each invocation, and what a handler is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from functions.documents import Json


class LambdaContext(Protocol):
    """The part of the Lambda context that is used."""

    @property
    def aws_request_id(self) -> str:
        """Id of the invocation."""
        ...

    @property
    def invoked_function_arn(self) -> str:
        """ARN of the function."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda ends the invocation."""
        ...


Handler = Callable[[Json, Any], Json]
"""Takes what Lambda delivers and a `LambdaContext`; returns what Lambda is to be told."""


def account_of(context: LambdaContext) -> str:
    """Return the account of a function; empty where its ARN does not say."""
    parts = context.invoked_function_arn.split(":")
    return parts[4] if len(parts) > 4 else ""
