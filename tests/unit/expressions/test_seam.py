"""What callers rely on: compile once, evaluate many times, failures in place of values."""

import subprocess
import sys

import pytest

from functions.expressions import (
    EvaluationFailure,
    ExpressionError,
    compile_expression,
    compile_features,
    search,
)

DOCUMENT = {
    "event": {"name": "page_view"},
    "profile": {
        "orders": {"last_at": "2026-11-01T09:00:00Z", "items": [{"price": 2}, {"price": 3}]},
        "note": None,
    },
    "now": "2026-11-02T09:00:00.000Z",
}


def test_features_come_in_the_order_of_their_declaration() -> None:
    features = compile_features({"z": "profile.orders.items[].price | sum(@)", "a": "event.name", "m": "now"})
    assert list(features.evaluate(DOCUMENT).items()) == [
        ("z", 5),
        ("a", "page_view"),
        ("m", "2026-11-02T09:00:00.000Z"),
    ]


def test_a_failing_expression_leaves_a_failure_and_the_others_their_values() -> None:
    features = compile_features({"bad": "abs(event.name)", "good": "days_since(profile.orders.last_at)"})
    assert features.evaluate(DOCUMENT) == {"bad": EvaluationFailure("JMESPathTypeError"), "good": 1.0}


def test_strict_evaluation_raises_for_the_first_failure() -> None:
    from jmespath.exceptions import JMESPathTypeError

    features = compile_features({"good": "event", "bad": "abs(event.name)", "worse": "max_by(@, &a)"})
    with pytest.raises(JMESPathTypeError) as caught:
        features.evaluate(DOCUMENT, strict=True)
    assert caught.value.function_name == "abs"


def test_a_failure_of_the_interpreter_itself_is_a_failure_too() -> None:
    features = compile_features({"mixed": "max_by(@, &a)"})
    assert features.evaluate([{"a": 1}, {"a": "x"}]) == {"mixed": EvaluationFailure("TypeError")}


def test_absence_tells_a_missing_path_from_a_null() -> None:
    assert compile_expression("profile.note").absence(DOCUMENT) == "null"
    assert compile_expression("profile.nothing").absence(DOCUMENT) == "missing"
    assert compile_expression("days_since(profile.note)").absence({"profile": {"note": None}}) == "null"
    assert compile_expression("profile.orders.items[9].price").absence(DOCUMENT) == "null"
    assert compile_expression("profile.returns[0].price").absence(DOCUMENT) == "missing"
    assert compile_expression("`null`").absence(DOCUMENT) == "null"


def test_expressions_show_their_source_and_what_they_read() -> None:
    features = compile_features({"price": "profile.orders.items[0].price"})
    assert features.expressions["price"].source == "profile.orders.items[0].price"
    assert features.expressions["price"].reads == ("profile.orders.items[].price",)


def test_an_error_names_the_feature() -> None:
    with pytest.raises(ExpressionError, match=r"^second: There is no function dayz_since") as caught:
        compile_features({"first": "event", "second": "dayz_since(now)"})
    assert [problem.code for problem in caught.value.problems] == ["expression.unknown_function"]


def test_an_expression_for_a_single_use_is_searched_without_generating_code() -> None:
    assert search("days_since(profile.orders.last_at)", DOCUMENT) == 1.0
    assert search("sum(profile.orders.items[].price)", DOCUMENT) == 5
    with pytest.raises(ValueError, match="abs"):
        search("abs(event.name)", DOCUMENT)
    with pytest.raises(ExpressionError, match="no function dayz_since"):
        search("dayz_since(now)", DOCUMENT)
    with pytest.raises(ExpressionError, match="times as large"):
        search(" | ".join(["[@, @]"] * 20), DOCUMENT)
    program = (
        "import sys, functions.expressions as engine;"
        "print(engine.search('a.b', {'a': {'b': 5}}), 'functions.expressions.compiler' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["5", "False"]


def test_what_a_caller_does_to_a_value_reaches_no_later_search() -> None:
    for _ in range(2):
        found = search("{a: `[1]`, b: `[1]`}", {})
        assert found == {"a": [1], "b": [1]}
        found["a"].append(2)


def test_importing_the_engine_imports_neither_jmespath_nor_yaml_nor_pydantic() -> None:
    program = (
        "import sys, functions.expressions;"
        "print(sorted({'jmespath', 'yaml', 'pydantic', 'boto3', 'zoneinfo'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
