"""What a runtime imports costs no pydantic and no YAML, and importing anything has no effect."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUNTIME = """
import sys, pkgutil, importlib
import functions.spec.plan, functions.spec.templates, functions.governance.gate, functions.runtime
for found in pkgutil.iter_modules(functions.runtime.__path__, "functions.runtime."):
    importlib.import_module(found.name)
print(sorted(set(sys.modules) & {"pydantic", "pydantic_core", "yaml", "jmespath", "boto3", "httpx"}))
"""

WATCHED = """
import sys, pkgutil, importlib
import functions
import pydantic, jmespath  # what these do when imported is not ours

seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.putenv", "os.mkdir", "os.remove"):
        seen.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if not str(arguments[0]).endswith(".pyc") and "__pycache__" not in str(arguments[0]):
            seen.append(f"open {arguments[0]}")
sys.addaudithook(watch)
for package in ("spec", "governance", "settings", "documents", "times", "errors"):
    module = importlib.import_module(f"functions.{package}")
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), f"functions.{package}."):
        importlib.import_module(found.name)
print(seen, "yaml" in sys.modules)
"""


def output(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_runtime_imports_neither_pydantic_nor_yaml_nor_any_client() -> None:
    assert output(RUNTIME) == "[]"


def test_importing_writes_nothing_connects_nowhere_and_reads_no_yaml_parser() -> None:
    assert output(WATCHED) == "[] False"


@pytest.mark.parametrize(
    "name", ["functions.spec.plan", "functions.settings", "functions.governance.consent"]
)
def test_module_imports_alone(name: str) -> None:
    assert output(f"import {name}") == ""
