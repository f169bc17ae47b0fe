"""Log lines of functions as they come in: receipts without values, asked for again and again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from functions.documents import Json
from functions.errors import OperationDeniedError
from functions.operations.aws import AwsCalls
from functions.operations.naming import physical_name

OVERLAP: Final = timedelta(seconds=30)
"""A line can be found later than one that is younger, so every look goes back so far."""


@dataclass(frozen=True, slots=True)
class Line:
    """One receipt in a log.

    Attributes:
        at: When it was written.
        receipt: As `functions.handlers.log` writes it.
    """

    at: datetime
    receipt: dict[str, Json]


class Follower:
    """Reads the receipts of some functions, each once.

    Args:
        logs: CloudWatch Logs.
        environment: Name of the deployment.
        functions: Their names.
        outcomes: Only receipts with one of these; all for none.
        since: The oldest lines of the first look.
    """

    def __init__(
        self,
        logs: AwsCalls,
        *,
        environment: str,
        functions: Sequence[str],
        outcomes: Collection[str],
        since: datetime,
    ) -> None:
        self._logs = logs
        names = [physical_name(environment, name) for name in functions]
        self._groups = [f"/functions/{name}{suffix}" for name in names for suffix in ("", "_url")]
        self._outcomes = frozenset(outcomes)
        self._since = since
        self._seen: dict[str, datetime] = {}

    def look(self) -> list[Line]:
        """Return what has come since the last look, in the order of time.

        Raises:
            OperationError: The logs can't be read, or none of the functions has one.
        """
        found, missing = [], None
        for group in list(self._groups):
            try:
                found += list(self._new(group))
            except OperationDeniedError as error:
                # A function without a URL has no log of one.
                missing = error
                self._groups.remove(group)
        if not self._groups and missing is not None:
            raise missing
        found.sort(key=lambda line: line.at)
        if self._seen:
            self._since = max(self._since, max(self._seen.values()) - OVERLAP)
            self._seen = {name: at for name, at in self._seen.items() if at >= self._since}
        return [line for line in found if not self._outcomes or line.receipt["outcome"] in self._outcomes]

    def _new(self, group: str) -> Iterator[Line]:
        for event in self._events(group):
            if event["eventId"] in self._seen:
                continue
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            self._seen[event["eventId"]] = at
            receipt = _receipt(event["message"])
            if receipt is not None:
                yield Line(at, receipt)

    def _events(self, group: str) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {
            "logGroupName": group,
            "startTime": int(self._since.timestamp() * 1000),
            # What a JSON filter can't say is looked at again here.
            "filterPattern": '"receipt"',
        }
        while True:
            answer = self._logs.call("filter_log_events", **page)
            yield from answer.get("events", ())
            if not answer.get("nextToken"):
                return
            page["nextToken"] = answer["nextToken"]


def _receipt(message: str) -> dict[str, Json] | None:
    """Return the receipt of a log line; None for a line of another kind."""
    try:
        document = json.loads(message)
    except ValueError:
        return None
    receipt = document.get("receipt") if isinstance(document, dict) else None
    return receipt if isinstance(receipt, dict) and "outcome" in receipt else None
