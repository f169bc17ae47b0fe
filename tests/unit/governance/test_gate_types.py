"""What goes around the gate is an error of types: mypy refuses each line of a snippet that does."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[3]
GOES_AROUND = """\
from functions.governance.gate import Clearance, ConsentCheck, Payload, check_consent, clear
from functions.models.model import Model
from functions.spec.plan import Plan

def around(model: Model, plan: Plan, checked: ConsentCheck, clearance: Clearance) -> None:
    ConsentCheck("before_model", "retention", "marketing", "granted")  # expected: call-arg
    ConsentCheck("before_model", "retention", "marketing", "granted", token=object())  # expected: arg-type
    Clearance("retention", frozenset(), token=object())  # expected: arg-type
    Clearance("retention", frozenset())  # expected: call-arg
    clear(checked, {"derived"})  # expected: arg-type
    clear(None, plan.governance)  # expected: arg-type
    Payload(clear(checked, plan.governance), "text/csv", b"", "text/csv")  # expected: arg-type
    Payload(clearance, "text/csv", b"", "text/csv", labels=frozenset())  # expected: call-arg
    model.invoke(b"", inference_id="x", timeout_s=1.0)  # expected: arg-type

def through(model: Model, clearance: Clearance) -> None:
    model.invoke(Payload(clearance, "text/csv", b"", "text/csv"), inference_id="x", timeout_s=1.0)
"""


def test_each_way_around_the_gate_is_an_error_of_types_and_the_way_through_is_none(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(GOES_AROUND, encoding="utf-8")
    found, told, _ = api.run(
        [
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "--cache-dir",
            str(ROOT / ".mypy_cache"),
            str(snippet),
        ]
    )
    assert told == ""
    errors = dict(re.findall(r"snippet\.py:(\d+):.* error: .*\[([a-z-]+)\]", found))
    lines = enumerate(GOES_AROUND.splitlines(), start=1)
    assert errors == {
        str(number): line.split("expected: ")[1] for number, line in lines if "expected: " in line
    }, found
