"""From bytes to outputs that can be believed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.errors import ModelReplyError, ModelReplyRangeError
from functions.expressions import compile_expression
from functions.models.limits import MAX_OUTPUT_BYTES
from functions.models.model import ModelReply
from functions.models.replies import decode_reply, read_reply
from functions.spec.plan import ModelPlan


def make_plan(
    response: Mapping[str, str] | None = None, ranges: Mapping[str, tuple[float, float]] | None = None
) -> ModelPlan:
    return ModelPlan(
        kind="sagemaker",
        target="churn-risk",
        options={},
        format="csv",
        template=None,
        template_expressions={},
        response={
            name: compile_expression(text)
            for name, text in (response or {"churn_risk": "predictions[0].score || [0]"}).items()
        },
        ranges={"churn_risk": (0.0, 1.0)} if ranges is None else ranges,
        timeout_s=0.15,
        max_attempts=2,
        max_payload_bytes=1000,
        missing_token=None,
        fallback=(),
    )


def read(body: str | bytes, content_type: str = "application/json", plan: ModelPlan | None = None) -> Json:
    raw = body if isinstance(body, bytes) else body.encode()
    return read_reply(ModelReply(raw, content_type), plan or make_plan())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"predictions": [{"score": 0.83}]}', "application/json"),
        ("[0.83]", "application/json"),
        ("0.83", "text/csv"),
        ("0.83,churned\r\n", "text/csv"),
        ("\ufeff 8.3e-1 ,x\n", "text/csv"),
        ("0.83\n", "application/jsonlines"),
        ("0.83\n\n", "application/x-ndjson"),
    ],
)
def test_one_expression_reads_every_format_of_a_score(body: str, content_type: str) -> None:
    assert read(body, content_type) == {"churn_risk": 0.83}


def test_several_csv_rows_stay_rows() -> None:
    plan = make_plan({"churn_risk": "[1][0]"})
    assert read("0.1,a\n0.2,b\n", "text/csv", plan) == {"churn_risk": 0.2}


def test_lines_are_a_list_of_documents() -> None:
    plan = make_plan({"churn_risk": "[1].score"})
    assert read('{"score": 0.1}\n{"score": 0.9}', "application/jsonlines", plan) == {"churn_risk": 0.9}


def test_csv_cells_are_numbers_texts_or_nothing() -> None:
    decoded = decode_reply(ModelReply(b'1,-2.5,,"a,b",1_0,0x1f,12345678901234567890', "text/csv"))
    assert decoded == [1, -2.5, None, "a,b", "1_0", "0x1f", 1.2345678901234567e19]


@pytest.mark.parametrize("score", ["0", "1", "0.0", "1.0", "0.5"])
def test_bounds_of_a_range_belong_to_it(score: str) -> None:
    assert read(f"[{score}]") == {"churn_risk": float(score)}


@pytest.mark.parametrize("score", ["-0.001", "1.001", "36000000", "-1e308", "1" + "0" * 400])
def test_score_outside_its_range_is_refused(score: str) -> None:
    with pytest.raises(ModelReplyRangeError, match="churn_risk"):
        read(f"[{score}]")


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-Infinity", "+INF", "1e999", "9" * 400])
def test_csv_number_that_is_not_finite_is_refused(cell: str) -> None:
    with pytest.raises(ModelReplyRangeError):
        read(f"0.5,{cell}", "text/csv")


@pytest.mark.parametrize("body", ['{"score": NaN}', "[Infinity]", "[-Infinity]", "[1e999]"])
def test_json_number_that_is_not_finite_is_refused(body: str) -> None:
    with pytest.raises(ModelReplyError):
        read(body)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "application/json"),
        ('{"predictions": [{"score": 0.8', "application/json"),
        ("<html>", "application/json"),
        ('{"a": 1, "a": 2}', "application/json"),
        ("[" * 5000, "application/json"),
        (b"\xff\xfe", "application/json"),
        ("", "text/csv"),
        ("\n\n", "text/csv"),
        ('"never closed', "text/csv"),
        (b"0.5,\xff", "text/csv"),
        ("x" * 200_000, "text/csv"),
        ("", "application/jsonlines"),
        ('{"score": 0.1}\n{"sco', "application/jsonlines"),
    ],
)
def test_reply_that_is_not_what_its_type_says_is_malformed(body: str | bytes, content_type: str) -> None:
    with pytest.raises(ModelReplyError):
        read(body, content_type)


@pytest.mark.parametrize("content_type", ["", "text/html", "application/octet-stream", "text/plain"])
def test_content_type_that_is_not_read_is_refused(content_type: str) -> None:
    with pytest.raises(ModelReplyError, match="content type"):
        read("[0.5]", content_type)


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", '{"predictions": []}', '{"predictions": [{"score": null}]}']
)
def test_reply_without_the_output_is_malformed(body: str) -> None:
    with pytest.raises(ModelReplyError, match="churn_risk"):
        read(body)


@pytest.mark.parametrize("value", ["true", '"0.5"', "[0.5]", '{"score": 0.5}'])
def test_output_with_a_range_must_be_a_number(value: str) -> None:
    with pytest.raises(ModelReplyError, match="no number"):
        read(f"[{value}]")


def test_output_without_a_range_may_be_text_or_a_list() -> None:
    plan = make_plan({"label": "label", "titles": "titles"}, ranges={})
    assert read('{"label": "stay", "titles": ["a", "b"]}', plan=plan) == {
        "label": "stay",
        "titles": ["a", "b"],
    }


def test_output_over_its_size_is_refused() -> None:
    plan = make_plan({"titles": "titles"}, ranges={})
    with pytest.raises(ModelReplyError, match="bytes"):
        read('{"titles": "' + "x" * MAX_OUTPUT_BYTES + '"}', plan=plan)


def test_output_that_no_store_could_carry_is_refused() -> None:
    plan = make_plan({"label": "label"}, ranges={})
    with pytest.raises(ModelReplyError, match="surrogate"):
        read('{"label": "\\ud800"}', plan=plan)


def test_expression_that_fails_on_the_reply_is_a_malformed_reply() -> None:
    plan = make_plan({"churn_risk": "abs(score)"})
    with pytest.raises(ModelReplyError, match="expression failed") as caught:
        read('{"score": "planted-value"}', plan=plan)
    assert "planted-value" not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"predictions": [{"score": 77665544}]}', "application/json"),
        ("77665544", "text/csv"),
        ("77665544,nan", "text/csv"),
        ('["77665544"]', "application/json"),
        ('{"x": 77665544,,}', "application/json"),
    ],
)
def test_no_error_repeats_a_value_of_the_reply(body: str, content_type: str) -> None:
    with pytest.raises(ModelReplyError) as caught:
        read(body, content_type)
    assert "77665544" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"


@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/csv", "application/jsonlines"]))
def test_any_bytes_give_a_finite_score_in_range_or_an_error(body: bytes, content_type: str) -> None:
    try:
        outputs = read(body, content_type)
    except ModelReplyError:
        return
    assert math.isfinite(outputs["churn_risk"])
    assert 0 <= outputs["churn_risk"] <= 1


@given(st.floats(min_value=0, max_value=1))
def test_every_score_survives_csv_and_json(score: float) -> None:
    assert read(repr(score), "text/csv") == {"churn_risk": score}
    assert read(f"[{score!r}]") == {"churn_risk": score}
