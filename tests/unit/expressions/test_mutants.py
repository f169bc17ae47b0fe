"""Faults planted in the compiler are found by the tables.

Each mutant is one textual change. A copy of the package gets it, and the tables must fail on the copy. A few
run by default; `EXPRESSION_MUTANTS=all pytest -k mutant` runs every one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ENGINE = ROOT / "functions" / "expressions"

MUTANTS = [
    ("conditions.py", "({held} is {value})", "({held} == {value})"),
    ("conditions.py", " and {held} is not {bool(value)})", ")"),
    ("conditions.py", " and (type({held}) is bool) is (type({other}) is bool))", ")"),
    ("conditions.py", "({held} or ({held} is not None and {held} is not False and holds({held})))", "({held})"),
    ("conditions.py", " and {held} is not False and holds({held})", " and {held} == 0"),
    ("runtime.py", "    return type(value) in _NUMBERS\n\n\ndef refused", "    return value == 0\n\n\ndef refused"),
    ("conditions.py", "(type({value}) is int or type({value}) is float)", "isinstance({value}, int | float)"),
    ("conditions.py", "(type({value}) is int or type({value}) is float)", "type({value}) is not bool"),
    ("conditions.py", 'code if operation.data == "eq" else f"(not {code})"', "code"),
    ("conditions.py", "else {unless}{order_in_loop(operation.data, node, left, right, scope)})", "else None)"),
    ("conditions.py", 'SYMBOLS = {"lt": "<", "lte": "<="', 'SYMBOLS = {"lt": "<=", "lte": "<="'),
    ("conditions.py", 'value in ("", [], {})', 'value in ("", [])'),
    ("conditions.py", '"starts_with", "ends_with", "contains"', '"starts_with", "ends_with", "contains", "length"'),
    ("operations.py", 'f"len({held}) > {position}"', 'f"len({held}) >= {position}"'),
    ("operations.py", 'f"len({held}) >= {-position}"', 'f"len({held}) > {-position}"'),
    ("operations.py", 'f"None if {held} is None else {made}"', "made"),
    ("operations.py", 'scope.inside(f"if {held} is not None:")', 'scope.inside("if True:")'),
    ("operations.py", '"if not {}:"', '"if {}:"'),
    ("operations.py", '"not_null"):\n        return _first', '"not_null", "to_array"):\n        return _first'),
    ("operations.py", "return emitter.assign(scope, repr(value), ", "return emitter.names.constant(repr(value)) or (0, "),
    ("operations.py", "    emitter.value(before, scope)\n", "    pass\n"),
    ("operations.py", 'f"WRONG_TYPE if {count} is None else {count}"', "count"),
    ("operations.py", 'f"{chosen[0]} if {held} else {chosen[1]}"', 'f"{held} and {chosen[0]} or {chosen[1]}"'),
    ("loops.py", 'if operation.kind != "map" and not sure:', "if not sure:"),
    ("loops.py", 'if operation.kind != "map" and not sure:', "if False:"),
    ("loops.py", 'operation.data == "ne":\n        return False', 'operation.data == "ne":\n        return True'),
    ("loops.py", "graph.literal(node) is not None", "True"),
    ("loops.py", "if loop.flag is not None:", "if False:"),
    ("loops.py", 'if operation.kind == "map":', "if False:"),
    ("loops.py", "else equality.rest", "else ()"),
    ("loops.py", 'graph[condition].data != "eq"', 'graph[condition].data not in ("eq", "ne")'),
    ("loops.py", "key: Any = (base, over, wanted, fails)", "key: Any = (base, over, wanted)"),
    ("loops.py", "known = (counting, node)", "known = node"),
    ("loops.py", 'if field.kind != "field" or graph[field.inputs[0]].data != (base, False):', "if not field.data:"),
    ("graph.py", "if graph.fails[before]:", "if False:"),
    ("graph.py", 'graph.add("element", (), (base, kind == "values"))', 'graph.add("element", (), (base, False))'),
    ("graph.py", "json.dumps(node[\"value\"])", "json.dumps(node[\"value\"]).replace('1.0', '1')"),
    ("compiler.py", "shared if made.isdisjoint(mine)", "shared if True"),
    ("blocks.py", "{target} = {self.holder}.get({key!r})\"\n", "{target} = {self.holder}.get({self.reads[0][1]!r})\"\n"),
    ("blocks.py", 'yield f"    {self.flag} = True"', 'yield "    pass"'),
    ("emitter.py", "if scope.hoist is not None and not self.graph.fails[node]:", "if scope.hoist is not None:"),
    ("emitter.py", 'self.leave_if(scope, f"type({target}) is EvaluationFailure", target)', "pass"),
    ("emitter.py", 'f"in_loop({code})"', "code"),
    ("runtime.py", "merged.extend(element)", "merged.extend(flattened(element))"),
    ("runtime.py", "if (type(left) is str) is not (type(right) is str):", "if False:"),
    ("runtime.py", "return kind is int or kind is float or kind is str", "return kind in (bool, int, float, str)"),
    ("runtime.py", "_NUMBERS = frozenset({int, float})", "_NUMBERS = frozenset({int, float, bool})"),
    ("runtime.py", "return [value for value in column(items, name) if value is not None]", "return column(items, name)"),
    ("runtime.py", "first = type(keys[0]) is str", "first = False"),
    ("runtime.py", "for reader in (int, float):", "for reader in (float, int):"),
    ("runtime.py", "key=keys.__getitem__)]\n\n\ndef least", "key=keys.__getitem__, reverse=True)]\n\n\ndef least"),
    ("runtime.py", "items[max(range(len(items)), ", "items[max(reversed(range(len(items))), "),
    ("runtime.py", 'separators=(",", ":")', 'separators=(", ", ": ")'),
    ("runtime.py", "except (TypeError, ValueError) as error:", "except TypeError as error:"),
    ("runtime.py", "        failed.add(comparison)\n", "        pass\n"),
    ("loops.py", "if loop.failed is not None:", "if False:"),
    ("loops.py", "            found |= _orderings(graph, operation.inputs)\n", ""),
    ("conditions.py", 'operation.kind == "call" and operation.data in', "operation.data in"),
]  # fmt: skip
SHOWN = (0, 7, 23)


def chosen() -> list[int]:
    return list(range(len(MUTANTS))) if os.environ.get("EXPRESSION_MUTANTS") == "all" else list(SHOWN)


@pytest.mark.parametrize("number", chosen())
def test_a_mutant_of_the_compiler_is_killed_by_the_tables(number: int, tmp_path: Path) -> None:
    module, old, new = MUTANTS[number]
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    mutated = tmp_path / "functions" / "expressions" / module
    source = mutated.read_text(encoding="utf-8")
    mutated.write_text(source.replace(old, new), encoding="utf-8")
    tables = ROOT / "tests" / "unit" / "expressions" / "test_tables.py"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
        str(tables),
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 1, f"survived: {module}: {old} -> {new}"


@pytest.mark.parametrize(("module", "old", "new"), MUTANTS)
def test_every_mutant_still_applies_to_the_source(module: str, old: str, new: str) -> None:
    assert old in (ENGINE / module).read_text(encoding="utf-8")
    assert old != new
