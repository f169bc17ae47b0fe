"""Whatever a model answers, it is believed or refused, and a rung of the ladder decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.endpoint.faults import Fault, Faults
from functions.endpoint.server import EndpointServer
from functions.errors import ModelError
from functions.models.model import ModelConnection, ModelReply
from functions.models.opening import open_model
from functions.models.replies import read_reply
from functions.runtime.engine import Runtime
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import NOW, a_plan, an_event, put_customer
from tests.hardening.fuzzing import (
    ROOT,
    SECRET,
    corpus,
    cut_up,
    examples,
    values,
)

TYPES: Final = (
    "application/json",
    "text/csv",
    "application/jsonlines",
    "application/x-ndjson",
    "text/html",
    "",
)
PLAN: Final = a_plan()
REPLIES: Final = (
    b'{"predictions": [{"score": 0.83}]}',
    b"0.83,0.1\n0.2,0.3",
    b'"0.83"',
    b"[0.83]",
    b"[[0.83]]",
)
replies = st.binary(max_size=30) | values.map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)


@examples(300)
@given(body=replies | st.sampled_from(REPLIES), content_type=st.sampled_from(TYPES) | st.text(max_size=5))
def test_any_reply_of_a_model_is_believed_or_refused(body: bytes, content_type: str) -> None:
    _read(body, content_type)


@examples(60)
@given(data=st.data())
def test_a_reply_with_bytes_changed_is_believed_or_refused(data: st.DataObject) -> None:
    _read(cut_up(data, data.draw(st.sampled_from(REPLIES))), data.draw(st.sampled_from(TYPES[:4])))


@pytest.mark.parametrize("content_type", TYPES[:4])
@pytest.mark.parametrize("body", corpus("replies"))
def test_the_corpus_of_replies_is_believed_or_refused(body: bytes, content_type: str) -> None:
    _read(body, content_type)


def _read(body: bytes, content_type: str) -> None:
    assert PLAN.model is not None
    error: ModelError | None = None
    try:
        score = read_reply(ModelReply(body, content_type), PLAN.model)["churn_risk"]
    except ModelError as caught:
        error = caught
    if error is not None:
        assert SECRET not in f"{error} {error.hint} {error.__cause__!r}"
        return
    assert type(score) in (int, float)
    assert 0 <= score <= 1


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[Faults, Runtime]]:
    """A runtime whose SageMaker endpoint answers as it is told, over real HTTP and with the SDK."""
    faults = Faults()
    with EndpointServer(ROOT / "models", faults=faults) as server:
        plan = a_plan().model
        assert plan is not None
        model = open_model(plan, ModelConnection(lambda name: name, "us-east-1", server.url, unsigned=True))
        world = Rehearsal(now=NOW)
        put_customer(world.store)
        yield faults, Runtime(replace(world.ports, model=lambda _: model))


content_types = st.sampled_from(TYPES[:5]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=8
)


@examples(40)
@given(
    body=replies, content_type=content_types, truncate_to=st.none() | st.integers(0, 3), number=st.integers()
)
def test_whatever_the_endpoint_answers_a_rung_of_the_ladder_decides(
    scripted: tuple[Faults, Runtime], body: bytes, content_type: str, truncate_to: int | None, number: int
) -> None:
    faults, runtime = scripted
    fault = Fault(body=body, content_type=content_type, truncate_to=truncate_to)
    # A broken connection is tried again, and fails again.
    faults.push(fault, fault)
    receipt = runtime.handle(a_plan(), an_event(f"event-{number}"), now=NOW)
    while faults.take() != Fault():
        """Take back what was not needed."""
    assert receipt.outcome in ("acted", "no_action", "duplicate")
    if receipt.outcome != "duplicate":
        assert receipt.model is not None
        assert receipt.model.rung in ("model", "cache", "fallback")
        assert (receipt.model.rung == "model") == (receipt.model.error is None)
