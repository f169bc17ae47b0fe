"""Field types of the spec language: what a scalar may look like, with its JSON Schema."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from functions.documents import Json

EXPRESSION_FORMAT = "jmespath"
"""Marks expressions in the JSON Schema; pydantic keeps no title where a dict holds them."""

_SIZE = re.compile(r"(?P<number>[0-9]{1,9})\s*(?P<unit>B|KB|MB)")
_UNIT_BYTES = {"B": 1, "KB": 1_000, "MB": 1_000_000}


class Section(BaseModel):
    """A mapping of the language: keys are closed, values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


def _size(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("size_type", "must be a size with its unit: 100B, 1KB or 1MB")
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("a size is a number and a unit: 100B, 1KB or 1MB")
    return int(match["number"]) * _UNIT_BYTES[match["unit"]]


def _scalar(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    raise PydanticCustomError("scalar_type", "must be a text, a number, true, false or null")


def shape_of(value: object) -> str:
    """Return the tag of the member of a union that a value is meant to be: a mapping or a scalar."""
    return "<mapping>" if isinstance(value, dict | BaseModel) else "<scalar>"


Size = Annotated[
    int,
    BeforeValidator(_size),
    Field(gt=0),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*0*[1-9][0-9]{0,8}\s*(B|KB|MB)\s*$", "examples": ["1KB"]}
    ),
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
ScorePath = Annotated[str, StringConstraints(pattern=r"^scores\.[A-Za-z_][A-Za-z0-9_]{0,62}$")]
DottedClass = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
ExpressionText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 2048, "format": EXPRESSION_FORMAT}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Scalar = Annotated[
    str | float | int | bool | None,
    BeforeValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
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


# With the shape first, a fault is reported for the one that was meant, and not once for each.
AnswerValue = Annotated[
    Annotated[Literally, Tag("<mapping>")] | Annotated[Scalar, Tag("<scalar>")], Discriminator(shape_of)
]
"""The text `error` (and `clip` for `outside`), a value, null, or `{value: ...}` for the word itself."""


def _text_or_number(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<number>"


AmountValue = Annotated[
    Annotated[ExpressionText, Tag("<text>")] | Annotated[float, Tag("<number>")],
    Discriminator(_text_or_number),
]
"""A number, or an expression over `features` and the outputs."""

HeaderValue = Annotated[
    Annotated[SecretName, Tag("<mapping>")] | Annotated[Text, Tag("<scalar>")], Discriminator(shape_of)
]


def literal_value(answer: Json | Literally) -> Json:
    """Return the plain value of an answer."""
    return answer.value if isinstance(answer, Literally) else answer
