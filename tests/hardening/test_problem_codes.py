"""Every code that a fault of a spec, an expression or a pattern can have is expected by some test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import functions
from functions.spec.problem_codes import PROBLEM_CODES
from functions.spec.problems import Problem

PACKAGE: Final = Path(functions.__path__[0])
TESTS: Final = Path(__file__).parents[1]
ROOMS: Final = ("spec", "expressions", "events")
TABLE: Final = PACKAGE / "spec" / "problem_codes.py"
_CODE: Final = re.compile(r"[a-z]+\.[a-z_]+")

# Of the form of a code, and none.
NO_CODES: Final = frozenset(
    {
        *(
            "action.decided",
            "actions.yaml",
            "aws.dynamodb",
            "event.anonymous_id",
            "score.updated",
            "contract.yaml",
            "experiments.yaml",
            "kinesis.data",
            "policy.yaml",
        ),
        *("library.reference", "spec.invalid"),
    }
)


def _constants(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _pattern_codes(path: Path) -> Iterator[str]:
    """Yield the codes of patterns, which are written without their first word."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        noted = ast.unparse(node.func) == "faults.add"
        raised = ast.unparse(node.func) == "WildcardError"
        for argument in node.args[1:2] if noted else node.args[:1] if raised else ():
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield f"pattern.{argument.value}"


def _written() -> set[str]:
    found: set[str] = set()
    for path in (path for room in ROOMS for path in (PACKAGE / room).rglob("*.py") if path != TABLE):
        found |= {text for text in _constants(path) if _CODE.fullmatch(text)}
        found |= set(_pattern_codes(path))
    return found


def _expected() -> set[str]:
    found: set[str] = set()
    for path in (path for path in TESTS.rglob("test_*.py") if path != Path(__file__)):
        for text in _constants(path):
            found.add(text)
            # As a command prints it: `error[yaml.tab]`.
            found.update(re.findall(r"\[([a-z]+\.[a-z_]+)\]", text))
            if path.parent.name == "events":
                found.add(f"pattern.{text}")
    return found


def test_every_code_of_a_problem_is_expected_by_a_test() -> None:
    assert sorted(_written() - NO_CODES - _expected()) == []


def test_the_scan_finds_codes_of_every_room() -> None:
    codes = _written() - NO_CODES
    assert {code.partition(".")[0] for code in codes} == {
        "cases", "contract", "expression", "feature", "governance", "model", "pattern", "policy", "spec", "yaml",
    }  # fmt: skip
    assert len(codes) > 70
    assert {"yaml.bomb", "pattern.too_many_wildcards", "pattern.bad_value", "spec.wrong_value"} <= codes


def test_the_exceptions_are_still_there() -> None:
    assert NO_CODES - _written() == set()


def test_every_code_has_a_sentence_and_says_what_to_do() -> None:
    for code, known in PROBLEM_CODES.items():
        assert known.meaning.endswith("."), code
        assert known.remedy.endswith("."), code
        assert known.meaning[0].isupper() or known.meaning[0] == "`", code


def test_a_problem_with_a_code_that_is_not_explained_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks spec\.invented"):
        Problem("a.yaml", 1, 1, "spec.invented", "m")
