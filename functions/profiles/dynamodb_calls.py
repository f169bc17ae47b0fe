"""Calls to DynamoDB: one client, attempts under a budget of time, errors of ours only."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from functions.errors import (
    SettingsError,
    StoreContendedError,
    StoreThrottledError,
    StoreUnavailableError,
)
from functions.outbound.aws_session import new_session
from functions.outbound.failures import UNREADABLE_ANSWER
from functions.profiles.dynamodb_errors import (
    CANCELLED,
    CONDITION_FAILED,
    CONFLICT_CODES,
    from_code,
    from_exception,
    from_reasons,
)
from functions.profiles.dynamodb_items import Item

MAX_BATCH_READ: Final = 100
"""Keys of one BatchGetItem."""

MAX_BATCH_WRITE: Final = 25
"""Requests of one BatchWriteItem."""

_FIRST_PAUSE_S: Final = 0.025
_LONGEST_PAUSE_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What calls need of the world.

    Attributes:
        budget_s: Wall time for all attempts of one call, in seconds.
        monotonic: A clock in seconds.
        sleep: Waits for so many seconds.
        jitter: A number from 0 to 1, so that callers who failed together do not come back together.
    """

    budget_s: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    # Of the system: a process that is restored from a snapshot would go on with the numbers of its twins.
    jitter: Callable[[], float] = random.SystemRandom().random


class Patience:
    """Pauses between the attempts of one call, until its budget is used up."""

    def __init__(self, around: Surroundings) -> None:
        self._around: Final = around
        self._deadline: Final = around.monotonic() + around.budget_s
        self._pause_s = _FIRST_PAUSE_S

    def is_over(self) -> bool:
        """Say whether no further attempt should start."""
        return self._around.monotonic() >= self._deadline

    def wait(self) -> bool:
        """Pause before another attempt; False, at once, when there is no time for one."""
        pause_s = self._pause_s * (0.5 + self._around.jitter() / 2)
        if self._around.monotonic() + pause_s >= self._deadline:
            return False
        self._around.sleep(pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return True


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one operation of a transaction did not pass.

    Attributes:
        code: `None`, `ConditionalCheckFailed` or `TransactionConflict`, or one that came beside these.
        item: What the condition was judged on; None when there is no such item or it was not returned.
    """

    code: str
    item: Item | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What DynamoDB said.

    Attributes:
        response: Of a call that was carried out; None when conditions or another transaction prevented it.
        reasons: One per operation of a transaction that was not carried out; one for a single write.
        in_doubt: An earlier attempt got no answer, so that it may have been carried out.
    """

    response: Mapping[str, Any] | None
    reasons: Sequence[Reason] = ()
    in_doubt: bool = False

    @property
    def conflict(self) -> bool:
        """Another transaction was at one of the items, or nothing is known of why the call was refused."""
        return not self.reasons or any(reason.code == "TransactionConflict" for reason in self.reasons)


class DynamoCalls:
    """The operations of one table. Safe to share between threads.

    Args:
        table: Its name.
        client: A low-level client of the AWS SDK that does not retry by itself.
        around: Clock, pauses and budget.
    """

    def __init__(self, table: str, client: Any, around: Surroundings) -> None:
        self.table: Final = table
        self._client: Final = client
        self._around: Final = around

    def patience(self) -> Patience:
        """Start the budget of one call."""
        return Patience(self._around)

    def attempt(self, operation: str, **parameters: Any) -> Answer:
        """Send one request, once.

        Raises:
            ProfileStoreError: As its subclasses say. After `StoreUnavailableError` a write may have been
                carried out all the same.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return Answer(_whole(getattr(self._client, operation)(**parameters), operation, parameters))
        except ClientError as error:
            refused = error.response  # its text may quote keys and values: it is no context of ours
        except (BotoCoreError, ResponseParserError) as error:
            raise from_exception(type(error), self.table) from None
        except UNREADABLE_ANSWER as error:
            name = type(error).__name__
            raise StoreUnavailableError(
                f"the profile store {self.table}: an answer that is not DynamoDB's ({name})"
            ) from None
        return self._refused(refused)

    def send(self, operation: str, patience: Patience | None = None, **parameters: Any) -> Answer:
        """Send one request until it is answered or the budget is used up. It must be safe to repeat.

        Raises:
            ProfileStoreError: The error of the last attempt.
        """
        patience, in_doubt = patience or self.patience(), False
        while True:
            try:
                answer = self.attempt(operation, **parameters)
            except (StoreThrottledError, StoreUnavailableError) as error:
                if not patience.wait():
                    raise
                in_doubt = in_doubt or isinstance(error, StoreUnavailableError)
            else:
                return replace(answer, in_doubt=in_doubt)

    def insist(self, operation: str, patience: Patience | None = None, **parameters: Any) -> Answer:
        """Send one write as `send` does, and again while another transaction is in its way.

        Raises:
            StoreContendedError: Another one was, at every attempt.
            ProfileStoreError: As `send`.
        """
        patience, in_doubt = patience or self.patience(), False
        while True:
            answer = self.send(operation, patience, **parameters)
            in_doubt = in_doubt or answer.in_doubt
            if answer.response is not None or not answer.conflict:
                return replace(answer, in_doubt=in_doubt)
            if not patience.wait():
                raise StoreContendedError(f"the profile store {self.table}: conflict at every attempt")

    def write(self, operations: Sequence[Mapping[str, Any]], patience: Patience | None = None) -> Answer:
        """Send a transaction as `insist` does."""
        return self.insist("transact_write_items", patience, TransactItems=list(operations))

    def read(self, keys: Sequence[Item], patience: Patience | None = None) -> list[Item]:
        """Read items by their keys, each as every write before left it; those that are absent are left out.

        Raises:
            StoreThrottledError: Some were held back at every attempt.
            ProfileStoreError: As `send`.
        """
        found: list[Item] = []
        for start in range(0, len(keys), MAX_BATCH_READ):
            waiting = list(keys[start : start + MAX_BATCH_READ])
            patience = patience or self.patience()
            while waiting:
                request = {self.table: {"Keys": waiting, "ConsistentRead": True}}
                response = self.send("batch_get_item", patience, RequestItems=request).response or {}
                found.extend(response["Responses"].get(self.table, ()))
                # What is left over was throttled or over 16 MB.
                waiting = response.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
                if waiting and not patience.wait():
                    raise StoreThrottledError(f"the profile store {self.table}: keys were held back")
        return found

    def delete(self, keys: Sequence[Item]) -> None:
        """Delete items by their keys, in no order.

        Raises:
            StoreThrottledError: Some were held back at every attempt.
            ProfileStoreError: As `send`.
        """
        for start in range(0, len(keys), MAX_BATCH_WRITE):
            waiting = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + MAX_BATCH_WRITE]]
            patience = self.patience()
            while waiting:
                request = {self.table: waiting}
                response = self.send("batch_write_item", patience, RequestItems=request).response or {}
                waiting = response.get("UnprocessedItems", {}).get(self.table, [])
                if waiting and not patience.wait():
                    raise StoreThrottledError(f"the profile store {self.table}: deletes were held back")

    def query(self, **parameters: Any) -> Iterator[Item]:
        """Yield the items of a query, page by page.

        Raises:
            ProfileStoreError: As `send`.
        """
        return self._pages("query", parameters)

    def scan(self, **parameters: Any) -> Iterator[Item]:
        """Yield the items of a scan, page by page; as `query`."""
        return self._pages("scan", parameters)

    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterator[Item]:
        page: dict[str, Any] = {"TableName": self.table, **parameters}
        while True:
            response = self.send(operation, **page).response or {}
            yield from response["Items"]
            if not response.get("LastEvaluatedKey"):
                return
            page["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def _refused(self, response: Mapping[str, Any]) -> Answer:
        """Return a refusal that is an answer, and raise the others; only codes and items are looked at."""
        code = str(response.get("Error", {}).get("Code", ""))
        if code == CONDITION_FAILED:
            return Answer(None, (Reason("ConditionalCheckFailed", response.get("Item")),))
        if code in CONFLICT_CODES:
            return Answer(None, (Reason("TransactionConflict", None),))
        if code == CANCELLED:
            return self._cancelled(response.get("CancellationReasons") or ())
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise from_code(code, status if isinstance(status, int) else 0, self.table)

    def _cancelled(self, given: Sequence[Mapping[str, Any]]) -> Answer:
        reasons = [Reason(str(one.get("Code", "None")), one.get("Item")) for one in given]
        failed = any(reason.code == "ConditionalCheckFailed" for reason in reasons)
        error = from_reasons((reason.code for reason in reasons), self.table)
        # Throttling beside a failed condition: the condition is the news.
        if error is not None and not (failed and error.retryable):
            raise error
        return Answer(None, reasons)


def _whole(response: Mapping[str, Any], operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer that has the members which DynamoDB always sends.

    Without them "no items" could be the word of a gateway, and a customer would seem to have no profile.

    Raises:
        LookupError: It has not.
    """
    member = {"batch_get_item": "Responses", "query": "Items", "scan": "Items"}.get(operation)
    if parameters.get("ReturnValues") == "ALL_NEW":
        member = "Attributes"
    if member is not None and member not in response:
        raise LookupError(member)
    return response


@cache
def make_client(region: str | None, endpoint_url: str | None, budget_ms: int) -> Any:
    """Make the one client for these settings. Clients are safe to share between threads.

    Made by botocore's session, which is what boto3 wraps: the same client, without the import of boto3's
    resources.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # Two attempts that hang still leave time for a third.
    socket_timeout_s = max(0.05, budget_ms / 3_000)
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=socket_timeout_s,
        read_timeout=socket_timeout_s,
        max_pool_connections=50,
    )
    try:
        return new_session().create_client(
            "dynamodb", region_name=region, endpoint_url=endpoint_url, config=config
        )
    except BotoCoreError as error:
        raise SettingsError(
            f"the AWS SDK can't be set up for DynamoDB: {type(error).__name__}",
            hint="Set AWS_REGION, and check AWS_PROFILE and the endpoint URL.",
        ) from None
    except ValueError:
        raise SettingsError("the endpoint URL of DynamoDB can't be read") from None
