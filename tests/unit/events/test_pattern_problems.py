"""A wrong pattern is refused with everything that is wrong, where it is, and what to write instead."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.events.patterns import PatternError, PatternProblem, compile_pattern


def problems(pattern: Json) -> tuple[PatternProblem, ...]:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    return caught.value.problems


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ([], "bad_value"),
        (["x"], "bad_value"),
        (date(2026, 1, 1), "bad_value"),
        ({}, "not_one_operator"),
        ({"prefix": "a", "suffix": "b"}, "not_one_operator"),
        ({"prefixx": "a"}, "unknown_operator"),
        ({1: "a"}, "unknown_operator"),
        ({"prefix": ""}, "not_text"),
        ({"prefix": 1}, "not_text"),
        ({"prefix": {"wildcard": "a"}}, "unknown_operator"),
        ({"suffix": ["a"]}, "not_text"),
        ({"equals-ignore-case": None}, "not_text"),
        ({"exists": "true"}, "not_boolean"),
        ({"wildcard": "a**b"}, "consecutive_wildcards"),
        ({"wildcard": "*a" * 11}, "too_many_wildcards"),
        ({"wildcard": "a\\b"}, "bad_escape"),
        ({"cidr": "10.0.0.0"}, "bad_cidr"),
        ({"cidr": "10.0.0.0/33"}, "bad_cidr"),
        ({"cidr": "10.0.0.1/24"}, "bad_cidr"),
        ({"cidr": "10.0.0.1/32"}, "bad_cidr"),
        ({"cidr": "here/24"}, "bad_cidr"),
        ({"numeric": 5}, "bad_numeric"),
        ({"numeric": []}, "bad_numeric"),
        ({"numeric": ["=="]}, "bad_numeric"),
        ({"numeric": ["==", 5]}, "bad_numeric"),
        ({"numeric": [">", "5"]}, "bad_numeric"),
        ({"numeric": [">", True]}, "bad_numeric"),
        ({"numeric": ["<", 5, ">", 0]}, "bad_numeric"),
        ({"numeric": [">", 0, "<", 5, "<", 6]}, "bad_numeric"),
        ({"numeric": [">", 5, "<", 5]}, "empty_range"),
        ({"numeric": [">", 5, "<", 4]}, "empty_range"),
        ({"numeric": ["<", 5e9 + 1]}, "number_out_of_range"),
        (5_000_000_001, "number_out_of_range"),
        (float("nan"), "number_out_of_range"),
        ({"anything-but": []}, "bad_anything_but"),
        ({"anything-but": None}, "bad_anything_but"),
        ({"anything-but": True}, "bad_anything_but"),
        ({"anything-but": ["a", 1]}, "bad_anything_but"),
        ({"anything-but": [6e9]}, "number_out_of_range"),
        ({"anything-but": {"numeric": ["=", 1]}}, "unknown_operator"),
        ({"anything-but": {"prefix": ""}}, "not_text"),
        ({"anything-but": {"prefix": []}}, "empty_list"),
        ({"anything-but": {"wildcard": ["a**"]}}, "consecutive_wildcards"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_code_and_place(entry: Json, code: str) -> None:
    (problem,) = problems({"detail": {"field": ["fine", entry]}})
    assert problem.code == f"pattern.{code}"
    assert problem.path[:3] == ("detail", "field", 1)


@pytest.mark.parametrize(
    ("pattern", "path", "code"),
    [
        (None, (), "not_an_object"),
        (["x"], (), "not_an_object"),
        ({}, (), "empty_object"),
        ({"detail": {}}, ("detail",), "empty_object"),
        ({"detail": {"a": []}}, ("detail", "a"), "empty_list"),
        ({"detail-type": "page_view"}, ("detail-type",), "not_a_list"),
        ({"detail": {"a": None}}, ("detail", "a"), "not_a_list"),
        ({True: ["x"]}, (), "bad_field"),
        ({"$or": {"a": ["x"]}}, ("$or",), "bad_or"),
        ({"$or": [{"a": ["x"]}]}, ("$or",), "bad_or"),
        ({"$or": [{"a": ["x"]}, "b"]}, ("$or", 1), "not_an_object"),
        ({"$or": [{"a": ["x"]}, {"prefix": ["b"]}]}, ("$or", 1, "prefix"), "reserved_in_or"),
        ({"a": ["x"], "$or": [{"a": ["y"]}, {"b": ["z"]}]}, (), "field_twice"),
        ({"a": ["x"], "$or": [{"a": {"c": ["y"]}}, {"b": ["z"]}]}, (), "field_twice"),
        ({"a": ["x" * 3_000]}, (), "too_large"),
    ],
)
def test_a_wrong_structure_is_refused_with_its_code_and_place(
    pattern: Json, path: tuple[str | int, ...], code: str
) -> None:
    (problem,) = problems(pattern)
    assert (problem.path, problem.code) == (path, f"pattern.{code}")


def test_all_problems_come_at_once_in_the_order_of_the_pattern() -> None:
    found = problems(
        {
            "source": "web",
            "detail": {"a": [], "b": [{"prefx": "x"}, {"numeric": ["<"]}], "c": ["fine"]},
        }
    )
    assert [(problem.path, problem.code) for problem in found] == [
        (("source",), "pattern.not_a_list"),
        (("detail", "a"), "pattern.empty_list"),
        (("detail", "b", 0), "pattern.unknown_operator"),
        (("detail", "b", 1, "numeric"), "pattern.bad_numeric"),
    ]
    assert found[2].hint == "did you mean 'prefix'?"


def test_the_error_reads_as_one_line_for_those_who_only_print_it() -> None:
    with pytest.raises(
        PatternError, match=r"^source: a field's values stand in a list; detail: an empty object"
    ):
        compile_pattern({"source": "web", "detail": {}})


def test_too_many_combinations_are_refused_before_they_are_built() -> None:
    three: Json = [{"a": [1]}, {"b": [1]}, {"c": [1]}]
    codes = {problem.code for problem in problems({f"level{index}": {"$or": three} for index in range(30)})}
    assert codes == {"pattern.too_complex"}


def test_endless_nesting_is_refused() -> None:
    deep: Json = ["x"]
    for _ in range(150):
        deep = {"d": deep}
    cyclic: dict[str, Json] = {}
    cyclic["again"] = cyclic
    assert [problem.code for problem in problems(deep)] == ["pattern.too_deep"]
    assert [problem.code for problem in problems(cyclic)] == ["pattern.too_deep"]


def test_an_account_with_a_raised_quota_may_say_so() -> None:
    assert compile_pattern({"a": ["x" * 3_000]}, max_characters=4_096).matches({"a": "x" * 3_000})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$or", "a", "b", "prefix", "anything-but", "numeric", "cidr", "wildcard", "exists"]
            )
            | st.integers(0, 2),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything, anything)
def test_any_pattern_compiles_or_is_refused_and_any_document_is_answered(
    pattern: Json, document: Json
) -> None:
    with contextlib.suppress(PatternError):
        assert compile_pattern(pattern).matches(document) in (True, False)
