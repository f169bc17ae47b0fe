"""Faults planted in the engine are found by its tests.

Each mutant is one textual change. A copy of the package gets it, and the tests that are named with it must fail on
the copy. A few run by default; `EXPRESSION_MUTANTS=all pytest -k mutant` runs every one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "functions" / "expressions"

COMPILER = [
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
READS = [
    ("lineage.py", "        self.need(inside, How.TYPE)  # how many", "        # how many"),
    ("lineage.py", "        self.need(result, How.TYPE)  # nulls are left out\n", ""),
    ("lineage.py", ' and other["value"] is None', ""),
    ("lineage.py", "self.need(left, How.NULLNESS)", "self.need(left, How.TYPE)"),
    ("lineage.py", 'self.visit(node["children"][0], at), How.NULLNESS', 'self.visit(node["children"][0], at), How.TYPE'),
    ("lineage.py", "[2], inside), How.NULLNESS)", "[2], inside), How.TYPE)"),
    ("lineage.py", '"length": (_all(How.SIZE)', '"length": (_all(How.TYPE)'),
    ("lineage.py", '"keys": (_all(How.SIZE)', '"keys": (_all(How.NULLNESS)'),
    ("lineage.py", '"values": (_all(How.SIZE)', '"values": (_all(How.TYPE)'),
    ("lineage.py", '"reverse": (_all(How.TYPE), lambda given: given[0])', '"reverse": (_all(How.TYPE), lambda _: ())'),
    ("lineage.py", "[How.VALUE] * (count - 1)", "[How.SIZE] * (count - 1)"),
    ("lineage.py", "        self.need(at, How.TYPE)\n        fields", "        fields"),
    ("lineage.py", "self.visit(array, at)\n        self.need(_elements(base), How.TYPE)\n", "self.visit(array, at)\n"),
    ("lineage.py", "        self.need(computed, How.VALUE)\n", ""),
    ("lineage.py", '{"days_since", "hours_since", "minutes_since"}', '{"days_since"}'),
    ("lineage.py", "if len(known) < len(names):", "if False:"),
    ("lineage.py", "lambda _: [How.NULLNESS, How.TYPE, How.TYPE]", "lambda _: [How.TYPE, How.TYPE, How.TYPE]"),
    ("pruning.py", "if need.how is How.NULLNESS and value and not kept:", "if False:"),
    ("pruning.py", "return [None] * len(value)", "return []"),
    ("pruning.py", "[None] if need.how is How.NULLNESS and value else []", "[]"),
    ("pruning.py", "every if one is None else _merged(every, one)", "every"),
    ("pruning.py", "{key: kept.get(key) for key in value}", "kept"),
    ("pruning.py", "    if need.how is How.VALUE:\n        return value\n", ""),
    ("decoding.py", "if need.how is How.VALUE:\n        return lambda", "if False:\n        return lambda"),
    ("decoding.py", "need.values is not None or need.how is not How.TYPE", "need.values is not None"),
    ("decoding.py", "need.values is not None and not need.fields", "need.values is not None"),
    ("decoding.py", "DecodeError, UnicodeDecodeError, RecursionError)", "DecodeError, RecursionError)"),
    ("decoding.py", "DecodeError, RecursionError)", "DecodeError)"),
    ("paths.py", "step in (given, VALUES)", "step == given"),
    ("paths.py", "if len(path) >= len(at) or how is How.VALUE:", "if len(path) >= len(at):"),
    ("paths.py", "if len(path) >= len(at) or how is How.VALUE:", "if True:"),
]  # fmt: skip
ARITHMETIC = [
    ("library/arithmetic.py", "            return math.fsum(numbers)\n", "            return sum(numbers)\n"),
    ("library/arithmetic.py", "int not in kinds or (min(numbers) >= -_EXACT and max(numbers) <= _EXACT)", "True"),
    ("library/arithmetic.py", "max(numbers) <= _EXACT", "True"),
    ("library/arithmetic.py", "    return float(_total(numbers))\n", "    return _plain_sum(numbers)\n"),
    ("library/arithmetic.py", "return float(_total(numbers) / len(numbers))", "raise"),
    ("library/windows.py", "_within_range(exact_sum, numbers)", "_within_range(sum, numbers)"),
    ("interpreter.py", "return exact_sum(numbers)", "return sum(numbers)"),
    ("interpreter.py", "return exact_mean(numbers)", "return sum(numbers) / len(numbers) if numbers else None"),
    ("library/texts.py", "min(LONGEST_TEXT, MOST_GROWTH * (len(text) + len(old) + len(new)))", "LONGEST_TEXT"),
    ("library/texts.py", "return between > MOST_GROWTH * given and", "return False and"),
]  # fmt: skip
SHARING = [
    ("loops.py", "GROUP_FROM = 3", "GROUP_FROM = 10_000"),
    ("loops.py", "            owner.loops[key] = found\n", "            pass\n"),
    ("emitter.py", "home = scope.hoist", "home = scope"),
    ("blocks.py", "if self.iterate != self.holder:", "if True:"),
    ("operations.py", "    instants = scope.find(key)\n", "    instants = None\n"),
]  # fmt: skip
FAILING = [
    ("features.py", "*_EVALUATION_ERRORS):\n            values", "):\n            values"),
    ("runtime.py", "combine(value)\n    except OverflowError", "combine(value)\n    except ZeroDivisionError"),
    ("runtime.py", "texts)\n    except TextTooLongError", "texts)\n    except ZeroDivisionError"),
    ("emitter.py", "failed=self.failed, known=dict(self.known)", "known=dict(self.known)"),
    ("interpreter.py", "error.function_name, _NOT_SHOWN,", "error.function_name, error.current_value,"),
]  # fmt: skip
ALL = [
    *((mutant, ("test_tables.py",)) for mutant in COMPILER),
    *((mutant, ("test_lineage.py", "test_decoding.py", "test_reads.py")) for mutant in READS),
    *((mutant, ("test_library.py",)) for mutant in ARITHMETIC),
    *((mutant, ("test_generated_code.py",)) for mutant in SHARING),
    *((mutant, ("test_hostile.py",)) for mutant in FAILING),
]
SHOWN = (0, 7, len(COMPILER) + 4)


def chosen() -> list[int]:
    return list(range(len(ALL))) if os.environ.get("EXPRESSION_MUTANTS") == "all" else list(SHOWN)


@pytest.mark.parametrize("number", chosen())
def test_a_mutant_of_the_engine_is_killed_by_its_tests(number: int, tmp_path: Path) -> None:
    (module, old, new), tests = ALL[number]
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    mutated = tmp_path / "functions" / "expressions" / module
    source = mutated.read_text(encoding="utf-8")
    mutated.write_text(source.replace(old, new), encoding="utf-8")
    folder = ROOT / "tests" / "unit" / "expressions"
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
        *(str(folder / name) for name in tests),
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("EXPRESSION_MUTANTS", None)
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 1, f"survived: {module}: {old} -> {new}"


@pytest.mark.parametrize(("module", "old", "new"), [mutant for mutant, _ in ALL])
def test_every_mutant_still_applies_to_the_source(module: str, old: str, new: str) -> None:
    assert old in (ENGINE / module).read_text(encoding="utf-8")
    assert old != new
