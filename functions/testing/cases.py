"""Run the cases of a spec: the real runtime over a memory store, a scripted model and a memory channel."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.decision.evaluating import evaluate
from functions.documents import Json
from functions.errors import EventError, FunctionsError, ModelTimeoutError, ModelUnavailableError
from functions.events.reading import Parsed, read_document, read_events
from functions.governance.consent import parse_consent
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.store import CommitRequest, DecisionRecord, ProfileStore, Score, StateUpdate
from functions.runtime.receipt import Receipt, refused
from functions.spec.cases import Case, Given
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.times import parse_instant

_RECEIVED_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""Only the correction of producers' clocks uses it; a case is the same on every day."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went.

    Attributes:
        name: Its sentence.
        differences: What was expected and what was found, a line each; empty when it passed.
        receipt: What the function said; None when the case could not be run.
    """

    name: str
    differences: tuple[str, ...]
    receipt: Receipt | None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def run_case(plan: Plan, case: Case, *, folder: Path) -> CaseResult:
    """Run one case.

    Args:
        plan: The function.
        case: What is given and expected.
        folder: Paths of event files are relative to it.
    """
    model = _model(case.given)
    try:
        receipt = _run(plan, case.given, model, _parsed(case.given.event, folder))
    except OSError as error:
        what = f"the case can't be run: its event file {case.given.event} can't be read: {error.strerror}"
        return CaseResult(case.name, (what,), None)
    except (FunctionsError, ValueError) as error:
        return CaseResult(case.name, (f"the case can't be run: {error}",), None)
    differences = list(_differences(case, receipt))
    if case.given.model is None and model.calls:
        differences.append("model: the case gives no reply, but the model was called")
    return CaseResult(case.name, tuple(differences), receipt)


def _parsed(given: Json, folder: Path) -> Parsed:
    if isinstance(given, str):
        records = read_events((folder / given).read_bytes(), received_at=_RECEIVED_AT)
    else:
        records = read_document(given, received_at=_RECEIVED_AT)
    if len(records) != 1:
        raise ValueError(f"a case is about one event, and {len(records)} are given")
    return records[0]


def _run(plan: Plan, given: Given, model: MemoryModel, parsed: Parsed) -> Receipt:
    try:
        event = parsed.value()
    except EventError as error:
        return refused(plan, error)
    now = parse_instant(given.now) if given.now else event.time
    rehearsal = Rehearsal(now=now, model=model)
    key = evaluate(plan.key, {"event": event.as_document()})
    if isinstance(key, str):
        _fill(rehearsal.store, key, given, now)
    return rehearsal.runtime.handle(plan, event, now=now)


def _fill(store: ProfileStore, key: str, given: Given, now: datetime) -> None:
    before = now - timedelta(days=1)
    if given.profile is not None:
        if not isinstance(given.profile, dict):
            raise ValueError("the profile is an object, or null for none")
        store.put_profile(key, given.profile, updated_at=before)
    for record in parse_consent(given.consent, default_at=before).values():
        store.put_consent(key, record, now=max(now, record.at))
    if given.scores:
        scores = {name: _score(name, fields, before) for name, fields in given.scores.items()}
        decision = DecisionRecord(
            id="earlier",
            function="earlier",
            event_id="earlier",
            profile_id=key,
            decided_at=before,
            outcome="no_action",
            reason="actions.none",
            body={},
            expires_at=now,
        )
        store.commit(CommitRequest(decision=decision, state=StateUpdate(scores=scores)))


def _score(name: str, fields: Json, before: datetime) -> Score:
    given = fields if isinstance(fields, dict) else {"value": fields}
    if "value" not in given or not given.keys() <= {"value", "at", "expires_at"}:
        raise ValueError(f"the score {name} is a value, or an object with `value`, `at` and `expires_at`")
    expires_at = given.get("expires_at")
    return Score(
        value=given["value"],
        at=parse_instant(given["at"]) if given.get("at") else before,
        expires_at=parse_instant(expires_at) if expires_at else None,
        function="earlier",
        decision_id="earlier",
        model="earlier",
    )


def _model(given: Given) -> MemoryModel:
    if given.model == "timeout":
        return MemoryModel(lambda _: ModelTimeoutError("the model did not answer in time"))
    if given.model is None or given.model == "down":
        return MemoryModel(lambda _: ModelUnavailableError("the model is down"))
    body = given.model.body
    text = body if isinstance(body, str) else json.dumps(body)
    reply = ModelReply(text.encode(), given.model.content_type)
    return MemoryModel(lambda _: reply)


def _differences(case: Case, receipt: Receipt) -> Iterator[str]:
    expected = case.expect.model_dump(exclude_unset=True)
    document = receipt.as_document()
    found: Mapping[str, Json] = {
        "outcome": document["outcome"],
        "reason": document["reason"]["code"],
        "action": document["action"]["name"] if document["action"] else None,
        "features": document["features"],
        "imputed": document["imputed"],
        "payload": document["payload"]["body"] if document["payload"] else None,
        "scores": document["scores"],
        "rung": document["model"]["rung"] if document["model"] else "none",
        "write_back": document["write_back"],
    }
    for key, value in expected.items():
        if not _same(value, found[key]):
            yield f"{key}: expected {json.dumps(value)}, found {json.dumps(found[key])}"


def _same(expected: Json, found: Json) -> bool:
    """Compare JSON values; numbers to nine significant digits."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_same(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, expected, found))
    if _is_number(expected) and _is_number(found):
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-12)
    return type(expected) is type(found) and bool(expected == found)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
