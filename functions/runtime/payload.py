"""Features become the exact bytes that leave for a model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from functions.decision.evaluating import EVALUATION_ERRORS
from functions.documents import Json
from functions.errors import FeatureExpressionError, FeatureNullError, PayloadTooLargeError
from functions.governance.gate import Clearance, Payload
from functions.spec.plan import ModelPlan
from functions.spec.templates import fill

_QUOTED = re.compile(r'[,"\r\n]')
_CONTENT_TYPES = {"csv": "text/csv", "json": "application/json", "jsonlines": "application/jsonlines"}


def build_payload(model: ModelPlan, features: Mapping[str, Json], clearance: Clearance) -> Payload:
    """Build the payload of a model.

    Args:
        model: How it is called.
        features: By name, in the order of the spec.
        clearance: Proof that consent was checked.

    Raises:
        FeatureNullError: A null or an empty text in CSV without a declared missing token.
        FeatureExpressionError: The template gave what JSON can't carry, or an expression of it failed.
        PayloadTooLargeError: Over the declared budget; nothing is cut.
    """
    is_csv = model.format == "csv"
    body = csv_line(features, model.missing_token) if is_csv else _json(model, features).encode()
    if len(body) > model.max_payload_bytes:
        raise PayloadTooLargeError(
            f"the payload has {len(body):,} bytes, its budget is {model.max_payload_bytes:,}",
            hint="send fewer features, or raise `max_payload`",
        )
    content_type = _CONTENT_TYPES[model.format]
    accept = model.options.get("accept") or ("text/csv" if is_csv else "application/json")
    return Payload(clearance, content_type, body, str(accept))


def csv_line(features: Mapping[str, Json], missing_token: str | None = None) -> bytes:
    """Write features as one line of CSV, without its end.

    Stock CSV decoders of serving containers fail on an int among floats and read an empty cell as 0, so every
    number is written as a float and a cell is never empty.

    Args:
        features: By name, in the order of the spec.
        missing_token: What stands for null and for an empty text.

    Raises:
        FeatureNullError: There is a null or an empty text, and no token for it.
    """
    # Numbers are alike in JSON and CSV, and most cells hold one; null stands for what is none.
    numbers = _encoder()(
        [
            value if type(value) is float else float(value) if type(value) is int else None
            for value in features.values()
        ]
    )[1:-1]
    if b"null" not in numbers:
        return numbers
    cells = numbers.split(b",")
    for index, (name, value) in enumerate(features.items()):
        if cells[index] == b"null":
            cells[index] = _cell(name, value, missing_token).encode()
    return b",".join(cells)


def _cell(name: str, value: Json, missing_token: str | None) -> str:
    if isinstance(value, int | float):
        return _encoder()(float(value)).decode()
    if value is None or value == "":
        if missing_token is None:
            raise FeatureNullError(
                f"feature {name}: null or an empty text can't be sent as CSV",
                hint="declare another answer, or `request.missing_token` if the model knows one",
            )
        return missing_token
    text = str(value)
    if _QUOTED.search(text) is None:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


@cache
def _encoder() -> Callable[[Any], bytes]:
    import msgspec

    return msgspec.json.Encoder().encode


def _json(model: ModelPlan, features: Mapping[str, Json]) -> str:
    if model.template is not None:
        return _filled(model, features)
    if model.format == "jsonlines":
        return _compact({"features": list(features.values())})
    return _compact({"instances": [dict(features)]})


def _filled(model: ModelPlan, features: Mapping[str, Json]) -> str:
    try:
        text = _compact(fill(model.template, model.template_expressions, {"features": dict(features)}))
        text.encode()
    except EVALUATION_ERRORS as error:
        raise FeatureExpressionError(
            f"the request template: an expression failed, or gave what JSON can't carry ({type(error).__name__})"
        ) from None
    return text


def _compact(document: Json) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
