"""Durations as authors write them, such as `30d`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.times import parse_duration


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "duration_type", "must be a duration with its unit: 150ms, 30s, 15m, 12h, 7d or 2w"
        )
    return parse_duration(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,9}(\.[0-9]{1,3})?\s*(ms|s|m|h|d|w)\s*$",
            "examples": ["150ms", "7d"],
        }
    ),
]
