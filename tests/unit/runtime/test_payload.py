"""The exact bytes that leave for a model."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import FeatureExpressionError, FeatureNullError, PayloadTooLargeError
from functions.governance.gate import Clearance, Payload, check_consent, clear
from functions.runtime.payload import build_payload, csv_line
from functions.spec.plan import Governance, ModelPlan
from functions.testing.sample_function import NOW, SPEC, a_plan, consent


def _clearance() -> Clearance:
    checked = check_consent(
        consent(), check="before_model", purpose="retention", consent="marketing", now=NOW
    )
    clearance = clear(checked, Governance())
    assert clearance is not None
    return clearance


def _model(**request: Any) -> ModelPlan:
    names = ("days", "text", "big", "nothing", "orders")
    features = {name: {"from": f"profile.{name}", "type": "float"} for name in names}
    model = a_plan(features=features, model={**SPEC["model"], "request": request}).model
    assert model is not None
    return model


CSV = _model(format="csv")


def _payload(model: ModelPlan, **features: Any) -> Payload:
    return build_payload(model, features, _clearance())


def test_csv_writes_every_number_as_a_float_in_the_order_of_the_features() -> None:
    payload = _payload(CSV, days=120, orders=3, value=180.5, member=True, big=10**20)
    assert payload.body == b"120.0,3.0,180.5,1.0,1e20"
    assert (payload.content_type, payload.accept) == ("text/csv", "text/csv")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", b"plain"),
        ("a,b", b'"a,b"'),
        ('say "hi"', b'"say ""hi"""'),
        ("two\nlines", b'"two\nlines"'),
        ("two\rlines", b'"two\rlines"'),
        ("two\r\nlines", b'"two\r\nlines"'),
        ("ends\r\n", b'"ends\r\n"'),
        ("été", "été".encode()),
    ],
)
def test_csv_quotes_text_so_that_it_stays_one_cell_of_one_row(text: str, cell: bytes) -> None:
    assert _payload(CSV, before=1, text=text, after=2).body == b"1.0," + cell + b",2.0"


@pytest.mark.parametrize("gap", [None, ""])
def test_csv_has_no_empty_cell(gap: str | None) -> None:
    with pytest.raises(FeatureNullError, match=r"^feature gap: null or an empty text"):
        _payload(CSV, before=1, gap=gap)
    assert _payload(_model(format="csv", missing_token="nan"), before=1, gap=gap).body == b"1.0,nan"


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53), st.booleans()
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(CELLS | TEXTS, min_size=1, max_size=6))
def test_csv_is_read_back_as_one_row_with_the_same_values(values: list[Any]) -> None:
    wide = replace(CSV, max_payload_bytes=10_000)
    body = _payload(wide, **{f"f{index}": value for index, value in enumerate(values)}).body
    (row,) = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    read = [cell if isinstance(value, str) else float(cell) for cell, value in zip(row, values, strict=True)]
    assert read == values


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_numbers_alone_are_written_as_beside_text(values: list[Any]) -> None:
    numbers = {f"f{index}": value for index, value in enumerate(values)}
    assert csv_line({**numbers, "text": "x"}) == csv_line(numbers) + b",x"


def test_json_sends_instances_by_default() -> None:
    payload = _payload(_model(format="json"), days=1.5, tier="gold", gap=None, member=True)
    assert payload.body == b'{"instances":[{"days":1.5,"tier":"gold","gap":null,"member":true}]}'
    assert (payload.content_type, payload.accept) == ("application/json", "application/json")


def test_json_lines_send_a_list_of_features() -> None:
    payload = _payload(_model(format="jsonlines"), days=1.5, tier="été")
    assert payload.body == '{"features":[1.5,"été"]}'.encode()
    assert payload.content_type == "application/jsonlines"


def test_a_template_is_filled_from_the_features_alone() -> None:
    template = {
        "inputs": [{"from": "features.days"}, {"from": "features.nothing"}],
        "fixed": {"unit": "days"},
    }
    payload = _payload(_model(format="json", template=template), days=3)
    assert json.loads(payload.body) == {"inputs": [3, None], "fixed": {"unit": "days"}}


@pytest.mark.parametrize("source", ["abs(features.text)", "sum([features.big, features.big])"])
def test_a_template_that_fails_or_gives_no_json_is_a_fault_of_the_author(source: str) -> None:
    model = _model(format="json", template={"x": {"from": source}})
    with pytest.raises(FeatureExpressionError, match=r"^the request template: ") as caught:
        _payload(model, text="s3cret", big=1.7e308)
    assert "s3cret" not in caught.value.message


def test_a_payload_over_its_budget_is_refused_and_never_cut() -> None:
    tight = replace(CSV, max_payload_bytes=7)
    assert _payload(tight, a=1, b="abc").body == b"1.0,abc"
    with pytest.raises(PayloadTooLargeError, match=r"^the payload has 8 bytes, its budget is 7$"):
        _payload(tight, a=1, b="éé")
