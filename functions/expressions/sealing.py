"""The written form of compiled features: source and bytecode under a hash, tied to Python and to this package.

Generated code means what the compiler meant that wrote it, and calls functions of this package. So an artefact
names the source of the engine it was made with, and is refused by any other, were it one line apart.
"""

from __future__ import annotations

import base64
import hashlib
import marshal
import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

from functions import times
from functions.documents import Json

FORMAT = 2
"""Counts up whenever the shape of the artefact changes."""


class ArtifactError(ValueError):
    """An artefact can't be used here: build it again. The message says why."""


def seal(source: str, expressions: str) -> dict[str, Json]:
    """Return the artefact of a generated module and of the expressions it was generated from, as JSON text."""
    code = compile(source, "<generated features>", "exec", dont_inherit=True)
    held: dict[str, Json] = {
        "format": FORMAT,
        "engine": engine_version(),
        "python": _python(),
        "code": source,
        "bytecode": base64.b64encode(marshal.dumps(code)).decode(),
        "expressions": expressions,
    }
    return {**held, "hash": _hash(held)}


def opened(artifact: Mapping[str, Json]) -> CodeType:
    """Return the bytecode of an artefact that fits this Python and this version of the package.

    Raises:
        ArtifactError: It does not fit, is damaged, or is no artefact at all.
    """
    if not isinstance(artifact, Mapping):
        raise ArtifactError("this is no artefact of expressions")
    if artifact.get("format") != FORMAT or artifact.get("engine") != engine_version():
        raise ArtifactError("the artefact is of another version of this package; build it again")
    if artifact.get("python") != _python():
        here = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
        raise ArtifactError(f"the artefact was built for another Python than {here}; build it with this one")
    try:
        intact = artifact["hash"] == _hash(artifact)
    except (KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise ArtifactError("the artefact does not match its hash; build it again")
    code: CodeType = marshal.loads(base64.b64decode(artifact["bytecode"]))  # noqa: S302 - its hash was checked
    return code


@cache
def engine_version() -> str:
    """Return the hash of the source of the engine: of this room, and of what it reads times with."""
    room = Path(__file__).parent
    digest = hashlib.sha256()
    for module in (*sorted(room.rglob("*.py")), Path(times.__file__)):
        digest.update(
            f"{module.relative_to(room.parent).as_posix()}\0".encode() + module.read_bytes() + b"\0"
        )
    return digest.hexdigest()[:16]


def _python() -> str:
    return f"{sys.implementation.cache_tag}-{MAGIC_NUMBER.hex()}"


def _hash(artifact: Mapping[str, Json]) -> str:
    digest = hashlib.sha256()
    for part in ("format", "engine", "python", "code", "bytecode", "expressions"):
        digest.update(f"{artifact[part]}\0".encode())
    return digest.hexdigest()
