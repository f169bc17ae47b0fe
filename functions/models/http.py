"""Models behind plain HTTP: MLflow, Azure ML, Databricks, Vertex AI raw predict, your own server."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from functions.governance.gate import Payload
from functions.models.http_status import error_for_container_status, error_for_status
from functions.models.limits import MAX_BODY_BYTES
from functions.models.model import ModelConnection, ModelReply
from functions.outbound.failures import FailureKind, HttpCallError
from functions.outbound.http import HttpAnswer, HttpSender
from functions.outbound.options import header_value, read_headers, secret_option

if TYPE_CHECKING:
    import httpx

    from functions.spec.plan import ModelPlan

INFERENCE_ID_HEADER: Final = "X-Inference-Id"

# Azure ML answers 424 for a container that failed, with the container's own status here.
# Source: https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints
AZURE_CONTAINER_STATUS_HEADER: Final = "ms-azureml-model-error-statuscode"
_VARIANT_HEADER: Final = "azureml-model-deployment"

_FAILURES: Final = MappingProxyType[FailureKind, tuple[type[ModelError], str]](
    {
        "refused_address": (ModelDeniedError, "its address may not be called"),
        "unresolved": (ModelUnavailableError, "the host has no address"),
        "unreachable": (ModelUnavailableError, "no connection"),
        "timeout": (ModelTimeoutError, "no answer in time"),
        "broken": (ModelUnavailableError, "the connection broke before the reply was complete"),
        "too_large": (ModelReplyError, f"the reply has over {MAX_BODY_BYTES:,} bytes"),
        "encoded": (ModelReplyError, "the reply is compressed, although that was not asked for"),
        "unusable": (ModelDeniedError, "the request can't be made with these options"),
    }
)


class HttpModel:
    """One URL that takes a POST. Connections are kept alive; no redirect is followed.

    Options: `url`, `headers` (text or `{secret: NAME}`), `bearer` (a secret), `accept`. The inference id
    travels as `X-Inference-Id`. Proxies and netrc files of the environment are not used.

    Args:
        plan: The model's plan; its target is the URL where no option gives one.
        connection: Gives the secrets.
        transport: An httpx transport in the place of the network, for tests.

    Raises:
        SettingsError: An option can't be used, or a secret is missing.
    """

    def __init__(
        self, plan: ModelPlan, connection: ModelConnection, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        where = "model of kind http"
        options = plan.options
        self._headers = read_headers(
            options.get("headers"),
            connection.secrets,
            where=where,
            reserved={"content-type", "accept", INFERENCE_ID_HEADER.lower()},
        )
        if options.get("bearer") is not None:
            token = secret_option(options["bearer"], connection.secrets, where=f"{where}: bearer")
            self._headers["Authorization"] = header_value(f"Bearer {token}", where, "Authorization")
        self._accept = options.get("accept")
        self._sender = HttpSender(
            options.get("url") or plan.target,
            where=where,
            keep_alive=True,
            max_body_bytes=MAX_BODY_BYTES,
            transport=transport,
        )
        self._name = f"model at {self._sender.host}"

    def close(self) -> None:
        """Close idle connections."""
        self._sender.close()

    def invoke(self, payload: Payload, *, inference_id: str, timeout_s: float) -> ModelReply:
        """Post the payload once.

        Raises:
            ModelError: As its subclasses say; nothing of the reply is in the text.
        """
        headers = {
            **self._headers,
            "Content-Type": payload.content_type,
            "Accept": self._accept or payload.accept,
            INFERENCE_ID_HEADER: inference_id,
        }
        try:
            answer = self._sender.post(payload.body, headers, timeout_s=timeout_s)
        except HttpCallError as failure:
            error, what = _FAILURES[failure.kind]
            raise error(f"{self._name}: {what}") from None
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        return ModelReply(answer.body, answer.content_type, answer.headers.get(_VARIANT_HEADER))

    def _refusal(self, answer: HttpAnswer) -> ModelError:
        container = answer.headers.get(AZURE_CONTAINER_STATUS_HEADER, "")
        if answer.status == 424 and container.isascii() and container.isdigit():
            status = int(container[:3])
            return error_for_container_status(status)(f"{self._name}: its container answered {status}")
        hint = "Redirects are not followed: give the final address." if 300 <= answer.status < 400 else None
        return error_for_status(answer.status)(f"{self._name}: HTTP status {answer.status}", hint=hint)
