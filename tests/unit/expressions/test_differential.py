"""Generated code against JMESPath's interpreter on random expressions and documents.

Seeded, so that a failure can be repeated. `EXPRESSION_CASES=2000000 pytest -k random` runs for long;
`EXPRESSION_SEED` starts elsewhere.
"""

import builtins
import contextlib
import keyword
import os
import random
from collections import OrderedDict, defaultdict
from decimal import Decimal
from typing import Any

import jmespath
import pytest

from functions.expressions import (
    FUNCTION_REFERENCE,
    EvaluationFailure,
    ExpressionError,
    Limits,
    compile_expression,
    compile_features,
    runtime,
    search,
)
from functions.expressions.interpreter import builtin_arities, interpret
from functions.expressions.library import windows
from functions.expressions.paths import merge_reads
from functions.expressions.pruning import prune
from functions.expressions.runtime import LeaveToInterpreterError

CASES = int(os.environ.get("EXPRESSION_CASES", "1500"))
SEED = int(os.environ.get("EXPRESSION_SEED", "7"))
WIDE = Limits(text_bytes=5_000, depth=64, nodes=800, loops=5, growth=100_000)

ODD = "odd"
"""Stands for the name that is odd in a batch, see `ODD_NAMES`."""
KEYS = ["a", "b", "c", "type", "n", ODD]
ODD_NAMES = sorted(
    {
        *FUNCTION_REFERENCE,
        *builtin_arities(),
        *vars(runtime),
        *vars(windows),
        *vars(builtins),
        *keyword.kwlist,
    }
    | {"root", "now", "slow", "evaluate", "K1", "each_1"}
)
"""What a careless compiler could take for something else: functions, its own helpers, words of Python."""
SCALARS: list[Any] = [
    None, True, False, 0, 1, 2, -1, 1.0, 0.5, 2.5, 0.1, 2**60, "", "a", "b", "x y", "1", "2026-11-01", "é",
]  # fmt: skip
LITERALS = ["`0`", "`1`", "`1.0`", "`2`", "`true`", "`false`", "`null`", "'a'", "'b'", "''", "`[]`", "`{}`",
            "`[1, 2]`", '`{"a": 1}`', "`-1`", "`0.5`", '`["a"]`']  # fmt: skip
UNARY = ["abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "reverse", "sort", "sum", "to_array",
         "to_number", "to_string", "type", "values", "not_null", "lower", "round", "log1p", "coalesce", "trim",
         "days_since", "split"]  # fmt: skip
BINARY = ["contains", "starts_with", "ends_with", "join", "merge", "not_null", "add", "divide", "one_hot",
          "bucketize", "coalesce", "max_of"]  # fmt: skip


def random_value(rng: random.Random, depth: int = 4) -> Any:
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(SCALARS)
    if rng.random() < 0.5:
        count = rng.randint(0, 4)
        if rng.random() < 0.6:  # arrays are of one shape more often than not
            shape = rng.sample(KEYS, rng.randint(1, 3))
            return [
                {name: random_value(rng, depth - 2 if depth > 1 else 0) for name in shape}
                for _ in range(count)
            ]
        return [random_value(rng, depth - 1) for _ in range(count)]
    return {name: random_value(rng, depth - 1) for name in rng.sample(KEYS, rng.randint(0, 4))}


def random_expression(rng: random.Random, depth: int = 4) -> Any:
    if depth == 0:
        return rng.choice([*KEYS, "@", rng.choice(LITERALS)])
    return rng.choice(_FORMS)(rng, lambda: random_expression(rng, rng.randint(0, depth - 1)))


def _path(rng: random.Random, sub: Any) -> str:
    return f"{sub()}.{rng.choice(KEYS)}"


_FORMS: list[Any] = [
    _path,
    _path,
    lambda rng, sub: f"{rng.choice(KEYS)}.{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()})[{rng.choice(['0', '-1', '1', '-3'])}]",
    lambda rng, sub: f"({sub()})[{rng.choice(['1:', ':2', '::-1', '::2', '-2:'])}].{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()})[*].{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()})[]",
    lambda rng, sub: f"({sub()})[].{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()}).*",
    lambda rng, sub: f"({sub()}).*.{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()})[?{sub()}]",
    lambda rng, sub: f"({sub()})[?{rng.choice(KEYS)} == '{rng.choice('abx')}'].{rng.choice(KEYS)}",
    lambda rng, sub: f"a[?type == '{rng.choice('abx')}' && {sub()}].{rng.choice(KEYS)}",
    lambda rng, sub: f"a[?{rng.choice(KEYS)} > {rng.choice(LITERALS)}].{rng.choice(KEYS)}",
    lambda rng, sub: f"({sub()})[?{sub()} {rng.choice(['<', '>=', '!='])} {sub()}].{{a: {sub()}, b: n}}",
    lambda rng, sub: f"({sub()}) {rng.choice(['==', '!=', '<', '<=', '>', '>='])} ({sub()})",
    lambda rng, sub: f"({sub()}) || ({sub()})",
    lambda rng, sub: f"({sub()}) && ({sub()})",
    lambda rng, sub: f"!({sub()})",
    lambda rng, sub: f"({sub()}) | ({sub()})",
    lambda rng, sub: f"[{sub()}, {sub()}]",
    lambda rng, sub: f"({sub()}).[{sub()}, {sub()}]",
    lambda rng, sub: f"{{a: {sub()}, b: {sub()}}}",
    lambda rng, sub: f"{rng.choice(UNARY)}({sub()})",
    lambda rng, sub: f"{rng.choice(UNARY)}({sub()})",
    lambda rng, sub: f"{rng.choice(BINARY)}({sub()}, {sub()})",
    lambda rng, sub: f"length({sub()}[?{sub()}])",
    lambda rng, sub: f"if_else({sub()}, {sub()}, {sub()})",
    lambda rng, sub: f"map(&{sub()}, {sub()})",
    lambda rng, sub: f"{rng.choice(['sort_by', 'min_by', 'max_by'])}({sub()}, &{sub()})",
    lambda rng, sub: f"{rng.choice(['sum', 'avg', 'max', 'length'])}(a[?type == '{rng.choice('abx')}'].n)",
    lambda rng, sub: f"{rng.choice(['max_within', 'sum_within'])}({sub()}, 'a', 'n', '7d')",
]


def expression(rng: random.Random) -> str:
    return str(random_expression(rng))


def outcome(evaluate: Any, *arguments: Any) -> Any:
    try:
        return exact(evaluate(*arguments))
    except (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        return type(error).__name__


def exact(value: Any) -> Any:
    """Make types and the order of keys count in a comparison."""
    if isinstance(value, EvaluationFailure):
        return value.kind
    if isinstance(value, dict):
        return (type(value).__name__, [(key, exact(held)) for key, held in value.items()])
    if isinstance(value, list):
        return ("list", [exact(held) for held in value])
    return (type(value).__name__, repr(value))


def compiled(texts: list[str]) -> Any:
    good = []
    for text in texts:
        try:
            compile_expression(text, limits=WIDE)
        except ExpressionError:
            continue
        good.append(text)
    return compile_features({f"f{number}": text for number, text in enumerate(good)}, limits=WIDE)


def random_document(rng: random.Random) -> Any:
    """Make a document: mostly one whose keys hold what their expressions are likely to expect."""
    kind = rng.random()
    if kind < 0.05:
        return random_value(rng)
    if kind < 0.4:
        return {name: random_value(rng) for name in KEYS} | {"now": "2026-11-02"}
    items = [
        {
            "type": rng.choice("abx"),
            "n": rng.choice([0, 1, 2.5, 0.1, 2**60]),
            "a": "2026-11-01",
            "b": rng.choice(SCALARS),
            ODD: rng.choice(SCALARS),
        }
        for _ in range(rng.randint(0, 5))
    ]
    inner = [{"c": [1, 2], "n": n, "a": {"type": "a"}} for n in range(rng.randint(0, 3))]
    texts = rng.sample(["a", "b", "x y", ""], rng.randint(0, 4))
    return {
        "a": items,
        "b": inner,
        "c": {"a": items[:2], "n": 3, "type": "b"},
        "type": "a",
        "n": texts,
        ODD: rng.choice([*SCALARS, items]),
        "now": "2026-11-02",
    }


def batches() -> Any:
    rng = random.Random(SEED)
    for _ in range(max(1, CASES // 60)):
        odd = rng.choice(ODD_NAMES)
        features = compiled([expression(rng).replace(ODD, f'"{odd}"') for _ in range(12)])
        yield features, [renamed(random_document(rng), odd) for _ in range(5)]


def renamed(value: Any, odd: str) -> Any:
    """Give the odd key of a document its name."""
    if isinstance(value, list):
        return [renamed(held, odd) for held in value]
    if isinstance(value, dict):
        return {odd if key == ODD else key: renamed(held, odd) for key, held in value.items()}
    return value


def searched(text: str, document: Any) -> Any:
    return search(text, document, limits=WIDE)


def test_random_expressions_give_the_interpreters_values_and_failures() -> None:
    for features, documents in batches():
        for document in documents:
            values = features.evaluate(document)
            for name, one in features.expressions.items():
                wanted = outcome(interpret, one.source, document)
                assert exact(values[name]) == wanted, (one.source, document)
                assert outcome(one.evaluate, document) == wanted, (one.source, document)
                assert outcome(searched, one.source, document) == wanted, (one.source, document)


def test_random_expressions_never_fall_through_the_net_by_accident() -> None:
    for features, documents in batches():
        for document in documents:
            with contextlib.suppress(LeaveToInterpreterError):  # which is deliberate
                assert features._program(document).keys() == features.expressions.keys()


def test_random_expressions_give_what_jmespath_itself_gives() -> None:
    ours = ("sum(", "avg(", *(name + "(" for name in ("lower", "round", "log1p", "coalesce", "trim", "days_since",
            "split", "add", "divide", "one_hot", "bucketize", "max_of", "if_else", "within")))  # fmt: skip
    for features, documents in batches():
        plain = {n: e for n, e in features.expressions.items() if not any(name in e.source for name in ours)}
        for document in documents:
            values = features.evaluate(document)
            for name, one in plain.items():
                assert exact(values[name]) == outcome(jmespath.search, one.source, document), (
                    one.source,
                    document,
                )


def test_random_strict_evaluation_raises_what_the_first_failing_expression_raises() -> None:
    for features, documents in batches():
        for document in documents:
            wanted = [outcome(interpret, one.source, document) for one in features.expressions.values()]
            first = next((kind for kind in wanted if isinstance(kind, str)), None)
            found = outcome(features.evaluate, document, True)
            assert (found if isinstance(found, str) else None) == first


def test_random_documents_pruned_to_what_is_read_give_the_same_values_and_failures() -> None:
    for features, documents in batches():
        for document in documents:
            together = prune(document, merge_reads(one.lineage for one in features.expressions.values()))
            for one in features.expressions.values():
                wanted = outcome(interpret, one.source, document)
                pruned = prune(document, one.lineage)
                assert outcome(interpret, one.source, pruned) == wanted, (one.source, document, pruned)
                assert outcome(interpret, one.source, together) == wanted, (one.source, document, together)


@pytest.mark.parametrize(
    "odd",
    [OrderedDict(a=1), OrderedDict(), defaultdict(int, a=1), Decimal("1.5"), Decimal(0), (1, 2), (), set(), b"", b"a", 1j,
     {"a": OrderedDict(type="a")}, {"a": ()}],
    ids=repr,
)  # fmt: skip
def test_values_that_json_does_not_have_are_left_to_the_interpreter(odd: Any) -> None:
    rng = random.Random(SEED)
    truths = ["a || 'n'", "a && 'y'", "!a", "b[?@]", "b[?!@]", "if_else(a, 'y', 'n')", "b[*].[@ || 'n']"]
    groups = [f"b[?a == '{text}'].n" for text in "abc"]
    for texts in (truths, ["b[*].n"], groups, *([expression(rng) for _ in range(12)] for _ in range(6))):
        features = compiled(texts)
        for document in ({"a": odd, "b": [odd], "n": 1}, odd, [odd]):
            before = repr(document)
            values = features.evaluate(document)
            assert repr(document) == before
            for name, one in features.expressions.items():
                assert exact(values[name]) == outcome(interpret, one.source, document), (one.source, document)
