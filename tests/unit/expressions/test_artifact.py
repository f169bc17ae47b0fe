"""Compiled features written at build time and loaded where they run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.expressions import (
    ArtifactError,
    EvaluationFailure,
    compile_features,
    load_expression,
    load_features,
)

ROOT = Path(__file__).resolve().parents[3]
FEATURES = {
    "spent": "sum(profile.orders[?kind == 'a' && price > `1`].price)",
    "age": "days_since(profile.since)",
    "bad": "abs(profile.name)",
}
DOCUMENT = {
    "profile": {"orders": [{"kind": "a", "price": 2.5}], "since": "2026-11-01", "name": "x"},
    "now": "2026-11-02T00:00:00Z",
}
VALUES = {"spent": 2.5, "age": 1.0, "bad": EvaluationFailure("JMESPathTypeError")}


def written() -> Any:
    return json.loads(json.dumps(compile_features(FEATURES).to_artifact()))


def test_a_loaded_artefact_is_what_was_compiled() -> None:
    compiled, loaded = compile_features(FEATURES), load_features(written())
    assert loaded.evaluate(DOCUMENT) == compiled.evaluate(DOCUMENT) == VALUES
    assert loaded.code == compiled.code
    assert loaded.lineage == compiled.lineage
    assert dict(loaded.expressions) == dict(compiled.expressions)
    assert loaded.expressions["spent"].reads == ("profile.orders[].kind", "profile.orders[].price")
    assert loaded.expressions["age"].absence({"profile": {}}) == "missing"


def test_strict_evaluation_works_on_a_loaded_artefact() -> None:
    with pytest.raises(ValueError):
        load_features(written()).evaluate(DOCUMENT, strict=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 0}, "another version of this package"),
        ({"engine": "0123456789abcdef"}, "another version of this package"),
        ({"python": "cpython-39-00000000"}, "another Python"),
        ({"bytecode": "AAAA"}, "does not match its hash"),
        ({"code": "print(1)"}, "does not match its hash"),
        ({"expressions": "[]"}, "does not match its hash"),
        ({"hash": None}, "does not match its hash"),
    ],
)
def test_an_artefact_that_does_not_fit_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        load_features({**written(), **change})


@pytest.mark.parametrize("thing", [{}, [], None, "text", 5, {"format": 2}])
def test_what_is_no_artefact_is_refused(thing: Any) -> None:
    for load in (load_features, load_expression):
        with pytest.raises(ArtifactError):
            load(thing)


def test_an_artefact_of_another_source_of_the_engine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "features.json").write_text(json.dumps(written()))
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "import json, sys, functions.expressions as engine\n"
        "try: engine.load_features(json.load(open(sys.argv[1])))\n"
        "except engine.ArtifactError as error: print(error)\n"
        "else: print('loaded')"
    )

    def shown() -> str:
        command = [sys.executable, "-c", program, str(tmp_path / "features.json")]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    assert shown() == "loaded"
    runtime = tmp_path / "functions" / "expressions" / "runtime.py"
    runtime.write_text(runtime.read_text().replace("def jp_sum(", "def jp_total("))
    assert shown() == "the artefact is of another version of this package; build it again"


def test_loading_and_evaluating_imports_neither_jmespath_nor_the_compiler(tmp_path: Any) -> None:
    (tmp_path / "features.json").write_text(json.dumps(written()))
    program = (
        "import json, sys, functions.expressions as engine;"
        "features = engine.load_features(json.load(open(sys.argv[1])));"
        "values = features.evaluate(json.loads(sys.argv[2]));"
        "print(values['spent'], values['bad'].kind);"
        "print(sorted({'jmespath', 'functions.expressions.compiler', 'functions.expressions.lineage',"
        " 'functions.expressions.library.reference', 'difflib', 'yaml'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "features.json"), json.dumps(DOCUMENT)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines() == ["2.5 JMESPathTypeError", "[]"]
