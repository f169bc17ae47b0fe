"""Webhooks of platforms: a Function URL, or API Gateway with payload format 2.0, that takes in profiles.

A request proves the key in one of two ways. `webhook-signature` signs body, id and timestamp by the Standard
Webhooks specification: nobody can change or hold back such a request for more than five minutes. Platforms
that can't sign send the key as `Authorization: Bearer …`; then the order of records protects from replays: an
old one never replaces a newer one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from functions.actions.signature import SIGNATURE_HEADER, verify_signature
from functions.documents import Json
from functions.errors import EventTooLargeError
from functions.handlers.invocation import Handler, LambdaContext
from functions.handlers.origin import arrived_at
from functions.handlers.taking import IngestShift, IngestWorker
from functions.handlers.worker import Verdict
from functions.ingest.writing import Ingested

MAX_BODY_BYTES: Final = 6_291_456
"""The most that Lambda takes from a URL; more can't come, and is refused where it does.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""

_BEARER: Final = "bearer "
_SOURCE: Final = "http"


def inbound_handler(worker: IngestWorker, keys: Sequence[str]) -> Handler:
    """Return the handler of the webhook.

    The answer lists every record with its fate. Statuses: 200 when each was written, changed nothing or was
    parked with its code; 422 when some were refused and there is nowhere to park them; 503 when some may
    succeed later: send the whole again, what was written stays as it is; 401 without a word; 405; 413; 500.

    Args:
        worker: Takes the records.
        keys: Any of them is accepted.
    """

    def handle(event: Json, context: LambdaContext) -> Json:
        shift = worker.begin(context)
        try:
            return _respond(shift, _mapping(event), keys)
        except Exception as error:  # noqa: BLE001 - the platform gets a status, the log a class and a place
            worker.telemetry.crashed(error, request_id=context.aws_request_id)
            return _answer(500, {"error": "internal"})
        finally:
            worker.telemetry.flush()

    return handle


def _respond(shift: IngestShift, request: Mapping[str, Any], keys: Sequence[str]) -> Json:
    if _mapping(_mapping(request.get("requestContext")).get("http")).get("method") != "POST":
        return _answer(405, {"error": "method"}, {"allow": "POST"})
    headers = {
        name.lower(): value
        for name, value in _mapping(request.get("headers")).items()
        if isinstance(value, str)
    }
    body = _body(request)
    if body is not None and len(body) > MAX_BODY_BYTES:
        return _answer(413, {"error": EventTooLargeError.code})
    if body is None or not _is_authentic(headers, body, keys, shift.now()):
        shift.worker.telemetry.count("Unauthorized")
        return _answer(401, {})
    received_at = arrived_at(request, _SOURCE, otherwise=shift.now())
    # Base64 in any case, so that compressed bodies are inflated within their bounds.
    envelope = {
        "version": "2.0",
        "requestContext": {},
        "isBase64Encoded": True,
        "body": base64.b64encode(body).decode(),
    }
    results = shift.ingested(envelope, arrived_at=received_at, gpc=headers.get("sec-gpc") == "1")
    return _listed(shift, request, results)


def _listed(shift: IngestShift, request: Mapping[str, Any], results: Sequence[Ingested]) -> Json:
    for result in results:
        shift.log(result)
    document: dict[str, Json] = {"records": [result.as_document() for result in results]}
    if any(result.fate == "failed" for result in results):
        return _answer(503, document, {"retry-after": "5"})
    refused = next((result for result in results if result.fate == "refused"), None)
    if refused is None:
        return _answer(200, document)
    # The request as it came, without its headers: they hold the key.
    parked = {name: request.get(name) for name in ("version", "requestContext", "body", "isBase64Encoded")}
    if shift.settle(parked, Verdict("park", refused.code), source=_SOURCE):
        return _answer(200, {**document, "parked": True})
    return _answer(413 if refused.code == EventTooLargeError.code else 422, document)


def _is_authentic(headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime) -> bool:
    if SIGNATURE_HEADER in headers:
        return verify_signature(headers, body, " ".join(keys), now=now)
    given = headers.get("authorization", "")
    if given[: len(_BEARER)].lower() != _BEARER:
        return False
    token = given[len(_BEARER) :].strip().encode()
    # Every key is compared, each in constant time.
    matches = [hmac.compare_digest(token, key.encode()) for key in keys]
    return any(matches)


def _body(request: Mapping[str, Any]) -> bytes | None:
    """Return the exact bytes of a body; None for one that is none."""
    text = request.get("body")
    if not isinstance(text, str):
        return None
    try:
        return (
            base64.b64decode(text, validate=True) if request.get("isBase64Encoded") is True else text.encode()
        )
    except (binascii.Error, ValueError):
        return None


def _answer(status: int, body: dict[str, Json], headers: Mapping[str, str] | None = None) -> Json:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def _mapping(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
