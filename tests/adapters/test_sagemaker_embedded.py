"""The SageMaker adapter against the embedded endpoint: from payload to a score that is believed, or not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from functions.endpoint.faults import Fault, Faults
from functions.endpoint.server import EndpointServer
from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelReplyError,
    ModelReplyRangeError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
    SettingsError,
)
from functions.expressions import compile_expression
from functions.models.attempts import Attempted, invoke_with_retries
from functions.models.model import ModelConnection, ModelReply
from functions.models.opening import open_model
from functions.models.replies import read_reply
from functions.spec.plan import ModelPlan
from functions.testing.models import cleared_payload


@dataclass(frozen=True, slots=True)
class Halving:
    """Scores a row by half of its first number."""

    feature_names: tuple[str, ...] = ("first", "second")

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        return [row[0] / 2 for row in rows]


class Ticking:
    """A clock and a sleep that belong together, and no waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def url(faults: Faults) -> Iterator[str]:
    with EndpointServer({"churn-risk": Halving()}, faults=faults) as server:
        yield server.url


def no_secret(name: str) -> str:
    raise SettingsError(f"there is no secret {name}")


def make_plan(**options: object) -> ModelPlan:
    return ModelPlan(
        kind="sagemaker",
        target="churn-risk",
        options=options,
        format="csv",
        template=None,
        template_expressions={},
        response={"churn_risk": compile_expression("predictions[0].score || predictions[0] || [0]")},
        ranges={"churn_risk": (0.0, 1.0)},
        timeout_s=2.0,
        max_attempts=3,
        max_payload_bytes=1000,
        missing_token=None,
        fallback=(),
    )


def attempt(
    url: str,
    body: bytes = b"0.5,1.0",
    *,
    plan: ModelPlan | None = None,
    accept: str = "text/csv",
    timeout_s: float = 2.0,
) -> Attempted:
    clock = Ticking()
    connection = ModelConnection(no_secret, sagemaker_url=url, unsigned=True)
    return invoke_with_retries(
        open_model(plan or make_plan(), connection),
        cleared_payload(body, accept=accept),
        inference_id="decision-1",
        timeout_s=timeout_s,
        max_attempts=3,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        jitter=random.Random(1).random,
    )


def score(attempted: Attempted) -> object:
    assert isinstance(attempted.outcome, ModelReply), attempted.outcome
    return read_reply(attempted.outcome, make_plan())["churn_risk"]


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_score_is_believed_in_every_format(url: str, accept: str) -> None:
    attempted = attempt(url, accept=accept)
    assert score(attempted) == 0.25
    assert attempted.attempts == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(error="ModelNotReadyException"),
        Fault(error="ThrottlingException"),
        Fault(error="InternalFailure"),
        Fault(error="ServiceUnavailable"),
        Fault(error="InternalDependencyException"),
        Fault(error="ModelError", original_status=503),
        Fault(error="ModelError", original_status=0),
        Fault(drop=True),
        Fault(truncate_to=1),
    ],
)
def test_fault_that_passes_is_survived_by_a_second_attempt(url: str, faults: Faults, fault: Fault) -> None:
    faults.push(fault)
    attempted = attempt(url)
    assert (score(attempted), attempted.attempts) == (0.25, 2)


@pytest.mark.parametrize(
    ("fault", "error", "attempts"),
    [
        (Fault(error="ModelError", original_status=400, message="12.5,73110.25"), ModelRejectedError, 1),
        (Fault(error="ValidationError"), ModelDeniedError, 1),
        (Fault(error="ServiceUnavailable"), ModelUnavailableError, 3),
        (Fault(error="ThrottlingException"), ModelThrottledError, 3),
    ],
)
def test_fault_that_stays_is_the_outcome(
    url: str, faults: Faults, fault: Fault, error: type[ModelError], attempts: int
) -> None:
    faults.push(*[fault] * attempts)
    attempted = attempt(url)
    assert type(attempted.outcome) is error
    assert attempted.attempts == attempts
    assert "73110.25" not in str(attempted.outcome)


@pytest.mark.parametrize("fault", [Fault(latency_ms=300), Fault(drip_ms=100)])
def test_slow_endpoint_is_a_timeout(url: str, faults: Faults, fault: Fault) -> None:
    faults.push(*[fault] * 3)
    assert isinstance(attempt(url, timeout_s=0.05).outcome, ModelTimeoutError)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(score=36_000_000.0), ModelReplyRangeError),
        (Fault(score=-0.1), ModelReplyRangeError),
        (Fault(score=float("nan")), ModelReplyError),
        (Fault(score=float("inf")), ModelReplyError),
        (Fault(content_type="text/html"), ModelReplyError),
        (Fault(content_type="application/json", body=b'{"predictions": [{"sco'), ModelReplyError),
        (Fault(body=b""), ModelReplyError),
    ],
)
@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_reply_that_is_not_sane_is_not_believed(
    url: str, faults: Faults, fault: Fault, error: type[ModelError], accept: str
) -> None:
    faults.push(fault)
    with pytest.raises(error):
        score(attempt(url, accept=accept))


def test_endpoint_that_does_not_exist_is_denied(url: str) -> None:
    attempted = attempt(url, plan=make_plan(endpoint="no-such-endpoint"))
    assert type(attempted.outcome) is ModelDeniedError
    assert attempted.attempts == 1
