"""Field types of the spec language: what a scalar may look like, with its JSON Schema."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from functions.documents import Json
from functions.times import parse_duration

_SIZE = re.compile(r"(?P<number>\d{1,9})\s*(?P<unit>B|KB|MB)")
_UNIT_BYTES = {"B": 1, "KB": 1_000, "MB": 1_000_000}


class Section(BaseModel):
    """A mapping of the language: keys are closed, values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else _refuse_number(value)


def _refuse_number(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("a duration needs its unit: 150ms, 30s, 15m, 12h, 7d or 2w")
    return value


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("a size is a number and a unit: 100B, 1KB or 1MB")
    return int(match["number"]) * _UNIT_BYTES[match["unit"]]


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d|w)$", "examples": ["150ms", "7d"]}
    ),
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*(B|KB|MB)$", "examples": ["1KB"]}),
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
ScorePath = Annotated[str, StringConstraints(pattern=r"^scores\.[A-Za-z_][A-Za-z0-9_]{0,62}$")]
DottedClass = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
ExpressionText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 2048, "title": "JMESPath expression"}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Scalar = str | float | int | bool | None
JsonDocument = Annotated[Any, WithJsonSchema({})]


class Literally(Section):
    """A value that would otherwise be read as a word of the language, such as the text `error`."""

    value: Scalar = Field(description="The value itself.")


class SecretName(Section):
    """A secret, by name; the value comes from the environment of the deployment."""

    secret: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,128}$")] = Field(
        description="Name of the secret."
    )


class FromExpression(Section):
    """A leaf of a template that an expression fills."""

    from_: ExpressionText = Field(alias="from", description="JMESPath expression.")


AnswerValue = Literal["error"] | Literally | Scalar
HeaderValue = str | SecretName


def literal_value(answer: Json | Literally) -> Json:
    """Return the plain value of an answer."""
    return answer.value if isinstance(answer, Literally) else answer
