"""What goes into a Lambda function, put together on this machine: wheels for its processor, the package, plans.

No Docker: pip fetches wheels for another platform, and the Python of the functions compiles them when it is
on this machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from functions.build.folder import CONSENTS_FILE
from functions.errors import SettingsError
from infra.configuration import Configuration
from infra.pruning import prune

PLATFORMS: Final = {
    "arm64": ("manylinux2014_aarch64", "manylinux_2_28_aarch64"),
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_28_x86_64"),
}
"""Wheels that Amazon Linux 2023 (glibc 2.34) can load, by architecture."""

LAYER: Final = "/opt"
"""Where a layer is in a function."""

FIXED_DATE: Final = 315_532_800
"""1980-01-01, the first date that a zip file knows, so that equal content gives equal assets."""

_BUILD_PLANS: Final = (
    "import sys; from pathlib import Path; from functions.build.folder import build_folder; "
    "build_folder(Path(sys.argv[1]), Path(sys.argv[2]))"
)


class Assembly:
    """Writes layers and plans.

    Args:
        configuration: Of the deployment.
        root: The folder that holds the package `functions`.
        say: Takes lines for the person who deploys.
    """

    def __init__(self, configuration: Configuration, root: Path, say: Callable[[str], object]) -> None:
        self._configuration = configuration
        self._root = root
        self._say = say

    @cached_property
    def python(self) -> str | None:
        """The Python of the functions on this machine; None where there is none."""
        version = self._configuration.python
        if sys.version_info[:2] == tuple(map(int, version.split("."))):
            return sys.executable
        found = shutil.which(f"python{version}")
        # Launchers of version managers stand in the path of Pythons that are not installed.
        return found if found and _works(found, version) else None

    def write_layer(self, output: Path) -> None:
        """Write the layer: wheels, the package, packages of the builder's own, all compiled ahead.

        Raises:
            SettingsError: pip can't fetch what is pinned.
        """
        target = output / "python"
        self._install(target, self._configuration.requirements)
        shutil.rmtree(target / "bin", ignore_errors=True)
        prune(target)
        for folder in (self._root / "functions", *self._configuration.code):
            shutil.copytree(
                folder, target / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        if self.python is not None:
            # Never checked against the source: the layer can't change, and a check costs at every start.
            command = [self.python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
            command += ["-s", str(output), "-p", LAYER, str(target)]
            _run(command, "the code can't be compiled")
        else:
            version = self._configuration.python
            self._say(f"There is no Python {version} here: functions compile their code at every cold start.")
        settle(output)
        unzipped, zipped = sizes(output)
        self._say(f"Layer: {zipped / 1e6:.1f} MB zipped, {unzipped / 1e6:.1f} MB unzipped (AWS takes 250)")

    def write_plans(self, output: Path, names: Sequence[str]) -> None:
        """Write the artefacts of functions, below `plans`.

        Raises:
            SettingsError: They can't be built.
        """
        folder = output / "plans"
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(self._built / f"{name}.plan.json", folder)
        settle(output)

    def write_consents(self, output: Path) -> None:
        """Write what platforms call the consents of the contract, below `plans`.

        Raises:
            SettingsError: It can't be built.
        """
        folder = output / "plans"
        folder.mkdir(parents=True)
        shutil.copy(self._built / CONSENTS_FILE, folder)
        settle(output)

    @cached_property
    def _built(self) -> Path:
        """Every artefact, built once, with the Python of the functions where that is possible."""
        work = Path(tempfile.mkdtemp(prefix="functions-plans-"))
        plans, path = work / "plans", [str(self._root.resolve())]
        if self.python in (None, sys.executable):
            python = sys.executable
        else:
            # Packages with compiled parts are of one Python: that one needs its own.
            python = str(self.python)
            self._install(work / "site", self._root / "requirements" / "run.txt", host=True)
            path.append(str(work / "site"))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        command = [python, "-c", _BUILD_PLANS, str(self._configuration.specs.resolve()), str(plans)]
        _run(command, "the plans can't be built", environment)
        return plans

    def _install(self, target: Path, requirements: Path, *, host: bool = False) -> None:
        platforms = () if host else PLATFORMS[self._configuration.architecture]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        command += ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
        command += [
            "--implementation",
            "cp",
            "--python-version",
            self._configuration.python,
            "--target",
            str(target),
        ]
        command += [word for platform in platforms for word in ("--platform", platform)]
        _run([*command, "-r", str(requirements)], f"the packages of {requirements} can't be installed")


def tree_hash(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of files and folders: names and content, no dates, nothing compiled."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(_files(path)):
            name = file.relative_to(path.parent).as_posix()
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


def sizes(folder: Path) -> tuple[int, int]:
    """Return the bytes of a folder, and those of a zip file of it."""
    with tempfile.TemporaryDirectory() as work:
        archive = Path(shutil.make_archive(str(Path(work) / "size"), "zip", folder))
        zipped = archive.stat().st_size
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), zipped


def settle(folder: Path) -> None:
    """Give everything in a folder the same date and rights, so that equal content is an equal asset."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (FIXED_DATE, FIXED_DATE))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in path.rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            yield file


def _works(python: str, version: str) -> bool:
    command = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - found by name
    return done.returncode == 0 and done.stdout.strip() == version


def _run(command: Sequence[str], what: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - our own words and paths
        list(command), capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word why"]
        raise SettingsError(f"{what}: {last[0]}")
