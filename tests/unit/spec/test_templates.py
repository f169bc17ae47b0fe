"""JSON documents with leaves that expressions fill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.documents import Json
from functions.expressions import compile_expression
from functions.spec.templates import fill, leaf_expression, leaves

TEMPLATE = {
    "a": {"from": "x.y"},
    "list": [1, {"from": "z"}, [{"b": {"from": "x.y"}}]],
    "from": "text",
    "n": None,
}


def test_leaves_are_found_with_their_paths() -> None:
    assert list(leaves(TEMPLATE, ("t",))) == [
        (("t", "a", "from"), "x.y"),
        (("t", "list", 1, "from"), "z"),
        (("t", "list", 2, 0, "b", "from"), "x.y"),
    ]


def test_fill_replaces_leaves_and_keeps_everything_else() -> None:
    expressions = {text: compile_expression(text) for text in ("x.y", "z")}
    assert fill(TEMPLATE, expressions, {"x": {"y": [7]}}) == {
        "a": [7],
        "list": [1, None, [{"b": [7]}]],
        "from": "text",
        "n": None,
    }
    assert TEMPLATE["a"] == {"from": "x.y"}


@pytest.mark.parametrize(
    "node", [{"from": 1}, {"from": "x", "to": "y"}, {"From": "x"}, {}, "from", ["from"], None]
)
def test_only_a_mapping_with_a_text_under_from_alone_is_a_leaf(node: Json) -> None:
    assert leaf_expression(node) is None
    assert fill(node, {}, {}) == node


def test_expression_that_fails_raises() -> None:
    expression = compile_expression("abs(x)")
    with pytest.raises(ValueError):
        fill({"from": "abs(x)"}, {"abs(x)": expression}, {"x": "text"})


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
    )
)
def test_template_without_leaves_is_its_own_result(template: Json) -> None:
    assert list(leaves(template)) == []
    assert fill(template, {}, {"x": 1}) == template
