"""Models behind SageMaker endpoints, called by InvokeEndpoint."""

from __future__ import annotations

import math
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from functions.errors import (
    ModelError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
    SettingsError,
)
from functions.governance.gate import Payload
from functions.models.http_status import error_for_container_status, error_for_status
from functions.models.limits import MAX_BODY_BYTES
from functions.models.model import ModelConnection, ModelReply
from functions.models.sagemaker_errors import (
    CODE_ERRORS,
    MODEL_ERROR_CODE,
    error_for_exception,
)
from functions.outbound.aws_failures import CREDENTIAL_CODES, is_about_credentials
from functions.outbound.aws_session import new_session
from functions.outbound.deadline import OverdueError, within
from functions.outbound.failures import UNREADABLE_ANSWER

if TYPE_CHECKING:
    from functions.spec.plan import ModelPlan

# Option of the spec to parameter of InvokeEndpoint.
_PARAMETERS: Final = MappingProxyType(
    {
        "target_variant": "TargetVariant",
        "target_model": "TargetModel",
        "target_container": "TargetContainerHostname",
        "inference_component": "InferenceComponentName",
        "custom_attributes": "CustomAttributes",
    }
)
_CREDENTIALS_HINT: Final = (
    "Give the AWS SDK credentials (environment, profile or role) that may call sagemaker:InvokeEndpoint."
)
_RIGHTS_HINT: Final = "Check the endpoint's name, its region, and the right sagemaker:InvokeEndpoint."


class SageMakerModel:
    """One SageMaker endpoint. One attempt per call; the deadline is ours, not the SDK's.

    Options: `endpoint`, `target_variant`, `target_model`, `target_container`, `inference_component`,
    `custom_attributes`, `accept`.

    Args:
        plan: The model's plan; its target is the endpoint where no option gives one.
        connection: Region, URL and whether to sign.
        client: A client in the place of the SDK's own, for tests.

    Raises:
        SettingsError: The SDK can't make a client: no region, or a profile that can't be read.
    """

    def __init__(self, plan: ModelPlan, connection: ModelConnection, *, client: Any = None) -> None:
        options = plan.options
        self._endpoint = str(options.get("endpoint") or plan.target)
        self._accept = options.get("accept")
        self._parameters = {
            parameter: options[option]
            for option, parameter in _PARAMETERS.items()
            if options.get(option) is not None
        }
        # The SDK's timeouts bound one socket operation each. All they do here is to end a call that was
        # abandoned at the deadline, so whole seconds do and plans share a client.
        socket_timeout_s = max(1, math.ceil(plan.timeout_s))
        self._client = client or _runtime_client(
            connection.region, connection.sagemaker_url, connection.unsigned, socket_timeout_s
        )

    def invoke(self, payload: Payload, *, inference_id: str, timeout_s: float) -> ModelReply:
        """Call InvokeEndpoint once.

        Raises:
            ModelError: As its subclasses say; neither the container's message nor the payload is in the
                text.
        """
        request = {
            "EndpointName": self._endpoint,
            "ContentType": payload.content_type,
            "Accept": self._accept or payload.accept,
            "InferenceId": inference_id,
            "Body": payload.body,
            **self._parameters,
        }
        try:
            return within(timeout_s, lambda: self._invoke(request))
        except OverdueError:
            raise ModelTimeoutError(f"SageMaker endpoint {self._endpoint}: no answer in time") from None

    def _invoke(self, request: dict[str, Any]) -> ModelReply:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        try:
            response = self._client.invoke_endpoint(**request)
            body = _read(response["Body"])
        except ClientError as error:
            raise self._translated(error.response) from None
        except (BotoCoreError, ResponseParserError, HTTPError) as error:
            # The text may quote parameters or what was received.
            kind = type(error)
            hint = _CREDENTIALS_HINT if is_about_credentials(kind) else None
            found = error_for_exception(kind) or ModelError
            raise found(f"SageMaker endpoint {self._endpoint}: {kind.__name__}", hint=hint) from None
        except UNREADABLE_ANSWER as error:
            name = type(error).__name__
            raise ModelUnavailableError(
                f"SageMaker endpoint {self._endpoint}: an answer that is not SageMaker's ({name})"
            ) from None
        if body is None:
            raise ModelReplyError(
                f"SageMaker endpoint {self._endpoint}: the reply has over {MAX_BODY_BYTES:,} bytes"
            )
        content_type = str(response.get("ContentType", "")).partition(";")[0].strip().lower()
        return ModelReply(body, content_type, response.get("InvokedProductionVariant"))

    def _translated(self, response: dict[str, Any]) -> ModelError:
        """Return our error for an error response; only its code and status are looked at."""
        code = str(response.get("Error", {}).get("Code", ""))
        status = _number(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
        name = f"SageMaker endpoint {self._endpoint}"
        if code == MODEL_ERROR_CODE:
            original = _number(response.get("OriginalStatusCode"))
            error = error_for_container_status(original)
            return error(f"{name}: its container answered {original or 'nothing in time'}")
        if code in CODE_ERRORS:
            hint = _CREDENTIALS_HINT if code in CREDENTIAL_CODES else None
            if hint is None and not CODE_ERRORS[code].retryable:
                hint = _RIGHTS_HINT
            return CODE_ERRORS[code](f"{name}: {code}", hint=hint)
        return error_for_status(status)(f"{name}: HTTP status {status}")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _read(stream: Any) -> bytes | None:
    """Return the body; None where it is over the limit. Closes the connection only when cut short."""
    chunks: list[bytes] = []
    room = MAX_BODY_BYTES
    while chunk := stream.read(min(room + 1, 65_536)):
        room -= len(chunk)
        if room < 0:
            stream.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


@cache
def _runtime_client(region: str | None, url: str | None, unsigned: bool, socket_timeout_s: int) -> Any:
    """Make the one client for these settings. Clients are safe to share between threads.

    Made by botocore's session, which is what boto3 wraps: the same client, without the import of boto3's
    resources.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=socket_timeout_s,
        read_timeout=socket_timeout_s,
        max_pool_connections=50,
        # A proxy of the environment can't reach this machine's loopback; None is the SDK's own choice.
        proxies={} if unsigned else None,
    )
    # With credentials given, the SDK looks for none, so that no request leaves for a metadata service.
    # They are no secret: an endpoint on this machine checks none, but the protocol wants a signature.
    keys = {"aws_access_key_id": "unsigned", "aws_secret_access_key": "unsigned"} if unsigned else {}
    try:
        return new_session().create_client(
            "sagemaker-runtime",
            region_name=region or ("us-east-1" if unsigned else None),
            endpoint_url=url,
            config=config,
            **keys,
        )
    except BotoCoreError as error:
        raise SettingsError(
            f"the AWS SDK can't be set up for SageMaker: {type(error).__name__}",
            hint="Set AWS_REGION, and check AWS_PROFILE and the endpoint URL.",
        ) from None
    except ValueError:
        raise SettingsError("the endpoint URL of SageMaker can't be read") from None
