"""The command line in this process: a folder of its own, given streams, a given environment."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from functions.cli.console import Console
from functions.cli.main import run

ROOT = Path(__file__).parents[3]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the first sample and what it shares, that writes nothing outside itself."""
    specs = tmp_path / "feature_specs"
    specs.mkdir()
    shared = ("contract.yaml", "actions.yaml", "profiles.jsonl")
    for name in (*shared, "churn-retention.yaml", "churn-retention.cases.yaml"):
        shutil.copy(ROOT / "feature_specs" / name, specs)
    shutil.copytree(ROOT / "events", tmp_path / "events")
    actions = specs / "actions.yaml"
    text = actions.read_text()
    assert ".functions/offers.jsonl" in text
    actions.write_text(text.replace(".functions/offers.jsonl", str(tmp_path / "offers.jsonl")))
    return tmp_path


@pytest.fixture
def functions(project: Path) -> Callable[..., CompletedProcess[str]]:
    """Run `functions ARGUMENTS…`, by default over the copy of the samples and an SQLite store of its own."""

    def call(
        *arguments: str | Path,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
    ) -> CompletedProcess[str]:
        stream = _Terminal if tty else io.StringIO
        out, err = stream(), stream()
        surroundings = {
            "FUNCTIONS_SPECS": str(project / "feature_specs"),
            "FUNCTIONS_STORE": f"sqlite:///{project}/store.db",
            "FUNCTIONS_MODELS": str(ROOT / "models"),
            **(environment or {}),
        }
        argv = [str(argument) for argument in arguments]
        code = run(argv, Console(io.StringIO(stdin), out, err, surroundings))
        return CompletedProcess(argv, code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def imported_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the sample customers, imported once for a process; nobody but `samples` may open it."""
    store = tmp_path_factory.mktemp("samples") / "store.db"
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), {"FUNCTIONS_STORE": f"sqlite:///{store}"})
    assert run(["profile", "import", str(ROOT / "feature_specs" / "profiles.jsonl")], console) == 0
    return store


@pytest.fixture
def samples(imported_samples: Path, project: Path) -> None:
    """The sample customers, in the store: a copy, since to import them takes longer than most tests."""
    for file in imported_samples.parent.iterdir():
        shutil.copy(file, project / file.name)
