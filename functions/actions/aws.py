"""One call of an AWS service for a channel: one attempt, a deadline of our own, errors by one table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from functions.actions.aws_errors import error_for_code, error_for_exception
from functions.documents import Json
from functions.errors import ActionAmbiguousError, ActionError, SettingsError
from functions.outbound.aws_session import new_session
from functions.outbound.deadline import OverdueError, within
from functions.outbound.failures import UNREADABLE_ANSWER

_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ARN: Final = re.compile(r"arn:[^:]+:[^:]+:([^:]*):.+")
_QUEUE_HOST: Final = re.compile(r"https?://sqs\.([^./]+)\.")


class AwsService:
    """One service in one region.

    Args:
        service: As botocore names it: `events`, `sqs` or `sns`.
        where: Names the owner in errors.
        region: None for the SDK's own choice.
        timeout_s: Wall time of one call, in seconds.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """

    def __init__(
        self, service: str, *, where: str, region: str | None, timeout_s: float, client: Any = None
    ) -> None:
        self._where = where
        self._timeout_s = timeout_s
        self._client = client or _client(service, region, max(1, math.ceil(timeout_s)))

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation once.

        Raises:
            ActionError: As its subclasses say; nothing of the request or of the answer's text is in it.
        """
        method: Callable[..., dict[str, Any]] = getattr(self._client, operation)
        try:
            return within(self._timeout_s, lambda: self._called(method, request))
        except OverdueError:
            raise ActionAmbiguousError(f"{self._where}: no answer in time") from None

    def error(self, code: str, status: int = 0) -> ActionError:
        """Return the error for the code of a response, or of one entry of it."""
        # The code of an answer is a service's word; anything that does not look like one is not repeated.
        shown = code if re.fullmatch(r"[A-Za-z.]{1,80}", code) else f"HTTP status {status}"
        found = error_for_code(code, status)
        hint = None if found.retryable else "Check the address of the channel, and the right to send to it."
        return found(f"{self._where}: {shown}", hint=hint)

    def _called(self, method: Callable[..., dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        try:
            return method(**request)
        except ClientError as error:
            response = error.response
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = str(response.get("Error", {}).get("Code", ""))
            raise self.error(code, status if isinstance(status, int) else 0) from None
        except (BotoCoreError, ResponseParserError, HTTPError) as error:
            # The text may quote parameters or what was received.
            found = error_for_exception(type(error)) or ActionAmbiguousError
            raise found(f"{self._where}: {type(error).__name__}") from None
        except UNREADABLE_ANSWER as error:
            name = type(error).__name__
            raise ActionAmbiguousError(
                f"{self._where}: an answer that is not the service's ({name})"
            ) from None


def region_option(options: Mapping[str, Json], address: str) -> str | None:
    """Return the region of a channel: its option, or what its ARN or queue URL says; else None.

    Raises:
        SettingsError: The option is no region.
    """
    region = options.get("region")
    if region is None:
        match = _ARN.fullmatch(address) or _QUEUE_HOST.match(address)
        return match[1] or None if match else None
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise SettingsError("the option region is no AWS region, such as eu-central-1")
    return region


def text_option(options: Mapping[str, Json], name: str, *, where: str, default: str | None = None) -> str:
    """Return an option that is text.

    Raises:
        SettingsError: It is missing and has no default, is empty, or no text.
    """
    value = options.get(name, default)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{where}: give {name} as text")
    return value


@cache
def _client(service: str, region: str | None, socket_timeout_s: int) -> Any:
    """Make the one client of a service. Clients are safe to share between threads.

    Endpoint URLs and credentials are the SDK's own affair: `AWS_ENDPOINT_URL_SQS` and the like work.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=socket_timeout_s,
        read_timeout=socket_timeout_s,
        max_pool_connections=50,
    )
    try:
        return new_session().create_client(service, region_name=region, config=config)
    except BotoCoreError as error:
        raise SettingsError(
            f"the AWS SDK can't be set up for {service}: {type(error).__name__}",
            hint="Set AWS_DEFAULT_REGION, and check AWS_PROFILE and the endpoint URL.",
        ) from None
    except ValueError:
        raise SettingsError(f"the endpoint URL of {service} can't be read") from None
