"""Exhaustive tables: every comparator and function, in every shape of operands, over a small domain of values.

Random expressions rarely compare `1` with `true`; these tables always do.
"""

from itertools import product
from typing import Any

import pytest

from functions.expressions import (
    FUNCTION_REFERENCE,
    CompiledFeatures,
    EvaluationFailure,
    compile_features,
    runtime,
)
from functions.expressions.interpreter import builtin_arities, interpret
from functions.expressions.runtime import LeaveToInterpreterError

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 2**60, 0.0, -0.0, 1.0, 0.5, 1e300, "", "a", "b", "1", "true", " é ",
    [], [None], [0], [1, 2], [1.5, 1], ["a"], ["a", 1], [True], [[1], [[2]]], {}, {"a": 1}, [{"a": 1}, {"a": "x"}],
]  # fmt: skip
LITERALS = ["`null`", "`true`", "`false`", "`0`", "`1`", "`-1`", "`1.0`", "`0.5`", "`2`", "''", "'a'", "'1'", "`[]`",
            "`[0]`", "`[1, 2]`", "`{}`", '`{"a": 1}`', '`"é"`']  # fmt: skip
COMPARATORS = ["==", "!=", "<", "<=", ">", ">="]
BUILTINS = sorted(builtin_arities().keys() - {"map", "sort_by", "min_by", "max_by"})


def exact(value: Any) -> Any:
    if isinstance(value, EvaluationFailure):
        return value.kind
    if isinstance(value, dict):
        return ("dict", [(key, exact(held)) for key, held in value.items()])
    if isinstance(value, list):
        return ("list", [exact(held) for held in value])
    return (type(value).__name__, repr(value))


def wanted(text: str, document: Any) -> Any:
    try:
        return exact(interpret(text, document))
    except (ValueError, TypeError, ArithmeticError) as error:
        return type(error).__name__


WANTED: dict[tuple[str, str], Any] = {}
"""What the interpreter gives, by expression and document; most are asked for twice, fused and by themselves."""


def generated(program: CompiledFeatures, document: Any) -> dict[str, Any]:
    """Run generated code without the net that catches its faults; it may only leave a case deliberately."""
    try:
        return program._program(document)
    except LeaveToInterpreterError:
        return program.evaluate(document)


def agree(texts: list[str], documents: list[Any], *, apart: bool = False) -> None:
    """Compare compiled expressions, fused or each by itself, with the interpreter."""
    programs = (
        [compile_features({text: text}) for text in texts]
        if apart
        else [compile_features(dict(zip(texts, texts, strict=True)))]
    )
    named = [(document, repr(document)) for document in documents]
    for program in programs:
        for document, name in named:
            for text, value in generated(program, document).items():
                if (text, name) not in WANTED:
                    WANTED[text, name] = wanted(text, document)
                assert exact(value) == WANTED[text, name], (text, document)


PAIRS = [{"x": x, "y": y} for x, y in product(VALUES, VALUES)]
SINGLE = [{"x": x} for x in VALUES]
IN_LOOPS: list[Any] = [{"items": [{"x": x, "y": 1}, {"x": x, "y": "a"}]} for x in VALUES] + [
    {"items": [{"x": x}, {"x": y}]} for x, y in product(VALUES[:20], VALUES[:20])
]
IN_LOOPS += [{"items": [None, 1, "a", [], {}, {"x": 1, "y": None}, {"x": "a"}, None]}]


def test_comparators_between_two_values() -> None:
    agree([f"x {comparator} y" for comparator in COMPARATORS], PAIRS)


def test_comparators_with_a_literal_on_either_side() -> None:
    texts = [f"x {c} {literal}" for c in COMPARATORS for literal in LITERALS]
    texts += [f"{literal} {c} x" for c in COMPARATORS for literal in LITERALS]
    agree(texts, SINGLE)


def test_comparators_between_literals() -> None:
    agree([f"{one} {c} {other}" for c in COMPARATORS for one in LITERALS for other in LITERALS], [{}])


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_comparators_as_the_condition_of_a_filter(comparator: str) -> None:
    texts = [f"items[?x {comparator} {literal}]" for literal in LITERALS]
    agree(texts, IN_LOOPS)
    agree([*texts, f"items[?x {comparator} y].y", f"items[*].[x {comparator} y]"], IN_LOOPS, apart=True)


def test_truth_in_every_place_where_it_decides() -> None:
    texts = ["!x", "!!x", "x && y", "x || y", "!x && y", "x && !y", "if_else(x, y, 'no')", "x || y || 'z'",
             "(x && y) || 'n'", "x && (y || 'm')", "[x || y, x && y]", "coalesce(x, y)", "not_null(x, y)"]  # fmt: skip
    agree(texts, PAIRS)
    loops = ["items[?x]", "items[?!x]", "items[?x && y]", "items[?x || y]", "items[?x && y > `0`]", "items[?!(x || y)].y",
             "items[*].[x && y, x || y, !x]", "items[?x == `1` || y == 'a'].y", "length(items[?x])"]  # fmt: skip
    agree(loops, IN_LOOPS)
    agree(loops, IN_LOOPS, apart=True)


@pytest.mark.parametrize("name", BUILTINS)
def test_every_function_of_jmespath_over_every_value(name: str) -> None:
    least, most = builtin_arities()[name]
    if (most or 2) == 1:
        texts = [f"{name}(x)", f"{name}(x) || 'none'", f"x | {name}(@)", f"[{name}(x)]"]
        agree(texts, SINGLE)
        agree(
            [f"items[*].{name}(x)", f"items[?{name}(x)]", f"map(&{name}(x), items)"],
            IN_LOOPS[: len(VALUES)],
            apart=True,
        )
    else:
        agree([f"{name}(x, y)", f"{name}(y, x) == x"], PAIRS)
        agree([f"{name}(x, {literal})" for literal in LITERALS], SINGLE)
        agree([f"items[?{name}(x, y)]", f"items[?{name}(y, x)].x"], IN_LOOPS[: len(VALUES)], apart=True)
    if least == 1 and most is None:
        agree([f"{name}(x)"], SINGLE)


@pytest.mark.parametrize("name", sorted(FUNCTION_REFERENCE))
def test_every_function_of_the_library_over_every_value(name: str) -> None:
    entry = FUNCTION_REFERENCE[name]
    arguments = ["x", "y", "x", "y", "x"][: entry.most or 2]
    documents = [pair | {"now": "2026-11-02"} for pair in PAIRS]
    agree([f"{name}({', '.join(arguments)})", f"{name}({', '.join(arguments)}) || 'none'"], documents)
    literals = ["x", "'a'", "'7d'", "`[1, 2]`", "`2`"][: entry.most or 2]
    agree([f"{name}({', '.join(literals)})"], [one | {"now": "2026-11-02"} for one in SINGLE])


def test_a_field_with_the_name_of_a_function_is_a_field_like_any_other() -> None:
    shapes = ["{0} || 'x'", "{0} && 'x'", "!{0}", "items[?{0}]", "items[?!{0}].{0}", "if_else({0}, 'y', 'n')",
              "items[?{0} || y]", "length(items[?{0} == 'a'])", "{0} == `0`", "[{0}, @.{0}]"]  # fmt: skip
    values: list[Any] = [None, False, 0, 1, "", "a", [], {}, [1]]
    for name in sorted({*builtin_arities(), *FUNCTION_REFERENCE, *vars(runtime)}):
        documents = [{name: x, "items": [{name: x, "y": 1}, {name: x}]} for x in values]
        agree([shape.format(f'"{name}"') for shape in shapes], documents)


def test_what_stands_to_the_left_of_a_pipe_is_evaluated_even_when_it_is_not_used() -> None:
    agree(
        [
            "abs(x) | `1`",
            "length(x) | [`1`]",
            "(x > `0`) | 'a'",
            "items[*].abs(x) | `[]`",
            "keys(x).{a: `1`}",
        ],
        SINGLE,
    )


def test_windows_share_the_times_of_their_array() -> None:
    texts = [
        f"{name}_within(items, 'at', 'n', '{length}')"
        for name in ("sum", "avg", "max")
        for length in ("1d", "7d", "no")
    ]
    texts += [
        f"count_within(items, '{field}', {length})"
        for field in ("at", "n")
        for length in ("'1h'", "'999999999w'", "x", "`1`")
    ]
    texts += [
        "items[*].count_within(inner, 'at', '7d')",
        "sum_within(items, `1`, 'n', '7d')",
        "sum_within(items, 'at', x, '7d')",
    ]
    at = ["2026-11-02", "2026-11-01T23:30:00Z", "2026-10-20", None, 5, "soon", "2027-01-01", "0001-01-01"]
    items: list[Any] = [{"at": one, "n": n, "inner": [{"at": one}]} for n, one in enumerate(at)] + [
        None,
        1,
        {"at": at[0], "n": "x"},
    ]
    documents = [
        {"items": held, "x": x, "now": now}
        for held in (items, [], None)
        for x in VALUES
        for now in ("2026-11-02", None)
    ]
    agree(texts, documents)
    agree(texts, documents, apart=True)


def test_functions_that_take_an_expression() -> None:
    texts = [
        f"{name}(items, &{key})"
        for name in ("sort_by", "min_by", "max_by")
        for key in ("x", "y", "@", "x.a", "abs(x)")
    ]
    texts += [
        f"map(&{key}, {base})"
        for key in ("x", "[x, y]", "abs(x)", "@")
        for base in ("items", "items[0]", "nothing")
    ]
    texts += [f"{name}(x, &a)" for name in ("sort_by", "min_by", "max_by")]
    agree(texts, IN_LOOPS, apart=True)
    agree(texts, SINGLE)


def test_paths_through_every_value() -> None:
    texts = [
        "x.a",
        "x.a.b",
        "x[0]",
        "x[-1]",
        "x[1]",
        "x[5]",
        "x[*]",
        "x[]",
        "x[][]",
        "x.*",
        "x[*].a",
        "x[].a",
        "x.*.a",
        "x[1:]",
        "x[::-1]",
        "x[:1].a",
        "x[0].a",
        "x[?@]",
        "x[?a]",
        "x[?a == `1`].a",
        "x[?a > `0`]",
        "x.[a]",
        "x.{k: a}",
        "x[*].[@]",
        "x[*].{k: a, l: @}",
        "x | @",
        "x | a",
        "[x]",
        "{k: x}",
        "x[*] | [0]",
        "(x[*])[0]",
        "x[0:1] | [0]",
        "length(x[*])",
        "length(x[])",
        "length(x.*)",
        "x[].a | length(@)",
        "x && `[1, 2]`",
        "`{}` || x",
        "x.[length(@)]",
    ]
    documents = [*VALUES, *SINGLE]
    agree(texts, documents)
    agree(texts, documents, apart=True)


def test_filters_for_text_that_share_one_pass() -> None:
    texts = [f"items[?x == '{text}'].y" for text in ("", "a", "b", "1")]
    texts += [
        "items[?'a' == x && y].y",
        "items[?x == 'a' && y > `0`] | length(@)",
        "items[?x == 'a' || y]",
        "items[?x == 'a'][]",
    ]
    texts += ["length(items[?x == 'b'])", "sum(items[?x == 'a'].y)", "items[?x == 'a' && abs(y) == `1`].y"]
    agree(texts, IN_LOOPS)
    agree(texts, [{"items": value} for value in VALUES])
    deeper = [f"items[?x.a == '{text}'].x" for text in ("x", "a", "b")] + [
        f"items[?x[0] == '{text}']" for text in "abc"
    ]
    agree(deeper, [*IN_LOOPS, {"items": [{"x": {"a": "x"}}, {"x": {"a": "b"}, "a": "x"}, {"x": ["a"]}]}])


def test_equal_expressions_do_not_share_what_a_caller_may_change() -> None:
    features = compile_features(
        {
            "a": "x[*]",
            "b": "x[*]",
            "c": "[x[*]]",
            "d": "`[1]`",
            "e": "`[1]`",
            "f": "split('a', ',')",
            "g": "split('a', ',')",
        }
    )
    document = {"x": [1]}
    values: dict[str, Any] = features.evaluate(document)
    for value in values.values():
        value.append("changed")
    assert [values["a"], values["b"], values["c"][0], values["d"], values["e"]] == [
        [1, "changed"], [1, "changed"], [1], [1, "changed"], [1, "changed"],
    ]  # fmt: skip
    assert values["f"] == values["g"] == ["a", "changed"]
    assert document == {"x": [1]}
    assert features.evaluate(document)["d"] == [1]
