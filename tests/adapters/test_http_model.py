"""The HTTP adapter over real HTTP on this machine."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelReplyError,
    ModelThrottledError,
    ModelUnavailableError,
    SettingsError,
)
from functions.expressions import compile_expression
from functions.models.http import HttpModel
from functions.models.limits import MAX_BODY_BYTES
from functions.models.model import ModelConnection, ModelReply
from functions.spec.plan import ModelPlan
from functions.testing.loopback import Answer, LoopbackReceiver
from functions.testing.models import (
    ANSWER,
    SERVER_SECRET,
    Behaviour,
    ModelConformance,
    ModelStage,
    OpenModelStage,
    ReceivedCall,
    cleared_payload,
)

SECRETS = {"TOKEN": "planted-token-value", "BROKEN": "planted-value\nX-Evil: 1"}


def secret(name: str) -> str:
    if name not in SECRETS:
        raise SettingsError(f"there is no secret {name}")
    return SECRETS[name]


def make_plan(target: str, options: dict[str, object]) -> ModelPlan:
    return ModelPlan(
        kind="http",
        target=target,
        options=options,
        format="json",
        template=None,
        template_expressions={},
        response={"churn_risk": compile_expression("[0]")},
        ranges={},
        timeout_s=0.15,
        max_attempts=1,
        max_payload_bytes=1000,
        missing_token=None,
        fallback=(),
    )


def open_at(target: str, transport: httpx.BaseTransport | None = None, **options: object) -> HttpModel:
    return HttpModel(make_plan(target, options), ModelConnection(secrets=secret), transport=transport)


def invoke(model: HttpModel, timeout_s: float = 5.0) -> ModelReply:
    return model.invoke(cleared_payload(), inference_id="decision-1", timeout_s=timeout_s)


def failure(model: HttpModel, timeout_s: float = 5.0) -> ModelError:
    with pytest.raises(ModelError) as caught:
        invoke(model, timeout_s)
    return caught.value


def refusing(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body=SERVER_SECRET.encode(), headers=named)


BEHAVIOURS: dict[Behaviour, Answer] = {
    "answers": Answer(body=ANSWER, content_type="Application/JSON; charset=utf-8"),
    "refuses": refusing(400),
    "throttles": refusing(429),
    "fails": refusing(500),
    "denies": refusing(403),
    "hangs_up": Answer(drop=True),
    "cuts": Answer(body=ANSWER, cut_to=10),
    "overflows": Answer(body=b"0" * (MAX_BODY_BYTES + 1)),
    "is_silent": Answer(silent=True),
    "drips": Answer(body=ANSWER, drip_s=0.05),
}


class TestHttpModel(ModelConformance):
    @pytest.fixture
    def stage(self) -> Iterator[OpenModelStage]:
        with ExitStack() as servers:

            def open_stage(behaviour: Behaviour) -> ModelStage:
                server = servers.enter_context(LoopbackReceiver(BEHAVIOURS[behaviour]))
                return ModelStage(open_at(server.url), lambda: received(server))

            yield open_stage


def received(server: LoopbackReceiver) -> list[ReceivedCall]:
    return [
        ReceivedCall(one.body, one.headers["content-type"], one.headers["x-inference-id"])
        for one in server.received
    ]


def test_headers_and_bearer_come_from_secrets() -> None:
    with LoopbackReceiver(BEHAVIOURS["answers"]) as server:
        model = open_at(
            "http://not-used.invalid/",
            url=f"{server.url}/score?version=2",
            headers={"X-Api-Key": {"secret": "TOKEN"}, "X-Team": "lifecycle"},
            bearer={"secret": "TOKEN"},
            accept="text/csv",
        )
        invoke(model)
    sent = server.received[0]
    assert sent.path == "/score?version=2"
    assert sent.headers["x-api-key"] == "planted-token-value"
    assert sent.headers["x-team"] == "lifecycle"
    assert sent.headers["authorization"] == "Bearer planted-token-value"
    assert sent.headers["accept"] == "text/csv"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusing(400), ModelRejectedError),
        (refusing(401), ModelDeniedError),
        (refusing(404), ModelDeniedError),
        (refusing(408), ModelUnavailableError),
        (refusing(413), ModelRejectedError),
        (refusing(418), ModelError),
        (refusing(422), ModelRejectedError),
        (refusing(425), ModelUnavailableError),
        (refusing(503), ModelUnavailableError),
        (refusing(424), ModelError),
        (refusing(424, ms_azureml_model_error_statuscode="400"), ModelRejectedError),
        (refusing(424, ms_azureml_model_error_statuscode="500"), ModelUnavailableError),
        (refusing(424, ms_azureml_model_error_statuscode="none"), ModelError),
    ],
)
def test_status_becomes_our_error(answer: Answer, error: type[ModelError]) -> None:
    with LoopbackReceiver(answer) as server:
        found = failure(open_at(server.url))
    assert type(found) is error
    assert SERVER_SECRET not in f"{found} {found.hint}"


def test_redirect_is_not_followed() -> None:
    with LoopbackReceiver(Answer()) as other:
        with LoopbackReceiver(refusing(307, Location=f"{other.url}/elsewhere")) as server:
            found = failure(open_at(server.url))
        assert type(found) is ModelDeniedError
        assert "Redirects are not followed" in str(found.hint)
        assert other.received == []


def test_connections_are_reused_and_closed() -> None:
    with LoopbackReceiver(BEHAVIOURS["answers"]) as server:
        model = open_at(server.url)
        for _ in range(5):
            invoke(model)
        model.close()
        model.close()
        assert len({one.client for one in server.received}) == 1


def test_cookies_of_a_reply_are_not_sent_back() -> None:
    with LoopbackReceiver(Answer(body=ANSWER, headers={"Set-Cookie": "session=1"})) as server:
        model = open_at(server.url)
        invoke(model)
        invoke(model)
    assert ["cookie" in one.headers for one in server.received] == [False, False]


def test_compressed_reply_is_refused() -> None:
    answer = Answer(body=gzip.compress(b"0" * 1_000_000), headers={"Content-Encoding": "gzip"})
    with LoopbackReceiver(answer) as server:
        assert "compressed" in str(failure(open_at(server.url)))


def test_body_of_exactly_the_limit_is_read() -> None:
    with LoopbackReceiver(Answer(body=b"0" * MAX_BODY_BYTES)) as server:
        assert len(invoke(open_at(server.url)).body) == MAX_BODY_BYTES


def test_deployment_that_answered_is_told() -> None:
    with LoopbackReceiver(Answer(body=ANSWER, headers={"azureml-model-deployment": "green"})) as server:
        assert invoke(open_at(server.url)).variant == "green"


def test_dead_port_and_unknown_host_are_unavailable() -> None:
    with LoopbackReceiver(Answer()) as server:
        url = server.url
    assert type(failure(open_at(url))) is ModelUnavailableError
    assert type(failure(open_at("http://no-such-host.invalid/"))) is ModelUnavailableError


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "https:///path",
        "example.com",
        "http://[::1",
        "http://a b/",
    ],
)
def test_url_that_is_no_web_address_is_a_setting_to_correct(url: str) -> None:
    with pytest.raises(SettingsError, match="URL"):
        open_at(url)


def test_credentials_in_the_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        open_at("https://user:planted-password@example.com/")
    assert "planted-password" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Team": "a\r\nX-Evil: 1"},
        {"X-Team": "a\nb"},
        {"X-Team": "a\0b"},
        {"X-Team": ""},
        {"X-Team": "ü"},
        {"X-Team\r\nX-Evil": "1"},
        {"X Team": "1"},
        {"Host": "elsewhere"},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Type": "text/plain"},
        {"X-Inference-Id": "1"},
        {"X-Key": {"secret": "BROKEN"}},
        {"X-Key": {"secret": "MISSING"}},
        {"X-Key": {"other": "TOKEN"}},
        {"X-Key": 1},
    ],
)
def test_header_that_could_smuggle_or_clash_is_a_setting_to_correct(headers: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as caught:
        open_at("https://example.com/", headers=headers)
    assert "planted" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


def test_bearer_with_a_line_break_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        open_at("https://example.com/", bearer="BROKEN")
    assert "planted" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (httpx.ConnectError(SERVER_SECRET), ModelUnavailableError),
        (httpx.ReadError(SERVER_SECRET), ModelUnavailableError),
        (httpx.RemoteProtocolError(SERVER_SECRET), ModelUnavailableError),
        (httpx.LocalProtocolError(SERVER_SECRET), ModelDeniedError),
        (httpx.DecodingError(SERVER_SECRET), ModelUnavailableError),
    ],
)
def test_exception_of_httpx_becomes_our_error(raised: Exception, error: type[ModelError]) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise raised

    found = failure(open_at("https://example.com/", httpx.MockTransport(handle)))
    assert type(found) is error
    assert SERVER_SECRET not in f"{found} {found.hint} {found.__cause__!r}"


def test_reply_without_a_content_type_has_an_empty_one() -> None:
    with LoopbackReceiver(Answer(body=b"0.5", content_type=None)) as server:
        assert invoke(open_at(server.url)).content_type == ""


def test_kinds_of_failure_all_have_an_error() -> None:
    from typing import get_args

    from functions.models.http import _FAILURES
    from functions.outbound.failures import FailureKind

    assert set(_FAILURES) == set(get_args(FailureKind))
    assert _FAILURES["too_large"][0] is ModelReplyError
    assert ModelThrottledError not in {error for error, _ in _FAILURES.values()}
