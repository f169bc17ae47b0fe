"""Faults of an expression's text are found before any document is seen, each with its place."""

import re
from pathlib import Path

import pytest

from functions import expressions
from functions.expressions import ExpressionError, check_expression, compile_expression
from functions.expressions.interpreter import builtin_arities
from functions.expressions.signatures import BUILTIN_SIGNATURES


def codes(text: str) -> list[str]:
    return [problem.code for problem in check_expression(text)]


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("", "expression.empty", ""),
        ("a.", "expression.syntax", ""),
        ("a..b", "expression.syntax", "."),
        ("a.b)", "expression.syntax", ")"),
        ("a = b", "expression.syntax", "="),
        ("a.'x'", "expression.syntax", "'"),
        ("'open", "expression.syntax", "'"),
        ("foo[?a#b]", "expression.syntax", "#"),
        ("`1` == sumx(a)", "expression.unknown_function", "sumx"),
        ("a.b | days_since(a, b)", "expression.arity", "days_since"),
        ("length()", "expression.arity", "length"),
        ("not_null()", "expression.arity", "not_null"),
        ("sort_by(a, b)", "expression.type", "sort_by"),
        ("map(a, &b)", "expression.type", "map"),
        ("abs(&a)", "expression.misplaced_reference", "&"),
        ("a == &b", "expression.misplaced_reference", "&"),
        ("a[::0]", "expression.slice_step", "0"),
        ("'10:00' == a[::0]", "expression.slice_step", "0]"),
        ("a[1:2: 0]", "expression.slice_step", "0]"),
        ("a[::-0]", "expression.slice_step", "-0"),
        ("[a[1:2:3], {b: c[:2]}, d[::0]]", "expression.slice_step", "0]"),
        ("a == `NaN`", "expression.not_finite", "`NaN`"),
        ("a == `[1e999]`", "expression.not_finite", "`[1e999]`"),
    ],
)
def test_a_fault_is_marked_where_it_stands(text: str, code: str, marked: str) -> None:
    problem = next(p for p in check_expression(text) if p.severity == "error")
    assert problem.code == code
    assert text[problem.offset : problem.offset + max(1, len(marked))].startswith(marked)
    assert problem.length >= 1
    with pytest.raises(ExpressionError):
        compile_expression(text)


def test_what_makes_the_result_too_large_is_marked() -> None:
    text = f"a[?b].c[*].replace(@, 'a', '{'y' * 900}') | length(@)"
    (problem,) = check_expression(text)
    assert text[problem.offset : problem.offset + problem.length] == "'" + "y" * 900 + "'"


def test_the_closest_function_is_suggested() -> None:
    (problem,) = check_expression("day_since(now)")
    assert problem.hint == "Did you mean days_since?"


def test_all_faults_come_at_once_in_the_order_of_the_text() -> None:
    problems = check_expression("foo(a) || abs() || bar(b)")
    assert [(p.code, p.offset) for p in problems if p.severity == "error"] == [
        ("expression.unknown_function", 0),
        ("expression.arity", 10),
        ("expression.unknown_function", 19),
    ]


def test_the_place_is_right_behind_filters_and_nested_calls() -> None:
    text = "a[?abs(b) > `1`].c | map(&abs(@, @), foo(@))"
    marked = [text[p.offset : p.offset + p.length] for p in check_expression(text) if p.severity == "error"]
    assert marked == ["abs", "foo"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a" * 2049, "expression.too_long"),
        ("'" + "é" * 1024 + "'", "expression.too_long"),
        ("(" * 40 + "a" + ")" * 40, "expression.too_deep"),
        ("!" * 2000 + "a", "expression.too_deep"),
        ("*." * 600 + "a", "expression.too_deep"),
        (" | ".join("a" * 40), "expression.too_deep"),
        ("`" + "[" * 990 + "]" * 990 + "`", "expression.too_deep"),
        ("[" + ",".join("a" * 600) + "]", "expression.too_large"),
        ("a[*].b[*].c[*].d[*].e", "expression.too_many_loops"),
        ("map(&map(&map(&map(&a, b), c), d), e)", "expression.too_many_loops"),
        (" | ".join(["[@, @]"] * 20), "expression.too_much_growth"),
        (" | ".join(["{a: @, b: @}"] * 12), "expression.too_much_growth"),
        (" | ".join(["to_string([@])"] * 8), "expression.too_much_growth"),
        ("a[?" + " | ".join(["[@, @]"] * 12) + "]", "expression.too_much_growth"),
        (f"x[*].replace(replace(@, 'a', 'a{'x' * 629}'), 'a', '{'y' * 900}')", "expression.too_much_growth"),
        (f"x[*].replace(@, 'a', '{'y' * 900}')", "expression.too_much_growth"),
        (f"x[*].join(join('{'-' * 41}', @), @)", "expression.too_much_growth"),
        (f"x[*].join('{'-' * 400}', @)", "expression.too_much_growth"),
        (f"x[*].upper('{'y' * 900}')", "expression.too_much_growth"),
        (f"map(&to_string('{'y' * 300}'), x)", "expression.too_much_growth"),
        (f"x[*].split('{'a,' * 300}', ',')", "expression.too_much_growth"),
        (f"x[?a].one_hot(@, `{list(range(200))}`)", "expression.too_much_growth"),
        ("replace(replace(a, b, c), d, replace(e, f, g))", "expression.too_much_growth"),
        ("x[*].if_else(a, '" + "y" * 300 + "', b)", "expression.too_much_growth"),
    ],
)
def test_an_expression_over_a_limit_is_refused(text: str, code: str) -> None:
    assert code in codes(text)
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "a[].b[].c[].d[].e",
        "a[*].b[*].c[*].d",
        "((((((((a))))))))",
        "[@, @] | [@, @] | [0]",
        "replace(replace(replace(replace(a, '-', ''), ' ', ''), '.', ' '), 'a', 'the letter a')",
        "upper(trim(normalize(join(', ', sort(split(a, ' '))))))",
        "a[*].join(', ', b[*].join(', ', c))",
        "replace(a, 'DE', 'Federal Republic of Germany')",
        "a[*].replace(b, 'DE', 'Federal Republic of Germany')",
        "replace(a, b, c)",
        f"a[?contains(`{list(range(100))}`, kind)].b",
        f"a[?kind == '{'k' * 200}' || kind == '{'l' * 200}'].b",
        f"bucketize(a, `{list(range(300))}`)",
        "a[*].{" + ", ".join(f"f{n}: f{n}" for n in range(40)) + "}",
    ],
)
def test_ordinary_expressions_are_within_the_limits(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("!a.b", "expression.negated_path", "!"),
        ("c && !a.b.c", "expression.negated_path", "!"),
        ("!a[]", "expression.negated_path", "!"),
        ("!a[?x]", "expression.negated_path", "!"),
        ("!a.*", "expression.negated_path", "!"),
        ("b || !a[].c", "expression.negated_path", "!"),
        ("length(a) || `0`", "expression.unused_fallback", "||"),
        ("sum(a[].b) || `0`", "expression.unused_fallback", "||"),
        ("'x' || a", "expression.unused_fallback", "||"),
        ("`0` || a", "expression.unused_fallback", "||"),
        ("[a] || b", "expression.unused_fallback", "||"),
        ("{a: a} || b", "expression.unused_fallback", "||"),
        ("length([a, b] || c)", "expression.unused_fallback", "||"),
        ("a[*].b[0]", "expression.index_of_each", "0"),
        ("a[1].c[].b[-1]", "expression.index_of_each", "-1"),
        ("a[?b].c[0].d", "expression.index_of_each", "0"),
        ("a < `true`", "expression.no_order", "<"),
        ("`[1]` >= a", "expression.no_order", ">="),
        ("`1` < 'a'", "expression.no_order", "<"),
        ("days_since(a) > '30'", "expression.no_order", ">"),
        ("length(a) < 'x'", "expression.no_order", "<"),
        ("lower(a) < `1`", "expression.no_order", "<"),
        ("sum(a) >= to_string(b)", "expression.no_order", ">="),
        ("[a] < b", "expression.no_order", "<"),
        ("split(a, ',') < b", "expression.no_order", "<"),
        ("contains(a, 'x') < `1`", "expression.no_order", "<"),
        ("(a == b) < `1`", "expression.no_order", "<"),
        ("to_string(a) > b", "expression.text_order", ">"),
        ("a > '2026-01-01'", "expression.text_order", ">"),
        ("a == `word`", "expression.bare_literal", "`word`"),
    ],
)
def test_what_is_most_likely_not_meant_is_a_warning_with_its_place(text: str, code: str, marked: str) -> None:
    (problem,) = check_expression(text)
    assert (problem.code, problem.severity) == (code, "warning")
    assert text[problem.offset : problem.offset + problem.length] == marked
    assert compile_expression(text).source == text


@pytest.mark.parametrize(
    "text",
    ["!a[*]", "!a[0]", "!(a[])", "!(a.*)", "`[]` || a", "`false` || a", "a.[b] || c", "a[*].[[b] || c]",
     "a | {b: b} || c",
     "days_since(a) > `30`", "max(a) < b && c < d", "if_else(a, b, c) < `1`", "map(&[a], b)",
     "!(a.b)", "!a", "a || `0`", "max(a) || `0`", "a[*].b | [0]", "a[0].b", "a < b", "a >= `1`", "a == `\"word\"`",
     "a == `true`", "`null` || a", "(a[*].b)[0]"],
)  # fmt: skip
def test_ordinary_expressions_have_no_warnings(text: str) -> None:
    assert check_expression(text) == ()


EVERY_CODE = {
    "expression.arity": ["length()", "days_since(a, b)", "merge()", "max_of()", "contains(a)", "map(&a)"],
    "expression.bare_literal": ["a == `word`"],
    "expression.empty": [""],
    "expression.index_of_each": ["a[*].b[0]"],
    "expression.misplaced_reference": ["abs(&a)", "&a"],
    "expression.negated_path": ["!a.b", "!a[]"],
    "expression.no_order": ["a < `true`", "`1` < 'a'", "length(a) < 'x'"],
    "expression.not_finite": ["a == `NaN`"],
    "expression.slice_step": ["a[::0]"],
    "expression.syntax": [
        "a.", "a..b", "a)", "a = b", "a.'x'", "'open", "`open", '"open', "a[?b#c]", "a[", "{a: b", "(a", "a-b", "a-1",
        "a + b", "a and b", "a or b", "not a", "a b", "a 'b'", '"a"(b)', "a[b]", "*.!a", ",", "]", "@@", "a::",
        "[1:2:3:4]", "{a}", "a..",
    ],
    "expression.text_order": ["a > '2026-01-01'"],
    "expression.too_deep": ["(" * 40 + "a" + ")" * 40, "!" * 2000 + "a", "*." * 600 + "a",
        "`" + "[" * 990 + "]" * 990 + "`"],
    "expression.too_large": ["[" + ",".join("a" * 600) + "]"],
    "expression.too_long": ["a" * 3000, "é" * 1500],
    "expression.too_many_loops": ["a[*].b[*].c[*].d[*].e"],
    "expression.too_much_growth": [" | ".join(["[@, @]"] * 12)],
    "expression.type": ["map(a, b)", "sort_by(a, b)"],
    "expression.unknown_function": ["zzzz(a)", "day_since(a)"],
    "expression.unused_fallback": ["length(a) || b", "'x' || b", "[a] || b", "abs(a) || b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in EVERY_CODE.items() for text in texts]
)
def test_every_problem_has_a_caret_and_a_suggestion(code: str, text: str) -> None:
    problems = check_expression(text)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert 0 <= problem.offset <= len(text)
        assert 1 <= problem.length <= max(1, len(text) - problem.offset)
        assert problem.hint
        assert problem.message.endswith(".")
        assert problem.message != problem.hint


def test_no_code_of_the_engine_is_without_an_example() -> None:
    room = Path(expressions.__file__).parent
    written = {
        code
        for module in room.rglob("*.py")
        for code in re.findall(r'"(expression\.[a-z_]+)"', module.read_text())
    }
    assert written == set(EVERY_CODE)


def test_every_function_of_jmespath_has_a_signature_of_its_arity() -> None:
    assert BUILTIN_SIGNATURES.keys() == builtin_arities().keys()
    for name, (least, most) in builtin_arities().items():
        written = BUILTIN_SIGNATURES[name].partition("(")[2].count(",") + 1
        assert written == (most or least + 1)
