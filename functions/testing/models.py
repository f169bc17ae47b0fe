"""The checks that every model adapter must pass, to be run by pytest.

Subclass `ModelConformance` in a test module and give it a fixture named `stage`:

    import pytest
    from functions.testing.models import ModelConformance, ModelStage

    class TestMyModel(ModelConformance):
        @pytest.fixture
        def stage(self):
            def open_stage(behaviour):
                ...  # a server that behaves so, and the adapter that calls it
                return ModelStage(model, received=lambda: [...])
            yield open_stage

This module does not need pytest to be imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

from functions.errors import (
    ModelDeniedError,
    ModelError,
    ModelRejectedError,
    ModelReplyError,
    ModelThrottledError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from functions.governance.consent import ConsentRecord
from functions.governance.gate import Payload, check_consent, clear
from functions.models.model import Model, ModelReply
from functions.spec.plan import Governance

Behaviour = Literal[
    "answers",
    "refuses",
    "throttles",
    "fails",
    "denies",
    "hangs_up",
    "cuts",
    "overflows",
    "is_silent",
    "drips",
]
"""What the server of a stage does with every call.

- `answers`: `ANSWER`, as `application/json; charset=utf-8`.
- `refuses`: says that the payload is wrong, with `SERVER_SECRET` in its text.
- `throttles`, `fails`, `denies`: too many requests, a fault of its own, no rights; same text.
- `hangs_up`: without an answer. `cuts`: the body is cut short.
- `overflows`: more than `functions.models.limits.MAX_BODY_BYTES`.
- `is_silent`: takes the request and never answers. `drips`: the answer comes too slowly to end in time.
"""

ANSWER: Final = b'{"predictions": [{"score": 0.83}]}'
SERVER_SECRET: Final = "secret-of-the-server"  # noqa: S105 - what errors must not repeat
PAYLOAD_SECRET: Final = "73110.25"  # noqa: S105 - a feature value that errors must not repeat

EXPECTED_ERRORS: Final = MappingProxyType[Behaviour, type[ModelError]](
    {
        "refuses": ModelRejectedError,
        "throttles": ModelThrottledError,
        "fails": ModelUnavailableError,
        "denies": ModelDeniedError,
        "hangs_up": ModelUnavailableError,
        "cuts": ModelUnavailableError,
        "overflows": ModelReplyError,
        "is_silent": ModelTimeoutError,
        "drips": ModelTimeoutError,
    }
)
"""What each behaviour other than `answers` must become."""

TIMEOUT_S: Final = 0.25
GRACE_S: Final = 0.5
"""How far past its deadline a call may end on a busy machine."""


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """What the server saw of one call."""

    body: bytes
    content_type: str
    inference_id: str


@dataclass(frozen=True, slots=True)
class ModelStage:
    """An adapter, and what its server has seen."""

    model: Model
    received: Callable[[], Sequence[ReceivedCall]]


OpenModelStage = Callable[[Behaviour], ModelStage]


def cleared_payload(
    body: bytes = b"12.5,3.0,249.99", *, content_type: str = "text/csv", accept: str = "application/json"
) -> Payload:
    """Return a payload that passed the gate, under a consent made up for it."""
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    record = ConsentRecord(purpose="marketing", status="granted", at=now)
    checked = check_consent(record, check="before_model", purpose="retention", consent="marketing", now=now)
    clearance = clear(checked, Governance())
    if clearance is None:
        raise AssertionError("the consent made up for a test must pass")
    return Payload(clearance, content_type, body, accept)


class ModelConformance:
    """Every promise of `functions.models.model.Model`. The subclass provides the fixture `stage`."""

    def test_reply_holds_the_exact_bytes_and_the_bare_media_type(self, stage: OpenModelStage) -> None:
        """A charset or a capital letter must not hide what a body is."""
        reply = _invoke(stage("answers").model)
        assert (reply.body, reply.content_type) == (ANSWER, "application/json")

    def test_payload_and_inference_id_arrive_unchanged(self, stage: OpenModelStage) -> None:
        """The receipt's payload is what left."""
        opened = stage("answers")
        _invoke(opened.model)
        assert list(opened.received()) == [ReceivedCall(_payload().body, "text/csv", "decision-1")]

    def test_one_call_is_one_attempt(self, stage: OpenModelStage) -> None:
        """Retries belong to the caller, who owns the deadline."""
        opened = stage("fails")
        _failure(opened.model)
        assert len(opened.received()) == 1

    def test_each_behaviour_becomes_its_error(self, stage: OpenModelStage) -> None:
        """Retry or not, and who must act, hang on the class."""
        found = {behaviour: type(_failure(stage(behaviour).model)) for behaviour in EXPECTED_ERRORS}
        wrong = {
            behaviour: error.__name__
            for behaviour, error in found.items()
            if not issubclass(error, EXPECTED_ERRORS[behaviour])
        }
        assert wrong == {}

    def test_no_error_repeats_the_payload_or_the_server(self, stage: OpenModelStage) -> None:
        """Texts of servers hold stack traces and feature values."""
        for behaviour in EXPECTED_ERRORS:
            error = _failure(stage(behaviour).model)
            told = f"{error} {error.hint} {error.__cause__!r}"
            assert SERVER_SECRET not in told
            assert PAYLOAD_SECRET not in told

    def test_no_call_outlasts_its_deadline(self, stage: OpenModelStage) -> None:
        """Also where bytes keep coming."""
        silent, dripping = stage("is_silent"), stage("drips")
        for opened in (silent, dripping):
            begin = time.monotonic()
            _failure(opened.model)
            assert time.monotonic() - begin < TIMEOUT_S + GRACE_S

    def test_without_time_nothing_is_called(self, stage: OpenModelStage) -> None:
        """A deadline that has passed is a timeout, and no byte leaves."""
        opened = stage("answers")
        error = _failure(opened.model, timeout_s=0.0)
        assert isinstance(error, ModelTimeoutError)
        assert list(opened.received()) == []


def _payload() -> Payload:
    return cleared_payload(f"12.5,{PAYLOAD_SECRET}".encode())


def _invoke(model: Model) -> ModelReply:
    return model.invoke(_payload(), inference_id="decision-1", timeout_s=5.0)


def _failure(model: Model, *, timeout_s: float | None = None) -> ModelError:
    try:
        model.invoke(
            _payload(), inference_id="decision-1", timeout_s=TIMEOUT_S if timeout_s is None else timeout_s
        )
    except ModelError as error:
        return error
    raise AssertionError("the call was expected to fail")
