"""Compiled features from an artefact, without parsing, generating or importing `jmespath`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, MappingProxyType
from typing import Any, TypeVar

from functions.documents import Json
from functions.expressions.features import CompiledFeatures, Expression, Program, value_or_failure
from functions.expressions.paths import How, merge_reads
from functions.expressions.sealing import opened

K = TypeVar("K")
V = TypeVar("V")


def load_features(artifact: Mapping[str, Json]) -> CompiledFeatures:
    """Return the features of an artefact that `CompiledFeatures.to_artifact` made.

    Raises:
        ArtifactError: Of another format, version of this package or of Python, damaged, or no artefact at all.
            The texts of the expressions are still in it, for `compile_features`.
    """
    code = opened(artifact)
    expressions = OnDemand(lambda: _expressions(artifact["expressions"]))
    lineage = OnDemand(lambda: merge_reads(one.lineage for one in expressions.values()))
    program = program_of(code, lambda position: list(expressions.values())[position].source)
    return CompiledFeatures(expressions, lineage, artifact["code"], program)


def load_expression(artifact: Mapping[str, Json]) -> Expression:
    """Return the expression of an artefact that was made of it alone.

    Raises:
        ArtifactError: As `load_features`.
    """
    code = opened(artifact)
    (expression,) = _expressions(artifact["expressions"]).values()
    program = program_of(code, lambda _: expression.source)
    return Expression(expression.source, expression.lineage, expression.reads, program)


class OnDemand(Mapping[K, V]):
    """A mapping that is made when something is first looked up in it: most loaded lineage never is."""

    def __init__(self, make: Callable[[], Mapping[K, V]]) -> None:
        self._make = make
        self._made: Mapping[K, V] | None = None

    def _all(self) -> Mapping[K, V]:
        if self._made is None:  # two threads may both make it; the results are equal
            self._made = self._make()
        return self._made

    def __getitem__(self, key: K) -> V:
        return self._all()[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _expressions(written: str) -> dict[str, Expression]:
    needs = list(How)
    return {
        name: Expression(
            text,
            MappingProxyType({tuple(path): needs[how - 1] for path, how in lineage}),
            tuple(reads),
        )
        for name, text, reads, lineage in json.loads(written)
    }


def program_of(code: CodeType, text_at: Callable[[int], str]) -> Program:
    """Run a generated module and return its function.

    Args:
        code: The module.
        text_at: Gives the text of an expression by its position, for the slow path.
    """
    namespace: dict[str, Any] = {
        "__name__": "functions.expressions.generated",
        "slow": lambda position, root: value_or_failure(text_at(position), root),
    }
    exec(code, namespace)  # noqa: S102 - our own generated code, in which all text of the spec is quoted
    program: Program = namespace["evaluate"]
    return program
