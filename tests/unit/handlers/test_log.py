"""The log line of a receipt, by a canary in each of its fields, whatever fields it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from itertools import count
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from functions.documents import Json
from functions.handlers.log import log_document
from functions.runtime.receipt import Receipt

LOGGED: Final = frozenset({
    "Receipt.function", "Receipt.decision_id", "Receipt.read_paths", "Receipt.profile_bytes", "Receipt.generation",
    "Receipt.features:name", "Receipt.scores:name", "Receipt.write_back:name",
    "Receipt.imputed:name", "Receipt.imputed", "Receipt.unusable:name", "Receipt.unusable",
    "Receipt.timings_ms:name", "Receipt.timings_ms", "Receipt.original_outcome",
    "Bundle.spec", "Bundle.policy", "Bundle.model",
    "Reason.code", "Reason.text", "Reason.rule",
    "ConsentCheck.check", "ConsentCheck.purpose", "ConsentCheck.consent",
    "ExceptionPlan.reads", "ExceptionPlan.labels", "Hit.where", "Hit.pattern",
    "SentPayload.content_type", "SentPayload.bytes", "SentPayload.labels",
    "ModelCall.kind", "ModelCall.target", "ModelCall.latency_ms", "ModelCall.attempts", "ModelCall.error",
    "Assignment.experiment", "Candidate.action", "Candidate.by", "Valued.lacking",
    "ActionTaken.name", "ActionTaken.channel", "ActionTaken.idempotency_key", "ActionTaken.note",
})  # fmt: skip
"""Fields that may be read in a log: names, codes, sizes and figures of our own."""


class Planter:
    """Makes values of any type, with a canary in each place, and remembers the place."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self._numbers = count(910_000_001)

    def value(self, kind: Any, place: str) -> Any:
        if is_dataclass(kind):
            assert isinstance(kind, type)
            hints = get_type_hints(kind)
            made = {
                one.name: self.value(hints[one.name], f"{kind.__name__}.{one.name}") for one in fields(kind)
            }
            return kind(**made)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return arguments[0]
        if kind == Json or kind is Any:
            return self._canary(place, text=True)
        if origin in (Union, UnionType):
            return self.value(next(one for one in arguments if one is not NoneType), place)
        if origin is not None and issubclass(origin, Mapping):
            return {self._canary(f"{place}:name", text=True): self.value(arguments[1], place)}
        if origin is tuple:
            return (self.value(arguments[0], place),)
        if kind is datetime:
            return datetime(2026, 11, 2, tzinfo=UTC)
        return False if kind is bool else self._canary(place, text=kind is str)

    def _canary(self, place: str, *, text: bool) -> str | int:
        number = next(self._numbers)
        self.places[str(number)] = place
        return f"canary-{number}" if text else number


def found(receipt: Receipt, planter: Planter) -> set[str]:
    written = json.dumps(log_document(receipt))
    return {place for canary, place in planter.places.items() if canary in written}


def test_log_line_holds_no_field_of_a_receipt_but_those_that_are_listed() -> None:
    planter = Planter()
    receipt = planter.value(Receipt, "Receipt")
    logged = found(receipt, planter) | found(replace(receipt, outcome="duplicate"), planter)
    assert logged == LOGGED
    assert {"Receipt.segment", "Receipt.event_id", "Term.value", "Candidate.chance"} <= set(
        planter.places.values()
    )


def test_log_line_of_a_receipt_without_anything_has_the_keys_of_a_full_one() -> None:
    planter = Planter()
    full = planter.value(Receipt, "Receipt")
    empty = Receipt(full.function, full.outcome, full.reason)
    assert set(log_document(empty)) == set(log_document(replace(full, generation=0)))
