"""Hostile expressions and documents end in a value or a clear failure, in bounded time and memory."""

import json
import time
import traceback
import tracemalloc
from typing import Any

import pytest

from functions.expressions import (
    CompiledFeatures,
    EvaluationFailure,
    ExpressionError,
    check_expression,
    compile_expression,
    compile_features,
)
from functions.expressions.building import compile_code
from functions.expressions.loading import program_of

FEATURES = {
    "same": "x == y",
    "text": "to_string(x)",
    "flat": "x[]",
    "sum": "sum(x)",
    "size": "length(x)",
    "deep": "x[0][0][0]",
    "in": "contains(z, x)",
}


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def test_a_document_of_ten_thousand_levels_ends_in_failures_and_values() -> None:
    document = {"x": nested(10_000), "y": nested(10_000), "z": [nested(9_999)]}
    values = compile_features(FEATURES).evaluate(document)
    assert values["size"] == 1
    assert values["sum"] == EvaluationFailure("JMESPathTypeError")
    assert values["text"] == EvaluationFailure("RecursionError")
    assert values["same"] == EvaluationFailure("RecursionError")


def test_a_document_of_ten_megabytes_is_evaluated_in_seconds() -> None:
    document = {"x": [{"n": number, "kind": str(number % 7)} for number in range(200_000)]}
    started = time.monotonic()
    values = compile_features({"n": "sum(x[?kind == '3'].n)", "m": "length(x[?n > `100`])"}).evaluate(
        document
    )
    assert values == {"n": sum(range(3, 200_000, 7)), "m": 199_899}
    assert time.monotonic() - started < 5


def test_a_join_of_a_long_separator_and_a_long_array_fails_instead_of_filling_memory() -> None:
    document = {"x": "-" * 100_000, "y": ["a"] * 100_000}
    assert compile_features({"j": "join(x, y)"}).evaluate(document) == {
        "j": EvaluationFailure("TextTooLongError")
    }
    with pytest.raises(ValueError, match="too much text"):
        compile_expression("join(x, y)").evaluate(document)


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("x[*].replace(@, 'a', 'yyyyyyyyyyyyyyyy')", "a" * 100),
        ("x[*].replace(a, 'a', b)", {"a": "a" * 500, "b": "y" * 500}),
        ("x[*].replace(replace(@, 'a', 'aaaaaa'), 'a', 'yyyyyyyyyy')", "a" * 100),
        ("x[*].join('---------------', @)", [""] * 100),
        ("x[*].join(s, t)", {"s": "-" * 1_000, "t": [""] * 300}),
        ("x[*].join(s, t)", {"s": "-" * 1_000, "t": ["a" * 100] * 30}),
        ("x[*].split(@, 'a')", "bba" * 100),
        ("x[*].to_string(@)", "\x01" * 10),
        ("map(&replace(to_string(@), 'u', 'uuuuuuuuuu'), x)", "\x01" * 10),
        ("to_string([x, x, x, x])", "a" * 100),
    ],
)
def test_text_made_for_each_element_of_an_array_fills_no_memory(text: str, element: Any) -> None:
    elements = [element] * (200_000 // len(json.dumps(element)))
    features = compile_features({"made": text})
    tracemalloc.start()
    try:
        made = features.evaluate({"x": elements})["made"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(made, list | str | EvaluationFailure)
    assert peak < 64 * 200_000


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), -float("inf"), 10**5_000, -(10**400)],
    ids=["nan", "infinity", "minus", "long", "large"],
)
def test_numbers_of_no_use_are_no_reason_to_crash(number: Any) -> None:
    features = compile_features(
        {
            "sum": "sum([x, `1.5`])", "avg": "avg([x, `1`])", "ceil": "ceil(x)", "add": "add(x, `0.5`)", "log": "log(x)",
            "more": "x > `1`", "round": "round(x)", "same": "x == x", "bucket": "hash_bucket(x, `10`)",
            "divide": "divide(x, `3`)", "power": "power(x, x)", "multiply": "multiply(x, x)",
        }
    )  # fmt: skip
    values = features.evaluate({"x": number})
    assert values.keys() == features.expressions.keys()
    assert values["add"] is values["divide"] is values["multiply"] is None


def interpreted(features: CompiledFeatures, document: Any) -> list[str]:
    """Return which features generated code left to the interpreter, without the net around it."""
    names, found = list(features.expressions), []

    def text_at(position: int) -> str:
        found.append(names[position])
        return features.expressions[names[position]].source

    program_of(compile_code(features.code), text_at)(document)
    return found


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("avg(x)", [10**400], "OverflowError"),
        ("sum(x)", [10**400, 0.5], "OverflowError"),
        ("sum(x)", [1e308, 1e308], "OverflowError"),
        ("ceil(x)", float("inf"), "OverflowError"),
        ("floor(x)", float("nan"), "ValueError"),
        ("merge(`{}`, x)", "text", "ValueError"),
        ("merge(`{}`, x)", [1], "TypeError"),
        ("merge(`{}`, x)", 5, "TypeError"),
        ("join(x, y)", "-" * 1_000_000, "TextTooLongError"),
        ("x > `1`", "text", "TypeError"),
        ("contains('text', x)", 5, "TypeError"),
        ("max_by(x, &@)", [1, "text"], "TypeError"),
    ],
)
def test_a_value_that_makes_one_feature_fail_sends_no_other_the_slow_way(
    text: str, value: Any, kind: str
) -> None:
    features = compile_features({"bad": text, "good": "length(items[?n > `1`])"})
    document = {"x": value, "y": ["a"] * 20, "items": [{"n": 2}]}
    assert interpreted(features, document) == []
    assert features.evaluate(document) == {"bad": EvaluationFailure(kind), "good": 1}
    with pytest.raises((ArithmeticError, TypeError, ValueError)) as caught:
        features.evaluate(document, strict=True)
    assert type(caught.value).__name__ == kind


def test_an_element_that_has_no_order_sends_the_features_that_compare_it_the_slow_way() -> None:
    features = compile_features(
        {
            "n": "length(items[?n > `1`])",
            "m": "length(items[?m > `1`])",
            "k": "items[?k == 'a' && n > `2`].k",
            "inner": "items[*].inner[?z < `1`].z",
            "all": "items[*].[n, n < `3`]",
            "branch": "items[?k == 'b'].[n < `3`]",
        }
    )
    bad = {"n": "text", "m": 2, "k": "b", "inner": [{"z": 0}]}
    document = {"items": [{"n": 3, "m": 0, "k": "a", "inner": []}, bad]}
    assert interpreted(features, document) == ["n", "all", "branch"]
    failed = EvaluationFailure("TypeError")
    wanted = {"n": failed, "m": 1, "k": ["a"], "inner": [[], [0]], "all": failed, "branch": failed}
    assert features.evaluate(document) == wanted
    document["items"][0]["inner"] = [{"z": "text"}]
    assert interpreted(features, document) == ["n", "inner", "all", "branch"]


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[@, @]"] * 300),
        " | ".join(["{a: @, b: @, c: @}"] * 32),
        "[" * 1_000,
        "(" * 1_000,
        "!" * 2_000,
        "&" * 2_000,
        "a." * 1_000 + "b",
        "*." * 1_000 + "b",
        "[*]" * 600,
        "[]" * 1_000,
        "a || " * 400 + "a",
        "a[?" * 500,
        "`" + "[" * 900 + "]" * 900 + "`",
        "`" + '{"a":' * 300 + "1" + "}" * 300 + "`",
        "abs(" * 500,
        "'" * 1_999,
        "\x00",
        "a[99999999999999999999999999999999999]",
        "a[" + "9" * 2_000 + "]",
        "é",
        "join(@, @)" * 100,
    ],
)
def test_a_hostile_expression_is_refused_or_compiled_at_once(text: str) -> None:
    started = time.monotonic()
    errors = tuple(problem for problem in check_expression(text) if problem.severity == "error")
    if errors:
        with pytest.raises(ExpressionError) as caught:
            compile_expression(text)
        assert caught.value.problems == errors
    else:
        assert len(compile_features({"one": text}).evaluate({"a": [1, [2]]})) == 1
    assert time.monotonic() - started < 2


def test_text_of_an_expression_never_becomes_code() -> None:
    names = [
        "__import__('os')",
        "a'b",
        'a"b',
        "a\nb",
        "a\\",
        "{x}",
        "%s",
        "é",
        "class",
        "root",
        "now",
        "\ud800",
    ]
    document = {name: number for number, name in enumerate(names)}
    texts = {
        name: '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        for name in names
    }
    texts["\ud800"] = '"\\ud800"'
    assert compile_features(texts).evaluate(document) == document
    literals = {name: f"x == {text.join('``')}" for name, text in texts.items()}
    for name in names:
        assert compile_features(literals).evaluate({"x": name})[name] is True


def test_neither_failures_nor_errors_hold_values_of_the_document() -> None:
    secret = "s3cr3t-value"
    features = compile_features({"a": "abs(x)", "b": "max_by(y, &z)", "c": "sum(y[].z)"})
    document = {"x": secret, "y": [{"z": secret}, {"z": 1}]}
    assert secret not in repr(features.evaluate(document))
    assert secret not in repr(features)


@pytest.mark.parametrize(
    "text",
    ["abs(x)", "x > `1` || y", "max_by(y, &z)", "sum(y[].z)", "y[*].length(z.z)", "merge(`{}`, x)", "merge(`{}`, y)",
     "contains(x, `1`)", "join(x, `[1]`)", "join(s, w)", "keys(x)", "sort(y)", "map(&abs(z), y)", "y[?z < `1`]",
     "sort_by(y, &z)", "to_number(x) | abs(@)", "avg([x])", "ceil(x)", "starts_with(x, `1`)", "sum(v)"],
)  # fmt: skip
def test_what_a_failing_expression_raises_shows_no_value_of_the_document(text: str) -> None:
    secret = "s3cr3t-value"
    document = {
        "x": secret,
        "y": [{"z": secret, secret: 1}, {"z": 1}],
        "s": secret * 10_000,
        "w": [secret] * 300,
        "v": [1e308] * 2 + [5.43217],
    }
    features = compile_features({"a": text})
    with pytest.raises((ArithmeticError, TypeError, ValueError)) as caught:
        features.evaluate(document, strict=True)
    error: BaseException | None = caught.value
    shown = "".join(traceback.format_exception(caught.value))
    while error is not None:
        shown += str(error) + repr(error)
        error = error.__context__
    assert "s3cr3t" not in shown
    assert "5.43217" not in shown
