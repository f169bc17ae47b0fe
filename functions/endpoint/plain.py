"""Plain HTTP models: `POST /models/<name>` with a JSON document, answered with a JSON document.

| Status | When |
| --- | --- |
| 200 | the model's reply |
| 400 | the body is no strict JSON, or not what the model reads |
| 404 | there is no model of this name that is served here |
| 415 | the content type is not application/json |

Errors are `{"error": {"code", "message"}}`; a message names fields and never a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

from functions.documents import DocumentError, Json, parse_json
from functions.endpoint.faults import Fault
from functions.endpoint.json_models import JsonModel
from functions.endpoint.replies import STATUS, Reply
from functions.endpoint.scoring import ScoringError

MODEL_PATH = re.compile(r"/models/([^/]+)")

_JSON = "application/json"


def answer_plain(
    models: Mapping[str, object], name: str, content_type: str, body: bytes, fault: Fault
) -> Reply:
    """Answer one request, or fail as the fault says.

    Args:
        models: Everything that is served, by name; only those of kind `JsonModel` are answered for.
        name: As it stands in the path.
        content_type: The media type, lower case, without parameters.
        body: As received.
        fault: An `error` answers with the status of its kind (`ModelError`: the container's), a `score`
            takes the place of every float of the reply.
    """
    if fault.error:
        status = fault.original_status if fault.error == "ModelError" else STATUS[fault.error]
        # A container that timed out answers nothing (0); a gateway before it says so.
        return _error(status or 504, fault.error, fault.message)
    model = models.get(unquote(name))
    if not isinstance(model, JsonModel):
        return _error(404, "unknown_model", "no model of this name is served over plain HTTP")
    if content_type != _JSON:
        return _error(415, "unsupported_media_type", f"Content-Type must be {_JSON}")
    try:
        reply: Json = model.answer(parse_json(body, max_bytes=len(body)))
    except (DocumentError, ScoringError) as error:
        return _error(400, "bad_request", str(error))
    if fault.score is not None:
        reply = _with_score(reply, fault.score)
    return Reply(200, _JSON, json.dumps(reply).encode())


def _with_score(document: Json, score: float) -> Json:
    if isinstance(document, dict):
        return {key: _with_score(value, score) for key, value in document.items()}
    if isinstance(document, list):
        return [_with_score(value, score) for value in document]
    return score if isinstance(document, float) else document


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, _JSON, json.dumps({"error": {"code": code, "message": message}}).encode())
