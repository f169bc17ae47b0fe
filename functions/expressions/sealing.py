"""The written form of compiled features: source and bytecode under a hash, tied to a version of Python."""

from __future__ import annotations

import base64
import hashlib
import marshal
import sys
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER
from types import CodeType

from functions.documents import Json

FORMAT = 1
"""Counts up whenever generated code, or a function that it calls, changes its meaning."""


class ArtifactError(ValueError):
    """An artefact can't be used here: build it again. The message says why."""


def seal(source: str, expressions: str) -> dict[str, Json]:
    """Return the artefact of a generated module and of the expressions it was generated from, as JSON text."""
    code = compile(source, "<generated features>", "exec", dont_inherit=True)
    held: dict[str, Json] = {
        "format": FORMAT,
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
    if artifact.get("format") != FORMAT:
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


def _python() -> str:
    return f"{sys.implementation.cache_tag}-{MAGIC_NUMBER.hex()}"


def _hash(artifact: Mapping[str, Json]) -> str:
    digest = hashlib.sha256()
    for part in ("format", "python", "code", "bytecode", "expressions"):
        digest.update(f"{artifact[part]}\0".encode())
    return digest.hexdigest()
