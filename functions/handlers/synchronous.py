"""A page asks and waits: Function URL and API Gateway (payload format 2.0).

The answer is `{"action": payload}`, the payload of an action whose channel is `response`, or
`{"action": null}` for everything else that was decided: the page can't tell a customer who is held out, or
who gave no consent, from one for whom nothing was chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from functions.actions.channel import ActionChannel, ActionMessage
from functions.actions.response import RESPONSE, ResponseChannel
from functions.decision.evaluating import evaluate
from functions.documents import Json
from functions.errors import EventEnvelopeError, EventError, EventTooLargeError, FunctionsError
from functions.events.event import Event
from functions.events.reading import read_document
from functions.events.replays import LIVE
from functions.handlers.browser import with_browser_signal
from functions.handlers.cors import cors_headers, preflight_headers
from functions.handlers.invocation import Handler, LambdaContext
from functions.handlers.origin import arrived_at
from functions.handlers.visitor import visitor_of
from functions.handlers.worker import Shift, Worker
from functions.runtime.receipt import Receipt, refused
from functions.runtime.rechecking import consent_obstacle, lives_of
from functions.spec.plan import ChannelPlan

_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Who may ask.

    Attributes:
        keys: Of visitor tokens; without any, nobody may.
        origins: Of the pages that may read the answer.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    origins: tuple[str, ...] = ()


def url_handler(worker: Worker, doorkeeper: Doorkeeper) -> Handler:
    """Return the handler of a Function URL or of API Gateway.

    Statuses: 200 with the action or null; 204 for a preflight; 400 and 413 with the code of what is wrong
    with the event; 401 without a word for a token that is missing, forged, over, or of somebody else; 405;
    503 for what may succeed later, and 500. Nothing is parked: the caller knows.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        answers: list[ActionMessage] = []

        def channel(plan: ChannelPlan) -> ActionChannel:
            if plan.kind == RESPONSE:
                return ResponseChannel(plan, answer=answers.append)
            return worker.ports.channel(plan)

        shift = worker.begin(context, channel=channel)
        exchange = _Exchange(shift, doorkeeper, _mapping(event), answers)
        try:
            return exchange.respond()
        except FunctionsError as error:
            worker.telemetry.warning("not answered", error.code, request_id=context.aws_request_id)
            return exchange.failed(retryable=error.retryable)
        except Exception as error:  # noqa: BLE001 - the page gets a status, the log a class and a place
            worker.telemetry.crashed(error, request_id=context.aws_request_id)
            return exchange.failed(retryable=False)
        finally:
            worker.telemetry.flush()

    return handle


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, shift: Shift, doorkeeper: Doorkeeper, request: Mapping[str, Any], answers: list[ActionMessage]
    ) -> None:
        self._shift = shift
        self._doorkeeper = doorkeeper
        self._request = request
        self._answers = answers
        self._headers = {name.lower(): value for name, value in _mapping(request.get("headers")).items()}

    def respond(self) -> dict[str, Json]:
        """Answer the request."""
        method = _mapping(_mapping(self._request.get("requestContext")).get("http")).get("method")
        if method == "OPTIONS":
            headers = preflight_headers(self._headers.get("origin"), self._doorkeeper.origins)
            return {"statusCode": 204, "headers": headers, "body": ""}
        if method != "POST":
            return self._answer(405, {"error": "method"}, {"allow": "POST, OPTIONS"})
        visitor = self._visitor()
        if visitor is None:
            return self._unauthorized()
        try:
            event = self._event()
        except EventError as error:
            self._shift.report(refused(self._shift.plan, error))
            return self._refused(error.code)
        # The token says who may be spoken for, whatever the event claims.
        if evaluate(self._shift.worker.plan.key, {"event": event.as_document()}) != visitor:
            return self._unauthorized()
        return self._decided(event)

    def failed(self, *, retryable: bool) -> dict[str, Json]:
        """Answer that it did not work."""
        if retryable:
            return self._answer(503, {"error": "unavailable"}, {"retry-after": "1"})
        return self._answer(500, {"error": "internal"})

    def _decided(self, event: Event) -> dict[str, Json]:
        receipt = self._returned(self._shift.handle(event))
        self._shift.report(receipt)
        if receipt.outcome == "failed":
            return self.failed(retryable=receipt.retryable)
        if receipt.dead_letter:
            return self._refused(receipt.reason.code)
        return self._answer(200, {"action": self._payload(receipt)})

    def _returned(self, receipt: Receipt) -> Receipt:
        """Say of an action that it was returned, where its channel is the answer."""
        action = receipt.action
        if action is None or not self._is_response(action.channel) or action.delivery != "sent":
            return receipt
        return replace(receipt, action=replace(action, delivery="returned"))

    def _payload(self, receipt: Receipt) -> Json:
        if self._answers:
            return self._answers[-1].payload
        if receipt.outcome != "duplicate" or receipt.profile_id is None or receipt.decision_id is None:
            return None
        return self._original(receipt.profile_id, receipt.decision_id)

    def _original(self, profile_id: str, decision_id: str) -> Json:
        """Return the payload of the first answer to the same event, while it may still be given."""
        store, now = self._shift.worker.ports.store, self._shift.now()
        entry = store.outbox_entry(profile_id, decision_id)
        if entry is None or entry.status != "sent" or not self._is_response(entry.channel):
            return None
        if entry.expires_at is not None and entry.expires_at <= now:
            return None
        obstacle = consent_obstacle(entry, lives_of(store, entry), now)
        return entry.message["payload"] if obstacle is None else None

    def _is_response(self, channel: str) -> bool:
        plan = self._shift.worker.plan.channels.get(channel)
        return plan is not None and plan.kind == RESPONSE

    def _visitor(self) -> str | None:
        authorization = self._headers.get("authorization")
        if not isinstance(authorization, str) or authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        token = authorization[len(_BEARER) :].strip()
        return visitor_of(token, keys=self._doorkeeper.keys, now=self._shift.now())

    def _event(self) -> Event:
        """Return the one event of the body.

        Raises:
            EventError: There is none, or more than one.
        """
        received_at = arrived_at(self._request, "http", otherwise=self._shift.now())
        found = read_document(dict(self._request), received_at=received_at)
        if len(found) > 1:
            raise EventTooLargeError("a page asks about one event at a time")
        if found[0].generation != LIVE:
            raise EventEnvelopeError("a page asks about an event of now, and this is one of a replay")
        return with_browser_signal(found[0].value(), self._headers)

    def _unauthorized(self) -> dict[str, Json]:
        self._shift.worker.telemetry.count("Unauthorized")
        return self._answer(401, {}, {"www-authenticate": "Bearer"})

    def _refused(self, code: str) -> dict[str, Json]:
        return self._answer(413 if code == EventTooLargeError.code else 400, {"error": code})

    def _answer(
        self, status: int, body: dict[str, Json], headers: Mapping[str, str] | None = None
    ) -> dict[str, Json]:
        return {
            "statusCode": status,
            "headers": {
                "content-type": "application/json",
                "cache-control": "no-store",
                **cors_headers(self._headers.get("origin"), self._doorkeeper.origins),
                **(headers or {}),
            },
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        }


def _mapping(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
