"""The function library: each documented example holds, and the null-safe rule holds for all of it."""

import math
import random
from fractions import Fraction
from typing import Any

import pytest

from functions.expressions import FUNCTION_REFERENCE, compile_expression
from functions.expressions.interpreter import interpret
from functions.expressions.library.reference import EXAMPLE_NOW

NOW = {"now": EXAMPLE_NOW}
ODD_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**70, 10**400, 0.5, -0.0, float("inf"), float("nan"),
    "", "x", "2026-11-02", "7d", "\ud800", [], [None], [1], ["a"], [{}], {}, {"a": 1},
]  # fmt: skip


def evaluate(text: str, document: dict[str, Any] | None = None) -> Any:
    return compile_expression(text).evaluate(NOW if document is None else document)


@pytest.mark.parametrize("name", FUNCTION_REFERENCE)
def test_the_documented_example_gives_the_documented_result(name: str) -> None:
    entry = FUNCTION_REFERENCE[name]
    value = evaluate(entry.example)
    assert value == entry.result
    assert type(value) is type(entry.result)


@pytest.mark.parametrize("name", FUNCTION_REFERENCE)
def test_no_value_makes_a_function_raise_or_return_what_is_no_json(name: str) -> None:
    entry = FUNCTION_REFERENCE[name]
    arguments = entry.most or 2
    names = ["a", "b", "c", "d"][:arguments]
    call = compile_expression(f"{name}({', '.join(names)})")
    for position in range(arguments):
        for odd in ODD_VALUES:
            for other in (1, "7d", [1, 2]):
                document: dict[str, Any] = dict.fromkeys(names, other) | {names[position]: odd} | NOW
                value = call.evaluate(document)
                if odd not in ([], {}) and name not in ("coalesce", "if_else"):
                    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("name", sorted(FUNCTION_REFERENCE.keys() - {"coalesce", "if_else"}))
def test_null_given_is_null_returned(name: str) -> None:
    entry = FUNCTION_REFERENCE[name]
    arguments = entry.most or entry.least
    assert evaluate(f"{name}({', '.join(['`null`'] * arguments)})") is None


@pytest.mark.parametrize("name", sorted(n for n, entry in FUNCTION_REFERENCE.items() if entry.needs_now))
def test_functions_of_the_present_are_null_without_now(name: str) -> None:
    assert evaluate(FUNCTION_REFERENCE[name].example, {}) is None
    assert evaluate(FUNCTION_REFERENCE[name].example, {"now": "soon"}) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("divide(`1`, `0`)", None),
        ("modulo(`1`, `0`)", None),
        ("log(`0`)", None),
        ("log1p(`-1`)", None),
        ("sqrt(`-1`)", None),
        ("exp(`1000`)", None),
        ("power(`10`, `400`)", None),
        ("power(`-1`, `0.5`)", None),
        ("add(`true`, `1`)", None),
        ("add(`9007199254740993`, `1`)", 9007199254740994),
        ("multiply(`1e200`, `1e200`)", None),
        ("clip(`1`, `3`, `2`)", None),
        ("clip(`-1`, `0`, `2`)", 0),
        ("round(`2.5`)", 2),
        ("round(`1234`, `-2`)", 1200),
        ("bucketize(`-5`, `[0, 10]`)", 0),
        ("bucketize(`10`, `[0, 10]`)", 2),
        ("bucketize(`5`, `[10, 0]`)", None),
        ("one_hot(`1`, `[1.0, true, \"1\"]`)", [1, 0, 0]),
        ("one_hot(`true`, `[1, true]`)", [0, 1]),
        ("coalesce(`null`, `null`)", None),
        ("if_else(`0`, 'true', 'false')", "true"),
        ("if_else('', 'true', 'false')", "false"),
        ("split('a', '')", None),
        ("substring('abc', `5`)", ""),
        ("substring('abc', `-1`)", None),
        ("day_of_week('2026-11-01')", 7),
        ("hour_of_day('2026-11-01T05:00:00Z', 'No/Where')", None),
        ("hour_of_day('2026-11-01T05:00:00Z', '../etc/passwd')", None),
        ("days_since('2026-11-03T09:00:00Z')", -1.0),
        ("timestamp(`1793610000000`)", 1793610000.0),
    ],
)  # fmt: skip
def test_edges_are_as_documented(text: str, value: Any) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


def test_a_window_excludes_its_start_and_includes_its_end() -> None:
    document = {
        "now": "2026-11-08T00:00:00Z",
        "items": [
            {"at": "2026-11-01T00:00:00Z", "n": 1},
            {"at": "2026-11-01T00:00:00.001Z", "n": 2},
            {"at": "2026-11-08T00:00:00Z", "n": 4},
            {"at": "2026-11-08T00:00:00.001Z", "n": 8},
            {"at": None, "n": 16},
            {"n": 32},
            "2026-11-08",
            {"at": "2026-11-08T00:00:00Z", "n": "64"},
        ],
    }
    assert evaluate("count_within(items, 'at', '7d')", document) == 3
    assert evaluate("sum_within(items, 'at', 'n', '7d')", document) == 6
    assert evaluate("avg_within(items, 'at', 'n', '7d')", document) == 3.0
    assert evaluate("max_within(items, 'at', 'n', '7d')", document) == 4


def test_an_empty_window_counts_none_sums_to_zero_and_has_no_mean() -> None:
    document = {**NOW, "items": []}
    assert evaluate("count_within(items, 'at', '7d')", document) == 0
    assert evaluate("sum_within(items, 'at', 'n', '7d')", document) == 0
    assert evaluate("avg_within(items, 'at', 'n', '7d')", document) is None
    assert evaluate("max_within(items, 'at', 'n', '7d')", document) is None


def test_hash_buckets_do_not_change_between_versions() -> None:
    assert [evaluate(f"hash_bucket({value}, `1000`)") for value in ("'blue'", "`1`", "`1.0`", "`true`")] == [
        716, 28, 28, 112,
    ]  # fmt: skip
    assert evaluate("hash_bucket('blue', `1000`, 'salt')") == 332


def test_replace_does_not_grow_without_bound() -> None:
    assert evaluate("replace(x, 'a', y)", {"x": "a" * 100, "y": "y" * 100}) is None
    assert evaluate("replace(x, 'a', y)", {"x": "a" * 31, "y": "y" * 31}) == "y" * 31 * 31
    assert evaluate("replace(x, 'a', y)", {"x": "a", "y": "y" * 10_000}) == "y" * 10_000
    assert evaluate("replace(x, 'a', 'bb')", {"x": "a" * 500_001}) is None


def test_join_does_not_grow_without_bound() -> None:
    assert evaluate("join(', ', x)", {"x": ["a"] * 10_000}) == ", ".join(["a"] * 10_000)
    assert evaluate("join(y, x)", {"x": ["a"] * 2, "y": "y" * 10_000}) == "a" + "y" * 10_000 + "a"
    with pytest.raises(ValueError, match="too much text"):
        evaluate("join(y, x)", {"x": ["a"] * 100, "y": "y" * 100})


def exactly(numbers: list[Any]) -> float:
    return float(sum(map(Fraction, numbers)))


SUMS: list[list[Any]] = [
    [2**53 + 1, 1.0],
    [2**53 + 1, 0.5],
    [9007199254740993, 0.0],
    [10**16 + 1, 0.25, -(10**16)],
    [2**63 + 1, -(2**63), 0.5],
    [1e308, 1e308, -1e308],
    [10**400, 0.5, -(10**400)],
    [5e-324, 2**60 + 1, -(2**60)],
    [1e16, 1.0, -1e16, 3],
    [0.1] * 10,
]


@pytest.mark.parametrize("numbers", SUMS, ids=str)
def test_a_sum_with_a_float_is_the_exact_one_rounded_once(numbers: list[Any]) -> None:
    document = {
        "x": numbers,
        "i": [{"at": "2026-11-01", "n": n} for n in numbers],
        "now": "2026-11-02T09:00:00Z",
    }
    assert evaluate("sum(x)", document) == exactly(numbers)
    assert interpret("sum(x)", document) == exactly(numbers)
    assert evaluate("sum_within(i, 'at', 'n', '7d')", document) == exactly(numbers)
    assert evaluate("avg(x)", document) == interpret("avg(x)", document) == exactly(numbers) / len(numbers)
    assert evaluate("avg_within(i, 'at', 'n', '7d')", document) == exactly(numbers) / len(numbers)


def test_random_sums_are_exact_ones_rounded_once() -> None:
    rng = random.Random(3)
    for _ in range(500):
        numbers: list[Any] = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-20, 20) for _ in range(5)]
        numbers += [rng.randint(-(2**70), 2**70) for _ in range(rng.randint(0, 3))]
        assert evaluate("sum(x)", {"x": numbers}) == exactly(numbers)


def test_a_sum_beyond_the_range_of_a_float_fails_and_its_mean_need_not() -> None:
    for numbers in ([1e308, 1e308], [10**400, 0.5]):
        with pytest.raises(OverflowError):
            evaluate("sum(x)", {"x": numbers})
        with pytest.raises(OverflowError):
            interpret("sum(x)", {"x": numbers})
    assert evaluate("avg(x)", {"x": [1e308, 1e308]}) == interpret("avg(x)", {"x": [1e308, 1e308]}) == 1e308
    assert evaluate("sum(x)", {"x": [10**400, 1]}) == 10**400 + 1
    document = {"i": [{"at": "2026-11-01", "n": 1e308}] * 2, "now": "2026-11-02T09:00:00Z"}
    assert evaluate("sum_within(i, 'at', 'n', '7d')", document) is None
    assert evaluate("avg_within(i, 'at', 'n', '7d')", document) == 1e308
    assert evaluate("add(x, `0`)", {"x": 2**1024 - 1}) is None  # which no float can hold


def test_sums_are_exact_whatever_the_order() -> None:
    values = [0.1] * 10 + [1e16, 1.0, -1e16]
    assert evaluate("sum(@)", values) == evaluate("sum(reverse(@))", values) == 2.0  # type: ignore[arg-type]
    assert evaluate("avg(x)", {"x": [0.1] * 10}) == 0.1
    assert evaluate("sum(x)", {"x": [2**60, 1]}) == 2**60 + 1
    assert evaluate("avg(x)", {"x": []}) is None
