"""The command line in this process over a project of its own, for tests that want to break it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.cli.console import Console
from functions.cli.main import run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A copy of the first sample that writes nothing outside itself.

    Attributes:
        folder: Specs, events and the store.
    """

    folder: Path

    @property
    def specs(self) -> Path:
        return self.folder / "feature_specs"

    @property
    def event(self) -> Path:
        return self.folder / "events" / "cancellation-page.json"

    def run(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Ran:
        """Run `functions ARGUMENTS…`; an exception that leaves `run` is a failure of the test."""
        out, err = _stream(), _stream()
        surroundings: Mapping[str, str] = {
            "FUNCTIONS_SPECS": str(self.specs),
            "FUNCTIONS_STORE": f"sqlite:///{self.folder}/store.db",
            "FUNCTIONS_MODELS": str(ROOT / "models"),
            **environment,
        }
        argv = [str(argument) for argument in arguments]
        code = run(argv, Console(io.StringIO(stdin), out, err, surroundings))
        return Ran(code, _text(out), _text(err))


def _stream() -> io.TextIOWrapper:
    """Return a stream that takes what that of a process takes: not every Python text is UTF-8."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="")


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _open_desk(folder: Path) -> Desk:
    specs = folder / "feature_specs"
    specs.mkdir()
    for name in (
        "contract.yaml", "actions.yaml", "profiles.jsonl", "churn-retention.yaml", "churn-retention.cases.yaml",
    ):  # fmt: skip
        shutil.copy(ROOT / "feature_specs" / name, specs)
    shutil.copytree(ROOT / "events", folder / "events")
    actions = specs / "actions.yaml"
    actions.write_text(actions.read_text().replace(".functions/", f"{folder}/"))
    return Desk(folder)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return _open_desk(tmp_path)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    """One desk for all examples of a fuzz, with the sample customers in its store."""
    desk = _open_desk(tmp_path_factory.mktemp("desk"))
    assert desk.run("profile", "import", desk.specs / "profiles.jsonl").code == 0
    return lambda: desk
