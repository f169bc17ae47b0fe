"""One request in, one reply out: the whole service without a socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from functions.endpoint import replies
from functions.endpoint.artefact import ENDPOINT_NAME, Served
from functions.endpoint.faults import Fault
from functions.endpoint.formats import DECODERS, ENCODERS, BodyError, decode, encode
from functions.endpoint.json_models import JsonModel
from functions.endpoint.plain import MODEL_PATH, answer_plain
from functions.endpoint.replies import Reply
from functions.endpoint.scoring import ScoringError

DEFAULT_VARIANT = "AllTraffic"
MAX_CUSTOM_ATTRIBUTES = 1024

_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
_INFERENCE_COMPONENT = "x-amzn-sagemaker-inference-component"

_NOT_SERVED: Mapping[str, str] = {
    "x-amzn-sagemaker-target-model": "is no multi-model endpoint; TargetModel can't be given",
    "x-amzn-sagemaker-target-container-hostname": "has one container; TargetContainerHostname can't be given",
    "x-amzn-sagemaker-enable-explanations": "explains nothing; EnableExplanations can't be given",
}
"""Headers that ask another question than the one that is answered here, and why it is refused."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it arrived.

    Attributes:
        method: `POST`, `GET`.
        path: Without its query.
        headers: By lower-case name.
        body: The bytes, not decoded.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_invocation(self) -> bool:
        """Whether a model is called: the method and path are those of InvokeEndpoint or of a plain model."""
        called = _INVOCATIONS.fullmatch(self.path) or MODEL_PATH.fullmatch(self.path)
        return self.method == "POST" and called is not None


def answer(models: Mapping[str, Served], request: ReceivedRequest, fault: Fault) -> Reply:
    """Answer as SageMaker does: the service's checks first, then the model's, then the scores.

    Models behind plain HTTP are answered at `/models/<name>`; see `plain`.

    What a fault does to the reply's content happens here; what it does to the connection does not.
    """
    if request.method == "GET" and request.path == "/ping":
        return Reply(200, "text/plain", b"")
    plain = MODEL_PATH.fullmatch(request.path)
    if plain and request.method == "POST":
        content_type = _media_type(request.headers.get("content-type", ""))
        return _disguise(answer_plain(models, plain[1], content_type, request.body, fault), fault)
    found = _INVOCATIONS.fullmatch(request.path)
    if request.method != "POST" or not found:
        return replies.unknown_operation()
    if fault.error == "ModelError":
        return replies.model_error(unquote(found[1]), fault.original_status, fault.message)
    if fault.error:
        return replies.service_error(fault.error, fault.message)
    return _disguise(_invoke(models, unquote(found[1]), request, fault), fault)


def _invoke(models: Mapping[str, Served], endpoint: str, request: ReceivedRequest, fault: Fault) -> Reply:
    problem = _service_problem(models, endpoint, request.headers)
    if problem:
        return replies.service_error("ValidationError", problem)
    content_type = _media_type(request.headers.get("content-type", ""))
    if content_type not in DECODERS:
        return replies.model_error(endpoint, 415, f"Content-Type must be {' or '.join(DECODERS)}")
    accepted = _accepted(request.headers.get("accept", ""))
    if not accepted:
        return replies.model_error(endpoint, 406, f"Accept must allow {' or '.join(ENCODERS)}")
    scorer = models[endpoint]
    if isinstance(scorer, JsonModel):
        return replies.service_error("ValidationError", _plain_problem(endpoint))
    try:
        scores = scorer.score(decode(content_type, request.body, scorer.feature_names))
    except (BodyError, ScoringError) as error:
        return replies.model_error(endpoint, 400, str(error))
    if fault.score is not None:
        scores = [fault.score] * len(scores)
    return Reply(200, accepted, encode(accepted, scores), _reply_headers(request.headers))


def _service_problem(models: Mapping[str, Served], endpoint: str, headers: Mapping[str, str]) -> str | None:
    """What the service refuses before any model is asked; None if nothing."""
    if not _is_name(endpoint):
        return (
            "1 validation error detected: Value at 'endpointName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: ^{ENDPOINT_NAME.pattern}"
        )
    if endpoint not in models:
        return f"Endpoint {endpoint} of account {replies.ACCOUNT} not found."
    for header, why in _NOT_SERVED.items():
        if header in headers:
            return f"Endpoint {endpoint} {why}."
    for header in (_TARGET_VARIANT, _INFERENCE_COMPONENT):
        if header in headers and not _is_name(headers[header]):
            return f"The header {header} holds no valid name."
    attributes = headers.get(_CUSTOM_ATTRIBUTES, "")
    if len(attributes) > MAX_CUSTOM_ATTRIBUTES or not (attributes.isascii() and attributes.isprintable()):
        return f"CustomAttributes must be at most {MAX_CUSTOM_ATTRIBUTES} printable ASCII characters."
    return None


def _plain_problem(endpoint: str) -> str:
    return f"{endpoint} is no SageMaker endpoint; it is a plain HTTP model: POST /models/{endpoint}"


def _is_name(text: str) -> bool:
    return len(text) <= 63 and ENDPOINT_NAME.fullmatch(text) is not None


def _reply_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Name the variant that answered, any that was asked for, and return the caller's attributes."""
    found = {"x-Amzn-Invoked-Production-Variant": headers.get(_TARGET_VARIANT, DEFAULT_VARIANT)}
    if _CUSTOM_ATTRIBUTES in headers:
        found["X-Amzn-SageMaker-Custom-Attributes"] = headers[_CUSTOM_ATTRIBUTES]
    return found


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _accepted(header: str) -> str | None:
    """Return the first content type that is both accepted and written here; any, if none is asked for."""
    for part in (header or "*/*").split(","):
        wanted = _media_type(part)
        for content_type in ENCODERS:
            if wanted in {content_type, "*/*", content_type.partition("/")[0] + "/*"}:
                return content_type
    return None


def _disguise(reply: Reply, fault: Fault) -> Reply:
    return replace(
        reply,
        content_type=reply.content_type if fault.content_type is None else fault.content_type,
        body=reply.body if fault.body is None else fault.body,
    )
