"""A folder of specs becomes a folder of artefacts, and an artefact is taken only while its files are unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from functions.build.artifact import LoadedPlan, plan_from_artifact, plan_to_artifact
from functions.documents import DocumentError, parse_json
from functions.errors import BuiltPlanError
from functions.governance.statements import ConsentSources, source_document, source_from

SUFFIX: Final = ".plan.json"
_MAX_BYTES: Final = 50_000_000
CONSENTS_FILE: Final = "consents.json"
"""What platforms call the consents of the contract, beside the artefacts; profile ingest and outcomes read it."""

EachFile = Callable[[Collection[Path]], Iterable[Path]]
"""Hands out files one by one, and may tell how far it is."""

_SHARED: Final = ("contract.yaml", "actions.yaml", "policy.yaml", "experiments.yaml")


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """One artefact.

    Attributes:
        name: Name of the function.
        path: Where the artefact is.
        bytes: Its size.
        spec: Content hash of the spec, as receipts show it.
    """

    name: str
    path: Path
    bytes: int
    spec: str


def build_folder(specs: Path, output: Path, *, each: EachFile = iter) -> tuple[BuiltFunction, ...]:
    """Check and compile every spec of a folder and write one artefact for each.

    Artefacts of functions that are no more are removed. Each file is written whole or not at all.

    Args:
        specs: The folder of specs.
        output: Where to write; it is made when it is not there.
        each: Hands out the files one by one, and may tell how far it is.

    Raises:
        SpecError: There is any error in the folder; nothing is written then.
    """
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError

    loaded = load_folder(specs, each=each)
    if loaded.errors:
        raise SpecError(loaded.errors)
    output.mkdir(parents=True, exist_ok=True)
    contract = loaded.contract
    sources = contract.sources() if contract is not None else {}
    consents = {name: source_document(source) for name, source in sources.items()}
    _write(output / CONSENTS_FILE, json.dumps(consents, ensure_ascii=False))
    built = []
    for name, plan in loaded.plans.items():
        document = plan_to_artifact(plan)
        file = {"built_from": source_hash(specs, loaded.files[name]), "artifact": document}
        text = json.dumps(file, ensure_ascii=False, separators=(",", ":"))
        path = output / (name + SUFFIX)
        _write(path, text)
        built.append(BuiltFunction(name, path, len(text.encode()), plan.bundle.spec))
    for stale in output.glob("*" + SUFFIX):
        if stale.name.removesuffix(SUFFIX) not in loaded.plans:
            stale.unlink()
    return tuple(built)


def load_built(folder: Path, name: str, *, specs: Path | None = None) -> LoadedPlan:
    """Return the plan of an artefact.

    Args:
        folder: Where `build_folder` wrote.
        name: Name of the function.
        specs: The folder of specs, where it is at hand: an artefact of other texts is refused then.

    Raises:
        BuiltPlanError: There is none, it is stale, damaged, or of another version of this package.
    """
    path = folder / (name + SUFFIX)
    try:
        file = parse_json(path.read_bytes(), max_bytes=_MAX_BYTES)
    except OSError:
        raise BuiltPlanError(f"{path} can't be read; run `functions build`") from None
    except DocumentError:
        raise BuiltPlanError(f"{path} is no built plan; run `functions build`") from None
    if not isinstance(file, dict) or "artifact" not in file:
        raise BuiltPlanError(f"{path} is no built plan; run `functions build`")
    if specs is not None and not _is_current(file.get("built_from"), specs):
        raise BuiltPlanError(
            f"{path} was built from other specs than those of {specs}; run `functions build`"
        )
    return plan_from_artifact(file["artifact"])


def load_consents(folder: Path) -> ConsentSources:
    """Return what platforms call the consents of the contract, from a folder that `build_folder` wrote.

    Raises:
        BuiltPlanError: It is not there, or damaged.
    """
    path = folder / CONSENTS_FILE
    try:
        document = parse_json(path.read_bytes(), max_bytes=_MAX_BYTES)
        return {name: source_from(source) for name, source in document.items()}
    except (OSError, DocumentError, AttributeError, KeyError, TypeError):
        raise BuiltPlanError(f"{path} can't be read; run `functions build`") from None


def stale_functions(specs: Path, folder: Path, *, each: EachFile = iter) -> Iterator[str]:
    """Yield the functions of a folder of specs whose artefact is missing, stale or unusable here."""
    from functions.spec.loading import load_folder

    for name in load_folder(specs, each=each).files:
        try:
            loaded = load_built(folder, name, specs=specs)
        except BuiltPlanError:
            yield name
            continue
        if loaded.recompiled is not None:
            yield name


def source_hash(specs: Path, spec_file: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a function is built from, by name; empty for one that is not there."""
    files = [spec_file, *(specs / name for name in _SHARED)]
    return {file.name: _digest(file) for file in files}


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file; a folder without rails has no such file."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _is_current(built_from: object, specs: Path) -> bool:
    if not isinstance(built_from, dict) or not built_from:
        return False
    try:
        return all(_digest(specs / str(name)) == digest for name, digest in built_from.items())
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
