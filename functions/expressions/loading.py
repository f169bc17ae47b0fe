"""Compiled features from an artefact, without parsing, generating or importing `jmespath`."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, MappingProxyType
from typing import Any

from functions.documents import Json
from functions.expressions.features import CompiledFeatures, Expression, Program, value_or_failure
from functions.expressions.paths import How, merge_reads
from functions.expressions.sealing import opened


def load_features(artifact: Mapping[str, Json]) -> CompiledFeatures:
    """Return the features of an artefact that `CompiledFeatures.to_artifact` made.

    Raises:
        ArtifactError: Of another format or version of Python, damaged, or no artefact at all. The texts of
            the expressions are still in it, for `compile_features`.
    """
    code = opened(artifact)
    needs = list(How)
    expressions = {
        name: Expression(
            text,
            MappingProxyType({tuple(path): needs[how - 1] for path, how in lineage}),
            tuple(reads),
        )
        for name, text, reads, lineage in artifact["expressions"]
    }
    return CompiledFeatures(
        MappingProxyType(expressions),
        MappingProxyType(merge_reads(expression.lineage for expression in expressions.values())),
        artifact["code"],
        program_of(code, [expression.source for expression in expressions.values()]),
    )


def program_of(code: CodeType, texts: list[str]) -> Program:
    """Run a generated module and return its function.

    Args:
        code: The module.
        texts: The expressions it was generated from, in order, for its slow path.
    """
    namespace: dict[str, Any] = {
        "__name__": "functions.expressions.generated",
        "slow": lambda position, root: value_or_failure(texts[position], root),
    }
    exec(code, namespace)  # noqa: S102 - our own generated code, in which all text of the spec is quoted
    program: Program = namespace["evaluate"]
    return program
