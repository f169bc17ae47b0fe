"""What an expression reads is enough: a grid of sources, uses and documents, pruned and decoded to the reads.

Every source goes into every use. A few documents by turns for each pair, so that it takes seconds;
`EXPRESSION_MUTANTS=all` tries every document with every pair.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.expressions import ExpressionError, Limits, decoder_for
from functions.expressions.checks import checked
from functions.expressions.interpreter import interpret
from functions.expressions.lineage import read_paths
from functions.expressions.pruning import prune

ALL = os.environ.get("EXPRESSION_MUTANTS") == "all"
WIDE = Limits(text_bytes=5_000, depth=64, nodes=800, loops=6, growth=100_000)
BY_TURNS = 5

DOCUMENTS: list[Any] = [
    None, [], [1], [1, 2, 3], [[1], [2]], [[], [None]], {}, {"a": 1}, {"a": 1, "b": 2}, {"a": [1, 2], "b": {"x": 1}},
    [{"a": 1, "b": {"x": [1]}}, {"a": "x"}, None], [{"a": 1}, {"a": 2}], "", "ab", 0, 1.5, True, False,
    [[{"a": 1}], [{"a": 2}]], {"a": [{"a": 1}, {"a": None}], "b": []}, [[[1]], [[2, 3]]], {"a": None}, {"a": {}},
    {"a": []}, {"a": {"x": 1, "y": 2}}, {"a": {"a": {"a": 1}}},
    [{"a": []}, {"a": [1]}, {"a": {}}, {"a": {"b": 1}}],
]  # fmt: skip
SOURCES = [
    "x", "x.a", "x[0]", "x[*]", "x[]", "x.*", "x[?a]", "x[1:]", "x[-1:]", "x[*].a", "x[].a", "x.*.a", "x[*][0]",
    "x[*].a[]", "reverse(x)", "values(x)", "keys(x)", "to_array(x)", "merge(x, x)", "merge(x)", "map(&a, x)",
    "map(&@, x)", "map(&[a], x)", "sort_by(x, &a)", "max_by(x, &a)", "x[?a == `1`]", "x[?!b]", "[x, x.a]",
    "{a: x, b: x.a}", "x && x.a", "x || x.a", "not_null(x.a, x)", "if_else(x, x.a, x)", "x.a || x[0]",
    "x[*].abs(`1`)", "x.*.abs(`1`)", "x[*].[@]", "x.{a: a}", "x[?@.a].b", "x[*].*", "x.*[]", "x[][]",
    "x[*].to_array(@)",
]  # fmt: skip
USES = [
    "#", "length(#)", "type(#)", "(#) || 'n'", "(#) && 'y'", "!(#)", "(#) == `null`", "(#) != `null`", "(#) == `[]`",
    "(#) == `{}`", "`{}` == (#)", "(#)[0]", "(#) | [0]", "(#)[*]", "(#)[]", "(#) | [1]", "(#).a", "(#).*", "keys(#)",
    "values(#)", "reverse(#)", "to_array(#)", "length(keys(#))", "length(values(#))", "length(to_array(#))",
    "type((#) || y)", "type((#) && y)", "((#) || y) == `null`", "length((#) || y)", "(#)[?@]", "(#)[?a]",
    "(#)[*].abs(`1`)", "(#)[::-1]", "contains(#, `1`)", "map(&@, #) | length(@)", "map(&a, #) | [0]",
    "sort_by(#, &@)", "max_by(#, &a).a", "merge(#, y)", "merge(y, #)", "keys(merge(#, y))", "to_string(#)", "sum(#)",
    "(#).{k: a, l: b}", "[(#)[0], x.a]", "(#) | [@, @] | [0]", "not_null(#, y)", "if_else(#, `1`, y)",
    "if_else(y, #, `2`) | type(@)", "one_hot(#, x)", "(#) < `1`", "length(#) < `2`", "x.* && (#)", "[x.*.a, (#)]",
    "{k: (#)}.k.a", "[#, x][*].a", "(#)[*] || y", "(#)[].a || y", "(#).a[0].x", "[x.*.x, (#).a.y]",
]  # fmt: skip


def outcome(text: str, document: Any) -> str:
    try:
        return repr(interpret(text, document))
    except (ValueError, TypeError, ArithmeticError) as error:
        return type(error).__name__


def documents(turn: int) -> Iterator[Any]:
    if ALL:
        yield from DOCUMENTS
    else:
        yield from (DOCUMENTS[(turn * 7 + step * 5) % len(DOCUMENTS)] for step in range(BY_TURNS))


def check(text: str, some: Iterator[Any]) -> None:
    try:
        reads = read_paths(checked(text, WIDE).root)
    except ExpressionError:
        return
    decode: Callable[[bytes], Any] = decoder_for(reads, (".x",), max_bytes=10_000)
    for x in some:
        root = {"x": x, "y": {"a": 5}, "now": "2026-11-02"}
        wanted = outcome(text, root)
        assert outcome(text, prune(root, reads)) == wanted, (text, x, prune(root, reads))
        decoded = {**root, "x": decode(json.dumps(x).encode())}
        assert outcome(text, decoded) == wanted, (text, x, decoded)


@pytest.mark.parametrize("source", SOURCES)
def test_pruned_and_decoded_documents_give_the_same_values_and_failures(source: str) -> None:
    first = SOURCES.index(source) * len(USES)
    for number, use in enumerate(USES):
        check(use.replace("#", source), documents(first + number))


@pytest.mark.parametrize(
    "text",
    [
        "[x.*.a, x.b.c]", "[x.*, x.a.c]", "[x.b.c, x.*.a]", "[length(x.*), x.a.b]", "[keys(x), x.*.a, x.b.b]",
        "[x.*.*.a, x.a.b.c]", "x.*.a == x.b", "hours_since(x.a)", "minutes_since(x.a)", "days_since(x.a)",
        "[x.*[].a, x.a[].b]", "[x[*].a, x[].b]", "[length(x), x.a]", "[keys(x), x.a.b]", "[!x, x.a.b]",
        "[!(x.*), x.a]", "[x.* || x, x.a.b]",
        "merge(x.a, x.b).c", "sort_by(x[], &a)[0].b", "max_by(x.*, &a).b", "min_by(values(x), &a).b",
        "sort_by(x, &a)[0].b", "max_by(x, &a).b", "length(x[?a])", "length(x[?!(a)])",
    ],
)  # fmt: skip
def test_several_reads_of_one_place_are_all_kept(text: str) -> None:
    inner: list[Any] = [
        {"a": 1, "b": 2, "c": 3},
        {"b": {"a": 1, "c": [1]}},
        [{"a": 1, "b": 2}],
        "2026-11-01",
        None,
        {},
    ]
    check(text, (dict(zip("abc", (one, other, one), strict=True)) for one in inner for other in inner))
    check(text, iter(DOCUMENTS))
    ordered = [{"a": 2, "b": 1}, {"a": 1, "b": 2}]
    check(
        text,
        iter(
            [
                ordered,
                [{"a": [], "b": 0}, {"a": [0]}],
                [{"a": {}}, {"a": {"a": 0}}],
                {"a": ordered[0], "b": ordered[1]},
            ]
        ),
    )
