"""A client of DynamoDB whose calls are lost, held back or overtaken as planned, and a clock that waits for nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from functions.profiles.dynamodb_errors import CANCELLED

LOST = "lost"
"""The call is carried out and its answer is lost."""

UNSENT = "unsent"
"""The call never arrives, which looks the same from here."""

PASS = "pass"
"""The call is carried out and answered."""


class Ticking:
    """A clock and a sleep that belong together, and no waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class DisturbedClient:
    """Passes calls on to a real client, after what is planned for the next ones of each operation.

    Checks every request on its way as DynamoDB does: no placeholder undefined, none unused.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.plans: dict[str, list[str | Exception | Callable[[], object]]] = {}
        self.calls: list[str] = []
        self.requests: list[Mapping[str, Any]] = []

    def plan(self, operation: str, *steps: str | Exception | Callable[[], object]) -> None:
        self.plans[operation] = list(steps)

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def call(**parameters: Any) -> object:
            self.calls.append(operation)
            self.requests.append(parameters)
            check_placeholders(parameters)
            steps = self.plans.get(operation)
            step = steps.pop(0) if steps else PASS
            if callable(step):
                step()
            elif isinstance(step, Exception):
                raise step
            elif step == UNSENT:
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            answer: object = getattr(self._client, operation)(**parameters)
            if step == LOST:
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            return answer

        return call


def check_placeholders(parameters: Any) -> None:
    """Compare the placeholders of every request or operation with those that it defines."""
    if isinstance(parameters, list):
        for part in parameters:
            check_placeholders(part)
    if not isinstance(parameters, dict):
        return
    text = " ".join(str(value) for name, value in parameters.items() if name.endswith("Expression"))
    used = set(re.findall(r"[#:]\w+", text))
    defined = {
        *parameters.get("ExpressionAttributeNames", ()),
        *parameters.get("ExpressionAttributeValues", ()),
    }
    assert used == defined
    assert len(text.encode()) <= 4_096
    for name in ("TransactItems", "Put", "Update", "Delete", "ConditionCheck"):
        check_placeholders(parameters.get(name))


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    response: Any = {"Error": {"Code": CANCELLED}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")
