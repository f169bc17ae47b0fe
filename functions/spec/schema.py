"""JSON Schema of the documents an author writes, for editors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from functions.documents import Json
from functions.governance.contract import DataContract
from functions.spec.cases import CasesFile
from functions.spec.experiments import ExperimentsFile
from functions.spec.language import Spec
from functions.spec.policy import PolicyFile
from functions.spec.registry import Registry

Kind = Literal["spec", "contract", "actions", "policy", "experiments", "cases"]

_MODELS: dict[Kind, type[BaseModel]] = {
    "spec": Spec,
    "contract": DataContract,
    "actions": Registry,
    "policy": PolicyFile,
    "experiments": ExperimentsFile,
    "cases": CasesFile,
}


def json_schema(kind: Kind) -> dict[str, Json]:
    """Return the JSON Schema (draft 2020-12) of one kind of document."""
    schema = _closed(_MODELS[kind].model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _closed(node: Json) -> Json:
    """Return a schema that refuses what no pattern of keys allows; pydantic leaves such keys open."""
    if isinstance(node, list):
        return [_closed(child) for child in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(child) for key, child in node.items()}
    if "patternProperties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
