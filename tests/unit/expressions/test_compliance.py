"""The official JMESPath compliance suite, where it is at hand.

Source: https://github.com/jmespath/jmespath.test, expected beside the repository.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.expressions import (
    EvaluationFailure,
    Limits,
    check_expression,
    compile_expression,
    compile_features,
)

SUITE = Path(__file__).resolve().parents[4] / "shared" / "data" / "jmespath-compliance"
WIDE = Limits(text_bytes=5_000, depth=64, nodes=800, loops=10, growth=100_000)
REFUSED = {
    "syntax": {"expression.syntax", "expression.empty"},
    "invalid-arity": {"expression.arity"},
    "unknown-function": {"expression.unknown_function"},
    "invalid-value": {"expression.slice_step"},
    "invalid-type": {"expression.type", "expression.misplaced_reference"},
}

pytestmark = pytest.mark.skipif(
    not SUITE.is_dir(), reason="the compliance suite is not beside the repository"
)


def groups() -> list[Any]:
    return [
        pytest.param(group, id=f"{path.stem}-{number}")
        for path in sorted(SUITE.glob("*.json"))
        for number, group in enumerate(json.loads(path.read_text(encoding="utf-8")))
    ]


def errors(text: str) -> set[str]:
    return {problem.code for problem in check_expression(text, WIDE) if problem.severity == "error"}


def exact(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("group", groups())
def test_every_case_with_a_result_gives_it_alone_and_fused(group: dict[str, Any]) -> None:
    cases = [case for case in group["cases"] if "result" in case]
    together = compile_features({str(n): case["expression"] for n, case in enumerate(cases)}, limits=WIDE)
    values = together.evaluate(group["given"])
    for number, case in enumerate(cases):
        alone = compile_expression(case["expression"], limits=WIDE).evaluate(group["given"])
        assert exact(alone) == exact(case["result"]), case
        assert exact(values[str(number)]) == exact(case["result"]), case


@pytest.mark.parametrize("group", groups())
def test_every_case_with_an_error_is_refused_or_fails(group: dict[str, Any]) -> None:
    for case in group["cases"]:
        if "error" not in case:
            continue
        refused = errors(case["expression"])
        assert refused <= REFUSED[case["error"]], case
        if not refused:
            assert case["error"] == "invalid-type"
            features = compile_features({"one": case["expression"]}, limits=WIDE)
            assert features.evaluate(group["given"]) == {"one": EvaluationFailure("JMESPathTypeError")}, case


@pytest.mark.parametrize("group", groups())
def test_every_benchmark_case_compiles_or_is_over_the_limit_of_loops(group: dict[str, Any]) -> None:
    for case in group["cases"]:
        if "bench" in case:
            refused = errors(case["expression"])
            assert refused <= {"expression.too_many_loops"}, case
            if not refused:
                compile_expression(case["expression"], limits=WIDE)


def test_the_suite_is_complete() -> None:
    cases = [case for group in groups() for case in group.values[0]["cases"]]
    assert len(cases) == 908
